package app_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// What a request costs on PostgreSQL is how often it has to wait for it: each
// statement that could have gone with another one is a round trip more. These
// are bounds for the requests that a client repeats for each user.
func TestRoundTripsToPostgreSQL(t *testing.T) {
	link := newLink(t, apptest.Postgres(t))
	a := apptest.Start(t, apptest.On(link.database))
	n := 0
	user := func() string {
		n++
		return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"e%d","userName":"u%d@contoso.example","emails":[{"type":"work","value":"u%d@contoso.example"}]}`, n, n, n)
	}
	send := func(method, path, body string, status int) apptest.Response {
		t.Helper()
		r := a.Do(method, path, a.Token, body)
		if r.Status != status {
			t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Text)
		}
		return r
	}
	create := func(path, body string) (id string) {
		t.Helper()
		id, _ = send("POST", path, body, 201).Body["id"].(string)
		return id
	}
	id := "/Users/" + create("/Users", user())
	group := "/Groups/" + create("/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"g"}`)
	patch := func(op string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + op + `]}`
	}
	type request struct {
		name string
		most int64
		do   func()
	}
	addMember := func() {
		member := create("/Users", user())
		link.turns.Store(0)
		send("PATCH", group, patch(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, member)), 204)
	}
	bounded := func(all ...request) {
		t.Helper()
		for _, c := range all {
			// The first ones prepare their statements, and now and then the server
			// does something besides.
			least := int64(1 << 40)
			for range 8 {
				link.turns.Store(0)
				c.do()
				least = min(least, link.turns.Load())
			}
			if least > c.most {
				t.Errorf("%s: %d round trips, want %d at most", c.name, least, c.most)
			}
		}
	}
	bounded([]request{
		// What is asked for; the token is looked at on the way.
		{"GET by id", 1, func() { send("GET", id, "", 200) }},
		{"look-up by userName", 1, func() {
			send("GET", "/Users?filter="+url.QueryEscape(`userName eq "u1@contoso.example"`), "", 200)
		}},
		{"look-up by work e-mail", 1, func() {
			send("GET", "/Users?filter="+url.QueryEscape(`emails[type eq "work"].value eq "u1@contoso.example"`), "", 200)
		}},
		// What is there already; what changes, with the commit.
		{"create", 2, func() { send("POST", "/Users", user(), 201) }},
		{"PATCH", 2, func() {
			n++
			send("PATCH", id, patch(fmt.Sprintf(`{"op":"replace","path":"title","value":"%d"}`, n)), 200)
		}},
		// Besides, the member, and whether it is one already.
		{"add a member", 4, addMember},
		// Besides, the push; to delete, also what is lost with the user: that it is in
		// no group, and that nobody reports to it.
		{"disable", 3, func() {
			user := "/Users/" + create("/Users", user())
			link.turns.Store(0)
			send("PATCH", user, patch(`{"op":"replace","path":"active","value":false}`), 200)
		}},
		{"delete", 6, func() {
			user := "/Users/" + create("/Users", user())
			link.turns.Store(0)
			send("DELETE", user, "", 204)
		}},
		// The token, numbers for the rows, and two for each transaction.
		{"bulk of 100 creates", 5, func() {
			var ops []string
			for range 100 {
				ops = append(ops, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"b%d","data":%s}`, n, user()))
			}
			send("POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[`+strings.Join(ops, ",")+`]}`, 200)
		}},
	}...)

	// Where there are orders: which of them wait for the member.
	order := fmt.Sprintf(`{"product":{"value":%q},"recipient":{"value":%q}}`,
		a.Do("POST", "/CatalogProducts", a.AdminToken, `{"displayName":"p"}`).Body["id"], strings.TrimPrefix(id, "/Users/"))
	if r := a.Do("POST", "/Orders", a.AdminToken, order); r.Status != 201 {
		t.Fatalf("order: %d %s", r.Status, r.Text)
	}
	bounded(request{"add a member of a tenant with orders", 5, addMember})
}

// link is a way to a database that counts how often the client speaks after
// the server has.
type link struct {
	database string
	turns    atomic.Int64
}

func newLink(t *testing.T, database string) *link {
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	u.Host = l.Addr().String()
	k := &link{database: u.String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go k.carry(client, server)
		}
	}()
	return k
}

func (k *link) carry(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	var answered atomic.Bool
	answered.Store(true)
	go func() {
		_, _ = io.Copy(noting{client, func() { answered.Store(true) }}, server)
		client.Close()
	}()
	_, _ = io.Copy(noting{server, func() {
		if answered.Swap(false) {
			k.turns.Add(1)
		}
	}}, client)
}

// noting calls note before it writes.
type noting struct {
	net.Conn
	note func()
}

func (n noting) Write(b []byte) (int, error) {
	n.note()
	return n.Conn.Write(b)
}

package acceptance_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

const respondAsync = "Prefer: respond-async"

// later sends a write that is to be carried out later.
func (c *client) later(method, path string, body any, headers ...string) *answer {
	c.t.Helper()
	a := c.do(method, path, body, append(headers, respondAsync)...).status(http.StatusAccepted)
	if len(a.Text) > 0 || a.Header.Get("Preference-Applied") != "respond-async" || a.Header.Get("Set-Txn") == "" {
		c.t.Errorf("%s: %v %s", a.asked, a.Header, a.Text)
	}
	return a
}

// result waits for what became of a request.
func (c *client) result(accepted *answer) *answer {
	c.t.Helper()
	var a *answer
	until(c.t, "the request is carried out", func() bool {
		a = c.get(accepted.Header.Get("Location"))
		return a.Status != http.StatusAccepted
	})
	if a.status(200).Header.Get("Set-Txn") != accepted.Header.Get("Set-Txn") {
		c.t.Errorf("%v", a.Header)
	}
	return a
}

// Single writes are carried out later if the client prefers that, in their order,
// by the rules of every write; the sender reads what became of them, and its
// stream tells it (RFC 9967 §2.5.1).
func TestWritesAreCarriedOutLater(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		hr := n.source(store.SourceAPI, "hr", store.Policies{})
		told := n.entra.stream(n.house, object{"events": list{scimEvent + "misc:asyncresp"}})
		n.entra.get("/ServiceProviderConfig").status(200).is("securityEvents/asyncRequest", "request")
		uris := fmt.Sprint(n.admin.get("/ServiceProviderConfig").at("securityEvents/eventUris"))
		if !strings.Contains(uris, scimEvent+"misc:asyncresp") || !strings.Contains(uris, "create:full") {
			t.Errorf("events %s", uris)
		}

		created := n.entra.later("POST", "/Users", user("ana@contoso.com", "externalId", "a1"))
		made := n.entra.result(created).is("Operations/0/method", "POST").is("Operations/0/status", "201").is("schemas/0", "urn:ietf:params:scim:api:messages:2.0:BulkResponse")
		location := made.text("Operations/0/location")
		id := location[strings.LastIndexByte(location, '/')+1:]
		version := made.text("Operations/0/version")
		n.entra.get("/Users/"+id).status(200).is("userName", "ana@contoso.com").is("meta/version", version)

		// If-Match is judged when it is carried out.
		var accepted []*answer
		accepted = append(accepted, created,
			n.entra.later("PATCH", "/Users/"+id, patchOf(op("replace", "title", "Lead")), "If-Match: "+version),
			n.entra.later("PUT", "/Users/"+id, user("ana@contoso.com", "externalId", "a1"), "If-Match: "+version),
			n.entra.later("POST", "/Users", user("ana@contoso.com", "externalId", "a2")),
			n.entra.later("DELETE", "/Users/"+id, nil),
			n.entra.later("PATCH", "/Users/"+id, patchOf(op("replace", "title", "Gone"))))
		want := []string{"201", "200", "412", "409", "204", "404"}
		for i, a := range accepted {
			r := n.entra.result(a).is("Operations/0/status", want[i])
			if want[i] > "300" {
				r.is("Operations/0/response/status", want[i]).is("Operations/0/response/schemas/0", errorURN)
			}
		}
		n.entra.get("/Users/" + id).status(404)

		sets := told.take(len(accepted))
		for i, s := range sets {
			payload := s.Events[scimEvent+"misc:asyncresp"]
			if s.Txn != accepted[i].Header.Get("Set-Txn") || payload["status"] != want[i] || payload["method"] == nil {
				t.Errorf("event %d: %s", i, s.text)
			}
			if i != 3 && s.Subject.URI != "/Users/"+id || i == 3 && s.Subject.URI != "/Users" {
				t.Errorf("subject %d: %s", i, s.text)
			}
		}
		for _, c := range []*client{hr, n.admin, n.house.tenant(t).admin} {
			c.get(created.Header.Get("Location")).status(404)
		}
		n.entra.get("/AsyncRequests/" + nobody).status(404)

		// The token itself is at Location, for who accepts it.
		token := n.entra.get(created.Header.Get("Location"), "Accept: application/secevent+jwt").status(200)
		about := object{"issuer": n.house.URL + "/tenants/" + n.slug + "/sources/" + n.sourceID("entra"), "keysUrl": n.house.URL + "/.well-known/jwks.json", "audience": n.sourceID("entra")}
		if s := verify(t, about, string(token.Text)); s.Txn != created.Header.Get("Set-Txn") || s.named() != "misc:asyncresp" || s.Subject.URI != "/Users/"+id {
			t.Errorf("%s", s.text)
		}
	})
}

// What is wrong whatever the state is refused at once; so is what isn't to be
// carried out later answered as ever.
func TestWhatNeedsNoStateIsAnsweredAtOnce(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for status, send := range map[int]func() *answer{
			400: func() *answer { return n.entra.post("/Users", "{", respondAsync) },
			401: func() *answer {
				return (&client{t, n.house.SCIM, "ws_bx"}).post("/Users", user("a@contoso.com"), respondAsync)
			},
			403: func() *answer { return n.entra.post("/Orders", object{}, respondAsync) },
			404: func() *answer { return n.entra.delete("/Nothing/1", respondAsync) },
			413: func() *answer { return n.entra.post("/Bulk", `{"a":"`+strings.Repeat("x", 9<<20)+`"}`, respondAsync) },
			406: func() *answer { return n.entra.get("/Users", "Accept: application/secevent+jwt") },
			415: func() *answer {
				return n.entra.post("/Users", user("a@contoso.com"), respondAsync, "Content-Type: text/plain")
			},
			200: func() *answer { return n.entra.get("/Users", respondAsync) },
			201: func() *answer { return n.entra.post("/Users", user("b@contoso.com"), "Prefer: respond-async, wait=10") },
		} {
			if a := send().status(status); a.Header.Get("Set-Txn") != "" {
				t.Errorf("%s: %v", a.asked, a.Header)
			}
		}
		n.entra.post("/Users?dryRun=true", user("c@contoso.com"), respondAsync).status(201)
		n.entra.post("/Users", user("d@contoso.com"), "Prefer: return=minimal").status(201)
		a := n.entra.post("/Users", user("e@contoso.com"), `Prefer: return=minimal, Respond-Async; x="1", wait=0`).status(202)
		n.entra.result(a).is("Operations/0/status", "201")
	})
}

// A bulk request is carried out as a whole, and each of its operations told by its
// index (RFC 9967 §2.5.1.2).
func TestBulkRequestsAreCarriedOutLater(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		told := n.entra.stream(n.house, object{"events": list{scimEvent + "misc:asyncresp"}})
		body := object{"schemas": list{bulkURN}, "failOnErrors": 2, "Operations": list{
			object{"method": "POST", "path": "/Users", "bulkId": "u", "data": user("ana@contoso.com")},
			object{"method": "POST", "path": "/Groups", "bulkId": "g", "data": group("Team", "members", refs("bulkId:u"))},
			object{"method": "POST", "path": "/Users", "bulkId": "v", "data": user("ana@contoso.com", "externalId", "x")},
			object{"method": "DELETE", "path": "/Users/" + nobody},
			object{"method": "POST", "path": "/Users", "bulkId": "w", "data": user("late@contoso.com")},
		}}
		accepted := n.entra.later("POST", "/Bulk", body)
		r := n.entra.result(accepted)
		for i, want := range []string{"201", "201", "409", "404", "424"} {
			r.is(fmt.Sprintf("Operations/%d/status", i), want)
		}
		if n.entra.find("/Users", `userName eq "late@contoso.com"`).at("totalResults") != 0.0 {
			t.Error("what came after failOnErrors was carried out")
		}
		seen := map[string]bool{}
		for _, s := range told.take(5) {
			seen[s.Txn] = true
		}
		for i := range 5 {
			if txn := fmt.Sprint(accepted.Header.Get("Set-Txn"), ":", i); !seen[txn] {
				t.Errorf("%s wasn't told: %v", txn, seen)
			}
			n.entra.get(fmt.Sprint(accepted.Header.Get("Location"), ":", i), "Accept: application/secevent+jwt").status(200)
		}
	})
}

// Accepted requests survive the end of the server, and several servers carry each
// out once, in their order.
func TestAcceptedRequestsSurviveTheServer(t *testing.T) {
	const requests = 40
	apptest.Each(t, func(t *testing.T, database string) {
		h := &house{apptest.Start(t, apptest.On(database), apptest.Bare())}
		n := h.tenant(t)
		id := n.entra.create("/Users", user("ana@contoso.com"))
		var accepted []string
		for i := range requests {
			a := n.entra.later("PATCH", "/Users/"+id, patchOf(op("add", "emails", list{object{"value": fmt.Sprintf("%02d@contoso.com", i), "type": fmt.Sprint(i)}})))
			accepted = append(accepted, a.Header.Get("Set-Txn"))
		}
		if err := h.Stop(); err != nil {
			t.Fatal(err)
		}
		servers := []*house{{apptest.Start(t, apptest.On(database), apptest.Bare())}}
		if strings.HasPrefix(database, "postgres") {
			servers = append(servers, &house{apptest.Start(t, apptest.On(database), apptest.Bare())})
		}
		c := &client{t, servers[0].SCIM, n.entra.token}
		for _, txn := range accepted {
			var a *answer
			until(t, "it is carried out", func() bool { a = c.get("/AsyncRequests/" + txn); return a.Status == 200 })
			a.is("Operations/0/status", "200")
		}
		got := c.get("/Users/" + id).status(200)
		for i := range requests {
			if got.at(fmt.Sprintf("emails/%d/value", i)) != fmt.Sprintf("%02d@contoso.com", i) {
				t.Errorf("emails %s", got.Text)
				break
			}
		}
		done := map[any]int{} // by the txn: how often it was told
		log := (&client{t, servers[0].SCIM, n.admin.token}).get(servers[0].URL + "/api/v1/events?type=request.completed&limit=500").status(200)
		for _, e := range log.at("items").(list) {
			done[e.(object)["txn"]]++
		}
		for _, txn := range accepted {
			if done[txn] != 1 {
				t.Errorf("%s was carried out %d times", txn, done[txn])
			}
		}
		if version := got.text("meta/version"); version != fmt.Sprintf(`W/"%d"`, requests+1) {
			t.Errorf("version %s after %d changes", version, requests)
		}
	})
}

// A request that takes long, here because somebody else has locked the row of its
// user, holds up its own source only. (SQLite has one writer.)
func TestALongRequestHoldsUpItsOwnSourceOnly(t *testing.T) {
	t.Parallel()
	h := &house{apptest.Start(t, apptest.On(apptest.Postgres(t)), apptest.Bare())}
	n := h.tenant(t)
	hr := n.source(store.SourceAPI, "hr", store.Policies{})
	id := n.entra.create("/Users", user("ana@contoso.com"))
	connect := func() *pgx.Conn {
		conn, err := pgx.Connect(t.Context(), h.Database)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := conn.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return conn
	}
	lock, err := connect().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if tag, err := lock.Exec(t.Context(), "SELECT FROM resources WHERE id = $1 FOR UPDATE", id); err != nil || tag.RowsAffected() != 1 {
		t.Fatal(tag, err)
	}
	conn := connect()
	// waiting names the transaction that waits for the row: after a while it is
	// another one, which tries again.
	waiting := func() (which string) {
		until(t, "the long request waits for the row", func() bool {
			err := conn.QueryRow(t.Context(), "SELECT pid || ' ' || xact_start FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&which)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				t.Fatal(err)
			}
			return err == nil
		})
		return which
	}
	long := n.entra.later("PATCH", "/Users/"+id, patchOf(op("replace", "title", "Lead")))
	sent := 0
	until(t, "another source's request is carried out while the long one waits", func() bool {
		before := waiting()
		sent++
		hr.result(hr.later("POST", "/Users", user(fmt.Sprintf("hr%d@contoso.com", sent)))).is("Operations/0/status", "201")
		return before == waiting()
	})
	n.entra.get(long.Header.Get("Location")).status(http.StatusAccepted)
	if err := lock.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.entra.result(long).is("Operations/0/status", "200")
}

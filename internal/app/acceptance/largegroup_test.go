package acceptance_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

// large runs the test of large groups at the full 250,000 members, which takes
// a minute or two.
var large = flag.Bool("large", false, "fill the large group with 250,000 members instead of 10,000")

// TestE079ALargeGroupChangesByOneMember fills a group by PATCHes of bulk
// requests, each under 1 MiB, and shows that one more member is one more
// member: one version, one event of one id, an answer without the others. How
// long it takes at which size is in make bench.
func TestE079ALargeGroupChangesByOneMember(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		size := 10_000
		switch {
		case *large:
			size = 250_000
		case strings.HasPrefix(n.house.Database, "postgres"):
			size = 3_000
		}
		g := n.entra.create("/Groups", group("Everybody"))
		ids := n.fill(g, size)
		one := n.entra.create("/Users", user("one@contoso.com"))

		for _, read := range []*answer{
			n.entra.get("/Groups/" + g + "?excludedAttributes=members").status(200),
			n.entra.find("/Groups", `displayName eq "Everybody"`, "excludedAttributes=members").total(1),
		} {
			if len(read.Text) > 2000 || strings.Contains(string(read.Text), ids[0]) {
				t.Errorf("%s: %d bytes", read.asked, len(read.Text))
			}
		}
		for _, step := range []struct {
			op            object
			before, after string
		}{
			{op("Add", "members", refs(one)), "", memberList(one)},
			{op("Remove", "members", refs(ids[size/2])), memberList(ids[size/2]), ""},
			{op("remove", `members[value eq "`+one+`"]`, nil), memberList(one), ""},
		} {
			version := n.entra.get("/Groups/" + g + "?excludedAttributes=members").Header.Get("ETag")
			events := n.since(func() {
				a := n.entra.patch("/Groups/"+g, step.op).status(204)
				if a.Header.Get("ETag") == version || len(a.Text) > 0 {
					t.Errorf("%s: %s after %s", a.asked, a.Header.Get("ETag"), version)
				}
			})
			if len(events) != 1 || string(events[0].Before) != step.before || string(events[0].After) != step.after {
				t.Errorf("%v: %d events", step.op, len(events))
			}
		}
		n.entra.find("/Groups", fmt.Sprintf(`id eq %q and members eq %q`, g, ids[0]), "attributes=id").total(1)
		n.entra.find("/Groups", fmt.Sprintf(`id eq %q and members eq %q`, g, ids[size/2]), "attributes=id").total(0)
		whole := n.entra.get("/Groups/" + g).status(200)
		if got := len(whole.at("members").(list)); got != size-1 {
			t.Errorf("%d members", got)
		}
	})
}

// fill makes users and makes them members of a group; their ids come back.
func (n *tenant) fill(g string, size int) []string {
	n.t.Helper()
	const chunk = 1000
	ids := make([]string, 0, size)
	for len(ids) < size {
		var body strings.Builder
		body.WriteString(`{"schemas":["` + bulkURN + `"],"Operations":[`)
		for i := range chunk {
			if i > 0 {
				body.WriteByte(',')
			}
			fmt.Fprintf(&body, `{"method":"POST","path":"/Users","bulkId":"%d","data":{"schemas":["%s"],"userName":"m%d"}}`, i, userURN, len(ids)+i)
		}
		body.WriteString(`]}`)
		made := n.entra.post("/Bulk", body.String()).status(200).at("Operations").(list)
		from := len(ids)
		for _, m := range made {
			location, _ := m.(object)["location"].(string)
			ids = append(ids, location[strings.LastIndexByte(location, '/')+1:])
		}
		n.entra.post("/Bulk", bulkOf(bulkOp("PATCH", "/Groups/"+g, "", patchOf(op("add", "members", refs(ids[from:]...)))))).
			status(200).is("Operations/0/status", "200")
	}
	return ids
}

package acceptance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// Rows H024, R15: who decides about a held run sees whom and what it would hit:
// products by their groups, and those that were ordered.
func TestAHeldRunTellsWhomAndWhatItWouldHit(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI) // deleted the last user, and waits with another
		product := func(name string, groups ...string) string {
			return n.admin.create("/CatalogProducts", object{"displayName": name, "groups": refs(groups...)})
		}
		product("Mail", s.all)
		product("Print", s.pair, s.all)
		product("Nobody's", s.source.create("/Groups", group("G2", "externalId", "g2")))
		chat := product("Chat")
		ordered := n.admin.post("/Orders", order(chat, s.users[35])).status(201).text("id")
		cancelled := n.admin.post("/Orders", order(chat, s.users[36])).status(201).text("id")
		n.admin.patch("/Orders/"+cancelled, op("replace", "state", "cancelled")).status(200)
		told := func(want string) {
			t.Helper()
			run := s.onlyHeld()
			a := n.api("GET", "/runs/"+run+"/impact", nil).status(200)
			var got []string
			for _, name := range []string{"deletes", "disables", "identityChanges", "membershipRemovals", "people", "groups"} {
				got = append(got, fmt.Sprint(a.at(name)))
			}
			products, _ := a.at("products").(list)
			for _, p := range products {
				got = append(got, fmt.Sprintf("%v:%v", p.(object)["displayName"], p.(object)["people"]))
			}
			if strings.Join(got, " ") != want {
				t.Errorf("it would hit %q, want %q", strings.Join(got, " "), want)
			}
			_, hash := s.plan(run)
			a.is("planHash", hash)
		}
		told("1 0 0 0 1 0") // one who has nothing
		s.source.delete("/Users/" + s.users[0]).status(204)
		s.source.patch("/Users/"+s.users[35], op("replace", "active", false)).status(200)
		s.source.patch("/Users/"+s.users[36], op("replace", "userName", "other@contoso.com")).status(200)
		told("2 1 1 0 3 0 Chat:1 Mail:1 Print:1")
		s.source.patch("/Groups/"+s.pair, op("remove", "members", nil)).status(204)
		told("2 1 1 2 4 1 Print:2 Chat:1 Mail:1")
		s.source.delete("/Groups/" + s.all).status(204)
		told("3 1 1 2 32 2 Mail:30 Print:30 Chat:1")

		run := s.onlyHeld()
		s.source.do("GET", n.house.URL+"/api/v1/runs/"+run+"/impact", nil).status(403)
		s.reject()
		n.api("GET", "/runs/"+run+"/impact", nil).status(200).is("people", 32)
		n.admin.get("/Orders/"+ordered).status(200).is("state", "complete")
	})
}

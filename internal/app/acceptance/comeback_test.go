package acceptance_test

import (
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// A source that deletes a user takes back what it said of it: also where it
// names a manager by the id of its own directory. What it says again, before or
// after the user is back, holds.
func TestAManagerWhoComesBackIsOneForWhomTheSourceSaysSo(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "corp", store.Policies{}).in(t)
		boss := user("boss@contoso.com", "externalId", "boss")
		report := func(name string) string {
			return ad.create("/Users", user(name+"@contoso.com", "externalId", name, enterpriseURN, object{"manager": object{"value": "boss"}}))
		}
		id := ad.create("/Users", boss)
		silent, before, after := report("silent"), report("before"), report("after")
		manager := func(user string, want any) {
			t.Helper()
			n.admin.get("/Users/"+user).is(enterpriseURN+"/manager/value", want)
		}
		manager(silent, id)
		ad.delete("/Users/" + id).status(204)
		manager(silent, nil)
		ad.get("/Users/"+silent).is(enterpriseURN, nil)
		say := op("replace", enterpriseURN+":manager", object{"value": "boss"})
		ad.patch("/Users/"+before, say).status(200)
		manager(before, nil)
		if again := ad.create("/Users", boss); again != id {
			t.Fatalf("%s came back as %s", id, again)
		}
		manager(before, id)
		manager(silent, nil)
		ad.patch("/Users/"+after, say).status(200)
		manager(after, id)
	})
}

// The same for members.
func TestAMemberWhoComesBackIsOneOfTheGroupsThatSaySo(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "corp", store.Policies{}).in(t)
		anna := user("anna@contoso.com", "externalId", "anna")
		id := ad.create("/Users", anna)
		silent, before, after := ad.create("/Groups", group("Silent", "members", refs("anna"))),
			ad.create("/Groups", group("Before", "members", refs("anna"))), ad.create("/Groups", group("After", "members", refs("anna")))
		ad.delete("/Users/" + id).status(204)
		for _, g := range []string{silent, before, after} {
			ad.hasMembers(g)
		}
		ad.put("/Groups/"+before, group("Before", "members", refs("anna"))).status(200)
		ad.create("/Users", anna)
		ad.patch("/Groups/"+after, op("add", "members", refs("anna"))).status(204)
		ad.hasMembers(silent)
		ad.hasMembers(before, id)
		ad.hasMembers(after, id)
	})
}

// Law 7: whoever comes first brings back what another source deleted, if it has
// the same anchor; so the two are one, whatever the order.
func TestWhatASourceDeletedComesBackByTheAnchorOfAnother(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "corp", store.Policies{}).in(t)
		for path, has := range map[string]object{
			"/Groups": group("Staff", wsGroupURN, object{"originAnchor": guid(7)}),
			"/Users":  user("anna@contoso.com", workspaceURN, object{"originAnchor": guid(8)}),
		} {
			id := ad.create(path, with(has, "externalId", "x"))
			ad.delete(path + "/" + id).status(204)
			if got := n.entra.create(path, with(has, "externalId", "y")); got != id {
				t.Errorf("%s: %s came back as %s", path, id, got)
			}
			if got := ad.create(path, with(has, "externalId", "x")); got != id {
				t.Errorf("%s: %s is %s to who comes back", path, id, got)
			}
		}
	})
}

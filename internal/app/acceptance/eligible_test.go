package acceptance_test

import (
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// Who gets the Microsoft Online service gets the items of the groups that this
// user is in, at once, and who loses it loses them; an item that doesn't ask for
// it isn't touched (rows A027, A035, A041).
func TestAnItemComesAndGoesWithTheService(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.reconciling()
		w := &itemWorld{tenant: n, provider: "ad", dir: n.source(store.SourceAD, "ad", store.Policies{})}
		anchor := object{"originAnchor": "ada"}
		ada := w.dir.create("/Users", user("ada@contoso.com", "displayName", "Ada Lovelace", workspaceURN, anchor))
		g := w.dir.create("/Groups", group("Sales", "members", refs(ada)))
		cloud, share := w.kept("Cloud", g, "entitlement", "microsoftOnline"), w.kept("Share", g)
		w.has(cloud, "reconciliation")
		w.has(share, "reconciliation", ada)

		gained := only(t, w.told(func() {
			if joined := n.entra.create("/Users", user("ada@contoso.com", workspaceURN, anchor)); joined != ada {
				t.Fatalf("the account in the cloud is %s, want %s", joined, ada)
			}
		}), "item.granted")
		if gained.Subject != ada || gained.Reason != "addedBecauseGroupMember" {
			t.Errorf("%s was assigned: %s", gained.Subject, gained.Reason)
		}
		w.has(cloud, "reconciliation", ada)
		w.reconcile(cloud).is("counts/reconcile/inBoth", 1.0).is("counts/reconcile/added", 0.0).is("counts/skipped", nil)

		lost := only(t, w.told(func() { n.entra.delete("/Users/" + ada).status(204) }), "item.revoked")
		if want := "Ada Lovelace was removed from Cloud because this member of the group Sales no longer has the Microsoft Online service."; lost.Subject != ada ||
			lost.Reason != "removedBecauseNotEligible" || lost.Detail != want {
			t.Errorf("%s was removed: %s %q", lost.Subject, lost.Reason, lost.Detail)
		}
		w.has(cloud, "reconciliation")
		w.has(share, "reconciliation", ada)
	})
}

// Groups that are members of each other end nothing and go on for ever nowhere:
// an item has the direct members of its group, and the group among them is
// counted.
func TestALoopOfGroupsIsComparedOnce(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		people := w.users("Ada Lovelace", "Ben Franklin")
		sales, staff := w.dir.create("/Groups", group("Sales", "members", refs(people[0]))), w.dir.create("/Groups", group("Staff", "members", refs(people[1])))
		first, second := w.kept("Visio", sales), w.kept("Project", staff)
		if events := w.told(func() {
			w.add(sales, staff)
			w.add(staff, sales)
		}); slices.Contains(types(events), "item.granted") {
			t.Errorf("events %v", types(events))
		}
		w.reconcile(first).is("state", "succeeded").is("counts/skipped/memberIsGroup", 1.0).is("counts/reconcile/inBoth", 1.0).is("counts/reconcile/onlyInGroup", 1.0)
		w.has(first, "reconciliation", people[0])
		w.has(second, "reconciliation", people[1])
		w.remove(staff, sales)
		w.remove(sales, people[0])
		w.has(first, "reconciliation")
		w.has(second, "reconciliation", people[1])
	})
}

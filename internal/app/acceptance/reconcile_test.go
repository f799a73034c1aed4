package acceptance_test

import (
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// A kept item follows the members of its group in the transaction of their
// change, and no other item of the group does; each action is one readable entry
// (rows A001, A008, A009, A012, A013, A019, A022, A036, A037, A038, H025).
func TestAnItemFollowsItsGroup(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		people := w.users("Ada Lovelace", "Ben Franklin")
		ada, ben := people[0], people[1]
		g := w.dir.create("/Groups", group("Sales", "members", refs(ada)))
		kept, control := w.kept("Visio", g), w.item("Project", g)
		w.has(kept, "reconciliation", ada)

		added := only(t, w.told(func() { w.add(g, ben) }), "item.granted")
		w.has(kept, "reconciliation", ada, ben)
		check := func(e store.Event, user, reason, sentence string, fact []byte) {
			t.Helper()
			if e.Subject != user || e.Outcome != "applied" || e.Reason != reason || e.Detail != sentence {
				t.Errorf("%s %s %s %q", e.Subject, e.Outcome, e.Reason, e.Detail)
			}
			got := facts(t, fact)
			if got["item"].(object)["value"] != kept || got["group"].(object)["value"] != g || got["group"].(object)["display"] != "Sales" {
				t.Errorf("the entry names %v", got)
			}
		}
		check(added, ben, "addedBecauseGroupMember", "Ben Franklin was assigned to Visio because this user is now a member of the group Sales.", added.After)

		removed := only(t, w.told(func() { w.remove(g, ada) }), "item.revoked")
		w.has(kept, "reconciliation", ben)
		check(removed, ada, "removedBecauseNotGroupMember", "Ada Lovelace was removed from Visio because this user is no longer a member of the group Sales.", removed.Before)

		// Out and in again, and the same person twice, change nothing in between.
		if events := w.told(func() {
			w.dir.patch("/Groups/"+g, op("remove", "members", refs(ben)), op("add", "members", refs(ben))).status(204)
			w.add(g, ben)
		}); len(events) > 0 {
			t.Errorf("there are events %v", types(events))
		}
		// A preview of the change changes no item, and tells the source nothing of
		// items, which it doesn't see.
		preview := w.dir.do("PATCH", "/Groups/"+g+"?dryRun=true", patchOf(op("add", "members", refs(ada)))).status(200)
		if strings.Contains(string(preview.Text), "item.") {
			t.Errorf("the preview tells of items: %s", preview.Text)
		}
		w.has(kept, "reconciliation", ben)
		w.dir.delete("/Users/" + ben).status(204)
		w.has(kept, "reconciliation")
		w.has(control, "reconciliation")
	})
}

// A full run compares both sides, corrects what drifted on either, and finds
// nothing the second time (rows A003, A007, A011, A034, A040).
func TestAFullRunCorrectsDrift(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		people := w.users("Ada Lovelace", "Ben Franklin", "Cleo Patra", "Dan Brown")
		ada, ben, cleo, dan := people[0], people[1], people[2], people[3]
		g := w.dir.create("/Groups", group("Sales", "members", refs(ada, ben)))
		item := w.item("Visio", g)
		for _, u := range []string{ben, cleo, dan} {
			w.admin.post("/Grants", object{"subject": object{"value": u}, "target": object{"value": item}}).status(201)
		}
		w.admin.patch("/WorkspaceItems/"+item, op("replace", "keepInSync", "watch")).status(200)
		w.compared()
		w.has(item, "manual", ben, cleo, dan)

		w.api("POST", "/items/"+item+"/reconcile?dryRun=true", nil).status(200).
			is("counts/reconcile/inBoth", 1.0).is("counts/reconcile/onlyInGroup", 1.0).is("counts/reconcile/onlyInItem", 2.0).
			is("counts/reconcile/added", 1.0).is("counts/reconcile/removed", 2.0).
			is("differences/0/user", ada).is("differences/0/reason", "addedBecauseGroupMember").
			is("differences/1/user", cleo).is("differences/2/user", dan)
		var run *answer
		events := w.told(func() {
			w.admin.patch("/WorkspaceItems/"+item, op("replace", "keepInSync", "on")).status(200)
			w.compared()
			run = w.api("GET", "/runs?limit=1", nil).status(200)
		})
		w.has(item, "reconciliation", ada, ben)
		run.is("items/0/kind", "reconcile").is("items/0/state", "succeeded").is("items/0/counts/failed", 0.0).
			is("items/0/counts/reconcile", object{"items": 1.0, "inBoth": 1.0, "onlyInGroup": 1.0, "onlyInItem": 2.0, "added": 1.0, "removed": 2.0})
		if e := only(t, events, "item.granted"); e.Subject != ada || e.Run != run.text("items/0/id") {
			t.Errorf("%s was added by the run %q", e.Subject, e.Run)
		}
		if e := only(t, events, "item.followsGroup"); e.Subject != ben {
			t.Errorf("%s keeps the item as a member", e.Subject)
		}

		again := w.told(func() {
			w.reconcile(item).is("state", "succeeded").
				is("counts/reconcile", object{"items": 1.0, "inBoth": 2.0, "onlyInGroup": 0.0, "onlyInItem": 0.0, "added": 0.0, "removed": 0.0})
		})
		if len(again) > 0 {
			t.Errorf("a second run has events %v", types(again))
		}
	})
}

// An item that is watched is compared and logged, and left as it is.
func TestAWatchedItemIsLeftAsItIs(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		ada := w.users("Ada Lovelace")[0]
		g := w.dir.create("/Groups", group("Sales"))
		item := w.item("Visio", g, "keepInSync", "watch")
		w.compared()
		e := only(t, w.told(func() { w.add(g, ada) }), "item.granted")
		if e.Outcome != "noticed" || e.Detail != "Ada Lovelace would have been assigned to Visio because this user is now a member of the group Sales." {
			t.Errorf("%s %q", e.Outcome, e.Detail)
		}
		w.has(item, "reconciliation")
		w.reconcile(item).is("counts/reconcile/onlyInGroup", 1.0).is("counts/reconcile/added", 0.0)
		w.has(item, "reconciliation")
	})
}

// A group that is gone is an error and removes nobody (rows A010, A039).
func TestAGroupThatIsGoneRemovesNobody(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		people := w.users("Ada Lovelace", "Ben Franklin")
		anchor := object{"originAnchor": "g-" + w.provider}
		g := w.dir.create("/Groups", group("Sales", wsGroupURN, anchor, "members", refs(people...)))
		item := w.kept("Visio", g)
		sentence := "Visio was not reconciled because its group Sales (" + g + ") cannot be found. Nobody was removed."
		events := w.told(func() {
			w.dir.delete("/Groups/" + g).status(204)
			w.reconcile(item).is("state", "failed").is("detail", sentence).is("counts/failed", 1.0).is("counts/reconcile/removed", 0.0)
		})
		for _, typ := range []string{"item.suspended", "item.notReconciled"} {
			if e := only(t, events, typ); e.Outcome != "error" || e.Reason != "sourceGroupNotFound" || e.Detail != sentence {
				t.Errorf("%s: %s %s %q", typ, e.Outcome, e.Reason, e.Detail)
			}
		}
		w.has(item, "reconciliation", people...)
		w.admin.get("/WorkspaceItems/"+item).status(200).is("suspended", "sourceGroupNotFound")

		// It comes back with one member: then that is the truth.
		back := w.dir.create("/Groups", group("Sales", wsGroupURN, anchor, "members", refs(people[1])))
		if back != g {
			t.Fatalf("the group came back as %s, want %s", back, g)
		}
		w.compared()
		w.admin.get("/WorkspaceItems/"+item).status(200).is("suspended", nil)
		w.has(item, "reconciliation", people[1])
	})
}

// What the directory decides isn't given or taken by hand (row A011).
func TestAKeptItemIsNotChangedByHand(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		people := w.users("Ada Lovelace", "Ben Franklin")
		g := w.dir.create("/Groups", group("Sales", "members", refs(people[0])))
		item := w.kept("Visio", g)
		give := func(user string) *answer {
			return w.admin.post("/Grants", object{"subject": object{"value": user}, "target": object{"value": item}})
		}
		give(people[1]).refused(409, "sourceManaged")
		id := w.admin.find("/Grants", `target.value eq "`+item+`"`).total(1).text("Resources/0/id")
		w.admin.delete("/Grants/"+id).refused(409, "sourceManaged")
		w.has(item, "reconciliation", people[0])

		w.admin.patch("/WorkspaceItems/"+item, op("replace", "keepInSync", "off")).status(200)
		give(people[1]).status(201)
		w.remove(g, people[0]) // nobody follows the group any more
		w.admin.delete("/Grants/" + id).status(204)
		w.has(item, "manual", people[1])
	})
}

// Only who has the Microsoft Online service gets an item of Entra ID, whoever is a
// member gets one of Active Directory; the others are skipped and counted (rows
// A027, A028, A035, A041).
func TestOnlyEligibleMembersAreAssigned(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.reconciling()
		w := &itemWorld{tenant: n, provider: "entra", dir: n.source(store.SourceEntra, "parking", store.Policies{Park: true})}
		n.admin.create("/Users", user("ada@contoso.com"))
		// Her account in the cloud has the name of one made by hand: it is held,
		// so Workspace knows no such user of the service yet.
		ada := w.dir.create("/Users", user("ada@contoso.com", "displayName", "Ada Lovelace"))
		g := w.dir.create("/Groups", group("Sales", "members", refs(ada)))
		item := w.kept("Visio", g)
		w.has(item, "reconciliation")
		w.reconcile(item).is("state", "succeeded").is("counts/skipped/userNotEligible", 1.0).is("counts/reconcile/onlyInGroup", 1.0)
		w.dir.patch("/Users/"+ada, op("replace", "userName", "ada.lovelace@contoso.com")).status(200)
		w.has(item, "reconciliation", ada)

		a := &itemWorld{tenant: n, provider: "ad", dir: n.source(store.SourceAD, "ad", store.Policies{})}
		ben := a.users("Ben Franklin")[0]
		staff := a.dir.create("/Groups", group("Staff", "members", list{object{"value": ben}, object{"value": "not-here-yet"}}))
		share, cloud := a.kept("Share", staff), a.kept("Cloud", staff, "entitlement", "microsoftOnline")
		a.has(share, "reconciliation", ben)
		a.has(cloud, "reconciliation")
		a.reconcile(share).is("state", "succeeded").is("counts/skipped/userNotFound", 1.0).is("counts/reconcile/inBoth", 1.0)
		a.reconcile(cloud).is("state", "succeeded").is("counts/skipped/userNotEligible", 2.0)
	})
}

// A group that becomes another directory's no longer decides.
func TestAGroupOfAnotherAuthorityRemovesNobody(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.reconciling()
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		w := &itemWorld{tenant: n, provider: "entra", dir: n.entra}
		ada := w.users("Ada Lovelace")[0]
		anchor := object{"originAnchor": "5f1c4d3e-0000-4000-8000-000000000001"}
		g := n.entra.create("/Groups", group("Sales", "members", refs(ada), wsGroupURN, anchor))
		item := w.kept("Visio", g)
		w.has(item, "reconciliation", ada)
		if joined := ad.create("/Groups", group("Sales", wsGroupURN, anchor)); joined != g {
			t.Fatalf("the group of the other directory is %s, want %s", joined, g)
		}
		n.admin.get("/WorkspaceItems/"+item).status(200).is("suspended", "providerMismatch")
		w.reconcile(item)
		w.has(item, "reconciliation", ada)
	})
}

package acceptance_test

import (
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// Rows E074, A011 and A036: why a user has an item that follows a group, and why
// another one hasn't.
func TestE074AnItemOfAGroupIsExplained(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		people := w.users("Ada Lovelace", "Ben Franklin")
		ada, ben := people[0], people[1]
		g := w.dir.create("/Groups", group("Sales", "members", refs(ada)))
		item := w.kept("Visio", g)

		x := w.why(ada, item)
		x.chain("import asserted", "import added", "authority groupAuthority", "resolve counts", "resolve reason", "rule keptInSync", "rule eligible", "rule lastChange", "outcome has")
		reason := x.chain("resolve reason")
		x.value(reason, "reason", "reconciliation")
		x.says(reason, "way", "Remove the member in "+w.provider)
		if reason["values"].(object)["since"] == nil {
			t.Errorf("since when isn't told: %v", reason)
		}
		x.value(x.chain("rule keptInSync"), "group", g)
		x.value(x.chain("rule lastChange"), "reason", "addedBecauseGroupMember")

		x = w.why(ben, item)
		x.says(x.chain("authority groupAuthority", "rule keptInSync", "rule eligible", "outcome hasNot"), "way", "Add the member in "+w.provider)
		x.lacks("resolve counts", "resolve reason", "rule lastChange", "rule difference")

		// Another user's change of the item, and the same user's of another item, are
		// no answers.
		w.kept("Project", g)
		w.remove(g, ada)
		x = w.why(ada, item)
		x.says(x.chain("import removed", "rule lastChange", "outcome hasNot"), "way", "Add the member in "+w.provider)
		x.value(x.chain("rule lastChange"), "reason", "removedBecauseNotGroupMember")
		x.says(x.chain("rule lastChange"), "sentence", "removed from Visio")
		x.lacks("resolve counts", "resolve reason")

		// A group has no item for being in the group.
		inner := w.dir.create("/Groups", group("Inner"))
		w.add(g, inner)
		w.why(inner, item).chain("resolve counts", "rule memberIsGroup", "outcome hasNot")
		w.dir.delete("/Users/" + ben).status(204)
		w.admin.delete("/Users/" + ben).status(204)
		w.why(ben, item).chain("outcome holderHidden")
		w.admin.delete("/WorkspaceItems/" + item).status(204)
		w.why(ada, item).chain("outcome itemGone")
	})
}

// Rows E074 and A016: each reason stands for itself, of an item that follows no
// group too.
func TestE074TheReasonsForAnItemAreExplained(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ana := n.admin.create("/Users", user("ana@contoso.com"))
		item := n.admin.create("/WorkspaceItems", object{"displayName": "Mail"})
		p := n.admin.create("/CatalogProducts", object{"displayName": "Office", "items": refs(item)})
		x := n.why(ana, item)
		x.says(x.chain("rule notKeptInSync", "outcome hasNot"), "way", "order a product")

		id := n.admin.post("/Orders", order(p, ana)).status(201).text("id")
		n.admin.post("/Grants", object{"subject": object{"value": ana}, "target": object{"value": item}}).status(201)
		x = n.why(ana, item)
		x.chain("resolve reason", "resolve reason", "resolve order", "resolve granted", "rule lastChange", "outcome has")
		byHand, ordered := x.chain("resolve reason"), x.chain("resolve reason", "resolve reason")
		x.value(byHand, "reason", "manual")
		x.says(byHand, "way", "by hand")
		x.value(ordered, "reason", "order")
		x.value(ordered, "cause", id)
		x.says(ordered, "way", "Cancel the order")

		n.admin.patch("/Orders/"+id, op("replace", "state", "cancelled")).status(200)
		x = n.why(ana, item)
		x.value(x.chain("resolve reason", "resolve order", "resolve cancelled", "outcome has"), "type", nil)
		x.value(x.chain("resolve reason"), "reason", "manual")
	})
}

// Rows E074, A010, A016 and A029: what keeps an item from following its group,
// all of it, and what a comparison would do.
func TestE074AnItemThatFollowsNobodyIsExplained(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		people := w.users("Ada Lovelace", "Ben Franklin")
		ada, ben := people[0], people[1]
		g := w.dir.create("/Groups", group("Sales", "members", refs(ada)))
		item := w.item("Visio", g)
		w.admin.post("/Grants", object{"subject": object{"value": ben}, "target": object{"value": item}}).status(201)
		set := func(name string, value any) {
			t.Helper()
			w.admin.patch("/WorkspaceItems/"+item, op("replace", name, value)).status(200)
			w.compared()
		}
		x := w.why(ada, item)
		x.says(x.chain("resolve counts", "rule notKeptInSync", "outcome hasNot"), "way", "by hand")
		x.lacks("rule difference", "rule eligible")

		set("keepInSync", "watch")
		x = w.why(ada, item)
		x.value(x.chain("rule watched", "rule difference"), "reason", "addedBecauseGroupMember")
		x.value(x.chain("rule lastChange"), "outcome", "noticed")
		x.says(x.chain("outcome hasNot"), "way", "order a product")
		x = w.why(ben, item)
		x.value(x.chain("resolve reason", "rule difference", "outcome has"), "type", nil)
		x.value(x.chain("rule difference"), "reason", "removedBecauseNotGroupMember")
		x.says(x.chain("rule difference"), "way", "keepInSync to on")

		set("keepInSync", "on")
		w.why(ben, item).lacks("rule difference")
		set("mode", "groupless")
		w.remove(g, ada)
		x = w.why(ada, item)
		x.says(x.chain("rule groupless", "outcome has"), "sentence", "until the last reason")
		x.says(x.chain("rule groupless"), "sentence", "The item is groupless.")
		x.says(x.chain("resolve reason"), "way", "Take it back by hand")
		x.lacks("rule keptInSync", "rule difference", "resolve counts")

		// Off and suspended at once: all of it is told.
		w.feature(false, false)
		w.why(ada, item).chain("rule featureDisabled", "rule jobDisabled", "rule groupless", "outcome has")
		w.feature(true, false)
		set("mode", "private")
		x = w.why(ben, item)
		x.says(x.chain("rule jobDisabled", "outcome hasNot"), "way", "workspace job set")
		x = w.why(ada, item)
		x.says(x.chain("rule jobDisabled", "rule difference"), "way", "workspace job set")
		x.lacks("rule featureDisabled", "rule groupless")

		lastRun := func() any { return w.api("GET", "/jobs", nil).status(200).at("items/0/lastRun") }
		before := lastRun()
		w.feature(true, true)
		await(t, "the job's next run", func() bool { return lastRun() != before && w.idle() })
		w.why(ada, item).chain("rule keptInSync", "outcome hasNot")
		w.add(g, ada)
		w.dir.delete("/Groups/" + g).status(204)
		x = w.why(ada, item)
		x.chain("resolve reason", "rule sourceGroupNotFound", "outcome has")
		x.lacks("authority groupAuthority", "resolve counts")
	})
}

// Rows E074, A035 and A041: a member without the service that the item asks for.
func TestE074AMemberWithoutTheServiceIsExplained(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.reconciling()
		w := &itemWorld{tenant: n, provider: "ad", dir: n.source(store.SourceAD, "ad", store.Policies{})}
		anchor := object{"originAnchor": "ada"}
		ada := w.dir.create("/Users", user("ada@contoso.com", "displayName", "Ada Lovelace", workspaceURN, anchor))
		g := w.dir.create("/Groups", group("Sales", "members", refs(ada)))
		item := w.kept("Cloud", g, "entitlement", "microsoftOnline")
		x := w.why(ada, item)
		x.says(x.chain("resolve counts", "rule keptInSync", "rule userNotEligible", "outcome hasNot"), "way", "account in an Entra source")

		n.entra.create("/Users", user("ada@contoso.com", workspaceURN, anchor))
		w.why(ada, item).chain("resolve reason", "rule keptInSync", "rule eligible", "outcome has")
		n.entra.delete("/Users/" + ada).status(204)
		x = w.why(ada, item)
		x.chain("link ended", "resolve counts", "rule userNotEligible", "rule lastChange", "outcome hasNot")
		x.value(x.chain("rule lastChange"), "reason", "removedBecauseNotEligible")
		x.lacks("resolve reason")
	})
}

// lacks sees to it that steps aren't told.
func (x told) lacks(steps ...string) {
	x.t.Helper()
	for _, s := range steps {
		if slices.Contains(x.codes, s) {
			x.t.Errorf("%q is told: %q", s, x.codes)
		}
	}
}

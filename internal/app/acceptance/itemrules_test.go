package acceptance_test

import (
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// What can't be kept in sync has no label and refuses the choice by the rule's
// name (rows A017, A018, A020, A023, A024, A025, A026).
func TestKeepInSyncIsOfferedWhereItIsValid(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		g := w.dir.create("/Groups", group("Sales"))
		byHand := w.admin.create("/Groups", group("By hand"))
		other := map[string]string{"ad": "entra", "entra": "ad"}[w.provider]
		label := map[string]string{"ad": "Keep in Sync with Active Directory", "entra": "Keep in Sync with Entra ID"}[w.provider]
		for _, c := range []struct {
			rule string // "" for a valid item
			item object
		}{
			{"", w.itemOf("plain", g)},
			{"", w.itemOf("shared", g, "mode", "shared", "audience", "customer", "createGroup", true)},
			{"groupless", w.itemOf("groupless", g, "mode", "groupless")},
			{"customerOnly", w.itemOf("customer only", g, "audience", "customerOnly")},
			{"createGroupDisabled", w.itemOf("no group made", g, "createGroup", false)},
			{"noGroup", w.itemOf("no group", "")},
			{"providerMismatch", w.itemOf("other provider", g, "provider", other)},
			{"providerMismatch", w.itemOf("no provider", g, "provider", nil)},
			{"providerMismatch", w.itemOf("manual group", byHand)},
		} {
			made := w.admin.post("/WorkspaceItems", c.item).status(201).is("keepInSync", "off")
			id := made.text("id")
			want := any(label)
			if c.rule != "" {
				want = nil
			}
			made.is("keepInSyncLabel", want)
			for _, choice := range []string{"on", "watch"} {
				asked := w.admin.do("PATCH", "/WorkspaceItems/"+id, patchOf(op("replace", "keepInSync", choice)))
				if c.rule == "" {
					asked.status(200).is("keepInSync", choice).is("keepInSyncLabel", want)
					continue
				}
				asked.refused(400, "invalidValue").is("reason", c.rule)
				if detail := asked.text("detail"); !strings.Contains(detail, c.rule) {
					t.Errorf("%v: the rule isn't named in %q", c.item, detail)
				}
				w.admin.post("/WorkspaceItems", with(c.item, "keepInSync", choice)).refused(400, "invalidValue")
			}
		}
	})
}

// What isn't said is filled in, and what can't be is refused.
func TestItemsHaveDefaults(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.admin.post("/WorkspaceItems", object{"displayName": "Visio", "provider": "entra", "keepInSyncLabel": "Mine", "suspended": "no"}).status(201).
			is("audience", "customer").is("mode", "private").is("createGroup", true).is("keepInSync", "off").is("entitlement", "microsoftOnline").
			is("keepInSyncLabel", nil).is("suspended", nil)
		n.admin.post("/WorkspaceItems", object{"displayName": "Share", "provider": "ad"}).status(201).is("entitlement", nil)
		for _, o := range []object{{"audience": "all"}, {"mode": "public"}, {"provider": "ldap"}, {"keepInSync": "yes"}, {"entitlement": "e5"}} {
			n.admin.post("/WorkspaceItems", with(o, "displayName", "Visio")).refused(400, "invalidValue")
		}
		n.admin.get("/ResourceTypes/WorkspaceItem").status(200) // row A014: one type, whatever the provider
	})
}

// The feature and the job are off at first; only both together let items follow
// (rows A004, A006, A015, A016).
func TestReconciliationNeedsTheFeatureAndTheJob(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		w := &itemWorld{tenant: n, provider: "entra", dir: n.entra}
		n.api("GET", "/features", nil).status(200).is("items/0/name", "groupReconciliation").is("items/0/enabled", false).is("items/0/tenant", nil)
		n.api("GET", "/jobs", nil).status(200).is("items/0/kind", "reconcile").is("items/0/state", "disabled").is("items/0/lastRun", nil)

		g := n.entra.create("/Groups", group("Sales"))
		item := w.item("Visio", g)
		n.admin.get("/WorkspaceItems/"+item).status(200).is("keepInSyncLabel", nil)
		n.admin.patch("/WorkspaceItems/"+item, op("replace", "keepInSync", "on")).refused(409, "featureDisabled")
		n.admin.post("/WorkspaceItems", w.itemOf("Project", g, "keepInSync", "watch")).refused(409, "featureDisabled")
		n.reconciling()
		n.admin.get("/WorkspaceItems/"+item).status(200).is("keepInSyncLabel", "Keep in Sync with Entra ID")
		n.admin.patch("/WorkspaceItems/"+item, op("replace", "keepInSync", "on")).status(200)
		n.compared()

		for _, c := range []struct{ feature, job bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
			n.feature(c.feature, c.job)
			n.compared()
			before := len(n.api("GET", "/runs", nil).at("items").([]any))
			member := w.users(map[bool]string{true: "A", false: "B"}[c.feature] + map[bool]string{true: "A", false: "B"}[c.job])[0]
			w.add(g, member)
			n.compared()
			asked := n.api("POST", "/items/"+item+"/reconcile", nil)
			if c.feature && c.job {
				asked.status(202)
				n.compared()
				if got := n.admin.find("/Grants", `target.value eq "`+item+`" and subject.value eq "`+member+`"`); got.at("totalResults") != 1.0 {
					t.Errorf("with both on the member hasn't the item: %s", got.Text)
				}
				continue
			}
			asked.status(409).is("code", map[bool]string{true: "jobDisabled", false: "featureDisabled"}[c.feature])
			n.admin.find("/Grants", `target.value eq "`+item+`" and subject.value eq "`+member+`"`).total(0)
			if after := len(n.api("GET", "/runs", nil).at("items").([]any)); after != before {
				t.Errorf("feature %v, job %v: %d runs, want %d", c.feature, c.job, after, before)
			}
		}
	})
}

// The feature is switched for the server or for one tenant, each change with an
// event; a dry run changes nothing (row A005).
func TestTheFeatureIsSwitchedForEachTenant(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		on, off, plain := h.tenant(t), h.tenant(t), h.tenant(t)
		on.eventsAfter(&on.seq)
		on.api("PATCH", "/features?dryRun=true", object{"groupReconciliation": true}).status(200).is("items/0/tenant", true)
		on.api("GET", "/features", nil).is("items/0/tenant", nil)
		on.api("PATCH", "/features", object{"groupReconciliation": true}).status(200).is("items/0/enabled", true)
		off.api("PATCH", "/features", object{"groupReconciliation": false}).status(200).is("items/0/enabled", false).is("items/0/server", true)
		plain.api("GET", "/features", nil).is("items/0/enabled", true).is("items/0/tenant", nil)
		e := only(t, on.eventsAfter(&on.seq), "tenant.featuresChanged")
		if got := facts(t, e.After)["features"].(object)["groupReconciliation"]; got != true {
			t.Errorf("the event says %v, want true", got)
		}
		on.api("PATCH", "/features", object{"groupReconciliation": nil}).status(200).is("items/0/tenant", nil)
		on.api("PATCH", "/features", object{"unknown": true}).status(400).is("code", "invalidValue")
		on.api("PATCH", "/jobs/unknown", object{"enabled": true}).status(404)
		on.api("PATCH", "/jobs/reconcile", object{"interval": 1}).status(400).is("attribute", "interval")
		on.api("PATCH", "/jobs/reconcile", object{"interval": 7200}).status(200).is("interval", 7200.0).is("enabled", false)
		for _, call := range []func(c *client) *answer{
			func(c *client) *answer { return c.do("GET", h.URL+"/api/v1/features", nil) },
			func(c *client) *answer { return c.do("GET", h.URL+"/api/v1/jobs", nil) },
			func(c *client) *answer { return c.do("POST", h.URL+"/api/v1/items/"+nobody+"/reconcile", nil) },
		} {
			call(on.entra).status(403)
		}
		on.api("POST", "/items/"+nobody+"/reconcile", nil).status(409)
	}, apptest.With(func(c *app.Config) { c.Features = []string{"groupReconciliation"} }))
}

// Another provider is another choice (row A021).
func TestAnotherProviderResetsTheChoice(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.reconciling()
		w := &itemWorld{tenant: n, provider: "entra", dir: n.entra}
		item := w.kept("Visio", n.entra.create("/Groups", group("Sales")))
		events := n.told(func() {
			n.admin.patch("/WorkspaceItems/"+item, op("replace", "provider", "ad")).status(200).
				is("keepInSync", "off").is("keepInSyncLabel", nil).is("entitlement", nil)
		})
		if e := only(t, events, "item.syncReset"); e.Reason != "providerChanged" {
			t.Errorf("the reason is %q", e.Reason)
		}
	})
}

// An item that no longer fits is suspended: nobody is removed, and it goes on
// when it fits again (row A029).
func TestAnItemTurnedGrouplessIsSuspended(t *testing.T) {
	eachProvider(t, func(t *testing.T, w *itemWorld) {
		people := w.users("Ada Lovelace", "Ben Franklin")
		g := w.dir.create("/Groups", group("Sales", "members", refs(people...)))
		item := w.kept("Visio", g)
		w.has(item, "reconciliation", people...)
		events := w.told(func() {
			w.admin.patch("/WorkspaceItems/"+item, op("replace", "mode", "groupless")).status(200).
				is("keepInSync", "on").is("suspended", "groupless").is("keepInSyncLabel", nil)
			w.remove(g, people[0])
			run := w.reconcile(item)
			run.is("counts/reconcile/removed", 0.0).is("counts/skipped/groupless", 1.0)
		})
		e := only(t, events, "item.suspended")
		if e.Outcome != "warning" || e.Reason != "groupless" || e.Detail != "Visio is no longer kept in sync: The item is groupless. Nobody was removed." {
			t.Errorf("%s %s %q", e.Outcome, e.Reason, e.Detail)
		}
		w.has(item, "reconciliation", people...)
		w.admin.patch("/WorkspaceItems/"+item, op("replace", "mode", "private")).status(200).is("suspended", nil)
		w.compared()
		w.has(item, "reconciliation", people[1])
	})
}

package acceptance_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/store"
)

// shop is a tenant with an AD and an Entra source, users of each kind and groups
// of each.
type shop struct {
	*tenant
	ad *client
	// Users: in AD, in Entra, in both, made by hand.
	onPrem, inCloud, hybrid, manual string
	// Groups: of AD, of Entra, of AD and in Entra too, of the workspace.
	local, cloud, synced, own string
}

func newShop(n *tenant) *shop {
	n.t.Helper()
	s := &shop{tenant: n, ad: n.source(store.SourceAD, "ad", store.Policies{})}
	s.onPrem = s.ad.create("/Users", user("onprem@contoso.com", "displayName", "Olga", workspaceURN, object{"originAnchor": guid(1)}))
	s.inCloud = n.entra.create("/Users", user("cloud@contoso.com", "displayName", "Carla", "externalId", "carla"))
	s.hybrid = n.join(s.ad, "hybrid")
	s.manual = n.admin.create("/Users", user("manual@contoso.com"))
	anchor := object{"originAnchor": guid(3)}
	s.local = s.ad.create("/Groups", group("Local", wsGroupURN, object{"originAnchor": guid(2)}))
	s.cloud = n.entra.create("/Groups", group("Cloud", "externalId", guid(4)))
	s.synced = s.ad.create("/Groups", group("Synced", wsGroupURN, anchor))
	n.entra.create("/Groups", group("Synced", "externalId", guid(5), wsGroupURN, anchor))
	s.own = n.admin.create("/Groups", group("Own"))
	return s
}

func guid(n int) string {
	text := strconv.Itoa(n)
	return "6f1c0000-0000-4000-8000-000000000000"[:36-len(text)] + text
}

func (s *shop) product(name string, groups ...string) string {
	s.t.Helper()
	return s.admin.create("/CatalogProducts", object{"displayName": name, "groups": refs(groups...)})
}

func order(product, user string, more ...any) object {
	return with(object{"product": object{"value": product}, "recipient": object{"value": user}}, more...)
}

func (s *shop) preview(product, user string) *answer {
	s.t.Helper()
	return s.admin.post("/Orders?dryRun=true", order(product, user))
}

func (s *shop) order(product, user string) *answer {
	s.t.Helper()
	return s.admin.post("/Orders", order(product, user))
}

// each gives what the lines of an order say.
func linesOf(a *answer, name string) []string {
	all, _ := a.at("lines").(list)
	out := []string{}
	for _, x := range all {
		text, _ := x.(object)[name].(string)
		out = append(out, text)
	}
	return out
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}

// orderEvents gives the types of the events about orders that do writes.
func (n *tenant) orderEvents(do func()) []string {
	n.t.Helper()
	n.eventsAfter(&n.seq)
	do()
	return types(slices.DeleteFunc(n.eventsAfter(&n.seq), func(e store.Event) bool { return !strings.HasPrefix(e.Type, "order.") }))
}

func eachShop(t *testing.T, test func(t *testing.T, s *shop)) {
	t.Helper()
	eachTenant(t, func(t *testing.T, n *tenant) { test(t, newShop(n)) })
}

func TestH030EachGroupOfAProductHasAVerdict(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.product("Visio", s.local, s.cloud, s.synced, s.own)
		s.unchanged(t, func() {
			for u, want := range map[string][]string{
				// Rows H033, H034 and H035: the three situations.
				s.onPrem:  {"", "onPremUserCloudOnlyGroup", "", ""},
				s.inCloud: {"cloudUserOnPremGroup", "", "cloudUserDirectorySyncedGroup", ""},
				s.hybrid:  {"", "", "", ""},
				s.manual:  {"userNotInDirectory", "userNotInDirectory", "userNotInDirectory", ""},
			} {
				a := s.preview(p, u).status(201)
				same(t, "reasons", linesOf(a, "reason"), want)
				for i, reason := range want {
					x := "lines/" + strconv.Itoa(i) + "/"
					if verdict := a.text(x + "verdict"); (verdict == "compatible") != (reason == "") {
						t.Errorf("%s with the reason %q", verdict, reason)
					}
					if reason != "" {
						a.is(x+"state", "skipped").is(x+"command", nil)
						a.text(x + "detail")
						a.text(x + "wayOut")
					}
				}
			}
		})
	})
}

func TestH031WarnedIsWhoFitsSomeGroupsAndNotAll(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		some, all := s.product("Some", s.local, s.cloud), s.product("All", s.own)
		// Row H032: the warning's title and both facts.
		a := s.preview(some, s.onPrem).status(201).is("state", "partial").
			is("warnings/0/code", "incompatibleGroups").is("warnings/0/title", "Incompatible group membership").is("warnings/1", nil)
		for _, fact := range []string{"may not be added to some of the groups", "Cloud", "can still be placed"} {
			if !strings.Contains(a.text("warnings/0/detail"), fact) {
				t.Errorf("the warning lacks %q: %s", fact, a.text("warnings/0/detail"))
			}
		}
		s.preview(some, s.hybrid).status(201).is("state", "complete").is("warnings", nil)
		s.preview(all, s.manual).status(201).is("state", "complete").is("warnings", nil)
		s.preview(some, s.manual).refused(409, "incompatibleGroups").is("warnings", nil)
		s.admin.get("/Orders").total(0)
	})
}

func TestH038APartialOrderGrantsWhatFits(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.product("Visio", s.local, s.cloud, s.own)
		a := s.order(p, s.onPrem).status(201).is("state", "partial").is("displayName", "Visio for Olga").is("product/display", "Visio")
		same(t, "states", linesOf(a, "state"), []string{"pendingExport", "skipped", "granted"})
		a.is("lines/0/command", "Add-ADGroupMember -Identity '"+guid(2)+"' -Members '"+guid(1)+"'")
		s.admin.get("/Groups/"+s.own).is("members/0/value", s.onPrem)
		// A directory's members are what it asserts, whatever was ordered.
		s.admin.get("/Groups/"+s.local).is("members", nil)
		s.admin.get("/Users/"+s.onPrem).is("groups/0/value", s.own).is("groups/1", nil)
		s.admin.find("/Orders", `recipient.value eq "`+s.onPrem+`" and lines.state eq "pendingExport"`).total(1).is("Resources/0/id", a.text("id"))
	})
}

func TestH039ABlockedOrderLeavesNothing(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.admin.create("/CatalogProducts", object{"displayName": "Visio", "groups": refs(s.local, s.synced),
			"items": refs(s.admin.create("/WorkspaceItems", object{"displayName": "Mailbox"}))})
		s.unchanged(t, func() {
			a := s.order(p, s.inCloud).refused(409, "incompatibleGroups").is("lines/2/reason", nil)
			same(t, "reasons", linesOf(a, "reason")[:2], []string{"cloudUserOnPremGroup", "cloudUserDirectorySyncedGroup"})
			for _, name := range []string{"Local: ", "Synced: "} {
				if !strings.Contains(a.text("detail"), name) {
					t.Errorf("the detail doesn't tell of %s: %s", name, a.text("detail"))
				}
			}
		})
		s.admin.get("/Orders").total(0)
		// Disabled users fit no group, and are told why.
		s.ad.patch("/Users/"+s.onPrem, op("replace", "active", false)).status(200)
		s.order(p, s.onPrem).refused(409, "incompatibleGroups").is("lines/0/reason", "userInactive").is("lines/1/reason", "userInactive")
		s.admin.post("/Bulk", bulkOf(bulkOp("POST", "/Orders", "o", order(p, s.inCloud)))).status(200).
			is("Operations/0/status", "409").is("Operations/0/response/lines/0/reason", "cloudUserOnPremGroup")
	})
}

func TestH040AnOrderOfWhatFitsIsComplete(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		a := s.order(s.product("Visio", s.local, s.cloud, s.synced, s.own), s.hybrid).status(201).is("state", "complete").is("warnings", nil)
		same(t, "states", linesOf(a, "state"), []string{"pendingExport", "pendingExport", "pendingExport", "granted"})
		// A product without groups is never blocked.
		item := s.admin.create("/WorkspaceItems", object{"displayName": "Mailbox"})
		none := s.admin.create("/CatalogProducts", object{"displayName": "Mail", "items": refs(item)})
		s.order(none, s.manual).status(201).is("state", "complete").is("lines/0/state", "granted").is("lines/0/type", "WorkspaceItem")
		s.order(s.product("Nothing"), s.manual).status(201).is("state", "complete").is("lines", nil)
	})
}

// Rows H036 and H037: what was left out comes from the directory's side.
func TestH037ALineClosesWhenTheDirectoryAsserts(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.product("Visio", s.local, s.synced, s.own)
		id := s.order(p, s.inCloud).status(201).is("state", "partial").text("id")
		path := "/Orders/" + id
		// Carla gets an account on-premises, which the cloud's is joined to.
		anchor := object{"originAnchor": guid(9)}
		s.entra.patch("/Users/"+s.inCloud, op("add", workspaceURN+":originAnchor", guid(9))).status(200)
		if joined := s.ad.create("/Users", user("cloud@contoso.com", workspaceURN, anchor)); joined != s.inCloud {
			t.Fatalf("joined %s", joined)
		}
		var first, second []string
		first = s.orderEvents(func() { s.ad.patch("/Groups/"+s.local, op("add", "members", refs(s.inCloud))).status(204) })
		s.admin.get(path).is("state", "partial").is("lines/0/state", "granted").is("lines/0/wayOut", nil).is("lines/1/state", "skipped")
		// The other's members don't count: AD owns the group.
		s.entra.patch("/Groups/"+s.synced, op("add", "members", refs(s.inCloud))).status(204)
		s.admin.get(path).is("lines/1/state", "skipped")
		second = s.orderEvents(func() {
			s.ad.patch("/Groups/"+s.synced+"?dryRun=true", op("add", "members", refs(s.inCloud))).status(200)
			s.ad.patch("/Groups/"+s.synced, op("add", "members", refs(s.inCloud))).status(204)
		})
		s.admin.get(path).is("state", "complete").is("warnings", nil).is("lines/1/state", "granted")
		same(t, "events", [][]string{first, second}, [][]string{{"order.lineClosed"}, {"order.completed"}})
		// What the directory takes away again stays away; the order isn't rewritten.
		after := s.orderEvents(func() {
			s.ad.patch("/Groups/"+s.local, op("remove", `members[value eq "`+s.inCloud+`"]`, nil)).status(204)
		})
		same(t, "events after a removal", after, []string{})
		s.admin.get(path).is("state", "complete").is("lines/0/state", "granted")
	})
}

// A directory doesn't hear of orders, not even of those that its change closes.
func TestASourceDoesNotHearOfOrders(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		id := s.order(s.product("Visio", s.local), s.onPrem).status(201).text("id")
		a := s.ad.patch("/Groups/"+s.local+"?dryRun=true", op("add", "members", refs(s.onPrem))).status(200)
		if text := string(a.Text); strings.Contains(text, "order") || strings.Contains(text, id) {
			t.Errorf("told of the order: %s", text)
		}
		s.admin.get("/Orders/"+id).is("lines/0/state", "pendingExport")
	})
}

func TestAMembershipThatIsThereNeedsNoExport(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.ad.patch("/Groups/"+s.local, op("add", "members", refs(s.onPrem))).status(204)
		s.order(s.product("Visio", s.local), s.onPrem).status(201).is("lines/0/state", "granted").is("lines/0/command", nil)
	})
}

func TestH041AnAdministratorsPreviewIsTheOrder(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.product("Visio", s.local, s.cloud, s.own)
		shown := s.preview(p, s.onPrem).status(201)
		again := s.preview(p, s.onPrem).status(201)
		placed := s.order(p, s.onPrem).status(201)
		for _, name := range []string{"lines", "warnings", "state", "fingerprint", "alternatives", "displayName", "product", "recipient"} {
			again.is(name, shown.at(name))
			placed.is(name, shown.at(name))
		}
	})
}

func TestH042AlternativesFitTheUserWholly(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		fits, half, not := s.product("Fits", s.cloud, s.own), s.product("Half", s.cloud, s.local), s.product("Not", s.local)
		p := s.admin.create("/CatalogProducts", object{"displayName": "Visio", "groups": refs(s.local), "alternatives": refs(not, fits, half)})
		s.preview(p, s.inCloud).refused(409, "incompatibleGroups").is("alternatives", list{object{"value": fits, "display": "Fits"}})
		s.preview(p, s.onPrem).status(201).is("alternatives", list{object{"value": not, "display": "Not"}})
		s.preview(s.product("Alone", s.own), s.manual).status(201).is("alternatives", nil)
	})
}

func TestAnOrderThatIsNotWhatWasShownIsShownAgain(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		extra := s.admin.create("/Groups", group("Extra"))
		p := s.product("Visio", s.own, extra)
		seen := s.preview(p, s.manual).status(201).text("fingerprint")
		s.admin.delete("/Groups/" + extra).status(204)
		s.unchanged(t, func() {
			s.admin.post("/Orders", order(p, s.manual, "fingerprint", seen)).refused(409, "orderChanged").
				is("lines/1/reason", "groupMissing").is("lines/1/display", "Extra")
		})
		seen = s.preview(p, s.manual).status(201).is("state", "partial").text("fingerprint")
		s.admin.post("/Orders", order(p, s.manual, "fingerprint", seen)).status(201).is("fingerprint", seen).is("state", "partial")
	})
}

func TestACancelledOrderTakesBackWhatItGaveAndNoMore(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		byHand := s.admin.create("/Groups", group("By hand", "members", refs(s.hybrid)))
		a, b := s.product("A", s.own, byHand, s.local), s.product("B", s.own)
		first, second := s.order(a, s.hybrid).status(201).text("id"), s.order(b, s.hybrid).status(201).text("id")
		cancel := func(id string) *answer { return s.admin.patch("/Orders/"+id, op("replace", "state", "cancelled")) }
		events := s.orderEvents(func() {
			c := cancel(first).status(200).is("state", "cancelled").is("lines/2/command", nil)
			same(t, "states", linesOf(c, "state"), []string{"cancelled", "cancelled", "cancelled"})
		})
		same(t, "events", events, []string{"order.cancelled"})
		s.admin.get("/Groups/"+s.own).is("members/0/value", s.hybrid)  // the other order's
		s.admin.get("/Groups/"+byHand).is("members/0/value", s.hybrid) // it was there by hand
		cancel(first).status(200)
		s.admin.patch("/Orders/"+first, op("replace", "state", "complete")).refused(400, "invalidValue")
		// DELETE cancels too.
		s.admin.delete("/Orders/" + second).status(204)
		s.admin.get("/Groups/"+s.own).is("members", nil)
		s.admin.get("/Orders").total(1)
		s.order(a, s.hybrid).status(201)
		// What AD asserts is AD's.
		s.ad.patch("/Groups/"+s.local, op("add", "members", refs(s.hybrid))).status(204)
		again := s.admin.find("/Orders", `state eq "complete"`).total(1).text("Resources/0/id")
		cancel(again).status(200)
		s.admin.get("/Groups/"+s.local).is("members/0/value", s.hybrid)
	})
}

func TestAnAdministratorRemovesOnlyTheReasonManual(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		id := s.order(s.product("Visio", s.own), s.hybrid).status(201).text("id")
		path := "/Groups/" + s.own
		stays := func() {
			t.Helper()
			s.admin.get(path).is("members/0/value", s.hybrid).is("members/1", nil)
		}
		s.admin.patch(path, op("add", "members", refs(s.manual))).status(204)
		events := s.since(func() {
			s.admin.patch(path, op("remove", "members", refs(s.hybrid, s.manual))).status(204)
		})
		stays()
		i := slices.IndexFunc(events, func(e store.Event) bool { return e.Reason == "otherReasonHolds" && e.Outcome == "skipped" })
		if i < 0 || !strings.Contains(events[i].Detail, s.hybrid) {
			t.Errorf("events: %+v", events)
		}
		s.admin.patch(path, op("replace", "members", refs(s.manual))).status(204)
		s.admin.get(path).is("members/1/value", s.manual)
		s.admin.patch(path, op("remove", "members", nil)).status(204)
		stays()
		// Who is added by hand too stays when the order ends.
		s.admin.patch(path, op("add", "members", refs(s.hybrid))).status(204)
		s.admin.delete("/Orders/" + id).status(204)
		stays()
		s.admin.patch(path, op("remove", "members", refs(s.hybrid))).status(204)
		s.admin.get(path).is("members", nil)
	})
}

func TestOrdersRefuseWhatMakesNoSense(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p, other := s.product("Visio", s.own), s.product("Other", s.own)
		gone := s.product("Gone", s.own)
		s.admin.delete("/CatalogProducts/" + gone).status(204)
		s.unchanged(t, func() {
			for _, body := range []object{
				order(nobody, s.manual), order(gone, s.manual), order(p, nobody), order(s.manual, p), order(p, s.own), order("", s.manual), {},
				order(p, s.manual, "state", "cancelled"), order(p, s.manual, "state", "x"),
			} {
				s.admin.post("/Orders", body).refused(400, "invalidValue")
			}
			s.admin.post("/Orders", order(p, s.manual, "fingerprint", "none")).refused(409, "orderChanged")
		})
		id := s.order(p, s.manual).status(201).text("id")
		s.order(p, s.manual).refused(409, "uniqueness").is("reason", "alreadyOrdered")
		path := "/Orders/" + id
		s.unchanged(t, func() {
			s.admin.patch(path, op("replace", "product.value", other)).refused(400, "mutability")
			s.admin.put(path, order(p, s.hybrid)).refused(400, "mutability")
			s.admin.patch(path, op("replace", "state", "partial")).refused(400, "invalidValue")
			s.admin.patch(path, op("replace", "lines", list{})).refused(400, "mutability")
		})
		s.admin.put(path, order(p, s.manual, "note", "for the project")).status(200).is("note", "for the project").is("state", "complete").is("lines/0/state", "granted")
		s.admin.patch(path, op("replace", "note", "for another one")).status(200).is("lines/0/display", "Own")
	})
}

func TestTwoOrdersAtOnceAreOne(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.product("Visio", s.own, s.local)
		answers := make([]*answer, 8)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = s.order(p, s.hybrid) })
		}
		all.Wait()
		placed := 0
		for _, a := range answers {
			if a.Status == 201 {
				placed++
				continue
			}
			a.refused(409, "uniqueness").is("reason", "alreadyOrdered")
		}
		if placed != 1 {
			t.Errorf("%d orders were placed", placed)
		}
		s.admin.get("/Orders").total(1)
		s.admin.get("/Groups/"+s.own).is("members/0/value", s.hybrid).is("members/1", nil)
	})
}

func TestGroupsInACircleCanBeOrdered(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		inner := s.admin.create("/Groups", group("Inner", "members", refs(s.own)))
		s.admin.patch("/Groups/"+s.own, op("add", "members", refs(inner))).status(204)
		s.order(s.product("Visio", s.own, inner), s.manual).status(201).is("state", "complete")
		s.admin.get("/Groups/"+inner).is("members/0/value", s.manual)
		s.order(s.product("One", inner), s.hybrid).status(201)
		s.admin.get("/Users/"+s.hybrid).is("groups/0/value", inner).is("groups/0/type", "direct").is("groups/1/type", "indirect")
	})
}

// Row H025, for products: what a group gives goes with the membership, and comes
// back with it.
func TestH025WhatAProductGivesFollowsTheSource(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		p := s.product("Visio", s.local)
		has := func(state string) {
			t.Helper()
			s.preview(p, s.onPrem).status(201).is("lines/0/state", state)
		}
		add, remove := op("add", "members", refs(s.onPrem)), op("remove", `members[value eq "`+s.onPrem+`"]`, nil)
		has("pendingExport")
		s.ad.patch("/Groups/"+s.local, add).status(204)
		has("granted")
		s.ad.patch("/Groups/"+s.local, remove).status(204)
		has("pendingExport")
		s.ad.patch("/Groups/"+s.local, add).status(204)
		has("granted")
	})
}

func TestALineClosesWhenTheNewAuthorityAsserts(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		id := s.order(s.product("Visio", s.synced), s.hybrid).status(201).text("id")
		s.entra.patch("/Groups/"+s.synced, op("add", "members", refs(s.hybrid))).status(204)
		s.admin.get("/Orders/"+id).is("lines/0/state", "pendingExport")
		s.api("PUT", "/groups/"+s.synced+"/authority", object{"source": "entra"}).status(200)
		s.admin.get("/Orders/"+id).is("lines/0/state", "granted")
	})
}

// An item that is kept in step with its group isn't an order's to give, and one
// that is gone is left out.
func TestItemsOfAnOrder(t *testing.T) {
	eachShop(t, func(t *testing.T, s *shop) {
		s.feature(true, false)
		step := s.admin.create("/WorkspaceItems", object{"displayName": "Step", "provider": "ad", "createGroup": true, "group": object{"value": s.local}, "keepInSync": "on"})
		gone, plain := s.admin.create("/WorkspaceItems", object{"displayName": "Gone"}), s.admin.create("/WorkspaceItems", object{"displayName": "Plain"})
		p := s.admin.create("/CatalogProducts", object{"displayName": "Visio", "groups": refs(s.local), "items": refs(step, plain)})
		s.order(p, s.onPrem).status(201).is("state", "complete").is("lines/1/state", "skipped").is("lines/1/reason", "sourceManaged").
			is("lines/1/verdict", "compatible").is("lines/1/wayOut", "Add the user to the group Local.").is("lines/2/state", "granted")
		q := s.admin.create("/CatalogProducts", object{"displayName": "Old", "items": refs(gone, plain)})
		s.admin.delete("/WorkspaceItems/" + gone).status(204)
		s.order(q, s.onPrem).status(201).is("state", "partial").is("warnings", nil).
			is("lines/0/state", "skipped").is("lines/0/reason", "itemMissing").is("lines/0/display", "Gone").is("lines/1/state", "granted")
	})
}

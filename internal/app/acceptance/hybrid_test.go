package acceptance_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// kindIs filters by the source whose values win.
func kindIs(kind store.SourceKind) string {
	return originURN + `:authority.kind eq "` + string(kind) + `"`
}

func TestH003EntraWritesGiveResourcesOfItsAuthority(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("ana@contoso.com"))
		g := n.entra.create("/Groups", group("Smiths", "members", refs(u)))
		n.entra.patch("/Users/"+u, op("Replace", "displayName", "Ana")).status(200)
		for _, path := range []string{"/Users/" + u, "/Groups/" + g} {
			for _, c := range []*client{n.entra, n.admin} {
				c.get(path).status(200).
					is(originURN+"/authority/kind", "entra").is(originURN+"/authority/display", "entra").
					is(originURN+"/class", "cloudOnly").is(originURN+"/presence/0/kind", "entra")
			}
		}
		n.entra.delete("/Groups/" + g).status(204)
		n.admin.get("/Groups/"+g).refused(404, "")
		n.entra.delete("/Users/" + u).status(204)
		n.entra.get("/Users/"+u).refused(404, "")
	})
}

func TestH005OneListHoldsAllAndOriginSplitsIt(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		makers := map[store.SourceKind]*client{store.SourceEntra: n.entra, store.SourceAD: ad, store.SourceWorkspace: n.admin}
		for kind, c := range makers {
			c.create("/Users", user(string(kind)+"1@contoso.com"))
			c.create("/Users", user(string(kind)+"2@contoso.com"))
			c.create("/Groups", group(string(kind)))
		}
		for endpoint, want := range map[string]int{"/Users": 6, "/Groups": 3} {
			all := n.admin.get(endpoint).total(want).each("id")
			var parts []string
			for kind := range makers {
				part := n.admin.find(endpoint, kindIs(kind)).total(want / 3)
				for _, k := range part.each(originURN + "/authority/kind") {
					if k != string(kind) {
						t.Errorf("%s among %s", k, kind)
					}
				}
				parts = append(parts, part.each("id")...)
			}
			slices.Sort(all)
			slices.Sort(parts)
			if diff := cmp.Diff(all, parts); diff != "" {
				t.Errorf("%s: all and the parts (-all +parts)\n%s", endpoint, diff)
			}
		}
		n.admin.get("").total(9)
	})
}

func TestH007ANewAccountIsActiveAndLoggedOnce(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		var id string
		events := n.since(func() { id = ad.create("/Users", user("new@contoso.com", "externalId", "guid-1")) })
		n.admin.get("/Users/"+id).is("active", true)
		if len(events) != 1 || events[0].Type != "user.created" || events[0].Subject != id || events[0].Outcome != directory.OutcomeApplied {
			t.Errorf("events: %+v", events)
		}
	})
}

func TestH008OneChangedAttributeIsOneVersionAndOneEvent(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		id := n.entra.create("/Users", user("ana@contoso.com", "title", "Smith", "displayName", "Ana"))
		change := op("Replace", "title", "Wright")
		var first, second *answer
		events := n.since(func() {
			first = n.entra.patch("/Users/"+id, change).status(200)
			second = n.entra.patch("/Users/"+id, change).status(200)
		})
		if a, b := first.Header.Get("ETag"), second.Header.Get("ETag"); a != `W/"2"` || b != a {
			t.Errorf("versions: %s, then %s", a, b)
		}
		if len(events) != 1 || string(events[0].Before) != `{"title":"Smith"}` || string(events[0].After) != `{"title":"Wright"}` {
			t.Errorf("events: %+v", events)
		}
	})
}

func TestH009MembersFollowAndTheLogNamesThem(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		a := n.entra.create("/Users", user("a@contoso.com"))
		b := n.entra.create("/Users", user("b@contoso.com"))
		g := n.entra.create("/Groups", group("Smiths", "members", refs(a)))
		events := n.since(func() {
			n.entra.patch("/Groups/"+g, op("Add", "members", refs(b))).status(204)
			n.entra.patch("/Groups/"+g, op("Remove", "members", refs(a))).status(204)
		})
		n.admin.get("/Groups/"+g).is("members/0/value", b).is("members/1", nil)
		n.admin.get("/Users/"+a).is("groups", nil)
		if len(events) != 2 {
			t.Fatalf("events: %+v", events)
		}
		for i, want := range []struct{ before, after string }{{"", b}, {a, ""}} {
			e := events[i]
			if e.Type != "group.membersChanged" || e.Subject != g || string(e.Before) != memberList(want.before) || string(e.After) != memberList(want.after) {
				t.Errorf("event %d: %+v %s %s", i, e, e.Before, e.After)
			}
		}
	})
}

func memberList(id string) string {
	if id == "" {
		return ""
	}
	return `{"members":["` + id + `"]}`
}

func TestH010ADisabledAccountIsKept(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		id := n.entra.create("/Users", user("ana@contoso.com"))
		events := n.since(func() { n.entra.patch("/Users/"+id, op("Replace", "active", "False")).status(200).is("active", false) })
		if diff := cmp.Diff([]string{"user.disabled"}, types(events)); diff != "" {
			t.Error(diff)
		}
		n.entra.find("/Users", `userName eq "ana@contoso.com"`).total(1).is("Resources/0/active", false)
		n.admin.get("/Users/"+id).status(200).is("active", false)
	})
}

// join gives a user that AD owns and Entra is linked to by its anchor.
func (n *tenant) join(ad *client, name string) string {
	n.t.Helper()
	anchor := object{"originAnchor": "anchor-" + name}
	id := ad.create("/Users", user(name+"@contoso.com", "displayName", "AD "+name, "title", "Smith", workspaceURN, anchor))
	joined := n.entra.create("/Users", user(name+"@contoso.com", "displayName", "Cloud "+name, workspaceURN, anchor))
	if joined != id {
		n.t.Fatalf("joined %s, not %s", joined, id)
	}
	return id
}

func TestH011ASourceLeavesWhatAnotherOwns(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		u := n.join(ad, "ana")
		other := ad.create("/Users", user("b@contoso.com"))
		anchor := object{"originAnchor": "g-1"}
		g := ad.create("/Groups", group("Smiths", "members", refs(u, other), wsGroupURN, anchor))
		if joined := n.entra.create("/Groups", group("Smiths", wsGroupURN, anchor)); joined != g {
			t.Fatalf("the group became %s", joined)
		}
		// Origin is derived from all sources; the rest of a view is its source's.
		view := func() string { return ad.everything("excludedAttributes=" + originURN) }
		resolved := func() string {
			return string(n.admin.get("/Users/"+u).Text) + string(n.admin.get("/Groups/"+g).Text)
		}
		before, beforeResolved := view(), resolved()

		events := n.since(func() {
			// Its own view has what it asserted, and nothing of the other's.
			n.entra.patch("/Users/"+u, op("Replace", "displayName", "Hers")).status(200).is("displayName", "Hers").is("title", nil)
			n.entra.patch("/Users/"+u, op("Replace", "active", "False")).status(200).is("active", false)
			n.entra.patch("/Groups/"+g, op("Add", "members", refs(u))).status(204)
			n.entra.patch("/Groups/"+g, op("Remove", "members", refs(u))).status(204)
			n.entra.patch("/Groups/"+g, op("Replace", "displayName", "Theirs")).status(204)
		})
		if resolved() != beforeResolved {
			t.Errorf("the resolved view changed\n%s\n%s", beforeResolved, resolved())
		}
		for _, e := range events {
			if e.Outcome != directory.OutcomeNotAuthoritative {
				t.Errorf("%s: %s", e.Type, e.Outcome)
			}
		}
		n.entra.create("/Users", user("c@contoso.com"))
		n.entra.delete("/Users/" + u).status(204)
		n.entra.delete("/Groups/" + g).status(204)
		if view() != before {
			t.Errorf("AD's view changed\n%s\n%s", before, view())
		}
		n.admin.get("/Groups/"+g).status(200).is("members/0/value", u).is("members/1/value", other)
	})
}

func TestH012EachDirectoryDomainHasOneSource(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		add := func(name, domain string) error {
			spec := directory.SourceSpec{Name: name, Kind: store.SourceAD, DirectoryDomain: domain}
			_, err := n.house.Directory.AddSource(t.Context(), "provider", n.slug, spec)
			return err
		}
		if err := add("ad1", "corp.contoso.com"); err != nil {
			t.Fatal(err)
		}
		if err := add("ad2", "Corp.Contoso.COM"); !directory.Violated(err, directory.RuleDomainClaimed) {
			t.Errorf("second claim: %v", err)
		}
		if err := add("ad3", "eu.contoso.com"); err != nil {
			t.Error(err)
		}
		// Login suffixes may be shared; one that is nobody's is noticed.
		var id string
		events := n.since(func() {
			n.entra.create("/Users", user("a@contoso.com"))
			id = n.entra.create("/Users", user("a@fabrikam.com"))
		})
		if events[0].Reason != "" || events[1].Subject != id || events[1].Reason != directory.RuleUnownedDomain {
			t.Errorf("events: %+v", events)
		}
		strict := n.source(store.SourceEntra, "strict", store.Policies{RequireVerifiedDomain: true})
		strict.post("/Users", user("b@fabrikam.com")).refused(400, "invalidValue").is("reason", "unownedDomain")
		strict.create("/Users", user("b@contoso.com"))
	})
}

func TestH013UsersLookTheSameWhoeverBroughtThem(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		var seen [2]object
		for i, c := range []*client{ad, n.entra} {
			name := []string{"ad", "entra"}[i]
			u := c.create("/Users", user(name+"@contoso.com", "name", object{"givenName": "A", "familyName": "B"},
				"emails", list{object{"type": "work", "value": "x@contoso.com", "primary": true}}, "title", "Smith",
				enterpriseURN, object{"department": "Forge"}, workspaceURN, object{"originAnchor": name}))
			c.create("/Groups", group("Smiths", "members", refs(u)))
			seen[i] = n.admin.get("/Users/" + u).Body.(object)
		}
		if diff := cmp.Diff(shape(seen[0]), shape(seen[1])); diff != "" {
			t.Errorf("key sets (-ad +entra)\n%s", diff)
		}
		for _, o := range seen {
			for _, own := range []string{"id", "userName", "meta", originURN, workspaceURN, "groups"} {
				delete(o, own)
			}
		}
		if diff := cmp.Diff(seen[0], seen[1]); diff != "" {
			t.Errorf("values (-ad +entra)\n%s", diff)
		}
	})
}

// shape is a value with its scalars left out.
func shape(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for name, inner := range v {
			out[name] = shape(inner)
		}
		return out
	case list:
		out := list{}
		for _, inner := range v {
			out = append(out, shape(inner))
		}
		return out
	}
	return nil
}

func TestH016AManualAccountIsUntouchedBySync(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		manual := n.admin.create("/Users", user("byhand@contoso.com", "externalId", "x1"))
		before := string(n.admin.get("/Users/" + manual).Text)
		for _, c := range []*client{n.entra, n.source(store.SourceAD, "ad", store.Policies{}), n.source(store.SourceAPI, "hr", store.Policies{})} {
			mine := c.create("/Users", user(strings.ToLower(c.token[:12])+"@contoso.com", "externalId", "x1"))
			c.get("/Users/"+manual).refused(404, "")
			c.patch("/Users/"+manual, op("Replace", "active", false)).refused(404, "")
			c.put("/Users/"+manual, user("taken@contoso.com")).refused(404, "")
			c.delete("/Users/"+manual).refused(404, "")
			c.delete("/Users/" + mine).status(204)
		}
		if after := string(n.admin.get("/Users/" + manual).Text); after != before {
			t.Errorf("before %s\nafter %s", before, after)
		}
	})
}

func TestH017AManualAccountIsNotTakenOver(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		anchor := object{"originAnchor": "guid-ana"}
		manual := n.admin.create("/Users", user("Ana@contoso.com", workspaceURN, anchor))
		before := string(n.admin.get("/Users/" + manual).Text)
		ad := n.source(store.SourceAD, "ad", store.Policies{MatchUserName: true})
		for _, c := range []*client{n.entra, ad} {
			for range 2 { // clients try again
				c.post("/Users", user("ana@CONTOSO.com", "externalId", "e-1")).refused(409, "uniqueness").is("reason", "manualAccount")
			}
			id := c.create("/Users", user("other"+c.token[len(c.token)-6:]+"@contoso.com"))
			c.patch("/Users/"+id, op("Replace", "userName", "ana@contoso.com")).refused(409, "uniqueness")
		}
		if id := n.entra.create("/Users", user("anchored@contoso.com", workspaceURN, anchor)); id == manual {
			t.Error("an anchor joined a manual account")
		}
		if after := string(n.admin.get("/Users/" + manual).Text); after != before {
			t.Errorf("before %s\nafter %s", before, after)
		}
		open := slices.DeleteFunc(n.conflicts(), func(c store.Conflict) bool { return c.ExternalID != "e-1" })
		if len(open) != 2 || open[0].Reason != "manualAccount" || open[0].Count != 2 || !open[0].Open() {
			t.Errorf("%d conflicts: %+v", len(open), open)
		}
	})
}

func TestH018EverybodyInScopeIsThereAfterTheInitialRun(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		want := []string{}
		ops := list{}
		for i := range 120 {
			id := "guid-" + string(rune('a'+i%26)) + string(rune('a'+i/26))
			want = append(want, id)
			ops = append(ops, bulkOp("POST", "/Users", id, user(id+"@contoso.com", "externalId", id)))
		}
		n.entra.post("/Bulk", bulkOf(ops...)).status(200)
		got := n.admin.get("/Users?count=1000").total(120).each("externalId")
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func bulkOf(ops ...any) object {
	return object{"schemas": list{bulkURN}, "Operations": ops}
}

// bulkOp is an operation of a bulk request; an empty bulkID and nil data are
// left out.
func bulkOp(method, path, bulkID string, data any) object {
	o := object{"method": method, "path": path}
	if bulkID != "" {
		o["bulkId"] = bulkID
	}
	if data != nil {
		o["data"] = data
	}
	return o
}

func TestH020WhatASourceOwnsIsChangedThere(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("ana@contoso.com", "displayName", "Ana"))
		g := n.entra.create("/Groups", group("Smiths"))
		before := n.admin.everything()
		version := n.entra.get("/Users/" + u).Header.Get("ETag")
		for _, a := range []*answer{
			n.admin.patch("/Users/"+u, op("replace", "displayName", "Mine")),
			n.admin.patch("/Users/"+u, op("replace", "phoneNumbers", list{object{"value": "1"}})),
			n.admin.put("/Users/"+u, user("mine@contoso.com")),
			n.admin.delete("/Users/" + u),
			n.admin.patch("/Groups/"+g, op("replace", "displayName", "Mine")),
			n.admin.patch("/Groups/"+g, op("add", "members", refs(u))),
			n.admin.delete("/Groups/" + g),
		} {
			a.refused(409, "sourceManaged")
			if !strings.Contains(a.text("detail"), "entra") {
				t.Errorf("the detail doesn't name the source: %s", a.text("detail"))
			}
		}
		if n.admin.everything() != before || n.entra.get("/Users/"+u).Header.Get("ETag") != version {
			t.Error("something was written")
		}
	})
}

func TestH022TheAccountFollowsTheLifecycleOfItsSource(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		id := n.join(ad, "ana")
		onPrem := ad.create("/Groups", group("On-prem", "members", refs(id)))
		cloud := n.entra.create("/Groups", group("Cloud", "members", refs(id)))
		anchor := object{"originAnchor": "anchor-ana"}

		ad.patch("/Users/"+id, op("replace", "active", false)).status(200)
		n.admin.get("/Users/"+id).is("active", false).is("groups/1/value", cloud)
		ad.patch("/Users/"+id, op("replace", "active", true)).status(200)
		n.admin.get("/Users/"+id).is("active", true).is("groups/0/value", onPrem)

		// Both directories let go: disabled, kept for the grace time.
		ad.delete("/Users/" + id).status(204)
		n.admin.get("/Users/"+id).status(200).is("active", true).is(originURN+"/authority/kind", "entra")
		n.entra.delete("/Users/" + id).status(204)
		n.admin.get("/Users/"+id).status(200).is("active", false).is("groups", nil)

		// A re-hire is the same person again.
		if again := n.entra.create("/Users", user("ana@contoso.com", workspaceURN, anchor)); again != id {
			t.Errorf("the id became %s", again)
		}
		n.admin.get("/Users/"+id).is("active", true)
		n.entra.patch("/Groups/"+cloud, op("Add", "members", refs(id))).status(204)
		n.admin.get("/Users/"+id).is("groups/0/value", cloud).is("groups/1", nil)
	})
}

func TestH023AGroupHasTheMembersOfItsDirectory(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		a := ad.create("/Users", user("a@contoso.com", "externalId", "guid-a"))
		b := ad.create("/Users", user("b@contoso.com", workspaceURN, object{"originAnchor": "guid-b"}))
		// A directory names its members by its own ids, those too that come later.
		g := ad.create("/Groups", group("Smiths", "members", refs("guid-a", "guid-b", "guid-c")))
		c := ad.create("/Users", user("c@contoso.com", "externalId", "guid-c"))
		for _, view := range []*client{ad, n.admin} {
			view.get("/Groups/"+g).is("members/0/value", a).is("members/1/value", b).is("members/2/value", c).is("members/3", nil)
		}
	})
}

func TestH026AManualGroupIsUntouchedBySync(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		manual := n.admin.create("/Groups", group("Smiths", "members", refs(n.admin.create("/Users", user("m@contoso.com")))))
		before := string(n.admin.get("/Groups/" + manual).Text)
		var theirs string
		events := n.since(func() { theirs = n.entra.create("/Groups", group("smiths")) })
		if theirs == manual || !slices.Contains(types(events), "group.nameClash") {
			t.Errorf("%s, events %v", theirs, types(events))
		}
		n.entra.patch("/Groups/"+manual, op("replace", "members", list{})).refused(404, "")
		n.entra.delete("/Groups/"+manual).refused(404, "")
		n.entra.delete("/Groups/" + theirs).status(204)
		if after := string(n.admin.get("/Groups/" + manual).Text); after != before {
			t.Errorf("before %s\nafter %s", before, after)
		}
	})
}

func TestH028EveryGroupHasOneAuthorityAndAClass(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		anchor := object{"originAnchor": "shared"}
		want := map[string]string{
			"manual":    n.admin.create("/Groups", group("By hand")),
			"onPrem":    ad.create("/Groups", group("Local")),
			"cloudOnly": n.entra.create("/Groups", group("Cloud", "externalId", "0f")),
		}
		want["directorySynced"] = ad.create("/Groups", group("Both", wsGroupURN, anchor))
		n.entra.create("/Groups", group("Both", wsGroupURN, anchor))
		for class, id := range want {
			found := n.admin.find("/Groups", originURN+`:class eq "`+class+`"`).total(1).is("Resources/0/id", id)
			var origin struct {
				Authority struct{ Value, Kind string }
				Class     string
			}
			text, _ := json.Marshal(found.at("Resources/0/" + originURN))
			if err := json.Unmarshal(text, &origin); err != nil || origin.Authority.Value == "" || origin.Class != class {
				t.Errorf("%s: %s %v", class, text, err)
			}
		}
		// What the cloud's push says of an on-premises anchor tells too.
		id := n.entra.create("/Groups", group("From AD", "externalId", "1f", wsGroupURN, object{"originSid": "S-1-5-21-1"}))
		n.admin.get("/Groups/"+id).status(http.StatusOK).is(originURN+"/class", "directorySynced")
	})
}

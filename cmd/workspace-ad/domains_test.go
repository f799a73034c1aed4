//go:build !windows

package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

const (
	workspaceUser = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User"
	originURN     = "urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin"
	badgeURN      = "urn:ietf:params:scim:schemas:extension:contoso:2.0:User"
)

// ids are the resources that the branch's source sees.
func (b *branch) ids() map[string]bool {
	b.t.Helper()
	all := map[string]bool{}
	for _, endpoint := range []string{"/Users", "/Groups"} {
		for _, one := range b.list(b.token, endpoint, "id pr") {
			all[one["id"].(string)] = true
		}
	}
	return all
}

// everything is all that an administrator sees of what the branch's source sees,
// as text.
func (b *branch) everything() string {
	b.t.Helper()
	ids, seen := b.ids(), map[string]any{}
	for _, endpoint := range []string{"/Users", "/Groups"} {
		for _, one := range b.list(b.app.AdminToken, endpoint, "id pr") {
			if id := one["id"].(string); ids[id] {
				seen[id] = one
			}
		}
	}
	text, err := json.Marshal(seen)
	if err != nil || len(seen) != len(ids) {
		b.t.Fatalf("%v; an administrator sees %d of %d", err, len(seen), len(ids))
	}
	return string(text)
}

// problems are the codes of what is wrong with the objects of the source.
func (b *branch) problems() map[string]string {
	b.t.Helper()
	admin, err := b.app.Directory.Administrator(b.t.Context(), "test", apptest.Tenant)
	if err != nil {
		b.t.Fatal(err)
	}
	all, err := b.app.Directory.Problems(b.t.Context(), admin, b.source.PublicID, "", "", 100)
	if err != nil {
		b.t.Fatal(err)
	}
	codes := map[string]string{}
	for _, p := range all {
		codes[p.Anchor] = p.Code
	}
	return codes
}

// H004, E020, E084, E085: two domains that don't know of each other, one tenant.
func TestH004E020E084E085TwoDisconnectedDomains(t *testing.T) {
	contoso := adtest.Start(t, adtest.Settings{Realm: "CONTOSO.EXAMPLE"})
	fabrikam := adtest.Start(t, adtest.Settings{Realm: "FABRIKAM.EXAMPLE"})
	apptest.Each(t, func(t *testing.T, database string) {
		app := apptest.Start(t, apptest.On(database))
		suffix, _, _ := strings.Cut(database, ":")
		first := newBranch(t, app, contoso.For(t), "contoso-"+suffix, `{"scope":{"containers":{"include":["OU"]}}}`)
		second := newBranch(t, app, fabrikam.For(t), "fabrikam-"+suffix, `{"scope":{"containers":{"include":["OU"]}},"mapping":{"users":[
			{"target":"userName","kind":"direct","sources":["userPrincipalName","sAMAccountName"],"format":"userName"},
			{"target":"name.familyName","kind":"direct","sources":["sn"]},
			{"target":"emails","kind":"direct","sources":["mail","proxyAddresses"],"format":"addresses"},
			{"target":"`+workspaceUser+`:sAMAccountName","kind":"direct","sources":["sAMAccountName"]},
			{"target":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","kind":"direct","sources":["manager"],"format":"reference"},
			{"target":"`+badgeURN+`:badge","kind":"direct","sources":["description"]}]}}`)
		people := map[*branch]map[string]string{}
		for _, b := range []*branch{first, second} {
			user := func(name string, more adtest.Attrs) string {
				attrs := adtest.Attrs{"givenName": {name}, "sn": {b.Name()}, "mail": {name + "@contoso.com"}, "description": {"badge of " + name}}
				maps.Copy(attrs, more)
				return b.User(name+"-"+suffix, b.ou, attrs)
			}
			dns := map[string]string{"boss": user("boss", nil), "ada": user("ada", nil),
				"shared": user("shared", adtest.Attrs{"userPrincipalName": {"shared-" + suffix + "@contoso.com"}})}
			b.Set(dns["ada"], "manager", dns["boss"])
			dns["inner"] = b.Group("inner-"+suffix, b.ou, dns["boss"])
			dns["crew"] = b.Group("crew-"+suffix, b.ou, dns["ada"], dns["inner"])
			people[b] = dns
		}

		first.pull()
		before := first.everything()
		second.pull()
		if now := first.everything(); now != before {
			t.Errorf("the second domain's pull made of\n%s\n%s", before, now)
		}
		for _, b := range []*branch{first, second} {
			dns := people[b]
			id := func(endpoint, name string) any { return b.one(endpoint, dns[name])["id"] }
			if got := b.manager(dns["ada"]); got != id("/Users", "boss") {
				t.Errorf("%s: ada's manager is %v", b.Name(), got)
			}
			crew := members(b.one("/Groups", dns["crew"]))
			if len(crew) != 2 || !crew[id("/Users", "ada")] || !crew[id("/Groups", "inner")] {
				t.Errorf("%s: the crew are %v", b.Name(), crew)
			}
		}
		// The same account name, and the same address, in both are two people.
		both := first.list(app.AdminToken, "/Users", workspaceUser+`:sAMAccountName eq "ADA-`+suffix+`" and emails.value eq "ada@contoso.com"`)
		authorities := map[any]bool{}
		for _, one := range both {
			authorities[one[originURN].(map[string]any)["authority"].(map[string]any)["value"]] = true
		}
		if len(both) != 2 || !authorities[first.source.PublicID] || !authorities[second.source.PublicID] {
			t.Errorf("found %d, with the authorities %v", len(both), authorities)
		}
		badges := second.list(app.AdminToken, "/Users", badgeURN+`:badge eq "badge of ada"`)
		if len(badges) != 1 { // E095
			t.Errorf("the custom attribute is found %d times", len(badges))
		}

		// The same user name is one person's, until somebody says that it is one's.
		shared := people[second]["shared"]
		if codes := second.problems(); codes[second.GUID(shared)] != "uniqueness" || len(first.problems()) != 0 {
			t.Errorf("problems %v and %v", first.problems(), codes)
		}
		if all := second.list(second.token, "/Users", `externalId eq "`+second.GUID(shared)+`"`); len(all) != 0 {
			t.Errorf("the second of the name is %v", all)
		}
		disjoint(t, app, first, second)

		if err := app.Directory.SetPolicies(t.Context(), "test", apptest.Tenant, second.source.Name, store.Policies{MatchUserName: true}); err != nil {
			t.Fatal(err)
		}
		second.Set(shared, "sn", "Shared")
		second.pull()
		joined := second.one("/Users", shared)
		if joined["id"] != first.one("/Users", people[first]["shared"])["id"] || len(second.problems()) != 0 {
			t.Errorf("by the policy matchUserName: %v; problems %v", joined, second.problems())
		}
		r := app.Do("GET", "/Users/"+joined["id"].(string), app.AdminToken, "")
		name, _ := r.Body["name"].(map[string]any)
		if name["familyName"] != first.Name() {
			t.Errorf("the one who isn't the authority changed: %s", r.Text)
		}

		// What one domain deletes, the other's namesake survives.
		before = second.everything()
		for _, name := range []string{"ada", "crew"} {
			first.Delete(people[first][name])
		}
		first.pull()
		if now := second.everything(); now != before {
			t.Errorf("the first domain's pull made of\n%s\n%s", before, now)
		}
	})
}

// disjoint fails unless every change so far of what one source sees was made by
// that source, and each made some.
func disjoint(t *testing.T, app *apptest.App, branches ...*branch) {
	t.Helper()
	// A later change shows when all earlier ones do.
	r := app.Do("POST", "/Users", app.Token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mark@contoso.com"}`)
	var all []store.Event
	for n := 1; len(all) == 0 || all[len(all)-1].Subject != r.Body["id"]; n++ {
		all = app.Events(0, n)
	}
	for _, b := range branches {
		ids, writes := b.ids(), 0
		for _, e := range all {
			switch {
			case e.Outcome == "refused" || !strings.HasPrefix(e.Type, "user.") && !strings.HasPrefix(e.Type, "group."):
			case e.Source == b.source.ID:
				writes++
				if !ids[e.Subject] {
					t.Errorf("%s wrote to what it doesn't see: %+v", b.source.Name, e)
				}
			case ids[e.Subject]:
				t.Errorf("somebody else wrote to what %s sees: %+v", b.source.Name, e)
			}
		}
		if writes < len(ids) {
			t.Errorf("%s: %d writes for %d objects", b.source.Name, writes, len(ids))
		}
	}
}

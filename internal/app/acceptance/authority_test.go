package acceptance_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/store"
)

// api sends a request of the administrator to /api/v1.
func (n *tenant) api(method, path string, body any) *answer {
	n.t.Helper()
	return n.admin.do(method, n.house.URL+"/api/v1"+path, body, "Content-Type: application/json")
}

// both gives a group that AD owns and Entra has too, with a member of each.
func (n *tenant) both(ad *client) (g, onPrem, inCloud string) {
	n.t.Helper()
	anchor := object{"originAnchor": "g-both"}
	onPrem, inCloud = ad.create("/Users", user("onprem@contoso.com")), n.entra.create("/Users", user("cloud@contoso.com"))
	g = ad.create("/Groups", group("Both", "members", refs(onPrem), wsGroupURN, anchor))
	if joined := n.entra.create("/Groups", group("Both", "members", refs(inCloud), wsGroupURN, anchor)); joined != g {
		n.t.Fatalf("joined %s, not %s", joined, g)
	}
	return g, onPrem, inCloud
}

// Rows H027, H028 and H036: who is a group's authority can be declared, and what
// is derived from it follows.
func TestAnAdministratorDeclaresAGroupsAuthority(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		g, onPrem, inCloud := n.both(ad)
		shows := func(class, kind, member string) {
			t.Helper()
			n.admin.get("/Groups/"+g).is(originURN+"/class", class).is(originURN+"/authority/kind", kind).is("members/0/value", member).is("members/1", nil)
			n.admin.find("/Groups", originURN+`:class eq "`+class+`"`).total(1)
			n.admin.get("/Users/"+member).is("groups/0/value", g)
		}
		put := func(source string) *answer {
			t.Helper()
			return n.api("PUT", "/groups/"+g+"/authority", object{"source": source})
		}
		shows("directorySynced", "ad", onPrem)

		n.unchanged(t, func() {
			n.api("PUT", "/groups/"+g+"/authority?dryRun=true", object{"source": "entra"}).status(200).is("class", "cloudOwned")
		})
		events := n.since(func() {
			put("entra").status(200).is("class", "cloudOwned").is("authority/name", "entra").is("chosen", true)
			put("entra").status(200)
		})
		if diff := cmp.Diff([]string{"group.authorityChosen", "group.membersChanged"}, types(events)); diff != "" {
			t.Error(diff)
		}
		shows("cloudOwned", "entra", inCloud)

		// While the chosen source is away precedence decides; it counts again when it
		// is back.
		n.entra.delete("/Groups/" + g).status(204)
		shows("onPrem", "ad", onPrem)
		n.entra.create("/Groups", group("Both", "members", refs(inCloud), wsGroupURN, object{"originAnchor": "g-both"}))
		shows("cloudOwned", "entra", inCloud)
		ad.delete("/Groups/" + g).status(204)
		shows("cloudOnly", "entra", inCloud)
		ad.create("/Groups", group("Both", "members", refs(onPrem), wsGroupURN, object{"originAnchor": "g-both"}))
		shows("cloudOwned", "entra", inCloud)

		put("").status(200).is("chosen", false).is("class", "directorySynced")
		shows("directorySynced", "ad", onPrem)
	})
}

func TestOnlyASourceThatHasTheGroupCanBeItsAuthority(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		g := n.entra.create("/Groups", group("Cloud"))
		path := "/groups/" + g + "/authority"
		n.unchanged(t, func() {
			for _, source := range []any{"ad", "nobody", "workspace", 7, nil} {
				n.api("PUT", path, object{"source": source}).status(400)
			}
			n.api("PUT", path, object{}).status(400)
			n.api("PUT", path+"?force=true", object{"source": "entra"}).status(400)
			n.api("PUT", "/groups/"+nobody+"/authority", object{"source": "entra"}).status(404)
			for _, c := range []*client{ad, n.entra} {
				c.do("PUT", n.house.URL+"/api/v1"+path, object{"source": "entra"}, "Content-Type: application/json").status(403)
			}
		})
		if events := types(n.events()); slices.Contains(events, "group.authorityChosen") {
			t.Errorf("events: %v", events)
		}
	})
}

package acceptance_test

import (
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func TestAManagerWhoArrivesLaterIsResolvedThen(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		hr := n.source(store.SourceAPI, "hr", store.Policies{})
		by := func(ref string) object { return object{"manager": object{"value": ref}} }
		report := hr.create("/Users", user("report@contoso.com", "externalId", "P-2", enterpriseURN, by("P-1")))
		anchored := hr.create("/Users", user("anchored@contoso.com", enterpriseURN, by("guid-1")))
		n.admin.get("/Users/"+report).is(enterpriseURN, nil)
		boss := hr.create("/Users", user("boss@contoso.com", "externalId", "P-1", workspaceURN, object{"originAnchor": "guid-1"}))
		for _, id := range []string{report, anchored} {
			n.admin.get("/Users/"+id).is(enterpriseURN+"/manager/value", boss)
		}
		hr.get("/Users/"+report).is(enterpriseURN+"/manager/value", "P-1") // as it was asserted
		hr.find("/Users", enterpriseURN+`:manager.value eq "P-1"`).total(1)
		n.admin.find("/Users", `manager eq "`+boss+`"`).total(2)
	})
}

func TestAParkedAccountIsSeenByItsSourceOnly(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		manual := n.admin.create("/Users", user("ana@contoso.com"))
		parking := n.source(store.SourceEntra, "parking", store.Policies{Park: true})
		held := parking.create("/Users", user("Ana@contoso.com", "externalId", "e"))
		parking.get("/Users/"+held).status(200).is("userName", "Ana@contoso.com")
		parking.patch("/Users/"+held, op("Replace", "title", "T")).status(200).is("title", "T")
		parking.find("/Users", `userName eq "ana@contoso.com"`).total(1).is("Resources/0/id", held)
		n.admin.get("/Users/"+held).refused(404, "")
		n.admin.find("/Users", `userName eq "ana@contoso.com"`).total(1).is("Resources/0/id", manual)
		if open := n.conflicts(); len(open) != 1 || !open[0].Open() {
			t.Errorf("conflicts: %+v", open)
		}
		parking.delete("/Users/" + held).status(204)
		parking.get("/Users/"+held).refused(404, "")
	})
}

func TestADeclaredRuleJoinsByNameOnAVerifiedDomain(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		joining := n.source(store.SourceEntra, "joining", store.Policies{MatchUserName: true})
		mine := ad.create("/Users", user("ana@contoso.com", "title", "From AD"))
		foreign := ad.create("/Users", user("ana@fabrikam.com"))
		events := n.since(func() {
			if id := joining.create("/Users", user("ANA@contoso.com", "externalId", "e")); id != mine {
				t.Errorf("joined %s, not %s", id, mine)
			}
		})
		if len(events) != 1 || events[0].Type != "user.linked" || events[0].Reason != "joinedByName" {
			t.Errorf("events: %+v", events)
		}
		n.admin.get("/Users/"+mine).is("userName", "ana@contoso.com").is(originURN+"/class", "hybrid").is(originURN+"/presence/1/kind", "entra")
		joining.post("/Users", user("ana@fabrikam.com")).refused(409, "uniqueness")
		ad.get("/Users/"+foreign).is("meta/version", `W/"1"`)
		// Without the rule, a name alone joins nothing.
		n.entra.post("/Users", user("ana@contoso.com")).refused(409, "uniqueness")
	})
}

func TestTheAuthorityDecidesWhetherAUserIsActive(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		strict := n.source(store.SourceEntra, "strict", store.Policies{AnyDisables: true})
		id := n.join(ad, "ana")
		strict.create("/Users", user("ana@contoso.com", workspaceURN, object{"originAnchor": "anchor-ana"}))
		n.entra.patch("/Users/"+id, op("Replace", "active", "False")).status(200).is("active", false)
		n.admin.get("/Users/"+id).is("active", true)
		strict.patch("/Users/"+id, op("Replace", "active", "False")).status(200)
		n.admin.get("/Users/"+id).is("active", false)
		strict.patch("/Users/"+id, op("Replace", "active", "True")).status(200)
		n.admin.get("/Users/"+id).is("active", true)
		ad.patch("/Users/"+id, op("replace", "active", false)).status(200)
		n.admin.get("/Users/"+id).is("active", false)
		n.entra.get("/Users/"+id).is("active", false)
	})
}

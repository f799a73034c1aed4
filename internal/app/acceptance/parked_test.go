package acceptance_test

import (
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// replacements are the ways to say who a group's members are from now on.
var replacements = map[string]func(c *client, group string, members list){
	"put": func(c *client, id string, members list) {
		c.put("/Groups/"+id, group("Sales", "members", members)).status(200)
	},
	"patch": func(c *client, id string, members list) {
		c.patch("/Groups/"+id, op("replace", "members", members)).status(204)
	},
	"patch-without-path": func(c *client, id string, members list) {
		c.patch("/Groups/"+id, op("replace", "", object{"members": members})).status(204)
	},
}

// A source that refers by the ids of its own directory may name a member before
// it comes (docs/model.md). Who replaces the group's members decides about it too.
func TestAMemberThatHasNotArrivedIsReplacedWithTheOthers(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for name, replace := range replacements {
			t.Run(name, func(t *testing.T) {
				ad := n.source(store.SourceAD, name, store.Policies{}).in(t)
				create := func(who string) string {
					return ad.create("/Users", user(who+"."+name+"@contoso.com", "externalId", who))
				}
				anna := create("anna")
				g := ad.create("/Groups", group("Sales", "members", refs(anna, "left", "stays")))
				replace(ad, g, refs(anna, "stays"))
				replace(ad, g, refs(anna, "stays"))
				create("left")
				ad.hasMembers(g, anna, create("stays"))

				replace(ad, g, refs(anna, "late"))
				replace(ad, g, list{})
				create("late")
				ad.hasMembers(g)

				// Each is told once, whether it is named again or not.
				told := map[string]int{}
				for _, e := range n.events() {
					if e.Subject == g && strings.HasPrefix(e.Type, "group.member") && e.Type != "group.membersChanged" {
						told[e.Type]++
					}
				}
				if told["group.memberParked"] != 3 || told["group.memberUnparked"] != 2 {
					t.Errorf("events %v, want 3 members parked and 2 unparked", told)
				}
			})
		}
	})
}

func TestAGroupThatComesAgainDoesNotWaitForItsFormerMembers(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		sales := group("Sales", "externalId", "sales")
		g := ad.create("/Groups", with(group("Sales", "externalId", "sales"), "members", refs("late")))
		ad.delete("/Groups/" + g).status(204)
		if again := ad.create("/Groups", sales); again != g {
			t.Fatalf("the group came again as %s, want %s", again, g)
		}
		ad.create("/Users", user("late@contoso.com", "externalId", "late"))
		ad.hasMembers(g)
	})
}

// Whoever left may come back, and is told by the groups and reports of a source
// that has several writers before that.
func TestAReferenceToSomebodyWhoLeftWaitsForTheReturn(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		boss := user("boss@contoso.com", "externalId", "boss")
		id := ad.create("/Users", boss)
		g := ad.create("/Groups", group("Sales", "members", refs("boss")))
		report := ad.create("/Users", user("report@contoso.com"))
		ad.delete("/Users/" + id).status(204)
		ad.patch("/Groups/"+g, op("add", "members", refs("boss"))).status(204)
		ad.patch("/Users/"+report, op("add", enterpriseURN+":manager", object{"value": "boss"})).status(200)
		ad.hasMembers(g)
		if again := ad.create("/Users", boss); again != id {
			t.Fatalf("came back as %s, want %s", again, id)
		}
		ad.hasMembers(g, id)
		n.admin.get("/Users/"+report).is(enterpriseURN+"/manager/value", id)
	})
}

// hasMembers wants a group to have exactly these members.
func (c *client) hasMembers(group string, want ...string) {
	c.t.Helper()
	a := c.get("/Groups/" + group).status(200)
	all, _ := a.at("members").(list)
	got := map[string]bool{}
	for _, m := range all {
		got[m.(object)["value"].(string)] = true
	}
	for _, id := range want {
		if !got[id] {
			c.t.Errorf("%s is no member", id)
		}
	}
	if len(all) != len(want) {
		c.t.Errorf("members %v, want %v", all, want)
	}
}

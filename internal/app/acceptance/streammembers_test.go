package acceptance_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// members gives what a set does to members, as "+id -id" in their order; of a notice
// "members".
func (s set) members() string {
	var out []string
	if full, ok := s.Events[scimEvent+"prov:patch:full"]; ok {
		for _, op := range full["data"].(object)["Operations"].(list) {
			sign := map[any]string{"add": "+", "remove": "-"}[op.(object)["op"]]
			for _, v := range op.(object)["value"].(list) {
				out = append(out, sign+v.(object)["value"].(string))
			}
		}
	}
	if notice, ok := s.Events[scimEvent+"prov:patch:notice"]; ok && fmt.Sprint(notice["attributes"]) == "[members]" {
		out = append(out, "members")
	}
	return strings.Join(out, " ")
}

// A source that isn't the authority of a group loses and gains members there with the
// users that it deletes and brings. Nobody is a member by that or ceases to be one:
// the log says notAuthoritative, and only that source is told.
func TestMembersThatDontCountAreToldToTheirSourceOnly(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad, hr := n.source(store.SourceAD, "ad", store.Policies{}), n.source(store.SourceAPI, "hr", store.Policies{})
		anchor := func(id string) object { return object{"originAnchor": id} }
		ana := ad.create("/Users", user("ana@contoso.com", workspaceURN, anchor("ana")))
		bob := ad.create("/Users", user("bob@contoso.com", workspaceURN, anchor("bob")))
		team := ad.create("/Groups", group("Team", "members", refs(ana, bob), wsGroupURN, anchor("team")))
		if id := hr.create("/Users", user("ana@contoso.com", "externalId", "h1", workspaceURN, anchor("ana"))); id != ana {
			t.Fatalf("joined %s", id)
		}
		if id := hr.create("/Groups", group("Team", "externalId", "hg", "members", refs("h1", "h2"), wsGroupURN, anchor("team"))); id != team {
			t.Fatalf("joined %s", id)
		}
		everybody, other, own := n.admin.stream(n.house, object{}), ad.stream(n.house, object{}), hr.stream(n.house, object{})
		events := n.since(func() {
			hr.create("/Users", user("bob@contoso.com", "externalId", "h2", workspaceURN, anchor("bob")))
			hr.delete("/Users/" + ana).status(204)
		})
		told := 0
		for _, e := range events {
			if e.Type == "group.membersChanged" {
				told++
				if e.Outcome != directory.OutcomeNotAuthoritative {
					t.Errorf("%s, %s: %s", e.Type, e.Reason, e.Outcome)
				}
			}
		}
		if told != 2 {
			t.Errorf("events %v", types(events))
		}
		n.admin.get("/Groups/"+team).is("members/0/value", ana).is("members/1/value", bob)
		for name, r := range map[string]*receiver{"the administrators": everybody, "ad": other} {
			sets, _ := r.poll(object{"returnImmediately": true})
			if i := slices.IndexFunc(sets, func(s set) bool { return s.Subject.URI == "/Groups/"+team }); i >= 0 {
				t.Errorf("%s: told of the group: %s", name, sets[i].text)
			}
		}
		sets, _ := own.poll(object{"returnImmediately": true})
		if sets = slices.DeleteFunc(sets, func(s set) bool { return s.members() == "" }); len(sets) != 2 {
			t.Errorf("hr is told of members %d times", len(sets))
		}
	})
}

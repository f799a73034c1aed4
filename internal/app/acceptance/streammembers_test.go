package acceptance_test

import (
	"fmt"
	"maps"
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

// changes are those of members in all sets.
func changes(sets []set) (all []string) {
	for _, s := range sets {
		all = append(all, strings.Fields(s.members())...)
	}
	return all
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
		sets := own.waiting(4, object{}) // bob and his membership, ana's and ana
		if sets = slices.DeleteFunc(sets, func(s set) bool { return s.members() == "" }); len(sets) != 2 {
			t.Errorf("hr is told of members %d times", len(sets))
		}
		for name, r := range map[string]*receiver{"the administrators": everybody, "ad": other} {
			sets, _ := r.poll(object{"returnImmediately": true})
			if i := slices.IndexFunc(sets, func(s set) bool { return s.Subject.URI == "/Groups/"+team }); i >= 0 {
				t.Errorf("%s: told of the group: %s", name, sets[i].text)
			}
		}
	})
}

// The members of a group are those of its authority. Whatever makes another source
// that, administrators are told who came and went by it, once: who follows the
// stream has the members that there are. Sources aren't told whom others assert.
func TestMembersThatComeAndGoWithTheAuthorityAreTold(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		onPrem, both, cloud := ad.create("/Users", user("onprem@contoso.com")), n.join(ad, "both"), n.entra.create("/Users", user("cloud@contoso.com"))
		everybody, own := n.admin.stream(n.house, object{}), ad.stream(n.house, object{})
		team := n.entra.create("/Groups", group("Team", "members", refs(both, cloud), wsGroupURN, object{"originAnchor": "team"}))
		declare := func(source string) { n.api("PUT", "/groups/"+team+"/authority", object{"source": source}).status(200) }
		shown := func() (all []string) {
			for _, m := range n.admin.get("/Groups/" + team).status(200).at("members").(list) {
				all = append(all, m.(object)["value"].(string))
			}
			slices.Sort(all)
			return all
		}
		following, loss := map[string]bool{}, 0
		follow := func() []string {
			sets, _ := everybody.poll(object{"returnImmediately": true})
			for _, change := range changes(sets) {
				if following[change[1:]] = true; change[0] == '-' {
					delete(following, change[1:])
				}
				if change == "-"+both {
					loss++
				}
			}
			everybody.poll(object{"maxEvents": 0, "ack": ids(sets)})
			return slices.Sorted(maps.Keys(following))
		}
		for _, step := range []struct {
			what string
			do   func()
			want []string
		}{
			{"Entra has it", func() {}, []string{both, cloud}},
			{"AD has it too", func() {
				ad.create("/Groups", group("Team", "members", refs(onPrem, both), wsGroupURN, object{"originAnchor": "team"}))
			}, []string{onPrem, both}},
			{"Entra is declared", func() { declare("entra") }, []string{both, cloud}},
			{"nobody is declared", func() { declare("") }, []string{onPrem, both}},
			{"AD lets go", func() {
				dry := ad.delete("/Groups/" + team + "?dryRun=true").status(200)
				ad.delete("/Groups/" + team).status(204)
				if strings.Contains(string(dry.Text), cloud) {
					t.Errorf("AD is told of a user of Entra's: %s", dry.Text)
				}
			}, []string{both, cloud}},
		} {
			step.do()
			want := slices.Sorted(slices.Values(step.want))
			if !slices.Equal(shown(), want) {
				t.Fatalf("%s: there are %v, want %v", step.what, shown(), want)
			}
			until(t, step.what, func() bool { return slices.Equal(follow(), want) })
		}
		if loss > 0 {
			t.Errorf("a member who was one all the time is lost %d times", loss)
		}
		last := n.api("GET", "/explain?subject="+onPrem+"&target="+team, nil).status(200)
		if !strings.Contains(string(last.Text), "when the group's authority changed") {
			t.Errorf("%s", last.Text)
		}
		n.entra.delete("/Groups/" + team).status(204)
		until(t, "nobody is a member of a group that is gone", func() bool { return len(follow()) == 0 })
		sets, _ := own.poll(object{"returnImmediately": true})
		for _, s := range sets {
			if strings.Contains(s.text, cloud) {
				t.Errorf("AD is told of a user of Entra's: %s", s.text)
			}
		}
		if end := sets[len(sets)-1]; end.Subject.URI != "/Groups/"+team || end.named() != "prov:delete" {
			t.Errorf("after it has let go AD is told %s", end.text)
		}
	})
}

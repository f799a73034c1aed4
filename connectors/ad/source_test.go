package ad_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
)

func names(given, family string) adtest.Attrs {
	return adtest.Attrs{"givenName": {given}, "sn": {family}}
}

// H008, H015, H021: one changed attribute is one change, which names it alone
// and nothing else.
func TestH008H015H021OneChangedAttributeIsToldAlone(t *testing.T) {
	d := newSite(t)
	ou := d.OU("people", "")
	boss := d.User("boss", ou, names("Bo", "Ss"))
	ada := d.User("ada", ou, names("Ada", "Lovelace"))
	crew := d.Group("crew", ou)
	source := d.source(t, `{"scope":{"containers":{"include":["`+d.id(ou)+`"]}}}`)
	m := newModel(t)
	m.next(source)
	if !m.begun.Full || m.begun.Reason != "initial" || !m.begun.Absence || len(m.objects) != 3 {
		t.Fatalf("first pull %+v, %d objects", m.begun, len(m.objects))
	}
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	work := func(kind string) []any { return []any{map[string]any{"type": kind, "value": "+31 20 1"}} }
	for _, test := range []struct {
		attribute string
		values    []string
		want      map[string]any
	}{
		{"givenName", []string{"Augusta"}, map[string]any{"name.givenName": "Augusta"}},
		{"sn", []string{"King"}, map[string]any{"name.familyName": "King"}},
		{"displayName", []string{"Ada L."}, map[string]any{"displayName": "Ada L."}},
		{"telephoneNumber", []string{"+31 20 1"}, map[string]any{"phoneNumbers": work("work")}},
		{"department", []string{"IT"}, map[string]any{enterprise + "department": "IT"}},
		{"department", nil, map[string]any{enterprise + "department": nil}},
		{"mail", []string{"ada@test.example"}, map[string]any{"emails": []any{map[string]any{"value": "ada@test.example", "type": "work", "primary": true}}}},
		{"manager", []string{boss}, map[string]any{managerPath: d.id(boss)}},
		{"manager", nil, map[string]any{managerPath: nil}},
		{"userAccountControl", []string{"546"}, map[string]any{"active": false}}, // H010
		{"userAccountControl", []string{"544"}, map[string]any{"active": true}},
		{"accountExpires", []string{"132539328000000000"}, map[string]any{"active": false}},
		{"accountExpires", []string{"0"}, map[string]any{"active": true}},
		{"userPrincipalName", []string{"ada.king@test.example"}, map[string]any{"userName": "ada.king@test.example"}}, // W008
	} {
		d.Set(ada, test.attribute, test.values...)
		m.next(source)
		if len(m.changes) != 1 || m.changes[0].Whole || m.changes[0].Anchor != d.id(ada) {
			t.Fatalf("%s: %d changes: %+v", test.attribute, len(m.changes), m.changes)
		}
		if diff := cmp.Diff(test.want, m.changes[0].Attributes); diff != "" {
			t.Errorf("%s: %s", test.attribute, diff)
		}
	}
	m.agrees(source)

	for _, test := range []struct { // H009, H023, H024
		do             func()
		added, removed []string
	}{
		{func() { d.AddMembers(crew, ada, boss) }, []string{d.id(ada), d.id(boss)}, nil},
		{func() { d.RemoveMembers(crew, boss) }, nil, []string{d.id(boss)}},
	} {
		test.do()
		m.next(source)
		slices.Sort(test.added)
		if len(m.changes) != 1 || len(m.changes[0].Attributes) != 0 {
			t.Fatalf("members: %+v", m.changes)
		}
		slices.Sort(m.changes[0].Added)
		if !slices.Equal(m.changes[0].Added, test.added) || !slices.Equal(m.changes[0].Removed, test.removed) {
			t.Errorf("added %v, removed %v", m.changes[0].Added, m.changes[0].Removed)
		}
	}
	m.next(source)
	if len(m.changes) != 0 { // W015
		t.Errorf("nothing changed, told: %+v", m.changes)
	}
	m.agrees(source)
}

// W009: a user without a name isn't brought; one that loses it keeps it.
func TestW009NamesAreRequired(t *testing.T) {
	d := newSite(t)
	ou := d.OU("people", "")
	scope := `"scope":{"containers":{"include":["` + d.id(ou) + `"]}}`
	source := d.source(t, "{"+scope+"}")
	ada := d.User("ada", ou, names("Ada", "Lovelace"))
	nameless := d.User("nameless", ou, nil)
	m := newModel(t)
	m.next(source)
	if m.objects[d.id(ada)] == nil || m.objects[d.id(nameless)] != nil || !m.says("nameRequired", d.id(nameless)) {
		t.Fatalf("objects %v, problems %+v", m.objects, m.problems)
	}
	d.Set(ada, "sn")
	d.Set(ada, "title", "Countess")
	m.next(source)
	if a := m.objects[d.id(ada)].Attributes; a["name.familyName"] != "Lovelace" || a["title"] != "Countess" || !m.says("nameRequired", d.id(ada)) {
		t.Errorf("a name that was cleared: %v, %+v", a, m.problems)
	}
	m.pull(source, nil)
	if a := m.objects[d.id(ada)]; a == nil || a.Attributes["name.familyName"] != "Lovelace" {
		t.Errorf("a full pull takes it away: %v", a)
	}
	d.Set(nameless, "sn", "X")
	d.Set(nameless, "givenName", "Y")
	d.Set(ada, "sn", "King")
	m.next(source)
	m.agrees(source)
	if m.objects[d.id(nameless)] == nil {
		t.Error("a user that got its names isn't brought")
	}
	accepting := newModel(t)
	bare := d.User("bare", ou, nil)
	accepting.next(d.source(t, "{"+scope+`,"policies":{"names":"accept"}}`))
	if accepting.objects[d.id(bare)] == nil {
		t.Error("the policy accept doesn't")
	}
}

func (m *model) says(code, anchor string) bool {
	return slices.ContainsFunc(m.problems, func(p connectors.Problem) bool { return p.Code == code && p.Anchor == anchor })
}

// E019, W010, W011: users by groups and by containers, in union.
func TestE019W010W011ScopeByGroups(t *testing.T) {
	d := newSite(t)
	in, out := d.OU("in", ""), d.OU("out", "")
	user := func(name, ou string) string { return d.User(name, ou, names(name, name)) }
	a, b, c, e := user("a", out), user("b", out), user("c", in), user("e", out)
	inner := d.Group("inner", out, b)
	outer := d.Group("outer", out, a, inner)
	mailing := d.Group("mailing", out, e)
	d.Set(mailing, "mail", "all@test.example")
	scope := func(groups ...string) string {
		var ids []string
		for _, g := range groups {
			ids = append(ids, d.id(g))
		}
		return `"scope":{"containers":{"include":["` + d.id(in) + `"]},"groups":["` + strings.Join(ids, `","`) + `"]}`
	}
	check := func(m *model, want ...string) {
		t.Helper()
		var ids, got []string
		for _, dn := range want {
			ids = append(ids, d.id(dn))
		}
		for id := range m.objects {
			got = append(got, id)
		}
		slices.Sort(ids)
		slices.Sort(got)
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Error(diff)
		}
	}
	source := d.source(t, "{"+scope(outer, mailing)+"}")
	m := newModel(t)
	m.next(source)
	check(m, a, c, outer, inner) // inner is a member, as a group
	if !m.says("nestedGroup", d.id(inner)) || !m.says("mailEnabledGroup", d.id(mailing)) {
		t.Errorf("problems: %+v", m.problems)
	}
	d.AddMembers(outer, e)
	d.RemoveMembers(outer, a)
	m.next(source)
	check(m, c, e, outer, inner)
	m.agrees(source)

	flat := d.source(t, "{"+scope(outer)+`,"policies":{"scopeNested":"flatten"}}`)
	m.next(flat)
	if m.begun.Reason != "configurationChanged" {
		t.Errorf("reason %q", m.begun.Reason)
	}
	check(m, b, c, e, outer, inner)
	d.AddMembers(inner, a)
	m.next(flat)
	check(m, a, b, c, e, outer, inner)
	d.RemoveMembers(outer, inner)
	m.next(flat)
	if m.begun.Reason != "scopeGroupsChanged" {
		t.Errorf("reason %q", m.begun.Reason)
	}
	check(m, c, e, outer)
	d.Delete(outer)
	if err := flat.Pull(t.Context(), m.kept, m); !errors.Is(err, ad.ErrScopeMissing) {
		t.Errorf("a group of the scope is gone: %v", err)
	}
}

// Law 2: a container that the scope names and that isn't there removes nothing.
func TestAScopeThatIsMissingTellsNothing(t *testing.T) {
	d := newSite(t)
	m := newModel(t)
	err := d.source(t, `{"scope":{"containers":{"exclude":["00000000-0000-0000-0000-000000000001"]}}}`).Pull(t.Context(), nil, m)
	if !errors.Is(err, ad.ErrScopeMissing) || m.begun.Absence || len(m.changes) > 0 {
		t.Errorf("%v; begun %+v", err, m.begun)
	}
}

func TestCheckpointsOfOthersAreNotContinued(t *testing.T) {
	d := newSite(t)
	source := d.source(t, `{}`)
	m := newModel(t)
	m.next(source)
	broken := slices.Clone(m.kept)
	broken[30]++
	good := m.kept
	for reason, test := range map[string]struct {
		source *ad.Source
		after  []byte
	}{
		"":                     {source, good},
		"checkpointDamaged":    {source, broken},
		"configurationChanged": {d.source(t, `{"policies":{"names":"accept"}}`), good},
	} {
		m.pull(test.source, test.after)
		if m.begun.Reason != reason || m.begun.Full != (reason != "") {
			t.Errorf("%+v, want %q", m.begun, reason)
		}
	}
	limits, err := json.Marshal(map[string]any{"limits": map[string]any{"deletes": 5}})
	if err != nil {
		t.Fatal(err)
	}
	m.pull(d.source(t, string(limits)), good)
	if m.begun.Full {
		t.Error("other limits lead to a full pull")
	}
}

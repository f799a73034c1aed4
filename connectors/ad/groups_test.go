package ad_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad"
)

// A group is told with its names, description, kind and scope, and a change of
// one of them is told alone.
func TestAGroupIsToldWithScopeDescriptionAndAccountName(t *testing.T) {
	const workspace = "urn:ietf:params:scim:schemas:extension:workspace:2.0:Group:"
	d := newSite(t)
	ou := d.OU("groups", "")
	crew := d.Group("crew", ou)
	ada := d.User("ada", ou, names("Ada", "Lovelace"))
	source := d.source(t, `{"scope":{"containers":{"include":["`+d.id(ou)+`"]}}}`)
	m := newModel(t)
	m.next(source)
	got := m.objects[d.id(crew)].Attributes
	for path, want := range map[string]any{
		"displayName": "crew", workspace + "sAMAccountName": "crew", workspace + "groupType": "security", workspace + "groupScope": "universal",
		workspace + "description": nil,
	} {
		if got[path] != want {
			t.Errorf("%s: %v, want %v", path, got[path], want)
		}
	}
	for _, test := range []struct {
		attribute, value string
		want             map[string]any
	}{
		{"description", "All hands", map[string]any{workspace + "description": "All hands"}},
		{"sAMAccountName", "crew2", map[string]any{workspace + "sAMAccountName": "crew2"}},
		{"groupType", "-2147483646", map[string]any{workspace + "groupType": "security", workspace + "groupScope": "global"}},
		{"groupType", "-2147483640", nil}, // no way leads from global to domainLocal but by universal
		{"groupType", "-2147483644", map[string]any{workspace + "groupType": "security", workspace + "groupScope": "domainLocal"}},
	} {
		d.Set(crew, test.attribute, test.value)
		if test.want == nil {
			continue
		}
		m.next(source)
		if len(m.changes) != 1 || m.changes[0].Kind != connectors.Group || m.changes[0].Whole {
			t.Fatalf("%s: %+v", test.attribute, m.changes)
		}
		if diff := cmp.Diff(test.want, m.changes[0].Attributes); diff != "" {
			t.Errorf("%s: %s", test.attribute, diff)
		}
	}
	// What any object may have doesn't make a group of a user.
	for _, attribute := range []string{"description", "telephoneNumber"} {
		d.Set(ada, attribute, "x")
		m.next(source)
		for _, c := range m.changes {
			if c.Kind != connectors.User {
				t.Errorf("%s of a user is told as a change of a %s", attribute, c.Kind)
			}
		}
	}
	m.agrees(source)
	allowed := d.Read(crew, "allowedAttributes")
	for _, name := range ad.OfPeople {
		if slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, name) }) {
			t.Errorf("a group may have %s", name)
		}
	}
}

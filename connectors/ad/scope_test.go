package ad_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
)

// E019, E024: a scope of 100 containers and 100 groups in union, with clauses on
// top, in full and over increments.
func TestE019E024ScopeByManyGroupsAndContainersAndByAttributes(t *testing.T) {
	const many = 100
	d := newSite(t)
	outside := d.OU("outside", "")
	user := func(name, ou, department string) string {
		return d.User(name, ou, adtest.Attrs{"givenName": {name}, "sn": {name}, "department": {department}})
	}
	var ous, groups, within, members, containers, named []string
	for n := range many {
		ou := d.OU(fmt.Sprintf("ou%d", n), "")
		ous, containers = append(ous, ou), append(containers, d.id(ou))
		within = append(within, user(fmt.Sprintf("w%d", n), ou, "IT"))
		members = append(members, user(fmt.Sprintf("m%d", n), outside, "IT"))
		g := d.Group(fmt.Sprintf("g%d", n), outside, members[n])
		groups, named = append(groups, g), append(named, d.id(g))
	}
	stranger, clerk := user("stranger", outside, "IT"), user("clerk", ous[0], "HR")
	list := func(ids []string) string { return `["` + strings.Join(ids, `","`) + `"]` }
	source := d.source(t, `{"scope":{"containers":{"include":`+list(containers)+`},"groups":`+list(named)+`,
		"users":[[{"attribute":"department","operator":"EQUALS","value":"IT"},{"attribute":"givenName","operator":"IS NOT NULL"}]]}}`)
	m := newModel(t)
	users := func(want int, without ...string) {
		t.Helper()
		got := 0
		for _, o := range m.objects {
			if o.Attributes["userName"] != nil {
				got++
			}
		}
		if got != want {
			t.Errorf("%d users are brought, want %d", got, want)
		}
		for _, dn := range without {
			if m.objects[d.id(dn)] != nil {
				t.Errorf("%s is brought", dn)
			}
		}
	}
	m.next(source)
	users(2*many, stranger, clerk)
	if len(m.objects) != 3*many { // the groups too
		t.Errorf("%d objects", len(m.objects))
	}

	d.RemoveMembers(groups[77], members[77])
	d.AddMembers(groups[99], stranger)
	left := d.Move(within[88], outside)
	d.Set(clerk, "department", "IT")
	d.Set(within[3], "department", "HR")
	d.Rename(ous[55], "renamed")
	m.next(source)
	if m.begun.Full {
		t.Errorf("a full pull: %s", m.begun.Reason)
	}
	users(2*many-1, members[77], left, within[3])
	for _, dn := range []string{stranger, clerk} {
		if m.objects[d.id(dn)] == nil {
			t.Errorf("%s isn't brought", dn)
		}
	}
	m.agrees(source)
}

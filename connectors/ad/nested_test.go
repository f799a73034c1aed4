package ad_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// With nested flatten a group's members are the people below it, and stay right
// when only an inner group changes, at a cost that follows the change: what isn't
// above the changed group isn't told.
func TestNestedGroupsAreFlattened(t *testing.T) {
	for _, mode := range []dirsync.Mode{dirsync.ModeDirSync, dirsync.ModeUSNChanged} {
		t.Run(string(mode), func(t *testing.T) { nestedGroupsAreFlattened(t, mode) })
	}
}

func nestedGroupsAreFlattened(t *testing.T, mode dirsync.Mode) {
	d := newSite(t)
	d.mode = mode
	ou := d.OU("people", "")
	user := func(name string) string { return d.User(name, ou, names(name, name)) }
	a, b, c, e := user("a"), user("b"), user("c"), user("e")
	inner := d.Group("inner", ou, b)
	middle := d.Group("middle", ou, c, inner)
	outer := d.Group("outer", ou, a, middle)
	d.AddMembers(inner, outer) // a cycle
	apart := d.Group("apart", ou, e)
	source := d.source(t, `{"scope":{"containers":{"include":["`+d.id(ou)+`"]}},"policies":{"nested":"flatten"}}`)
	m := newModel(t)
	check := func(group string, people ...string) {
		t.Helper()
		want := map[string]bool{}
		for _, dn := range people {
			want[d.id(dn)] = true
		}
		if diff := cmp.Diff(want, m.objects[d.id(group)].Members); diff != "" {
			t.Errorf("%s: %s", group, diff)
		}
	}
	m.next(source)
	for _, group := range []string{inner, middle, outer} {
		check(group, a, b, c)
	}

	d.AddMembers(inner, e)
	m.next(source)
	check(outer, a, b, c, e)
	if len(m.changes) != 3 || m.seen[d.id(apart)] || m.changes[0].AllMembers != (mode == dirsync.ModeUSNChanged) {
		t.Errorf("one who came: %+v", m.changes)
	}
	d.AddMembers(middle, e)
	m.next(source)
	d.RemoveMembers(inner, e) // it is there by another way
	m.next(source)
	check(outer, a, b, c, e)
	check(inner, a, b, c, e)

	d.RemoveMembers(inner, outer) // the cycle is open
	m.next(source)
	check(inner, b)
	check(middle, b, c, e)
	check(outer, a, b, c, e)

	d.RemoveMembers(middle, inner)
	d.RemoveMembers(inner, b) // both ends of the way are cut in one go
	m.next(source)
	check(outer, a, c, e)
	d.AddMembers(middle, inner)
	d.AddMembers(inner, b)
	m.next(source)
	check(outer, a, b, c, e)

	d.Delete(inner) // the groups above it aren't told of that
	m.next(source)
	check(outer, a, c, e)
	check(middle, c, e)
	if m.begun.Full {
		t.Error("a deleted group led to a full pull")
	}
	m.agrees(source)
	m.next(source)
	if len(m.changes) != 0 {
		t.Errorf("nothing changed, told: %+v", m.changes)
	}

	var many []string
	for n := range 33 { // so many are told with all others
		many = append(many, user(fmt.Sprintf("m%d", n)))
	}
	d.AddMembers(middle, many...)
	m.next(source)
	check(outer, append([]string{a, c, e}, many...)...)
	d.RemoveMembers(middle, many...)
	m.next(source)
	check(outer, a, c, e)

	// Who leaves the scope and comes back is in the groups above its own again.
	elsewhere := d.OU("elsewhere", "")
	out := d.Move(c, elsewhere)
	m.next(source)
	check(outer, a, e)
	d.Move(out, ou)
	m.next(source)
	check(outer, a, c, e)
	m.agrees(source)
}

// afterBegin is a sink that does something when a pull has begun to read.
type afterBegin struct {
	*model
	do func()
}

func (a afterBegin) Begin(p connectors.Pull) error {
	a.do()
	return a.model.Begin(p)
}

// A group that the stream tells and that can't be looked up then isn't absent,
// and the groups around it don't lose those in it.
func TestAGroupThatCannotBeLookedUpLosesNobody(t *testing.T) {
	d := newSite(t)
	ou, secret := d.OU("people", ""), d.OU("secret", "")
	ada, bob := d.User("ada", ou, names("Ada", "L")), d.User("bob", ou, names("Bob", "B"))
	inner := d.Group("inner", secret, bob)
	outer := d.Group("outer", ou, ada, inner)
	source := d.source(t, `{"policies":{"nested":"flatten"}}`)
	m := newModel(t)
	m.next(source)
	hide := func() { d.GrantOver(d.service.DN, secret, adtest.HideChildren) }
	if err := source.Pull(t.Context(), nil, afterBegin{m, hide}); err != nil {
		t.Fatal(err)
	}
	if !m.begun.Absence || !m.seen[d.id(inner)] {
		t.Errorf("the inner group is absent from %+v", m.begun)
	}
	if diff := cmp.Diff(map[string]bool{d.id(ada): true, d.id(bob): true}, m.objects[d.id(outer)].Members); diff != "" {
		t.Errorf("outer: %s", diff)
	}
	problems := map[string]string{}
	for _, p := range m.problems {
		problems[p.Anchor] = p.Code
	}
	if problems[d.id(inner)] != "hidden" || problems[d.id(outer)] != "membersHidden" {
		t.Errorf("the problems are %+v", m.problems)
	}
}

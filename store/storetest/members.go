package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func memberChecks() []check {
	return []check{
		{"members come in the order of their rids, whole", membersInOrder},
		{"adding a present and removing an absent member change nothing", memberIdempotent},
		{"a member named in both lists is removed", memberNamedTwice},
		{"the resolved members are those of the authority", memberAuthority},
		{"another authority switches the resolved members", memberAuthorityChange},
		{"the resolved view shows visible members only", memberVisible},
		{"replacing writes the exact difference", membersReplaced},
		{"replacing touches one source only", membersReplacedPerSource},
		{"ending memberships removes a resource from what the source asserted", membershipsEnded},
		{"an error of a row stops and is returned", memberRowError},
		{"a group without members has none", memberNone},
	}
}

// assert makes users or groups members of a group on behalf of a source.
func assert(tx store.Tx, w *world, group store.Resource, source int64, members ...store.Resource) error {
	_, _, err := tx.ChangeMembers(w.tenant, group.RID, source, rids(members...), nil)
	return err
}

// changes are the members that a call really added and removed.
type changes struct{ Added, Removed []int64 }

func (w *world) changeMembers(group store.Resource, source int64, add, remove []int64) changes {
	w.Helper()
	var got changes
	w.update(func(tx store.Tx) error {
		added, removed, err := tx.ChangeMembers(w.tenant, group.RID, source, add, remove)
		got = changes{sorted(added), sorted(removed)}
		return err
	})
	return got
}

func (w *world) replaceMembers(group store.Resource, source int64, members ...store.Resource) changes {
	w.Helper()
	var got changes
	w.update(func(tx store.Tx) error {
		added, removed, err := tx.ReplaceMembers(w.tenant, group.RID, source, rids(members...))
		got = changes{sorted(added), sorted(removed)}
		return err
	})
	return got
}

// people inserts users of the AD.
func (w *world) people(names ...string) []store.Resource {
	w.Helper()
	all := make([]store.Resource, len(names))
	put := make([]*store.Resource, len(names))
	for i, name := range names {
		all[i] = w.newUser(w.ad, name, "")
		put[i] = &all[i]
	}
	w.put(put...)
	return all
}

func membersInOrder(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("c", "a", "b")
	g, inner := w.group(w.ad, "Sales", ""), w.group(w.ad, "Inner", "")
	got := w.changeMembers(g, w.ad, rids(inner, p[2], p[0], p[1]), nil)
	equal(w, "added", got, changes{Added: rids(p[0], p[1], p[2], inner)})
	want := []store.Member{}
	for _, r := range append(p, inner) {
		want = append(want, store.Member{RID: r.RID, ID: r.ID, Kind: r.Kind, Display: r.Display})
	}
	for _, source := range []int64{0, w.ad} {
		members := read(w, func(r store.Reader) (all []store.Member, err error) {
			return all, r.Members(w.as(source), g.RID, func(m store.Member) error { all = append(all, m); return nil })
		})
		equal(w, "members", members, want)
	}
}

func memberIdempotent(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("a", "b", "c")
	g := w.group(w.ad, "Sales", "")
	equal(w, "first", w.changeMembers(g, w.ad, rids(p[0], p[1]), rids(p[2])), changes{Added: rids(p[0], p[1])})
	equal(w, "again", w.changeMembers(g, w.ad, rids(p[0], p[1]), rids(p[2])), changes{})
	equal(w, "some new", w.changeMembers(g, w.ad, rids(p[0], p[2], p[2]), nil), changes{Added: rids(p[2])})
	equal(w, "removed", w.changeMembers(g, w.ad, nil, rids(p[0], p[0])), changes{Removed: rids(p[0])})
	equal(w, "removed again", w.changeMembers(g, w.ad, nil, rids(p[0])), changes{})
	equal(w, "nothing", w.changeMembers(g, w.ad, nil, nil), changes{})
	equal(w, "members", w.members(0, g.RID), []string{"b", "c"})
}

func memberNamedTwice(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("present", "absent", "other")
	g := w.group(w.ad, "Sales", "")
	w.changeMembers(g, w.ad, rids(p[0]), nil)
	got := w.changeMembers(g, w.ad, rids(p...), rids(p[0], p[1]))
	equal(w, "changed", got, changes{Added: rids(p[2]), Removed: rids(p[0])})
	equal(w, "members", w.members(0, g.RID), []string{"other"})
}

func memberAuthority(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("both", "ad", "hr")
	for _, r := range p {
		w.link(w.hr, r, nil)
	}
	g := w.group(w.ad, "Sales", "")
	w.link(w.hr, g, nil)
	w.changeMembers(g, w.ad, rids(p[0], p[1]), nil)
	equal(w, "changed by the other", w.changeMembers(g, w.hr, rids(p[0], p[2]), rids(p[1])), changes{Added: rids(p[0], p[2])})
	equal(w, "resolved", w.members(0, g.RID), []string{"both", "ad"})
	equal(w, "the authority's", w.members(w.ad, g.RID), []string{"both", "ad"})
	equal(w, "the other's", w.members(w.hr, g.RID), []string{"both", "hr"})
	equal(w, "nobody's", w.members(w.manual, g.RID), nil)
	equal(w, "removed by the other", w.changeMembers(g, w.hr, nil, rids(p[0])), changes{Removed: rids(p[0])})
	equal(w, "resolved after that", w.members(0, g.RID), []string{"both", "ad"})
}

func memberAuthorityChange(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("a", "b")
	g := w.group(w.ad, "Sales", "")
	w.changeMembers(g, w.ad, rids(p[0]), nil)
	w.changeMembers(g, w.hr, rids(p[1]), nil)
	equal(w, "before", w.members(0, g.RID), []string{"a"})
	w.change(g.RID, func(r *store.Resource) { r.Authority = w.hr })
	equal(w, "after", w.members(0, g.RID), []string{"b"})
	equal(w, "groups of a", w.groupsOf(0, p[0]), nil)
	equal(w, "groups of b", w.groupsOf(0, p[1]), []string{"Sales direct"})
	w.change(g.RID, func(r *store.Resource) { r.Authority = w.manual })
	equal(w, "of an authority that asserts none", w.members(0, g.RID), nil)
}

func memberVisible(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	g := w.group(w.ad, "Sales", "")
	for state := store.Live; state <= store.Purged; state++ {
		w.changeMembers(g, w.ad, rids(w.inState(state, fmt.Sprint("u", state))), nil)
	}
	equal(w, "resolved members", w.members(0, g.RID), []string{"u1", "u2"})
}

func membersReplaced(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("a", "b", "c", "d")
	g := w.group(w.ad, "Sales", "")
	equal(w, "from none", w.replaceMembers(g, w.ad, p[0], p[1]), changes{Added: rids(p[0], p[1])})
	equal(w, "same", w.replaceMembers(g, w.ad, p[1], p[0]), changes{})
	equal(w, "other", w.replaceMembers(g, w.ad, p[1], p[2], p[3], p[3]), changes{Added: rids(p[2], p[3]), Removed: rids(p[0])})
	equal(w, "members", w.members(0, g.RID), []string{"b", "c", "d"})
	equal(w, "to none", w.replaceMembers(g, w.ad), changes{Removed: rids(p[1], p[2], p[3])})
	equal(w, "members", w.members(0, g.RID), nil)
}

func membersReplacedPerSource(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("a", "b")
	for _, r := range p {
		w.link(w.hr, r, nil)
	}
	g, other := w.group(w.ad, "Sales", ""), w.group(w.ad, "Other", "")
	w.link(w.hr, g, nil)
	w.replaceMembers(g, w.ad, p...)
	w.replaceMembers(other, w.ad, p...)
	equal(w, "the other source's", w.replaceMembers(g, w.hr, p[1]), changes{Added: rids(p[1])})
	equal(w, "emptied", w.replaceMembers(g, w.ad), changes{Removed: rids(p...)})
	equal(w, "what the other source asserts", w.members(w.hr, g.RID), []string{"b"})
	equal(w, "another group", w.members(0, other.RID), []string{"a", "b"})
}

func membershipsEnded(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("leaver", "stayer")
	var groups []store.Resource
	for i := range 3 {
		groups = append(groups, w.group(w.ad, fmt.Sprint("g", i), ""))
		w.link(w.hr, groups[i], nil)
	}
	w.link(w.hr, p[0], nil)
	for _, g := range groups[:2] {
		w.changeMembers(g, w.ad, rids(p...), nil)
	}
	w.changeMembers(groups[1], w.hr, rids(p[0]), nil)
	w.changeMembers(groups[2], w.hr, rids(p[0]), nil)
	end := func(source int64) []int64 {
		var ended []int64
		w.update(func(tx store.Tx) error {
			all, err := tx.EndMemberships(source, p[0].RID)
			ended = sorted(all)
			return err
		})
		return ended
	}
	equal(w, "ended", end(w.ad), rids(groups[:2]...))
	equal(w, "ended again", end(w.ad), nil)
	for _, g := range groups[:2] {
		equal(w, "members of "+g.Display, w.members(0, g.RID), []string{"stayer"})
	}
	equal(w, "what the other source asserts", w.groupsOf(w.hr, p[0]), []string{"g1 direct", "g2 direct"})
	equal(w, "ended for the other", end(w.hr), rids(groups[1:]...))
}

func memberRowError(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	g := w.group(w.ad, "Sales", "")
	w.changeMembers(g, w.ad, rids(w.people("a", "b", "c")...), nil)
	enough := errors.New("enough")
	rows := 0
	err := s.View(t.Context(), func(r store.Reader) error {
		return r.Members(w.as(0), g.RID, func(store.Member) error {
			if rows++; rows == 2 {
				return enough
			}
			return nil
		})
	})
	if !errors.Is(err, enough) || rows != 2 {
		t.Errorf("error %v after %d rows, want %v after 2", err, rows, enough)
	}
}

func memberNone(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	g := w.newGroup(w.ad, "Sales", "")
	w.put(&g)
	equal(w, "members", w.members(0, g.RID), nil)
	equal(w, "kind", w.resource(g.RID).Kind, schema.Group)
}

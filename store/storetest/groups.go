package storetest

import (
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func groupChecks() []check {
	return []check{
		{"groups are direct or by nesting, each once, direct first", groupsOrder},
		{"a cycle of groups ends", groupsCycle},
		{"nesting is followed to any depth", groupsDeep},
		{"a view follows its own memberships", groupsViews},
		{"an invisible group neither shows nor nests", groupsInvisible},
		{"a source doesn't see groups that it isn't linked to", groupsUnlinked},
		{"several resources are answered at once", groupsSeveral},
	}
}

// groupsOf gives the groups of a resource as "name direct" or "name indirect".
func (w *world) groupsOf(source int64, r store.Resource) []string {
	w.Helper()
	all := read(w, func(rd store.Reader) (map[int64][]store.Membership, error) { return rd.Groups(w.as(source), rids(r)) })
	if rec, err := tryRead(w, func(rd store.Reader) (store.Record, error) { return rd.Record(w.as(source), r.Kind, r.ID, true) }); err == nil {
		equal(w, "groups of the record", rec.Groups, all[r.RID])
		q := w.where(w.users(source), fmt.Sprintf("id eq %q", r.ID))
		if r.Kind == schema.Group {
			q = w.where(w.groupsQuery(source), fmt.Sprintf("id eq %q", r.ID))
		}
		q.Groups = true
		equal(w, "groups in a list", w.list(q).Records[0].Groups, all[r.RID])
	}
	w.links(r.RID) // and Load gives them
	var out []string
	for _, m := range all[r.RID] {
		out = append(out, kinship(m.Display, m.Direct))
	}
	return out
}

// nest makes groups g0, g1, … of the AD, and members of them as told.
func (w *world) nest(n int, edges func(g []store.Resource) map[int][]store.Resource) []store.Resource {
	w.Helper()
	g := make([]store.Resource, n)
	for i := range g {
		g[i] = w.group(w.ad, fmt.Sprint("g", i), "")
	}
	w.update(func(tx store.Tx) error {
		for i, members := range edges(g) {
			if err := assert(tx, w, g[i], w.ad, members...); err != nil {
				return err
			}
		}
		return nil
	})
	return g
}

func groupsOrder(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("anna")
	g := w.nest(5, func(g []store.Resource) map[int][]store.Resource {
		// g0 ∋ g3 ∋ anna, g1 ∋ g4 ∋ anna, g0 ∋ g4; anna is in g4, g3 and, directly too, in g1.
		return map[int][]store.Resource{0: {g[3], g[4]}, 1: {g[4], p[0]}, 3: p, 4: p}
	})
	for _, source := range []int64{0, w.ad} {
		equal(w, "groups", w.groupsOf(source, p[0]), []string{"g1 direct", "g3 direct", "g4 direct", "g0 indirect"})
		equal(w, "groups of a group", w.groupsOf(source, g[4]), []string{"g0 direct", "g1 direct"})
		equal(w, "groups of one in none", w.groupsOf(source, g[2]), nil)
	}
	all := read(w, func(r store.Reader) (map[int64][]store.Membership, error) { return r.Groups(w.as(0), rids(g[3])) })
	equal(w, "a membership", all[g[3].RID], []store.Membership{{RID: g[0].RID, ID: g[0].ID, Display: "g0", Direct: true}})
}

func groupsCycle(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("anna")
	g := w.nest(4, func(g []store.Resource) map[int][]store.Resource {
		return map[int][]store.Resource{0: {p[0], g[2]}, 1: {g[0]}, 2: {g[1]}, 3: {g[3], p[0]}}
	})
	equal(w, "groups of anna", w.groupsOf(0, p[0]), []string{"g0 direct", "g3 direct", "g1 indirect", "g2 indirect"})
	equal(w, "groups of a group in the cycle, but for itself", without(w.groupsOf(0, g[0]), "g0 indirect"), []string{"g1 direct", "g2 indirect"})
}

// without drops a value: whether a group of a cycle is its own indirect group
// is left to the backend.
func without(all []string, drop string) []string {
	var out []string
	for _, s := range all {
		if s != drop {
			out = append(out, s)
		}
	}
	return out
}

func groupsDeep(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("anna")
	const depth = 60
	w.nest(depth, func(g []store.Resource) map[int][]store.Resource {
		edges := map[int][]store.Resource{depth - 1: p}
		for i := range depth - 1 {
			edges[i] = []store.Resource{g[i+1]}
		}
		return edges
	})
	want := []string{fmt.Sprintf("g%d direct", depth-1)}
	for i := range depth - 1 {
		want = append(want, fmt.Sprintf("g%d indirect", i))
	}
	equal(w, "groups", w.groupsOf(0, p[0]), want)
}

func groupsViews(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("anna")
	w.link(w.hr, p[0], nil)
	g := w.nest(3, func(g []store.Resource) map[int][]store.Resource {
		return map[int][]store.Resource{0: p, 1: {g[0]}}
	})
	for _, each := range g {
		w.link(w.hr, each, nil)
	}
	w.changeMembers(g[1], w.hr, rids(p[0]), nil)
	w.changeMembers(g[2], w.hr, rids(g[1]), nil)
	equal(w, "resolved", w.groupsOf(0, p[0]), []string{"g0 direct", "g1 indirect"})
	equal(w, "the authority's", w.groupsOf(w.ad, p[0]), []string{"g0 direct", "g1 indirect"})
	equal(w, "the other's", w.groupsOf(w.hr, p[0]), []string{"g1 direct", "g2 indirect"})
}

func groupsInvisible(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("anna")
	g := w.nest(3, func(g []store.Resource) map[int][]store.Resource {
		return map[int][]store.Resource{0: {p[0], g[1]}, 1: p, 2: {g[1]}}
	})
	equal(w, "before", w.groupsOf(0, p[0]), []string{"g0 direct", "g1 direct", "g2 indirect"})
	w.change(g[1].RID, func(r *store.Resource) { r.State = store.Deleted })
	equal(w, "after", w.groupsOf(0, p[0]), []string{"g0 direct"})
	w.change(g[1].RID, func(r *store.Resource) { r.State = store.Orphaned })
	equal(w, "revived", w.groupsOf(0, p[0]), []string{"g0 direct", "g1 direct", "g2 indirect"})
}

func groupsUnlinked(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("anna")
	g := w.nest(2, func(g []store.Resource) map[int][]store.Resource {
		return map[int][]store.Resource{0: p, 1: {g[0]}}
	})
	w.changeLink(w.ad, g[0].RID, func(l *store.Link) { l.State = store.LinkEnded })
	equal(w, "groups that the source sees", w.groupsOf(w.ad, p[0]), nil)
	equal(w, "resolved", w.groupsOf(0, p[0]), []string{"g0 direct", "g1 indirect"})
}

func groupsSeveral(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("anna", "bertha", "carl")
	g := w.nest(3, func(g []store.Resource) map[int][]store.Resource {
		return map[int][]store.Resource{0: {g[1]}, 1: p[:2], 2: p[1:2]}
	})
	membership := func(i int, direct bool) store.Membership {
		return store.Membership{RID: g[i].RID, ID: g[i].ID, Display: g[i].Display, Direct: direct}
	}
	got := read(w, func(r store.Reader) (map[int64][]store.Membership, error) {
		return r.Groups(w.as(0), append(rids(p...), p[0].RID, g[2].RID+1<<40))
	})
	equal(w, "groups of anna", got[p[0].RID], []store.Membership{membership(1, true), membership(0, false)})
	equal(w, "groups of bertha", got[p[1].RID], []store.Membership{membership(1, true), membership(2, true), membership(0, false)})
	equal(w, "groups of carl", got[p[2].RID], nil)
	none := read(w, func(r store.Reader) (map[int64][]store.Membership, error) { return r.Groups(w.as(0), nil) })
	equal(w, "groups of nobody", len(none), 0)
}

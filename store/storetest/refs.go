package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func refChecks() []check {
	return []check{
		{"references are found whatever their kind and state", refsFound},
		{"a reference tells the link of the view's source", refLinks},
		{"references to 70,000 ids are one call", refsMany},
		{"ids are found by rid, within the tenant", idsFound},
	}
}

func refTo(r store.Resource) store.Ref {
	return store.Ref{RID: r.RID, ID: r.ID, Kind: r.Kind, Display: r.Display, State: r.State}
}

// refs gives references in the order of their rids.
func (w *world) refs(source int64, ids ...string) []store.Ref {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Ref, error) {
		refs, err := r.Refs(w.as(source), ids)
		slices.SortFunc(refs, func(a, b store.Ref) int { return int(a.RID - b.RID) })
		return refs, err
	})
}

func refsFound(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	foreign := other.user(other.ad, "anna", "")
	ids := []string{uuid.NewString(), foreign.ID, "", "not an id", "'"}
	var want []store.Ref
	for state := store.Live; state <= store.Purged; state++ {
		r := w.inState(state, fmt.Sprint("u", state))
		ids, want = append(ids, r.ID), append(want, refTo(r))
	}
	g := w.newGroup(w.hr, "Sales", "")
	w.put(&g)
	ids, want = append(ids, g.ID), append(want, refTo(g))
	equal(w, "refs", w.refs(0, ids...), want)
	equal(w, "refs in the view of a source without links", w.refs(w.manual, ids...), want)
	equal(w, "refs of no ids", w.refs(0), nil)
}

func refLinks(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var ids []string
	var resolved, ofHR []store.Ref
	for state := store.LinkState(0); state <= store.LinkConflict; state++ {
		r := w.user(w.ad, fmt.Sprint("u", state), "")
		if state != 0 {
			w.link(w.hr, r, func(l *store.Link) { l.State = state })
		}
		ref := refTo(r)
		ids, resolved = append(ids, r.ID), append(resolved, ref)
		ref.Link = state
		ofHR = append(ofHR, ref)
	}
	equal(w, "resolved", w.refs(0, ids...), resolved)
	equal(w, "in the source's view", w.refs(w.hr, ids...), ofHR)
}

// 70,000 is more parameters than a statement of SQLite (32,766) or PostgreSQL
// (65,535) takes.
func refsMany(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", "")
	ids, rids := make([]string, 70_000), make([]int64, 70_000)
	for i := range ids {
		ids[i], rids[i] = fmt.Sprintf("00000000-0000-4000-8000-%012d", i), int64(i+1)<<33
	}
	ids[len(ids)-1], rids[len(rids)-1] = anna.ID, anna.RID
	w.view(func(r store.Reader) error {
		refs, err := r.Refs(w.as(w.hr), ids)
		if err != nil || len(refs) != 1 || refs[0] != refTo(anna) {
			return fmt.Errorf("refs are %+v, %w", refs, err)
		}
		found, err := r.IDs(w.tenant, rids)
		if err != nil || len(found) != 1 || found[anna.RID] != anna.ID {
			return fmt.Errorf("ids are %+v, %w", found, err)
		}
		return nil
	})
}

func idsFound(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, gone, g := w.user(w.ad, "anna", ""), w.inState(store.Purged, "gone"), w.group(w.ad, "Sales", "")
	foreign := other.user(other.ad, "otto", "")
	of := func(wanted ...int64) map[int64]string {
		t.Helper()
		return read(w, func(r store.Reader) (map[int64]string, error) { return r.IDs(w.tenant, wanted) })
	}
	want := map[int64]string{anna.RID: anna.ID, gone.RID: gone.ID, g.RID: g.ID}
	equal(w, "ids", of(anna.RID, g.RID, gone.RID, anna.RID, foreign.RID, 0, -1, 1<<50), want)
	equal(w, "ids of no rids", len(of()), 0)
}

package storetest

import (
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func expiryChecks() []check {
	return []check{{"what has been in a state since before a time is found, in any tenant", expired}}
}

func expired(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	put := func(w *world, name string, state store.State, minute int) store.Resource {
		r := w.newUser(w.ad, name, `{"title":"x"}`)
		r.State, r.StateAt = state, at(minute)
		w.update(func(tx store.Tx) error { return tx.InsertResource(&r) })
		return r
	}
	a, b := put(w, "a", store.Orphaned, 1), put(other, "b", store.Orphaned, 2)
	c := put(w, "c", store.Orphaned, 3)
	d := put(w, "d", store.Deleted, 1)
	put(w, "e", store.Live, 1)
	find := func(state store.State, minute, limit int) []store.Resource {
		t.Helper()
		return read(w, func(r store.Reader) ([]store.Resource, error) { return r.Expired(state, at(minute), limit) })
	}
	found := func(state store.State, minute, limit int) []int64 {
		t.Helper()
		return sorted(rids(find(state, minute, limit)...))
	}
	equal(w, "orphans before the third minute", found(store.Orphaned, 3, 10), rids(a, b))
	equal(w, "orphans before the fourth", found(store.Orphaned, 4, 10), rids(a, b, c))
	equal(w, "orphans before the first", found(store.Orphaned, 1, 10), nil)
	equal(w, "deleted", find(store.Deleted, 9, 10), []store.Resource{bare(d)})
	equal(w, "number with a limit", len(find(store.Orphaned, 9, 2)), 2)
	w.change(a.RID, func(r *store.Resource) { r.State, r.StateAt = store.Deleted, at(5) })
	equal(w, "orphans after one moved on", found(store.Orphaned, 9, 10), rids(b, c))
	equal(w, "deleted after one moved on", found(store.Deleted, 6, 10), rids(a, d))
}

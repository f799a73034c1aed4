package storetest

import (
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func conflictChecks() []check {
	return []check{
		{"conflicts read back whole, the newest first, up to a limit", conflictsReadBack},
		{"an open conflict is counted up, not written twice", conflictCounted},
		{"another source, resource or externalId is another conflict", conflictApart},
		{"a decided conflict doesn't count on", conflictDecided},
	}
}

func conflicts(w *world, limit int) []store.Conflict {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Conflict, error) { return r.Conflicts(w.tenant, limit) })
}

func (w *world) newConflict(rid int64, externalID string, minute int) store.Conflict {
	return store.Conflict{
		Tenant: w.tenant, Source: w.hr, Kind: schema.User, RID: rid, ExternalID: externalID, Reason: "manualAccount",
		Doc: []byte(`{"userName":"anna","b":1.50}`), FirstAt: at(minute), LastAt: at(minute), Count: 1, Open: true,
	}
}

func (w *world) putConflict(c *store.Conflict) {
	w.Helper()
	given := *c
	w.update(func(tx store.Tx) error {
		*c = given
		return tx.PutConflict(c)
	})
}

func conflictsReadBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.manual, "anna", "")
	var want []store.Conflict
	for i, id := range []string{"E-1", "E-2", ""} {
		c := w.newConflict(anna.RID, id, i)
		w.putConflict(&c)
		if c.ID == 0 {
			t.Error("PutConflict left the ID at 0")
		}
		want = append([]store.Conflict{c}, want...)
	}
	equal(w, "conflicts", conflicts(w, 10), want)
	equal(w, "two conflicts", conflicts(w, 2), want[:2])
}

func conflictCounted(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.manual, "anna", "")
	first := w.newConflict(anna.RID, "E-1", 1)
	w.putConflict(&first)
	for n := 2; n <= 3; n++ {
		again := w.newConflict(anna.RID, "E-1", n)
		w.putConflict(&again)
		all := conflicts(w, 10)
		if len(all) != 1 {
			t.Fatalf("%d conflicts, want one", len(all))
		}
		got := all[0]
		if got.ID != first.ID || got.Count != int64(n) || !got.FirstAt.Equal(at(1)) || !got.LastAt.Equal(at(n)) || !got.Open {
			t.Errorf("after %d times: %+v", n, got)
		}
	}
}

func conflictApart(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha := w.user(w.manual, "anna", ""), w.user(w.manual, "bertha", "")
	base := w.newConflict(anna.RID, "E-1", 1)
	source, resource, external, cased := base, base, base, base
	source.Source, resource.RID, external.ExternalID, cased.ExternalID = w.ad, bertha.RID, "", "e-1"
	for _, c := range []*store.Conflict{&base, &source, &resource, &external, &cased} {
		w.putConflict(c)
	}
	all := conflicts(w, 10)
	equal(w, "number of conflicts", len(all), 5)
	for _, c := range all {
		equal(w, "count", c.Count, int64(1))
	}
}

func conflictDecided(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.manual, "anna", "")
	decided, open := w.newConflict(anna.RID, "E-1", 1), w.newConflict(anna.RID, "E-1", 2)
	decided.Open = false
	w.putConflict(&decided)
	w.putConflict(&open)
	all := conflicts(w, 10)
	equal(w, "conflicts", all, []store.Conflict{open, decided})
}

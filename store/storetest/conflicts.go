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
		{"what is kept apart counts on, what was adopted is over", conflictDecided},
		{"conflicts are found by source, resource, name and decision", conflictFound},
	}
}

func conflicts(w *world, limit int) []store.Conflict {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Conflict, error) {
		return r.Conflicts(store.ConflictQuery{Tenant: w.tenant, Limit: limit})
	})
}

func (w *world) newConflict(rid int64, externalID string, minute int) store.Conflict {
	return store.Conflict{
		Tenant: w.tenant, Source: w.hr, Kind: schema.User, RID: rid, ExternalID: externalID, Reason: "manualAccount",
		Doc: []byte(`{"userName":"anna","b":1.50}`), FirstAt: at(minute), LastAt: at(minute), Count: 1,
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
		if got.ID != first.ID || got.Count != int64(n) || !got.FirstAt.Equal(at(1)) || !got.LastAt.Equal(at(n)) || !got.Open() {
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

// What is kept apart stands: the same again counts on it. What was adopted is
// over: the same again is a new one.
func conflictDecided(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.manual, "anna", "")
	for _, d := range []store.Decision{store.KeepApart, store.Adopt} {
		id := "E-" + string(d)
		c := w.newConflict(anna.RID, id, 1)
		w.putConflict(&c)
		c.Decision, c.DecidedBy, c.DecidedAt = d, "wsp_admin", at(2)
		w.update(func(tx store.Tx) error { return tx.DecideConflict(c) })
		again := w.newConflict(anna.RID, id, 3)
		w.putConflict(&again)
		if same := again.ID == c.ID; same != (d == store.KeepApart) {
			t.Errorf("after %s the same again is the same conflict: %v", d, same)
		}
		got := read(w, func(r store.Reader) (store.Conflict, error) { return r.Conflict(w.tenant, c.ID) })
		if d == store.KeepApart {
			c.Count, c.LastAt = 2, at(3)
			equal(w, "what PutConflict gives", again, c)
		}
		equal(w, string(d), got, c)
	}
}

func conflictFound(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, bertha := w.user(w.manual, "anna", ""), w.user(w.manual, "bertha", "")
	c := map[string]*store.Conflict{}
	for i, name := range []string{"hr", "ad", "bertha", "apart"} {
		n := w.newConflict(anna.RID, "E-"+name, i)
		switch name {
		case "ad":
			n.Source = w.ad
		case "bertha":
			n.RID = bertha.RID
		case "apart":
			n.Decision, n.DecidedBy, n.DecidedAt = store.KeepApart, "wsp_admin", at(9)
		}
		w.putConflict(&n)
		c[name] = &n
	}
	for _, x := range []struct {
		what string
		q    store.ConflictQuery
		want []string
	}{
		{"all", store.ConflictQuery{}, []string{"apart", "bertha", "ad", "hr"}},
		{"open", store.ConflictQuery{Open: true}, []string{"bertha", "ad", "hr"}},
		{"decided", store.ConflictQuery{Decided: true}, []string{"apart"}},
		{"of a source", store.ConflictQuery{Source: w.ad}, []string{"ad"}},
		{"about a resource", store.ConflictQuery{RID: bertha.RID}, []string{"bertha"}},
		{"of a name", store.ConflictQuery{Source: w.hr, ExternalID: "E-hr"}, []string{"hr"}},
		{"the next page", store.ConflictQuery{Before: c["ad"].ID}, []string{"hr"}},
		{"of another tenant", store.ConflictQuery{Tenant: other.tenant}, nil},
	} {
		if x.q.Limit = 10; x.q.Tenant == 0 {
			x.q.Tenant = w.tenant
		}
		var want []store.Conflict
		for _, name := range x.want {
			want = append(want, *c[name])
		}
		equal(w, x.what, read(w, func(r store.Reader) ([]store.Conflict, error) { return r.Conflicts(x.q) }), want)
	}
	_, err := tryRead(w, func(r store.Reader) (store.Conflict, error) { return r.Conflict(other.tenant, c["hr"].ID) })
	w.is(err, store.ErrNotFound)
	foreign := *c["hr"]
	foreign.Tenant, foreign.Decision = other.tenant, store.Adopt
	_ = s.Update(t.Context(), func(tx store.Tx) error { return tx.DecideConflict(foreign) })
	equal(w, "after a foreign decision", read(w, func(r store.Reader) (store.Conflict, error) { return r.Conflict(w.tenant, c["hr"].ID) }), *c["hr"])
}

package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func resourceChecks() []check {
	return []check{
		{"an inserted resource reads back whole", resourceReadsBack},
		{"a document comes back byte for byte", resourceDocument},
		{"an update writes every field", resourceUpdate},
		{"times keep their microseconds and their instant", resourceTimes},
		{"a resource is found in every state", resourceStates},
		{"an unknown resource is ErrNotFound", resourceUnknown},
		{"rids differ between kinds and grow", resourceRIDs},
		{"touching raises version and time of what was named only", touchWhatWasNamed},
	}
}

func resourceReadsBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	want := w.newUser(w.ad, "Anna@Contoso.com", `{"displayName":"Anna Ångström","emails":[{"value":"a@x.example","type":"work"}]}`)
	want.Display, want.Class, want.Version = "Anna Ångström", "hybrid", 41
	want.StateAt, want.CreatedAt, want.ModifiedAt = at(1), at(2), at(3)
	w.put(&want)
	if want.RID == 0 {
		t.Error("InsertResource left the RID at 0")
	}
	equal(w, "resource", w.resource(want.RID), bare(want))
	equal(w, "record", w.record(0, want), store.Record{Resource: bare(want), Presence: []int64{w.ad}})

	g := w.newGroup(w.hr, "Sales", "")
	w.put(&g)
	equal(w, "group", w.resource(g.RID), bare(g))
}

// A document's bytes are its identity: ETags, comparisons and law 1 (byte-equal)
// rest on them, so a JSON column that formats anew is no place for one.
func resourceDocument(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, doc := range []string{
		`{"userName":"a","title":"é\u0001\\\" \/"}`,
		`{"userName":"a","title":"😀 ` + "\u2028" + `","b":1.50,"a":1e3,"b2":12345678901234567890}`,
		`{}`,
		`{ "spaces" : "kept" }`,
		`{"title":"` + noise("abcdefghijklmnopqrstuvwxyz", 1<<20) + `"}`,
	} {
		r := w.newUser(w.ad, uuid.NewString(), "")
		r.Doc = []byte(doc)
		w.put(&r)
		if got := w.resource(r.RID).Doc; string(got) != doc {
			t.Errorf("document %.80s came back as %.80s", doc, got)
		}
	}
}

func resourceUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	before := w.user(w.ad, "anna", `{"title":"Clerk"}`)
	after := w.newUser(w.hr, "bertha", `{"title":"Boss"}`)
	after.RID, after.ID = before.RID, before.ID
	after.Class, after.State, after.StateAt = "onPrem", store.Orphaned, at(5)
	after.Version, after.CreatedAt, after.ModifiedAt = 7, at(6), at(8)
	w.update(func(tx store.Tx) error { return tx.UpdateResource(&before, &after) })
	equal(w, "updated resource", w.resource(before.RID), bare(after))

	cleared := after
	cleared.UniqueKey, cleared.Display, cleared.Class, cleared.Authority = "", "", "", w.manual
	w.update(func(tx store.Tx) error { return tx.UpdateResource(&after, &cleared) })
	equal(w, "cleared resource", w.resource(before.RID), bare(cleared))
}

func resourceTimes(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i, instant := range []time.Time{
		time.Date(2026, 3, 29, 2, 30, 0, 123456000, time.FixedZone("", 5*3600+1800)),
		time.Date(2026, 10, 25, 1, 59, 59, 999999000, time.FixedZone("", -9*3600)),
		time.Date(2026, 7, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 1000, time.UTC),
		time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		r := w.newUser(w.ad, fmt.Sprint("u", i), "")
		r.StateAt, r.CreatedAt, r.ModifiedAt = instant, instant, instant
		w.put(&r)
		equal(w, instant.String(), w.resource(r.RID), bare(r))
	}
}

func resourceStates(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, state := range []store.State{store.Live, store.Orphaned, store.Held, store.Deleted, store.Purged} {
		r := w.inState(state, fmt.Sprint("u", state))
		equal(w, fmt.Sprint("state ", state), w.resource(r.RID), bare(r))
	}
}

func resourceUnknown(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", "")
	for _, rid := range []int64{0, -1, anna.RID + 1<<40} {
		_, err := tryRead(w, func(r store.Reader) (store.Resource, error) { return r.Resource(w.tenant, rid) })
		w.is(err, store.ErrNotFound)
	}
	for _, id := range []string{"", "1", uuid.NewString(), anna.ID + " ", anna.ID[:35], "%", "'", "é"} {
		_, err := tryRead(w, func(r store.Reader) (store.Record, error) { return r.Record(w.as(0), schema.User, id, false) })
		w.is(err, store.ErrNotFound)
	}
	_, err := tryRead(w, func(r store.Reader) (store.Record, error) { return r.Record(w.as(0), schema.Group, anna.ID, false) })
	w.is(err, store.ErrNotFound)
}

func resourceRIDs(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var last int64
	for i := range 6 {
		r := w.newUser(w.ad, fmt.Sprint("u", i), "")
		if i%2 == 1 {
			r = w.newGroup(w.ad, fmt.Sprint("g", i), "")
		}
		w.put(&r)
		if r.RID <= last {
			t.Errorf("rid %d after %d", r.RID, last)
		}
		last = r.RID
	}
}

func touchWhatWasNamed(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	r := w.user(w.ad, "anna", `{"title":"Boss"}`)
	l, other := newLink(w.ad, r), w.link(w.hr, r, nil)
	bystander := w.user(w.ad, "bertha", "")

	steps := []struct{ resource, link bool }{{true, false}, {false, true}, {true, true}, {false, false}}
	for i, step := range steps {
		w.update(func(tx store.Tx) error { return tx.Touch(r.RID, w.ad, step.resource, step.link, at(i+1)) })
		if step.resource {
			r.Version, r.ModifiedAt = r.Version+1, at(i+1)
		}
		if step.link {
			l.Version, l.ModifiedAt = l.Version+1, at(i+1)
		}
		equal(w, fmt.Sprintf("resource after %+v", step), w.resource(r.RID), bare(r))
		equal(w, fmt.Sprintf("links after %+v", step), w.links(r.RID), []store.Link{l, other})
	}
	equal(w, "bystander", w.resource(bystander.RID), bare(bystander))
	rec := w.record(w.ad, r)
	if rec.Version != l.Version || !rec.ModifiedAt.Equal(l.ModifiedAt) || !rec.CreatedAt.Equal(l.CreatedAt) {
		t.Errorf("the record of the source shows version %d of %v", rec.Version, rec.ModifiedAt)
	}
	equal(w, "in one transaction, twice", s.Update(t.Context(), func(tx store.Tx) error {
		err := errors.Join(tx.Touch(r.RID, w.ad, true, false, at(9)), tx.Touch(r.RID, w.ad, true, false, at(9)))
		got, readErr := tx.Resource(w.tenant, r.RID)
		if got.Version != r.Version+2 {
			return fmt.Errorf("version %d, want %d", got.Version, r.Version+2)
		}
		return errors.Join(err, readErr)
	}), error(nil))
}

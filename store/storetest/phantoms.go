package storetest

import (
	"errors"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Two transactions that each rely on a row that isn't there, and write what the
// other looked for. Row locks don't help, for there is no row; what store.Store
// promises is that what was looked up and not found stays absent, so one of the
// two finds what the other made.
func phantomChecks() []check {
	return []check{
		{"two sources that bring the same anchor make one resource", phantomAnchor},
		{"a reference that is parked while its target arrives is not lost", phantomParked},
		{"two that find a userName free don't both take it", phantomUnique},
		{"two that bring the same externalId make one resource", phantomExternalID},
	}
}

// insertLinked inserts a user with a link that edit completes.
func (w *world) insertLinked(tx store.Tx, source int64, name string, edit func(*store.Link)) error {
	r := w.newUser(source, name, "")
	if err := tx.InsertResource(&r); err != nil {
		return err
	}
	l := newLink(source, r)
	edit(&l)
	return tx.PutLink(nil, &l)
}

func phantomAnchor(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.race(func(i int, tx store.Tx, arrived func()) error {
		source, name := []int64{w.ad, w.hr}[i], []string{"anna.ad", "anna.hr"}[i]
		anchored := func(l *store.Link) { l.Anchor = "AAEC" }
		found, err := tx.FindAnchor(w.tenant, schema.User, "AAEC")
		arrived()
		if err != nil || len(found) == 0 {
			return errors.Join(err, w.insertLinked(tx, source, name, anchored))
		}
		r, err := tx.Resource(w.tenant, found[0].RID)
		l := newLink(source, r)
		anchored(&l)
		return errors.Join(err, tx.PutLink(nil, &l))
	})
	links := findAnchor(w, schema.User, "AAEC")
	if len(links) != 2 || links[0].RID != links[1].RID {
		t.Errorf("links of the anchor: %+v, want two of one resource", links)
	}
}

func phantomParked(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	report := w.user(w.hr, "report", "")
	reference := store.Parked{Tenant: w.tenant, Source: w.hr, Ref: "BOSS", Kind: store.ParkedManager, RID: report.RID}
	joined := make([]bool, 2)
	w.race(func(i int, tx store.Tx, arrived func()) error {
		joined[i] = false
		if i == 0 { // the report comes, and looks for its manager
			_, err := tx.FindExternalID(w.hr, schema.User, "BOSS")
			arrived()
			if errors.Is(err, store.ErrNotFound) {
				return tx.Park(reference)
			}
			joined[i] = err == nil
			return err
		}
		// The manager comes, and looks who waits for it.
		waiting, err := tx.Parked(w.hr, "BOSS")
		arrived()
		joined[i] = len(waiting) > 0
		return errors.Join(err, w.insertLinked(tx, w.hr, "boss", func(l *store.Link) { l.ExternalID = "BOSS" }))
	})
	if joined[0] == joined[1] {
		t.Errorf("the report found the manager: %v, the manager found the report: %v; want one of the two", joined[0], joined[1])
	}
}

func phantomUnique(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.race(func(i int, tx store.Tx, arrived func()) error {
		_, err := tx.FindUnique(w.tenant, schema.User, "anna")
		arrived()
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		r := w.newUser([]int64{w.ad, w.hr}[i], "anna", "")
		return tx.InsertResource(&r)
	})
	w.finds("users", w.users(0), "anna")
}

func phantomExternalID(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.race(func(i int, tx store.Tx, arrived func()) error {
		_, err := tx.FindExternalID(w.hr, schema.User, "E-1")
		arrived()
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return w.insertLinked(tx, w.hr, []string{"anna", "anna.2"}[i], func(l *store.Link) { l.ExternalID = "E-1" })
	})
	equal(w, "users", w.list(w.users(0)).Page.Total, 1)
	equal(w, "users of the source", w.list(w.users(w.hr)).Page.Total, 1)
}

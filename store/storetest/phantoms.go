package storetest

import (
	"errors"
	"fmt"
	"strings"
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
		{"two sources that bring the same anchor make one resource", unforeseen(phantomAnchor)},
		{"a reference that is parked while its target arrives is not lost", unforeseen(phantomParked)},
		{"two that find a userName free don't both take it", unforeseen(phantomUnique)},
		{"two that bring the same externalId make one resource", unforeseen(phantomExternalID)},
		{"two that foresaw the same anchor make one resource", foreseen(phantomAnchor)},
		{"a reference that is parked while its target, foreseen, arrives is not lost", foreseen(phantomParked)},
		{"two that foresaw a userName don't both take it", foreseen(phantomUnique)},
		{"two that foresaw the same externalId make one resource", foreseen(phantomExternalID)},
		{"what was foreseen is answered as if it had not been", foreseenAnswers},
	}
}

// A phantom check calls foresee before it looks something up.
type phantomCheck func(t *testing.T, s store.Store, foresee func(store.Tx, store.Identity) error)

func foreseen(check phantomCheck) func(*testing.T, store.Store) {
	return func(t *testing.T, s store.Store) {
		check(t, s, func(tx store.Tx, id store.Identity) error { return tx.Foresee([]store.Identity{id}) })
	}
}

func unforeseen(check phantomCheck) func(*testing.T, store.Store) {
	return func(t *testing.T, s store.Store) {
		check(t, s, func(store.Tx, store.Identity) error { return nil })
	}
}

// foreseenAnswers asks for keys that are there, in any state, and for some that
// are not, with and without having said so; in between they come and go.
func foreseenAnswers(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", "")
	w.link(w.hr, anna, func(l *store.Link) { l.ExternalID, l.Anchor, l.State = "E-1", "A-1", store.LinkEnded })
	w.update(func(tx store.Tx) error {
		return tx.Park(store.Parked{Tenant: w.tenant, Source: w.hr, Ref: "E-9", Kind: store.ParkedManager, RID: anna.RID})
	})
	ids := []store.Identity{
		{Tenant: w.tenant, Source: w.hr, Kind: schema.User, ExternalID: "E-1", Anchor: "A-1", UniqueKey: "anna"},
		{Tenant: w.tenant, Source: w.hr, Kind: schema.User, ExternalID: "E-2", Anchor: "A-2", UniqueKey: "ben"},
		{Tenant: w.tenant, Source: w.hr, Kind: schema.User, ExternalID: "E-9", Anchor: "A-1", UniqueKey: "anna"},
		{Tenant: w.tenant, Source: w.hr, Kind: schema.Group, ExternalID: "E-1"},
		{Tenant: w.tenant, Source: w.ad, Kind: schema.User, ExternalID: "E-1", Anchor: "a\x00b"},
		{Tenant: w.tenant + 1<<40, Source: w.ad, Kind: schema.User, Anchor: "A-1", UniqueKey: "anna"},
	}
	answers := func(tx store.Tx) (out []string, err error) {
		for _, id := range ids {
			l, e1 := tx.FindExternalID(id.Source, id.Kind, id.ExternalID)
			all, e2 := tx.FindAnchor(id.Tenant, id.Kind, id.Anchor)
			r, e3 := tx.FindUnique(id.Tenant, id.Kind, id.UniqueKey)
			p, e4 := tx.Parked(id.Source, id.ExternalID)
			out = append(out, fmt.Sprint(l.RID, len(all), r.RID, len(p), sentinel(e1), sentinel(e3)))
			err = errors.Join(err, e2, e4)
		}
		return out, err
	}
	steps := []func(tx store.Tx) error{
		func(store.Tx) error { return nil },
		func(tx store.Tx) error {
			return w.insertLinked(tx, w.hr, "ben", func(l *store.Link) { l.ExternalID, l.Anchor = "E-2", "A-2" })
		},
		func(tx store.Tx) error {
			return tx.Park(store.Parked{Tenant: w.tenant, Source: w.hr, Ref: "E-2", Kind: store.ParkedMember, RID: anna.RID})
		},
		func(tx store.Tx) error {
			return tx.Unpark(store.Parked{Tenant: w.tenant, Source: w.hr, Ref: "E-9", Kind: store.ParkedManager, RID: anna.RID})
		},
	}
	var want [][]string
	for _, foresees := range []bool{false, true} {
		var got [][]string
		err := s.Update(t.Context(), func(tx store.Tx) error {
			got = nil
			for _, step := range steps {
				if foresees {
					if err := tx.Foresee(ids); err != nil {
						return err
					}
				}
				if err := step(tx); err != nil {
					return err
				}
				a, err := answers(tx)
				if err != nil {
					return err
				}
				got = append(got, a)
			}
			return errUndo
		})
		w.is(err, errUndo)
		if !foresees {
			want = got
			// The same rids are given again, or others: only that there is one counts.
			continue
		}
		for i := range want {
			for k := range want[i] {
				if !sameAnswer(want[i][k], got[i][k]) {
					t.Errorf("after step %d, about %+v: %s when foreseen, want %s", i, ids[k], got[i][k], want[i][k])
				}
			}
		}
	}
}

// sameAnswer compares answers but for which new resource they name.
func sameAnswer(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	for i := range x {
		if (x[i] == "0") != (y[i] == "0") || (i == 1 || i > 2) && x[i] != y[i] {
			return false
		}
	}
	return true
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

func phantomAnchor(t *testing.T, s store.Store, foresee func(store.Tx, store.Identity) error) {
	w := newWorld(t, s)
	w.race(func(i int, tx store.Tx, arrived func()) error {
		source, name := []int64{w.ad, w.hr}[i], []string{"anna.ad", "anna.hr"}[i]
		anchored := func(l *store.Link) { l.Anchor = "AAEC" }
		early := foresee(tx, store.Identity{Tenant: w.tenant, Source: source, Kind: schema.User, Anchor: "AAEC"})
		found, err := tx.FindAnchor(w.tenant, schema.User, "AAEC")
		err = errors.Join(early, err)
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

func phantomParked(t *testing.T, s store.Store, foresee func(store.Tx, store.Identity) error) {
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
		early := foresee(tx, store.Identity{Tenant: w.tenant, Source: w.hr, Kind: schema.User, ExternalID: "BOSS"})
		waiting, err := tx.Parked(w.hr, "BOSS")
		err = errors.Join(early, err)
		arrived()
		joined[i] = len(waiting) > 0
		return errors.Join(err, w.insertLinked(tx, w.hr, "boss", func(l *store.Link) { l.ExternalID = "BOSS" }))
	})
	if joined[0] == joined[1] {
		t.Errorf("the report found the manager: %v, the manager found the report: %v; want one of the two", joined[0], joined[1])
	}
}

func phantomUnique(t *testing.T, s store.Store, foresee func(store.Tx, store.Identity) error) {
	w := newWorld(t, s)
	w.race(func(i int, tx store.Tx, arrived func()) error {
		early := foresee(tx, store.Identity{Tenant: w.tenant, Source: w.ad, Kind: schema.User, UniqueKey: "anna"})
		_, err := tx.FindUnique(w.tenant, schema.User, "anna")
		arrived()
		if early != nil || !errors.Is(err, store.ErrNotFound) {
			return errors.Join(early, err)
		}
		r := w.newUser([]int64{w.ad, w.hr}[i], "anna", "")
		return tx.InsertResource(&r)
	})
	w.finds("users", w.users(0), "anna")
}

func phantomExternalID(t *testing.T, s store.Store, foresee func(store.Tx, store.Identity) error) {
	w := newWorld(t, s)
	w.race(func(i int, tx store.Tx, arrived func()) error {
		early := foresee(tx, store.Identity{Tenant: w.tenant, Source: w.hr, Kind: schema.User, ExternalID: "E-1"})
		_, err := tx.FindExternalID(w.hr, schema.User, "E-1")
		arrived()
		if early != nil || !errors.Is(err, store.ErrNotFound) {
			return errors.Join(early, err)
		}
		return w.insertLinked(tx, w.hr, []string{"anna", "anna.2"}[i], func(l *store.Link) { l.ExternalID = "E-1" })
	})
	equal(w, "users", w.list(w.users(0)).Page.Total, 1)
	equal(w, "users of the source", w.list(w.users(w.hr)).Page.Total, 1)
}

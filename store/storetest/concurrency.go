package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func concurrencyChecks() []check {
	return []check{
		{"64 writers create at the same time", manyCreators},
		{"of many that take one key, one wins", oneWinner},
		{"of many that take one externalId, one wins", oneLinkWinner},
		{"an update that fails or panics doesn't disturb its neighbours", goodNeighbours},
		{"memberships of many writers all arrive", manyMemberWriters},
	}
}

func manyCreators(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	const writers, each = 64, 4
	errs := together(writers, func(i int) error {
		for n := range each {
			r := w.newUser(w.ad, fmt.Sprintf("u%02d-%d", i, n), `{"displayName":"Crowd"}`)
			err := s.Update(t.Context(), func(tx store.Tx) error {
				if err := tx.InsertResource(&r); err != nil {
					return err
				}
				l := newLink(w.ad, r)
				l.ExternalID = r.Display
				return errors.Join(tx.PutLink(nil, &l), tx.AppendEvents([]store.Event{w.newEvent(r.Display)}))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.is(errors.Join(errs...), nil)
	for _, source := range []int64{0, w.ad} {
		got := w.list(w.where(w.users(source), `displayName eq "crowd"`))
		rid := map[int64]bool{}
		for _, r := range got.Records {
			rid[r.RID] = true
		}
		if got.Page.Total != writers*each || len(rid) != writers*each {
			t.Errorf("view of source %d: %d users with %d rids, want %d", source, got.Page.Total, len(rid), writers*each)
		}
	}
	equal(w, "events", len(eventsAfter(w, 0, 1000)), writers*each)
}

// winner gives the index of the only one without an error; the others must
// have ErrExists.
func winner(t *testing.T, errs []error) int {
	t.Helper()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case err == nil:
			t.Fatalf("both %d and %d won", won, i)
		case !errors.Is(err, store.ErrExists):
			t.Fatalf("loser %d: %v, want %v", i, err, store.ErrExists)
		}
	}
	if won < 0 {
		t.Fatal("nobody won")
	}
	return won
}

func oneWinner(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for round := range 4 {
		name := fmt.Sprint("anna", round)
		rivals := make([]store.Resource, 16)
		for i := range rivals {
			rivals[i] = w.newUser(w.ad, name, fmt.Sprintf(`{"title":"rival %d"}`, i))
		}
		errs := together(len(rivals), func(i int) error {
			return s.Update(t.Context(), func(tx store.Tx) error {
				if _, err := tx.FindUnique(w.tenant, schema.User, name); !errors.Is(err, store.ErrNotFound) {
					return errors.Join(err, store.ErrExists)
				}
				return tx.InsertResource(&rivals[i])
			})
		})
		won := winner(t, errs)
		got, err := findUnique(w, schema.User, name)
		w.is(err, nil)
		equal(w, "winner", got, bare(rivals[won]))
		equal(w, "number of holders", w.list(w.where(w.users(0), fmt.Sprintf(`userName eq %q`, name))).Page.Total, 1)
	}
}

func oneLinkWinner(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("a", "b", "c", "d", "e", "f", "g", "h")
	errs := together(len(p), func(i int) error {
		return s.Update(t.Context(), func(tx store.Tx) error {
			l := newLink(w.hr, p[i])
			l.ExternalID = "E-1"
			return tx.PutLink(nil, &l)
		})
	})
	won := winner(t, errs)
	w.finds("users of the source", w.users(w.hr), p[won].Display)
}

func goodNeighbours(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	failure := errors.New("failure")
	const writers = 48
	errs := together(writers, func(i int) error {
		r := w.newUser(w.ad, fmt.Sprintf("u%02d", i), "")
		return caught(func() error {
			return s.Update(t.Context(), func(tx store.Tx) error {
				if err := tx.InsertResource(&r); err != nil {
					return err
				}
				switch i % 4 {
				case 1:
					return failure
				case 2:
					panic("a bug of the caller")
				case 3:
					again := r
					return tx.InsertResource(&again)
				}
				return nil
			})
		})
	})
	want := []string{}
	for i, err := range errs {
		switch {
		case i%4 == 0 && err == nil:
			want = append(want, fmt.Sprintf("u%02d", i))
		case i%4 == 0, err == nil:
			t.Errorf("writer %d: %v", i, err)
		case i%4 == 1 && !errors.Is(err, failure), i%4 == 3 && !errors.Is(err, store.ErrExists):
			t.Errorf("writer %d got another's error: %v", i, err)
		}
	}
	q := w.users(0)
	q.SortBy = w.set.User.UserName
	w.finds("users", q, want...)
}

func manyMemberWriters(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var names []string
	for i := range 32 {
		names = append(names, fmt.Sprintf("u%02d", i))
	}
	p := w.people(names...)
	g := w.group(w.ad, "Sales", "")
	w.changeMembers(g, w.ad, rids(p[16:]...), nil)
	errs := together(16, func(i int) error {
		return s.Update(t.Context(), func(tx store.Tx) error {
			added, removed, err := tx.ChangeMembers(w.tenant, g.RID, w.ad, rids(p[i]), rids(p[16+i]))
			if err == nil && len(added)+len(removed) != 2 {
				err = fmt.Errorf("added %d and removed %d", added, removed)
			}
			return errors.Join(err, tx.Touch(g.RID, w.ad, true, true, at(i)))
		})
	})
	w.is(errors.Join(errs...), nil)
	equal(w, "members", w.members(0, g.RID), names[:16])
	equal(w, "version of the group", w.resource(g.RID).Version, int64(17))
	equal(w, "version of its link", w.links(g.RID)[0].Version, int64(17))
}

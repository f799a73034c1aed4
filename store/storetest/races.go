package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func raceChecks() []check {
	return []check{
		{"no update is lost, however the resource was read", noLostUpdate},
		{"no update of a link is lost", noLostLinkUpdate},
		{"two that each rely on the other's resource don't both change theirs", noWriteSkew},
		{"two that lock the same rows in opposite order both succeed", noDeadlock},
		{"a reference that was found isn't deleted meanwhile", referencedStays},
		{"readers see an update whole or not at all", wholeUpdates},
		{"a cancelled update is kept exactly if it was acknowledged", cancelledUpdate},
	}
}

// noLostUpdate counts up a resource's version by reading and writing it.
func noLostUpdate(t *testing.T, s store.Store) {
	reads := map[string]func(w *world, tx store.Tx, r store.Resource) (store.Resource, error){
		"Resource": func(w *world, tx store.Tx, r store.Resource) (store.Resource, error) {
			return tx.Resource(w.tenant, r.RID)
		},
		"Record": func(w *world, tx store.Tx, r store.Resource) (store.Resource, error) {
			rec, err := tx.Record(w.as(0), r.Kind, r.ID, false)
			return rec.Resource, err
		},
		"FindUnique": func(w *world, tx store.Tx, r store.Resource) (store.Resource, error) {
			return tx.FindUnique(w.tenant, r.Kind, r.UniqueKey)
		},
	}
	for name, read := range reads {
		w := newWorld(t, s)
		r := w.user(w.ad, "anna", "")
		const writers, each = 8, 10
		errs := together(writers, func(int) error {
			for range each {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					before, err := read(w, tx, r)
					if err != nil {
						return err
					}
					after := before
					after.Version++
					after.Doc = fmt.Appendf(nil, `{"userName":"anna","displayName":"v%d"}`, after.Version)
					return w.write(tx, before, after)
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		w.is(errors.Join(errs...), nil)
		last := fmt.Sprint("v", writers*each+1)
		equal(w, "version, read by "+name, w.resource(r.RID).Version, int64(writers*each+1))
		w.finds("by the last name", w.where(w.users(0), fmt.Sprintf(`displayName eq %q`, last)), "anna")
		w.finds("by other names", w.where(w.users(0), fmt.Sprintf(`displayName pr and displayName ne %q`, last)))
	}
}

func noLostLinkUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	r := w.user(w.manual, "anna", "")
	sources := []int64{w.ad, w.hr}
	for _, source := range sources {
		w.link(source, r, func(l *store.Link) { w.own(l, `{"displayName":"v1"}`) })
	}
	const writers, each = 8, 8
	errs := together(writers, func(i int) error {
		source := sources[i%2]
		for range each {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				if i%4 < 2 { // the others read nothing but the links
					if _, err := tx.Record(w.as(source), schema.User, r.ID, false); err != nil {
						return err
					}
				}
				return w.changeLinkIn(tx, source, r.RID, func(l *store.Link) { w.own(l, fmt.Sprintf(`{"displayName":"v%d"}`, l.Version+1)) })
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.is(errors.Join(errs...), nil)
	for _, source := range sources {
		last := fmt.Sprint("v", writers/2*each+1)
		equal(w, "version", w.record(source, r).Version, int64(writers/2*each+1))
		w.finds("by the last name", w.where(w.users(source), fmt.Sprintf(`displayName eq %q`, last)), "anna")
		w.finds("by other names", w.where(w.users(source), fmt.Sprintf(`displayName ne %q`, last)))
	}
}

// noWriteSkew: each of two reads who is on call, and takes one off if another
// remains. What it read has to stay as it was until it ends.
func noWriteSkew(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	const onCall = `{"displayName":"on call"}`
	p := []store.Resource{w.user(w.ad, "anna", onCall), w.user(w.ad, "bertha", onCall)}
	w.race(func(i int, tx store.Tx, arrived func()) error {
		remaining := 0
		for _, r := range []store.Resource{p[i], p[1-i]} {
			now, err := tx.Record(w.as(0), r.Kind, r.ID, false)
			if err != nil {
				return err
			}
			if string(now.Doc) == string(r.Doc) {
				remaining++
			}
		}
		arrived()
		if remaining < 2 {
			return nil
		}
		return w.changeIn(tx, p[i].RID, func(r *store.Resource) { r.Doc = renamed(w, r.Display, "off") })
	})
	equal(w, "on call", w.list(w.where(w.users(0), `displayName eq "on call"`)).Page.Total, 1)
}

// noDeadlock: where the backend locks rows, one of the two is a victim at first
// and is run again.
func noDeadlock(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.people("left", "right")
	w.race(func(i int, tx store.Tx, arrived func()) error {
		bump := func(r store.Resource) error { return w.changeIn(tx, r.RID, func(*store.Resource) {}) }
		if err := bump(p[i]); err != nil {
			return err
		}
		arrived()
		return bump(p[1-i])
	})
	for _, r := range p {
		equal(w, "version of "+r.Display, w.resource(r.RID).Version, 3)
	}
}

// referencedStays: one adds a member whom it found alive, another deletes the
// same. Whoever comes second must see what the first did.
func referencedStays(t *testing.T, s store.Store) {
	for round := range 3 {
		w := newWorld(t, s)
		anna, g := w.user(w.ad, "anna", ""), w.group(w.ad, "Sales", "")
		w.race(func(i int, tx store.Tx, arrived func()) error {
			if i == 0 {
				refs, err := tx.Refs(w.as(w.ad), []string{anna.ID})
				arrived()
				if err != nil || !refs[0].State.Visible() {
					return err
				}
				return assert(tx, w, g, w.ad, anna)
			}
			if round == 0 { // else it may be the first
				arrived()
			}
			if err := w.changeIn(tx, anna.RID, func(r *store.Resource) { r.State = store.Deleted }); err != nil {
				return err
			}
			_, err := tx.EndMemberships(w.ad, anna.RID)
			return err
		})
		equal(w, "state", w.resource(anna.RID).State, store.Deleted)
		w.update(func(tx store.Tx) error {
			groups, err := tx.EndMemberships(w.ad, anna.RID)
			if len(groups) > 0 {
				err = errors.Join(err, errors.New("the deleted is still a member"))
			}
			return err
		})
	}
}

func wholeUpdates(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	pair := w.people("left", "right")
	done := make(chan error)
	go func() {
		var err error
		for n := 0; n < 40 && err == nil; n++ {
			err = s.Update(t.Context(), func(tx store.Tx) error {
				return errors.Join(tx.Touch(pair[0].RID, 0, true, false, at(n)), tx.Touch(pair[1].RID, 0, true, false, at(n)))
			})
		}
		done <- err
	}()
	for {
		select {
		case err := <-done:
			w.is(err, nil)
			return
		default:
		}
		w.view(func(r store.Reader) error {
			left, err := r.Resource(w.tenant, pair[0].RID)
			right, rightErr := r.Resource(w.tenant, pair[1].RID)
			if left.Version != right.Version {
				return fmt.Errorf("versions %d and %d of one update", left.Version, right.Version)
			}
			return errors.Join(err, rightErr)
		})
	}
}

func cancelledUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var want []string
	for i := range 12 {
		r := w.newUser(w.ad, fmt.Sprintf("u%02d", i), "")
		ctx, cancel := context.WithCancel(t.Context())
		if i%3 == 0 {
			cancel()
		}
		err := s.Update(ctx, func(tx store.Tx) error {
			if err := tx.InsertResource(&r); err != nil {
				return err
			}
			if i%3 == 1 {
				cancel()
			}
			return nil
		})
		cancel()
		if err == nil {
			want = append(want, r.Display)
		} else if i%3 == 2 {
			t.Errorf("an update that was not cancelled: %v", err)
		}
	}
	w.finds("users", w.users(0), want...)
}

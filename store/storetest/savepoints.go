package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func savepointChecks() []check {
	return []check{
		{"a savepoint that fails is undone, and the transaction goes on", savepointUndone},
		{"a savepoint that succeeds is kept with the transaction", savepointKept},
		{"savepoints nest", savepointNested},
		{"a broken unique key inside a savepoint leaves the transaction usable", savepointBroken},
		{"an undone update of a resource gives it back as it was", savepointRestores},
		{"a savepoint for each of 300 operations", savepointMany},
	}
}

var errUndo = errors.New("undo")

func savepointUndone(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var anna, sales store.Resource
	w.update(func(tx store.Tx) error {
		err := tx.Savepoint(func() (err error) {
			if anna, sales, err = everything(w, tx); err != nil {
				return err
			}
			return errUndo
		})
		if err != errUndo { //nolint:errorlint // as it is, not wrapped
			return fmt.Errorf("the savepoint's error came back as %w", err)
		}
		return errors.Join(traces(w, tx, anna, sales, 0), tx.AppendEvents([]store.Event{w.newEvent("after")}))
	})
	equal(w, "events", details(eventsAfter(w, 0, 10)), []string{"after"})
}

func savepointKept(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var anna, sales store.Resource
	w.update(func(tx store.Tx) error {
		return tx.Savepoint(func() (err error) {
			anna, sales, err = everything(w, tx)
			return err
		})
	})
	w.view(func(r store.Reader) error { return traces(w, r, anna, sales, 1) })

	w = newWorld(t, s)
	w.is(s.Update(t.Context(), func(tx store.Tx) error {
		err := tx.Savepoint(func() (err error) {
			anna, sales, err = everything(w, tx)
			return err
		})
		return errors.Join(err, errUndo)
	}), errUndo)
	w.view(func(r store.Reader) error { return traces(w, r, anna, sales, 0) })
}

func savepointNested(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	insert := func(tx store.Tx, name string) error {
		r := w.newUser(w.ad, name, "")
		return tx.InsertResource(&r)
	}
	w.update(func(tx store.Tx) error {
		kept := tx.Savepoint(func() error {
			undone := tx.Savepoint(func() error { return errors.Join(insert(tx, "inner undone"), errUndo) })
			inner := tx.Savepoint(func() error { return insert(tx, "inner kept") })
			return errors.Join(expect(undone, errUndo), inner, insert(tx, "outer kept"))
		})
		undone := tx.Savepoint(func() error {
			inner := tx.Savepoint(func() error { return insert(tx, "inner kept, outer undone") })
			return errors.Join(inner, errUndo)
		})
		return errors.Join(kept, expect(undone, errUndo), insert(tx, "last"))
	})
	w.finds("users", w.users(0), "inner kept", "outer kept", "last")
}

func savepointBroken(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.user(w.ad, "anna", "")
	w.update(func(tx store.Tx) error {
		taken, free := w.newUser(w.ad, "anna", ""), w.newUser(w.ad, "bertha", "")
		undone := w.newUser(w.ad, "carl", "")
		err := tx.Savepoint(func() error { return errors.Join(tx.InsertResource(&undone), tx.InsertResource(&taken)) })
		return errors.Join(expect(err, store.ErrExists), tx.InsertResource(&free))
	})
	w.finds("users", w.users(0), "anna", "bertha")
}

func savepointRestores(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha := w.user(w.ad, "anna", `{"displayName":"Anna"}`), w.user(w.ad, "bertha", "")
	g := w.group(w.ad, "Sales", "")
	w.changeMembers(g, w.ad, rids(anna), nil)
	w.update(func(tx store.Tx) error {
		err := tx.Savepoint(func() error {
			changed := w.changeIn(tx, anna.RID, func(r *store.Resource) {
				r.UniqueKey, r.State, r.Doc = "gone", store.Deleted, []byte(`{"userName":"gone"}`)
			})
			_, _, err := tx.ReplaceMembers(w.tenant, g.RID, w.ad, rids(bertha))
			_, endErr := tx.EndMemberships(w.ad, bertha.RID)
			return errors.Join(changed, err, endErr, tx.Touch(bertha.RID, w.ad, true, true, at(5)), errUndo)
		})
		return expect(err, errUndo)
	})
	equal(w, "resource", w.resource(anna.RID), bare(anna))
	equal(w, "touched", w.resource(bertha.RID), bare(bertha))
	equal(w, "members", w.members(0, g.RID), []string{"anna"})
	w.holds("anna", anna)
	w.holds("gone", store.Resource{})
	w.refers(w.set.User.DisplayName.Index, "anna", anna)
}

func savepointMany(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var want []string
	w.update(func(tx store.Tx) error {
		want = nil
		for i := range 300 {
			name := fmt.Sprintf("u%03d", i)
			err := tx.Savepoint(func() error {
				r := w.newUser(w.ad, name, "")
				if err := tx.InsertResource(&r); err != nil || i%3 > 0 {
					return err
				}
				return errUndo
			})
			if i%3 > 0 {
				want = append(want, name)
			} else {
				err = expect(err, errUndo)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.finds("users", w.users(0), want...)
}

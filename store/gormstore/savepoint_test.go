package gormstore

import (
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// A part that fails before it has written costs nothing; one that has written
// is undone by a second run, which keeps the rest.
func TestSavepointsAreMadeInASecondRun(t *testing.T) {
	engines(t, func(t *testing.T, s *Store) {
		w := newWorld(t, s)
		refused := errors.New("refused")
		insert := func(tx store.Tx, name string) error {
			r := w.user(name)
			return w.insert(tx, &r, name)
		}
		run := func(name string, part func(store.Tx) error) int {
			t.Helper()
			runs := 0
			err := s.Update(t.Context(), func(tx store.Tx) error {
				runs++
				before := tx.Savepoint(func() error { return insert(tx, name+" before") })
				err := tx.Savepoint(func() error { return part(tx) })
				if !errors.Is(err, refused) {
					return fmt.Errorf("the part ended with %w", err)
				}
				return errors.Join(before, insert(tx, name+" after"))
			})
			if err != nil {
				t.Fatal(err)
			}
			return runs
		}
		if runs := run("read", func(tx store.Tx) error {
			_, err := tx.FindUnique(w.tenant, schema.User, "nobody")
			return errors.Join(refused, err)
		}); runs != 1 {
			t.Errorf("%d runs for a part that only read, want 1", runs)
		}
		sales := w.group("Sales")
		anna := w.user("Anna")
		w.update(func(tx store.Tx) error {
			return errors.Join(w.insert(tx, &sales, "Sales"), w.insert(tx, &anna, "Anna"))
		})
		if runs := run("changed", func(tx store.Tx) error {
			added, _, err := tx.ChangeMembers(w.tenant, sales.RID, w.source, []int64{anna.RID}, nil)
			if len(added) != 1 {
				t.Errorf("added %v", added)
			}
			return errors.Join(refused, err)
		}); runs != 2 {
			t.Errorf("%d runs for a part that changed members, want 2", runs)
		}
		w.view(func(r store.Reader) error {
			return r.Members(store.View{Tenant: w.tenant}, sales.RID, func(m store.Member) error {
				t.Errorf("member %d was undone", m.RID)
				return nil
			})
		})
		if runs := run("wrote", func(tx store.Tx) error {
			return errors.Join(insert(tx, "undone"), refused)
		}); runs != 2 {
			t.Errorf("%d runs for a part that wrote, want 2", runs)
		}
		names, page := w.find(w.query(w.set.User, 0, ""))
		want := "[Display read before Display read after Display Anna Display changed before Display changed after Display wrote before Display wrote after]"
		if fmt.Sprint(names) != want || page.Total != 7 {
			t.Errorf("%v, total %d; want %s", names, page.Total, want)
		}
	})
}

// What waits behind a large Update is committed by itself.
func TestALargeUpdateEndsItsGroup(t *testing.T) {
	w := newWorld(t, openSQLiteTest(t))
	writer := w.Store.engine.(*sqliteEngine).writer
	large := func(tx store.Tx) error {
		for i := range groupWrites {
			r := w.user(fmt.Sprint("large", i))
			if err := w.insert(tx, &r, fmt.Sprint("large", i)); err != nil {
				return err
			}
		}
		return nil
	}
	small := func(name string) func(store.Tx) error {
		return func(tx store.Tx) error {
			r := w.user(name)
			return w.insert(tx, &r, name)
		}
	}
	commits := writer.commits.Load()
	if err := errors.Join(queue(t, w.Store, small("first"), large, small("second"), small("third"))...); err != nil {
		t.Fatal(err)
	}
	if n := writer.commits.Load() - commits; n != 2 {
		t.Errorf("%d commits, want 2", n)
	}
}

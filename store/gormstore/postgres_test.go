package gormstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func TestUnreachableServerIsUnavailable(t *testing.T) {
	_, err := Open(t.Context(), Config{URL: "postgres://nobody:secret@127.0.0.1:1/none?connect_timeout=2"})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
}

// terminate ends the other connections of the store's pool on the server.
func terminate(t *testing.T, w *world, pids ...uint32) {
	t.Helper()
	for _, pid := range pids {
		if _, err := w.pool().ExecContext(t.Context(), "SELECT pg_terminate_backend($1)", pid); err != nil {
			t.Error(err)
		}
	}
}

func TestUpdateThatLosesItsConnectionRunsAgain(t *testing.T) {
	needPostgres(t)
	w := newWorld(t, openPostgresTest(t))
	runs := 0
	r := w.user("anna")
	w.update(func(tx store.Tx) error {
		if err := w.insert(tx, &r, "ext"); err != nil {
			return err
		}
		if runs++; runs == 1 {
			conn := tx.(interface{ connection() *postgresConn }).connection()
			terminate(t, w, conn.c.PgConn().PID())
		}
		_, err := tx.Links(r.RID)
		return err
	})
	if runs != 2 {
		t.Errorf("it ran %d times, want 2", runs)
	}
	if names, _ := w.find(w.query(w.set.User, 0, "")); len(names) != 1 {
		t.Errorf("users %v", names)
	}
}

func (r *reader) connection() *postgresConn { return r.conn.(*postgresConn) }

func TestViewThatLosesItsConnectionIsUnavailable(t *testing.T) {
	needPostgres(t)
	w := newWorld(t, openPostgresTest(t))
	err := w.View(t.Context(), func(r store.Reader) error {
		if _, err := r.Tenants(); err != nil {
			return err
		}
		terminate(t, w, r.(*reader).connection().c.PgConn().PID())
		_, err := r.Tenants()
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	if err := w.Ping(t.Context()); err != nil {
		t.Errorf("ping afterwards: %v", err)
	}
}

func TestDeadlockedUpdatesRunAgain(t *testing.T) {
	needPostgres(t)
	w := newWorld(t, openPostgresTest(t))
	a, b := w.user("a"), w.user("b")
	for _, r := range []*store.Resource{&a, &b} {
		if err := w.create(r); err != nil {
			t.Fatal(err)
		}
	}
	var both sync.WaitGroup
	both.Add(2)
	var wg sync.WaitGroup
	for i, order := range [][2]int64{{a.RID, b.RID}, {b.RID, a.RID}} {
		wg.Go(func() {
			runs := 0
			err := w.Update(t.Context(), func(tx store.Tx) error {
				if _, err := tx.Resource(w.tenant, order[0]); err != nil {
					return err
				}
				if runs++; runs == 1 {
					both.Done()
					both.Wait()
				}
				if _, err := tx.Resource(w.tenant, order[1]); err != nil {
					return err
				}
				return tx.Touch(order[1], 0, true, false, epoch)
			})
			if err != nil {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// A report arrives whose manager is not there yet, and the manager arrives at
// the same time: whoever is second must see the first.
func TestParkedReferenceIsNotMissedByItsTarget(t *testing.T) {
	needPostgres(t)
	w := newWorld(t, openPostgresTest(t))
	for round := range 10 {
		ref := fmt.Sprint("boss", round)
		var joined, foundLater bool
		var start, wg sync.WaitGroup
		start.Add(2)
		meet := sync.OnceFunc(func() { start.Done(); start.Wait() })
		meetToo := sync.OnceFunc(func() { start.Done(); start.Wait() })
		wg.Go(func() {
			err := w.Update(t.Context(), func(tx store.Tx) error {
				foundLater = false
				_, err := tx.FindExternalID(w.source, schema.User, ref)
				meet()
				if err == nil {
					foundLater = true
					return nil
				}
				return tx.Park(store.Parked{Tenant: w.tenant, Source: w.source, Ref: ref, Kind: store.ParkedManager, RID: 1})
			})
			if err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			r := w.user(ref)
			err := w.Update(t.Context(), func(tx store.Tx) error {
				joined = false
				if err := w.insert(tx, &r, ref); err != nil {
					return err
				}
				meetToo()
				waiting, err := tx.Parked(w.source, ref)
				joined = len(waiting) > 0
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if !joined && !foundLater {
			t.Fatal("the reference is parked for ever")
		}
	}
}

// A transaction of somebody else that stays open must not hold up the events.
func TestEventsDontWaitForForeignTransactions(t *testing.T) {
	needPostgres(t)
	w := newWorld(t, openPostgresTest(t))
	foreign, err := w.pool().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = foreign.Rollback() }()
	if _, err := foreign.Exec("SELECT pg_current_xact_id()"); err != nil {
		t.Fatal(err)
	}
	r := w.user("anna")
	if err := w.create(&r); err != nil {
		t.Fatal(err)
	}
	for _, readBefore := range []bool{false, true} {
		n := 0
		w.view(func(rd store.Reader) error {
			if readBefore {
				if _, err := rd.Refs(store.View{Tenant: w.tenant}, []string{r.ID}); err != nil {
					return err
				}
			}
			return rd.Events(w.tenant, 0, 10, func(store.Event) error { n++; return nil })
		})
		if n != 1 {
			t.Errorf("%d events (after another read: %v), want 1", n, readBefore)
		}
	}
}

// A View that has its snapshot must not show an event behind one that it misses.
func TestEventsOfAnOldSnapshotEndBeforeWhatItMisses(t *testing.T) {
	needPostgres(t)
	w := newWorld(t, openPostgresTest(t))
	event := func(kind string) func(store.Tx) error {
		return func(tx store.Tx) error {
			return tx.AppendEvents([]store.Event{{Tenant: w.tenant, Time: epoch, Type: kind}})
		}
	}
	began, finish, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- w.Update(context.WithoutCancel(t.Context()), func(tx store.Tx) error {
			if err := event("slow")(tx); err != nil {
				return err
			}
			close(began)
			<-finish
			return nil
		})
	}()
	<-began
	w.update(event("quick"))
	var seen []string
	read := func(r store.Reader) error {
		seen = nil
		return r.Events(w.tenant, 0, 10, func(e store.Event) error { seen = append(seen, e.Type); return nil })
	}
	w.view(func(r store.Reader) error {
		if _, err := r.Refs(store.View{Tenant: w.tenant}, []string{"x"}); err != nil {
			return err
		}
		close(finish)
		if err := <-done; err != nil {
			t.Error(err)
		}
		return read(r)
	})
	if len(seen) != 0 {
		t.Errorf("the old snapshot shows %v, want none", seen)
	}
	w.view(read)
	if fmt.Sprint(seen) != "[slow quick]" {
		t.Errorf("later %v", seen)
	}
}

func TestEventsOfARestoredDumpStayInThePast(t *testing.T) {
	needPostgres(t)
	url := newPostgresSchema(t)
	w := newWorld(t, openTest(t, Config{URL: url}))
	const future = int64(1) << 40 << seqBits
	_, err := w.pool().Exec(`INSERT INTO events (seq, tenant, time, txn, actor, source, type, outcome, reason, detail, subject, subject_rid)
		VALUES ($1, $2, 0, '', '', 0, 'old', '', '', '', '', 0)`, future, w.tenant)
	if err != nil {
		t.Fatal(err)
	}
	again := *w
	again.Store = openTest(t, Config{URL: url})
	r := again.user("anna")
	if err := again.create(&r); err != nil {
		t.Fatal(err)
	}
	var seen []string
	again.view(func(r store.Reader) error {
		return r.Events(w.tenant, 0, 10, func(e store.Event) error { seen = append(seen, e.Type); return nil })
	})
	if fmt.Sprint(seen) != "[old user.created]" {
		t.Errorf("events %v", seen)
	}
}

// Who carries out a long request keeps nobody waiting: not those who look for work,
// nor those who send more.
func TestClaimedRequestsKeepNobodyWaiting(t *testing.T) {
	needPostgres(t)
	w := newWorld(t, openTest(t, Config{URL: newPostgresSchema(t), BusyTimeout: 30 * time.Millisecond}))
	accept := func(source int64, txn string) {
		w.update(func(tx store.Tx) error {
			return tx.InsertRequest(&store.Request{Tenant: w.tenant, Source: source, Txn: txn, AcceptedAt: epoch})
		})
	}
	claim := func(source int64) (next string) {
		w.update(func(tx store.Tx) (err error) {
			next, err = tx.ClaimRequests(source)
			return err
		})
		return next
	}
	accept(w.source, "first")
	accept(w.manual, "other")
	w.update(func(tx store.Tx) error {
		next, err := tx.ClaimRequests(w.source)
		if err != nil {
			return err
		}
		accept(w.source, "second")
		if mine, same, other := next, claim(w.source), claim(w.manual); mine != "first" || same != "" || other != "other" {
			t.Errorf("claimed %q, then %q, of another source %q", mine, same, other)
		}
		q, err := tx.Request(w.tenant, next)
		q.SettledAt = epoch
		return errors.Join(err, tx.SettleRequest(q))
	})
	if next := claim(w.source); next != "second" {
		t.Errorf("then %q is next", next)
	}
}

func TestLockedRowIsUnavailable(t *testing.T) {
	needPostgres(t)
	w := newWorld(t, openTest(t, Config{URL: newPostgresSchema(t), BusyTimeout: 30 * time.Millisecond}))
	r := w.user("anna")
	if err := w.create(&r); err != nil {
		t.Fatal(err)
	}
	w.update(func(tx store.Tx) error {
		if _, err := tx.Resource(w.tenant, r.RID); err != nil {
			return err
		}
		err := w.Update(t.Context(), func(other store.Tx) error { return other.Touch(r.RID, 0, true, false, epoch) })
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("error %v, want ErrUnavailable", err)
		}
		return nil
	})
}

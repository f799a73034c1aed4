package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// held keeps the writer busy until release is called, so that what comes
// meanwhile is one group.
func held(t *testing.T, s *Store) (release func()) {
	t.Helper()
	entered, gate, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	enter := sync.OnceFunc(func() { close(entered) }) // it may run again with its group
	go func() {
		done <- s.Update(context.WithoutCancel(t.Context()), func(store.Tx) error {
			enter()
			<-gate
			return nil
		})
	}()
	<-entered
	return func() {
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// queue starts Updates one after the other, each when the one before it waits.
func queue(t *testing.T, s *Store, fns ...func(store.Tx) error) []error {
	t.Helper()
	w := s.engine.(*sqliteEngine).writer
	release := held(t, s)
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() { errs[i] = s.Update(t.Context(), fn) })
		for len(w.jobs) <= i {
			runtime.Gosched()
		}
	}
	release()
	wg.Wait()
	return errs
}

func TestGroupCommitKeepsFailuresApart(t *testing.T) {
	w := newWorld(t, openSQLiteTest(t))
	refused := errors.New("refused")
	insert := func(name string, then func() error) func(store.Tx) error {
		return func(tx store.Tx) error {
			r := w.user(name)
			if err := w.insert(tx, &r, name); err != nil {
				return err
			}
			return then()
		}
	}
	ok := func() error { return nil }
	errs := queue(t, w.Store,
		insert("refused", func() error { return refused }), // nobody before it has written
		insert("first", ok),
		insert("refused", func() error { return refused }),
		insert("second", ok),
		insert("panics", func() error { panic("oops") }),
		insert("third", ok),
		insert("exits", func() error { runtime.Goexit(); return nil }),
		insert("fourth", ok),
		insert("first", ok), // the key is taken by a neighbour of the same group
	)
	for i, want := range []bool{false, true, false, true, false, true, false, true, false} {
		if (errs[i] == nil) != want {
			t.Errorf("update %d: error %v, success wanted: %v", i, errs[i], want)
		}
	}
	if !errors.Is(errs[0], refused) || !errors.Is(errs[2], refused) || !errors.Is(errs[8], store.ErrExists) {
		t.Errorf("errors %v, %v and %v, want their own", errs[0], errs[2], errs[8])
	}
	names, page := w.find(w.query(w.set.User, 0, ""))
	want := "[Display first Display second Display third Display fourth]"
	if fmt.Sprint(names) != want || page.Total != 4 {
		t.Errorf("%v, total %d; want %s", names, page.Total, want)
	}
}

// Who writes alone hears so; who waits, in the group of another or behind it, is
// heard of.
func TestAnUpdateHearsOfThoseWhoWait(t *testing.T) {
	s := openSQLiteTest(t)
	w := s.engine.(*sqliteEngine).writer
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		if tx.Awaited() {
			t.Error("nobody waits")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	behind := make(chan error, 1)
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		go func() { behind <- s.Update(context.WithoutCancel(t.Context()), func(store.Tx) error { return nil }) }()
		for len(w.jobs) == 0 {
			runtime.Gosched()
		}
		if !tx.Awaited() {
			t.Error("somebody waits behind it")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := <-behind; err != nil {
		t.Error(err)
	}
	var heard bool
	last := func(tx store.Tx) error { heard = tx.Awaited(); return nil }
	for i, err := range queue(t, s, func(store.Tx) error { return nil }, last) {
		if err != nil {
			t.Errorf("update %d: %v", i, err)
		}
	}
	if !heard {
		t.Error("who came before it in the group waits for the commit")
	}
}

func TestUpdateIsDroppedIfItsContextEndsBeforeItsTurn(t *testing.T) {
	s := openSQLiteTest(t)
	release := held(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan struct{}, 1)
	done := make(chan error)
	go func() {
		done <- s.Update(ctx, func(store.Tx) error { ran <- struct{}{}; return nil })
	}()
	for len(s.engine.(*sqliteEngine).writer.jobs) == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want cancelled", err)
	}
	release()
	if err := s.Update(t.Context(), func(store.Tx) error { return nil }); err != nil {
		t.Error(err)
	}
	if len(ran) != 0 {
		t.Error("the function ran")
	}
}

func TestUpdateOnceStartedTellsItsOutcome(t *testing.T) {
	w := newWorld(t, openSQLiteTest(t))
	ctx, cancel := context.WithCancel(t.Context())
	r := w.user("anna")
	err := w.Update(ctx, func(tx store.Tx) error {
		cancel()
		return w.insert(tx, &r, "ext")
	})
	if err != nil {
		t.Errorf("error %v, though it was committed", err)
	}
	if _, page := w.find(w.query(w.set.User, 0, "")); page.Total != 1 {
		t.Errorf("total %d", page.Total)
	}
}

func TestLockedFileIsUnavailableAndComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	w := newWorld(t, openTest(t, Config{URL: "sqlite:" + path, BusyTimeout: 20 * time.Millisecond}))
	other, err := sql.Open("sqlite3", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			r := w.user(fmt.Sprint("u", i))
			if err := w.create(&r); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("error %v, want ErrUnavailable", err)
			}
		})
	}
	wg.Wait()
	if _, page := w.find(w.query(w.set.User, 0, "")); page.Total != 0 {
		t.Errorf("total %d while locked, want 0", page.Total)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	r := w.user("u")
	if err := w.create(&r); err != nil {
		t.Error(err)
	}
}

func TestFullDiskIsUnavailableAndComesBack(t *testing.T) {
	w := newWorld(t, openSQLiteTest(t))
	w.load(10)
	limit := func(pragma string) {
		t.Helper()
		err := w.engine.(*sqliteEngine).writer.between(t.Context(), func(c *sql.Conn) error {
			_, err := c.ExecContext(t.Context(), pragma)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("PRAGMA max_page_count = 1") // SQLite takes the size that it has
	kept, refused := 0, 0
	for i := range 50 {
		r := w.user(fmt.Sprint("x", i))
		switch err := w.create(&r); {
		case err == nil:
			kept++
		case errors.Is(err, store.ErrUnavailable):
			refused++
		default:
			t.Fatalf("error %v, want ErrUnavailable", err)
		}
	}
	if refused == 0 {
		t.Fatal("the file was never full")
	}
	if _, page := w.find(w.query(w.set.User, 0, "")); page.Total != 10+kept {
		t.Errorf("total %d, want %d", page.Total, 10+kept)
	}
	limit("PRAGMA max_page_count = 1000000")
	r := w.user("after")
	if err := w.create(&r); err != nil {
		t.Error(err)
	}
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	s, err := Open(t.Context(), Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(store.Tx) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("update: %v, want ErrUnavailable", err)
	}
	if err := s.View(t.Context(), func(store.Reader) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("view: %v, want ErrUnavailable", err)
	}
}

func TestRowFunctionMustNotCallTheReader(t *testing.T) {
	engines(t, func(t *testing.T, s *Store) {
		w := newWorld(t, s)
		w.load(3)
		err := s.View(t.Context(), func(r store.Reader) error {
			_, err := r.List(w.query(w.set.User, 0, ""), func(rec *store.Record) error {
				_, err := r.Links(rec.RID)
				return err
			})
			return err
		})
		if !errors.Is(err, errNested) {
			t.Errorf("error %v, want errNested", err)
		}
	})
}

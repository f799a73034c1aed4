package gormstore

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// What was committed is in the files, also if the process ends without a word:
// copying them while the store is open is what a crash leaves.
func TestCommittedDataSurvivesACrash(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, openTest(t, Config{URL: "sqlite:" + filepath.Join(dir, "test.db")}))
	for i := range 20 {
		r := w.user(fmt.Sprint("u", i))
		if err := w.create(&r); err != nil {
			t.Fatal(err)
		}
	}
	crashed := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, "test.db"+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(crashed, "test.db"+suffix), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := *w
	again.Store = openTest(t, Config{URL: "sqlite:" + filepath.Join(crashed, "test.db")})
	again.whole(20)
}

// whole says that a copy is sound and has n users and as many events.
func (w *world) whole(n int) {
	w.Helper()
	if _, page := w.find(w.query(w.set.User, 0, "")); page.Total != n || page.Count != n {
		w.Errorf("total %d, count %d; want %d", page.Total, page.Count, n)
	}
	w.view(func(r store.Reader) error {
		events := 0
		err := r.Events(w.tenant, 0, n+1, func(store.Event) error { events++; return nil })
		if events != n {
			w.Errorf("%d events, want %d", events, n)
		}
		return err
	})
	db, err := sql.Open("sqlite3", w.engine.(*sqliteEngine).path)
	if err != nil {
		w.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		w.Errorf("integrity: %s, %v", verdict, err)
	}
}

func TestBackupIsACompleteDatabase(t *testing.T) {
	w := newWorld(t, openSQLiteTest(t))
	for i := range 20 {
		r := w.user(fmt.Sprint("u", i))
		if err := w.create(&r); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "copy.db")
	if err := w.Backup(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("beside the backup: %v, %v", left, err)
	}
	for _, name := range []string{w.engine.(*sqliteEngine).path, file} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v, %v", name, info.Mode(), err)
		}
	}
	again := *w
	again.Store = openTest(t, Config{URL: "sqlite:" + file})
	again.whole(20)
}

func TestFailedBackupLeavesNothing(t *testing.T) {
	s := openSQLiteTest(t)
	dir := filepath.Join(t.TempDir(), "missing")
	if err := s.Backup(t.Context(), filepath.Join(dir, "copy.db")); err == nil {
		t.Error("a backup into a missing directory succeeded")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
}

func TestTwoServersCantShareOneFile(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	first, err := Open(t.Context(), Config{URL: url, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Config{URL: url, Exclusive: true})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint("process ", os.Getpid())) {
		t.Errorf("error %v, want one that names the other", err)
	}
	beside := newWorld(t, openTest(t, Config{URL: url})) // a command beside the server
	beside.load(1)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openTest(t, Config{URL: url, Exclusive: true})
}

// The log is written anew from its start once all of it is in the database
// file, so it doesn't grow without end.
func TestCheckpointLetsTheLogStartAgain(t *testing.T) {
	w := newWorld(t, openSQLiteTest(t))
	e := w.engine.(*sqliteEngine)
	frames := func() (n int) {
		t.Helper()
		err := e.writer.between(t.Context(), func(c *sql.Conn) error {
			var busy, moved int
			return c.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &n, &moved)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	w.load(100)
	before := frames()
	if err := e.pages.passive(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := w.user("after")
	if err := w.create(&r); err != nil {
		t.Fatal(err)
	}
	if after := frames(); before < 50 || after > before/2 {
		t.Errorf("%d frames before the checkpoint, %d after the next commit", before, after)
	}
}

func TestLargeLogWakesTheCheckpointer(t *testing.T) {
	w := newWorld(t, openTest(t, Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), WALLimit: 1}))
	p := w.engine.(*sqliteEngine).pages
	p.cancel() // so that it is woken but doesn't run
	p.wg.Wait()
	select {
	case <-p.wake:
	default:
	}
	w.load(1)
	select {
	case <-p.wake:
	case <-time.After(10 * time.Second): // the writer looks after it has answered
		t.Error("nobody woke it")
	}
}

func TestPathMayHoldAnyCharacter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20&e=f")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "täst.db")
	openTest(t, Config{URL: "sqlite:" + file})
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

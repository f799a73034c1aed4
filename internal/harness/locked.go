package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// locked locks the SQLite file from another process under load (RELIABILITY
// R8): writers hear 503 with Retry-After, readers are served, nothing that was
// refused is done, and work goes on by itself afterwards.
func locked(t *trial) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	for round := range t.rounds {
		load := s.startLoad(fmt.Sprintf("r%d", round))
		if err := load.warm(); err != nil {
			return err
		}
		err := s.whileLocked(func() {
			t.pause(time.Duration(t.size(6, 30)) * time.Second)
			if err := s.client.get(t.ctx, "/Users?count=1", new(page)); err != nil {
				t.fault("while the file is locked: %v", err)
			}
		})
		if err != nil {
			load.end()
			return err
		}
		refused := load.count(http.StatusServiceUnavailable)
		before := load.acknowledged()
		err = t.until(20*time.Second, "a write after the lock", func() bool { return load.acknowledged() > before })
		load.end()
		if err != nil {
			return err
		}
		if _, err := s.check(); err != nil {
			return err
		}
		if refused == 0 {
			t.fault("no writer heard 503 while the file was locked")
		}
		if n := load.count(0); n > 0 {
			t.fault("%d requests had no answer", n)
		}
		t.say("            %d acknowledged, %d answered 503 after at most %s", load.acknowledged(), refused,
			load.slowest[http.StatusServiceUnavailable].Round(10*time.Millisecond))
		if t.faulty() {
			break
		}
	}
	return s.close()
}

// whileLocked holds the write lock of the file while fn runs.
func (s *site) whileLocked(fn func()) (err error) {
	db, err := openFile(s.file, "_busy_timeout=10000")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(s.t.ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(s.t.ctx, "BEGIN EXCLUSIVE"); err != nil {
		return fmt.Errorf("locking the file: %w", err)
	}
	fn()
	return unlock(conn)
}

func unlock(conn *sql.Conn) error {
	_, err := conn.ExecContext(context.Background(), "ROLLBACK")
	return err
}

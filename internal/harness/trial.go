package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// The databases.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// trial is one kind of fault on one database.
type trial struct {
	options
	ctx    context.Context
	binary string // the server program
	dir    string // its own; logs and the SQLite file
	rng    *rand.Rand
	out    io.Writer
	power  *power // not nil: what isn't fsynced gets lost

	cleanups []func() error

	mu     sync.Mutex
	faults []string
}

// perform runs one kind to its end. The error names every fault.
func (t *trial) perform(k kind) (err error) {
	defer func() {
		for _, clean := range slices.Backward(t.cleanups) {
			err = errors.Join(err, clean())
		}
	}()
	// A database server of ours runs as another user, so the way is open.
	if err := os.MkdirAll(filepath.Join(t.dir, "data"), 0o755); err != nil {
		return err
	}
	began := time.Now()
	err = k.run(t)
	if faults := t.found(); len(faults) > 0 {
		return errors.Join(err, fmt.Errorf("%d faults:\n  %s", len(faults), strings.Join(faults[:min(len(faults), 20)], "\n  ")))
	}
	if err != nil {
		return err
	}
	t.say("%-11s %-8s ok, 0 faults in %d rounds, %s", k.name, t.database, t.rounds, time.Since(began).Round(100*time.Millisecond))
	return nil
}

// fault records that something happened which must not.
func (t *trial) fault(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = append(t.faults, fmt.Sprintf(format, args...))
}

// found gives the faults so far.
func (t *trial) found() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.faults)
}

func (t *trial) faulty() bool { return len(t.found()) > 0 }

func (t *trial) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// cleanup has fn called at the end, the last one first.
func (t *trial) cleanup(fn func() error) { t.cleanups = append(t.cleanups, fn) }

// size is the quick size of something, or with -long the long one.
func (t *trial) size(quick, long int) int {
	if t.long {
		return long
	}
	return quick
}

// wait waits for a random time, at most d.
func (t *trial) wait(d time.Duration) { t.pause(time.Duration(t.rng.Int64N(int64(d)))) }

// pause waits, less if the run is interrupted.
func (t *trial) pause(d time.Duration) {
	select {
	case <-t.ctx.Done():
	case <-time.After(d):
	}
}

// until asks again and again, up to a bound, whether something has come true.
func (t *trial) until(bound time.Duration, what string, ask func() bool) error {
	for end := time.Now().Add(bound); ; t.pause(10 * time.Millisecond) {
		if ask() {
			return nil
		}
		if err := t.ctx.Err(); err != nil {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %s", what, bound)
		}
	}
}

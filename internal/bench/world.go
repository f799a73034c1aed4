package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// What an administrator makes in each database.
const (
	tenantName = "bench"
	sourceName = "entra"
)

// world is one server with its database, and a copy of that for the floor.
type world struct {
	database string // sqlite or postgres
	users    int    // that were loaded, with the numbers 0 to users-1
	url      string
	program  string
	token    string
	log      string
	server   *process
	durable  *durable

	ids     []string     // of the users, by number
	created atomic.Int64 // users that came later, with numbers from newcomers on
	facts   facts
}

// facts are what is measured once about a server.
type facts struct {
	Database string
	Users    int
	Load     float64       // users loaded per second, through /Bulk
	LoadCPU  time.Duration // of the server, for each of them
	Memory   int64         // resident bytes when they were loaded
	Peak     int64         // resident bytes at most, in the run of the measurements
	Ready    time.Duration // from the start of the process to /readyz, with the data
	// After kill -9 while users were created: the same time, and how many of the
	// creates that had been answered were there, and not there.
	Recovered       time.Duration
	Kept, Forgotten int
}

// newWorld makes a database with a tenant and a source as an operator does,
// starts the server, loads users, and starts it again beside a copy.
func newWorld(ctx context.Context, d *databases, program, database string, users int) (*world, error) {
	w := &world{database: database, users: users, program: program, facts: facts{Database: database, Users: users}}
	var err error
	if w.url, err = d.create(ctx, database); err != nil {
		return w, err
	}
	w.log = filepath.Join(d.dir, fmt.Sprintf("%s-%d.log", database, users))
	if err := w.provision(ctx); err != nil {
		return w, err
	}
	if _, err := w.start(ctx); err != nil {
		return w, err
	}
	if err := w.load(ctx, users); err != nil {
		return w, fmt.Errorf("loading: %w", err)
	}
	if w.facts.Memory, _, err = w.server.memory(); err != nil {
		return w, err
	}
	if err := w.server.stop(); err != nil {
		return w, err
	}
	if err := settle(ctx, w.url); err != nil {
		return w, fmt.Errorf("settling: %w", err)
	}
	copied, err := d.copy(ctx, program, w.url)
	if err != nil {
		return w, err
	}
	if w.durable, err = openDurable(ctx, copied); err != nil {
		return w, err
	}
	w.facts.Ready, err = w.start(ctx)
	return w, err
}

// provision makes the tenant, the source and its token.
func (w *world) provision(ctx context.Context) (err error) {
	w.token, err = administer(ctx, w.program, w.url, [][]string{
		{"tenant", "add", tenantName, "--domain", domain},
		{"tenant", "enable", tenantName},
		{"source", "add", "--tenant", tenantName, "--kind", "entra", "--name", sourceName},
		{"source", "limits", "--tenant", tenantName, "--name", sourceName, "--off"}, // what is measured isn't held
		{"token", "add", "--tenant", tenantName, "--source", sourceName},
	})
	return err
}

// administer carries out commands of the program on a database, and gives what
// the last one printed.
func administer(ctx context.Context, program, url string, commands [][]string) (printed string, err error) {
	for _, args := range commands {
		cmd := exec.CommandContext(ctx, program, append(args, "--database", url)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Run(); err != nil {
			return "", fmt.Errorf("workspace %s: %w: %s", strings.Join(args, " "), err, &stderr)
		}
		printed = strings.TrimSpace(stdout.String())
	}
	return printed, nil
}

// start starts the server and returns the time until it was ready.
func (w *world) start(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	var err error
	w.server, err = startServer(ctx, w.program, w.url, w.token, w.log)
	return time.Since(begin), err
}

// startServer starts a server on a database, and returns when it is ready. token
// is for requests to it.
func startServer(ctx context.Context, program, url, token, log string) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	// One source sends everything, so its rate must not be the limit.
	server, err := start(address, token, log, program, nil,
		"serve", "--listen", address, "--database", url, "--rate", "10000000")
	if err != nil {
		return nil, err
	}
	return server, server.ready(ctx, "/readyz")
}

// newcomers is the number of the first user that isn't loaded but created while
// something is measured.
const newcomers = 1 << 32

// person gives a user that nobody has created yet.
func (w *world) person() person {
	return personOf(newcomers + int(w.created.Add(1)) - 1)
}

// path is the path of a user that was loaded.
func (w *world) path(number int) string { return scimUsers + "/" + w.ids[number] }

func (w *world) close() error {
	var errs []error
	if w.server != nil {
		errs = append(errs, w.server.stop())
	}
	if w.durable != nil {
		errs = append(errs, w.durable.close())
	}
	return errors.Join(errs...)
}

func (w *world) String() string { return fmt.Sprintf("%s %s", w.database, short(w.users)) }

// short writes a number as it is given on the command line.
func short(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1000 && n%1000 == 0:
		return fmt.Sprintf("%dk", n/1000)
	}
	return fmt.Sprint(n)
}

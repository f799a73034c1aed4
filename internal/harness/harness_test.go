package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// program is the server, built once for all tests.
var program struct {
	once sync.Once
	dir  string
	path string
	err  error
}

func TestMain(m *testing.M) {
	if file := os.Getenv(victimFile); file != "" {
		if err := victim(file, os.Getenv(victimLevel)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// Most of the time is spent waiting. The command line's -parallel wins.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	status := m.Run()
	if program.dir != "" {
		os.RemoveAll(program.dir)
	}
	os.Exit(status)
}

// serverProgram gives the path of the server program.
func serverProgram() (string, error) {
	p := &program
	p.once.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "workspace-harness-"); p.err == nil {
			p.path, p.err = build(context.Background(), p.dir, raced)
		}
	})
	return p.path, p.err
}

// TestServerKeepsItsPromises is the harness in its quick form: each kind of
// fault once or twice, on each database that it is about.
func TestServerKeepsItsPromises(t *testing.T) {
	for _, k := range kinds() {
		for _, db := range k.databases {
			t.Run(k.name+"/"+db, func(t *testing.T) {
				t.Parallel()
				if db == postgres {
					apptest.PostgresServer(t)
				}
				rounds := map[string]int{"kill9": 2, "powercut": 2, "dbrestart": 2}[k.name]
				if err := newTrial(t, db, max(rounds, 1)).perform(k); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func newTrial(t *testing.T, database string, rounds int) *trial {
	t.Helper()
	binary, err := serverProgram()
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return &trial{
		options: options{database: database, rounds: rounds, seed: seed}, ctx: t.Context(), binary: binary,
		dir: filepath.Join(t.TempDir(), "trial"), rng: rand.New(rand.NewPCG(seed, 0)), out: t.Output(),
	}
}

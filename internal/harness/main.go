package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// kind is one way to break a server.
type kind struct {
	name      string
	databases []string
	run       func(*trial) error
}

func kinds() []kind {
	both := []string{sqlite, postgres}
	return []kind{
		{"kill9", both, kill9},
		{"powercut", []string{sqlite}, powercut},
		{"diskerror", []string{sqlite}, diskError},
		{"sigterm", both, sigterm},
		{"hangup", both, hangup},
		{"dbrestart", []string{postgres}, dbrestart},
		{"locked", []string{sqlite}, locked},
		{"lostupdate", both, lostUpdate},
		{"nodes", []string{postgres}, nodes},
		{"backup", []string{sqlite}, backup},
		{"ratelimit", []string{sqlite}, rateLimit},
		{"slowclients", []string{sqlite}, slowClients},
	}
}

func main() {
	var (
		name   = flag.String("kind", "all", "what to do to the server; all does everything")
		db     = flag.String("database", sqlite, "sqlite or postgres (WORKSPACE_TEST_POSTGRES, or a server of its own)")
		rounds = flag.Int("rounds", 3, "how often")
		long   = flag.Bool("long", false, "longer loads within each round, as RELIABILITY asks for")
		race   = flag.Bool("race", false, "build the server with the race detector")
		binary = flag.String("binary", "", "the server program (default: built from ./cmd/workspace)")
		seed   = flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the load; the moments of the faults vary all the same")
	)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *name, *binary, options{database: *db, rounds: *rounds, long: *long, race: *race, seed: *seed}); err != nil {
		fmt.Fprintln(os.Stderr, "harness:", err)
		os.Exit(1)
	}
}

// options are what all kinds of one run share.
type options struct {
	database   string
	rounds     int
	long, race bool
	seed       uint64
}

func run(ctx context.Context, name, binary string, o options) (err error) {
	chosen := slices.DeleteFunc(kinds(), func(k kind) bool {
		return name != "all" && k.name != name || !slices.Contains(k.databases, o.database)
	})
	if len(chosen) == 0 {
		return fmt.Errorf("there is no kind %q for the database %q", name, o.database)
	}
	dir, err := os.MkdirTemp("", "workspace-harness-")
	if err != nil {
		return err
	}
	if binary == "" {
		if binary, err = build(ctx, dir, o.race); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	}
	fmt.Printf("seed %d\n", o.seed)
	for _, k := range chosen {
		t := &trial{
			ctx: ctx, binary: binary, dir: filepath.Join(dir, k.name), options: o,
			rng: rand.New(rand.NewPCG(o.seed, 0)), out: os.Stdout,
		}
		if err := t.perform(k); err != nil {
			return fmt.Errorf("%s on %s: %w (logs and data are in %s)", k.name, o.database, err, dir)
		}
	}
	return os.RemoveAll(dir)
}

// build makes the server program. Its dependencies come from the module that
// the working directory is in.
func build(ctx context.Context, dir string, race bool) (string, error) {
	binary := filepath.Join(dir, "workspace")
	args := []string{"build", "-o", binary}
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "github.com/workspace-scim/workspace/cmd/workspace")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the server: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return binary, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// bench is a run: what is asked for, and what runs.
type bench struct {
	options
	progress io.Writer
	program  string // workspace
	agent    string // workspace-ad
	made     *databases
	floor    *process
	worlds   []*world // by database, then by users
}

// prepare builds the programs and starts everything.
func (b *bench) prepare(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "workspace-bench-")
	if err != nil {
		return err
	}
	b.made = &databases{dir: dir, postgres: b.postgres}
	b.tell("building the server and the agent")
	b.program, b.agent = filepath.Join(dir, "workspace"), filepath.Join(dir, "workspace-ad")
	const commands = "github.com/workspace-scim/workspace/cmd/"
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir, commands+"workspace", commands+"workspace-ad")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, out)
	}
	if b.floor, err = startFloor(ctx, dir); err != nil {
		return err
	}
	for _, database := range b.databases {
		for _, users := range b.sizes {
			b.tell(fmt.Sprintf("loading %s users into %s", short(users), database))
			w, err := newWorld(ctx, b.made, b.program, database, users)
			b.worlds = append(b.worlds, w)
			if err != nil {
				return fmt.Errorf("%s: %w", w, err)
			}
		}
	}
	return nil
}

// round is the time for one side in one round.
func (b *bench) round() time.Duration { return b.duration / time.Duration(b.rounds) }

// largest gives the world with the most users of each database.
func (b *bench) largest() []*world {
	var out []*world
	for _, w := range b.worlds {
		if w.users == b.sizes[len(b.sizes)-1] {
			out = append(out, w)
		}
	}
	return out
}

// measure measures everything. Its results are not nil when it fails: they are
// what was found out until then.
func (b *bench) measure(ctx context.Context) (*results, error) {
	r := &results{Machine: machine()}
	err := b.measureAll(ctx, r)
	r.conclude()
	return r, err
}

func (b *bench) measureAll(ctx context.Context, r *results) (err error) {
	if len(b.worlds) > 0 {
		if err := b.measureServers(ctx, r); err != nil {
			return err
		}
	}
	r.AD, err = b.ad(ctx)
	return err
}

func (b *bench) measureServers(ctx context.Context, r *results) error {
	gather := func(f []figure, err error) error {
		r.Figures = append(r.Figures, f...)
		return err
	}
	for _, s := range b.reads() {
		if err := gather(b.scenario(ctx, s, b.worlds)); err != nil {
			return err
		}
	}
	for _, way := range walks {
		if err := gather(b.walk(ctx, way, b.worlds)); err != nil {
			return err
		}
	}
	for _, s := range b.writes() {
		if err := gather(b.scenario(ctx, s, b.worlds)); err != nil {
			return err
		}
	}
	if err := gather(b.groups(ctx)); err != nil {
		return err
	}
	if err := gather(b.catalog(ctx)); err != nil {
		return err
	}
	if err := gather(b.uploads(ctx)); err != nil {
		return err
	}
	b.tell("kill -9")
	for _, w := range b.worlds {
		if err := b.crash(ctx, w); err != nil {
			return fmt.Errorf("kill -9, %s: %w", w, err)
		}
		r.Servers = append(r.Servers, w.facts)
	}
	return nil
}

// tell says what is done now.
func (b *bench) tell(what string) { fmt.Fprintln(b.progress, "bench:", what) }

// close ends what was started and removes what was made.
func (b *bench) close() error {
	var errs []error
	for _, w := range b.worlds {
		errs = append(errs, w.close())
	}
	if b.floor != nil {
		errs = append(errs, b.floor.stop())
	}
	if d := b.made; d != nil {
		// Also when the run was interrupted.
		errs = append(errs, d.drop(context.Background()), os.RemoveAll(d.dir))
	}
	return errors.Join(errs...)
}

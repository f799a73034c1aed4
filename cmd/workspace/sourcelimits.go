package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/reconcile"
)

// SourceLimitsCmd shows the limits of a source, and writes others into its
// configuration, as a new version of it.
type SourceLimitsCmd struct {
	oneSource
	Set      map[string]int `placeholder:"NAME=N" help:"Set a limit, e.g. deletes=100; 0 is its default, -1 turns it off. Repeatable."`
	Off      bool           `xor:"all" help:"Turn all limits off first."`
	Defaults bool           `xor:"all" help:"Set all limits to their defaults first."`
}

// Run fulfils kong.
func (c *SourceLimitsCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		s, err := d.SourceState(p.ctx, a, id)
		if err != nil {
			return err
		}
		if len(c.Set) > 0 || c.Off || c.Defaults {
			limits, err := c.changed(s.Limits)
			if err != nil {
				return err
			}
			if s, err = d.ChangeSource(p.ctx, a, id, nil, directory.SourceChange{Limits: limits}); err != nil {
				return err
			}
		}
		return printLimits(p, s.Limits)
	})
}

// changed gives the limits, which stand with all their numbers, as the flags
// change them.
func (c *SourceLimitsCmd) changed(now reconcile.Limits) ([]byte, error) {
	switch {
	case c.Off:
		now = reconcile.NoLimits()
	case c.Defaults:
		now = reconcile.Limits{}
	}
	b, err := json.Marshal(now)
	if err != nil || len(c.Set) == 0 {
		return b, err
	}
	all := map[string]int{}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	for name, n := range c.Set {
		all[name] = n
	}
	return json.Marshal(all)
}

func printLimits(p *program, l reconcile.Limits) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	// One a line, in the order in which they are declared.
	for field := range strings.SplitSeq(strings.Trim(string(b), "{}"), ",") {
		name, n, _ := strings.Cut(field, ":")
		if n == fmt.Sprint(reconcile.Off) {
			n = "off"
		}
		fmt.Fprintf(p.stdout, "%s %s\n", strings.Trim(name, `"`), n)
	}
	return nil
}

// DrillCmd feeds accidents to the guards of a tenant's sources.
type DrillCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	Source string `placeholder:"NAME" help:"One source of it (default: all but that of its administrators)."`
}

// Run fulfils kong.
func (c *DrillCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		sources, err := d.Sources(p.ctx, c.Tenant)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "SOURCE\tACCIDENT\tOBJECTS\tTHROUGH\tHELD\tRESULT\tWHY")
		tried, failed := 0, 0
		for _, s := range sources {
			if c.Source != "" && s.Name != c.Source || c.Source == "" && s.ID == a.Source.ID {
				continue
			}
			results, err := d.Drill(p.ctx, a, s.PublicID)
			if err != nil {
				return err
			}
			tried++
			for _, r := range results {
				verdict := "held"
				switch {
				case r.Objects == 0:
					verdict = "nothing to lose"
				case !r.Passed():
					verdict = "NOT HELD"
					failed++
				}
				fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t%s\n", s.Name, r.Scenario, r.Objects, r.Through, r.Held, verdict, orDash(r.Why))
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if tried == 0 {
			return fmt.Errorf("the tenant %s has no such source", c.Tenant)
		}
		if failed > 0 {
			return fmt.Errorf("%d of the accidents would not have been held; nothing was changed", failed)
		}
		fmt.Fprintln(p.stderr, "Nothing was changed.")
		return nil
	})
}

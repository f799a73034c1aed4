package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
)

// RunUndoCmd undoes a run, or shows what that takes.
type RunUndoCmd struct {
	oneRun
	Apply       bool   `help:"Undo it. Without this nothing is written."`
	ExceptNewer bool   `help:"Leave out what newer facts stand in the way of, and undo the rest."`
	PlanHash    string `placeholder:"HASH" help:"The hash of the plan that you saw: needed over a limit of the source."`
}

// Run fulfils kong.
func (c *RunUndoCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		a.DryRun = !c.Apply
		n, plan, err := d.UndoRun(p.ctx, a, c.ID, directory.UndoRequest{SkipNewer: c.ExceptNewer, PlanHash: c.PlanHash})
		var refused *directory.UndoRefused
		if errors.As(err, &refused) {
			plan = refused.Plan
		}
		if plan != nil {
			if shown := showUndo(p, plan); shown != nil {
				return shown
			}
		}
		if err != nil {
			return err
		}
		verb := "Would undo"
		if c.Apply {
			verb = "The run " + n.PublicID + " undid"
		}
		k := plan.Counts
		fmt.Fprintf(p.stderr, "%s: %d ended, %d revived, %d changed back (%d of them disabled), %d members back, %d members gone again, %d lines of orders open again; %d can't be undone.\n",
			verb, k.Ended, k.Revived, k.Restored, k.Disabled, k.MembersAdded, k.MembersRemoved, k.Reopened, k.Blocked)
		if plan.Over != "" {
			fmt.Fprintln(p.stderr, plan.Over)
		}
		fmt.Fprintf(p.stderr, "The plan's hash is %s.\n", plan.Hash)
		return nil
	})
}

// showUndo prints the steps of a plan, and what can't be undone before them.
func showUndo(p *program, plan *directory.UndoPlan) error {
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "EVENT\tTYPE\tRESOURCE\tDO\tATTRIBUTES\tBACK\tGONE\tWHY NOT")
	for _, steps := range [][]directory.UndoStep{plan.Blocked, plan.Steps} {
		for _, s := range steps {
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", s.Event, s.Type, s.Subject, s.Do, orDash(strings.Join(s.Attributes, ",")), s.Add, s.Remove, orDash(strings.TrimSpace(s.Code+" "+s.Detail)))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if all := plan.Counts.Blocked + plan.Counts.Ended + plan.Counts.Revived + plan.Counts.Restored + plan.Counts.Reopened; all > int64(len(plan.Steps)+len(plan.Blocked)) {
		fmt.Fprintf(p.stderr, "Only the first %d of each kind are shown.\n", directory.MaxUndoListed)
	}
	return nil
}

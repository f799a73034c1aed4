package main

import (
	"encoding/hex"
	"fmt"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// listPage is how many rows a list asks for at once.
const listPage = 500

// RunCmd shows the runs of connectors and pushes, and decides about those that are held.
type RunCmd struct {
	List    RunListCmd    `cmd:"" help:"List the runs of a tenant, the newest first."`
	Plan    RunPlanCmd    `cmd:"" help:"Print the plan of a run."`
	Impact  RunImpactCmd  `cmd:"" help:"Print whom and what the plan of a run would hit."`
	Approve RunApproveCmd `cmd:"" help:"Let a held run carry out its plan."`
	Reject  RunRejectCmd  `cmd:"" help:"End a held run without its plan being carried out."`
	Undo    RunUndoCmd    `cmd:"" help:"Show what undoing a run takes, and with --apply undo it."`
}

// RunListCmd lists runs.
type RunListCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	State  string `placeholder:"STATE" enum:",queued,running,held,approved,rejected,succeeded,failed,cancelled,abandoned" default:"" help:"Only those in this state."`
	Limit  int    `placeholder:"N" default:"20" help:"How many at most (default ${default})."`
}

// Run fulfils kong.
func (c *RunListCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		names, err := sourceNames(p, d, c.Tenant)
		if err != nil {
			return err
		}
		runs, err := d.Runs(p.ctx, a, "", store.RunState(c.State), 0, max(1, min(c.Limit, 1000)))
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tSOURCE\tKIND\tSTATE\tDONE\tCREATED\tUPDATED\tDISABLED\tDELETED\tSKIPPED\tFAILED\tSTARTED\tTOOK\tNEXT\tDETAIL")
		for _, n := range runs {
			var skipped int64
			for _, k := range n.Counts.Skipped {
				skipped += k
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", n.PublicID, names[n.Source], n.Kind, n.State, done(n),
				n.Counts.Created, n.Counts.Updated, n.Counts.Disabled, n.Counts.Deleted, skipped, n.Counts.Failed,
				minute(n.StartedAt), n.UpdatedAt.Sub(n.StartedAt), minute(n.NextAt), orDash(n.Detail))
		}
		return w.Flush()
	})
}

// done is how far a run is, and of how much where that is known.
func done(n store.Run) string {
	if n.Total == 0 {
		return fmt.Sprint(n.Done)
	}
	return fmt.Sprintf("%d/%d", n.Done, n.Total)
}

// oneRun names a run.
type oneRun struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	ID     string `arg:"" name:"run" help:"Its id, as run list shows it."`
}

// RunPlanCmd prints a plan.
type RunPlanCmd struct{ oneRun }

// Run fulfils kong.
func (c *RunPlanCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		var hash []byte
		err := d.Plan(p.ctx, a, c.ID, func(n store.Run, b []byte) error {
			hash = n.PlanHash
			_, err := p.stdout.Write(b)
			return err
		})
		if err == nil {
			fmt.Fprintf(p.stderr, "The plan's hash is %s.\n", hex.EncodeToString(hash))
		}
		return err
	})
}

// RunImpactCmd prints whom and what a plan would hit.
type RunImpactCmd struct{ oneRun }

// Run fulfils kong.
func (c *RunImpactCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		x, err := d.Impact(p.ctx, a, c.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "deletes %d\ndisables %d\nidentityChanges %d\nmembershipRemovals %d\npeople %d\ngroups %d\n",
			x.Deletes, x.Disables, x.IdentityChanges, x.MembershipRemovals, x.People, x.Groups)
		for _, product := range x.Products {
			fmt.Fprintf(p.stdout, "product %s %d %s\n", product.ID, product.People, product.Name)
		}
		return nil
	})
}

// RunApproveCmd approves a plan by its hash: what was read is what is done.
type RunApproveCmd struct {
	oneRun
	PlanHash string `required:"" placeholder:"HASH" help:"The hash of the plan, as run plan prints it."`
}

// Run fulfils kong.
func (c *RunApproveCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		_, err := d.DecideRun(p.ctx, a, c.ID, true, c.PlanHash, "")
		return err
	})
}

// RunRejectCmd rejects a plan.
type RunRejectCmd struct {
	oneRun
	Detail string `placeholder:"TEXT" help:"Why, for those who look at the run later."`
}

// Run fulfils kong.
func (c *RunRejectCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		_, err := d.DecideRun(p.ctx, a, c.ID, false, "", c.Detail)
		return err
	})
}

// short is the beginning of a hash in hex, "" for none.
func short(hash []byte) string {
	return hex.EncodeToString(hash[:min(6, len(hash))])
}

package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

// JobCmd manages what a tenant has done again and again.
type JobCmd struct {
	List JobListCmd `cmd:"" help:"List the jobs of a tenant."`
	Set  JobSetCmd  `cmd:"" help:"Enable or disable a job, or set how often it is done."`
}

// JobListCmd lists jobs.
type JobListCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
}

// Run fulfils kong.
func (c *JobListCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		all, err := d.Jobs(p.ctx, a)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "JOB\tSTATE\tEVERY\tNEXT\tLAST RUN")
		for _, j := range all {
			state, next := "disabled", "-"
			if j.Enabled {
				state, next = "enabled", minute(j.NextAt)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", j.Kind, state, j.Interval, next, orDash(j.LastRun))
		}
		return w.Flush()
	})
}

// JobSetCmd changes a job.
type JobSetCmd struct {
	Tenant   string        `required:"" placeholder:"SLUG" help:"The tenant."`
	Job      string        `arg:"" help:"Its name: reconcile."`
	State    string        `arg:"" optional:"" enum:",enabled,disabled" default:"" help:"enabled or disabled; left out, it stays."`
	Interval time.Duration `placeholder:"DURATION" help:"How often it is done, 1m to 720h."`
}

// Run fulfils kong.
func (c *JobSetCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		var change directory.JobChange
		if c.State != "" {
			enabled := c.State == "enabled"
			change.Enabled = &enabled
		}
		if c.Interval != 0 {
			change.Interval = &c.Interval
		}
		_, err := d.SetJob(p.ctx, a, c.Job, change)
		return err
	})
}

package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
)

// FeatureCmd switches features of a tenant.
type FeatureCmd struct {
	List FeatureListCmd `cmd:"" help:"List the features of a tenant."`
	Set  FeatureSetCmd  `cmd:"" help:"Switch a feature of a tenant on or off, or leave it to the server."`
}

// FeatureListCmd lists features.
type FeatureListCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
}

// Run fulfils kong.
func (c *FeatureListCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		all, err := d.Features(p.ctx, a)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "FEATURE\tTENANT")
		for _, f := range all {
			word := "default"
			if f.Tenant != nil {
				word = map[bool]string{true: "on", false: "off"}[*f.Tenant]
			}
			fmt.Fprintf(w, "%s\t%s\n", f.Name, word)
		}
		return w.Flush()
	})
}

// FeatureSetCmd switches a feature.
type FeatureSetCmd struct {
	Tenant  string `required:"" placeholder:"SLUG" help:"The tenant."`
	Feature string `arg:"" help:"Its name: groupReconciliation."`
	Choice  string `arg:"" enum:"on,off,default" help:"on, off, or default for what the server was started with."`
}

// Run fulfils kong.
func (c *FeatureSetCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		var choice *bool
		if c.Choice != "default" {
			on := c.Choice == "on"
			choice = &on
		}
		_, err := d.SetFeatures(p.ctx, a, map[string]*bool{c.Feature: choice})
		return err
	})
}

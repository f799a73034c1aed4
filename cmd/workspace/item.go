package main

import (
	"fmt"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// ItemCmd is for workspace items.
type ItemCmd struct {
	Reconcile ItemReconcileCmd `cmd:"" help:"Compare an item with its group now, in a run of its own."`
}

// ItemReconcileCmd compares an item. The run is queued for the server; a preview
// is made at once.
type ItemReconcileCmd struct {
	app.Switches
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	Item   string `arg:"" help:"Its id."`
	DryRun bool   `help:"Show what would be done, and do nothing."`
}

// Run fulfils kong.
func (c *ItemReconcileCmd) Run(p *program) error {
	return p.withSwitches(c.Switches, c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		a.DryRun = c.DryRun
		n, differences, err := d.ReconcileItem(p.ctx, a, c.Item)
		if err != nil {
			return err
		}
		if !c.DryRun {
			fmt.Fprintln(p.stdout, n.PublicID)
			fmt.Fprintln(p.stderr, "Queued. How far it is: workspace run list")
			return nil
		}
		for _, x := range differences {
			fmt.Fprintln(p.stdout, x.Detail)
		}
		k := n.Counts.Reconcile
		fmt.Fprintf(p.stderr, "In both %d, only in the group %d, only in the item %d; to add %d, to remove %d. %s\n",
			k.InBoth, k.OnlyInGroup, k.OnlyInItem, k.Added, k.Removed, n.Detail)
		return nil
	})
}

// withSwitches is withAdministrator for what a server's features decide.
func (p *program) withSwitches(s app.Switches, tenant string, fn func(*directory.Directory, directory.Actor) error) error {
	return p.withStore(func(st store.Store) error {
		d := directory.New(st, directory.Options{Logger: p.log, Features: s.Features})
		a, err := d.Administrator(p.ctx, p.by(), tenant)
		if err != nil {
			return err
		}
		return fn(d, a)
	})
}

package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
)

// TenantCmd manages tenants.
type TenantCmd struct {
	Add     TenantAddCmd     `cmd:"" help:"Add a tenant; its hybrid-sync add-on is off."`
	Enable  TenantEnableCmd  `cmd:"" help:"Switch the hybrid-sync add-on of a tenant on: its sources may speak."`
	Disable TenantDisableCmd `cmd:"" help:"Switch the hybrid-sync add-on of a tenant off."`
	List    TenantListCmd    `cmd:"" help:"List the tenants."`
}

// TenantAddCmd adds a tenant.
type TenantAddCmd struct {
	Slug string `arg:"" help:"Short name: 1 to 63 of a-z, 0-9 and hyphen."`
	// Domain are the verified domains; joins by name happen within them only.
	Domain      []string `placeholder:"DOMAIN" help:"Verified domain, e.g. contoso.com; repeatable."`
	DisplayName string   `placeholder:"NAME" help:"Name for people (default: the slug)."`
}

// Run fulfils kong.
func (c *TenantAddCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		t, err := d.AddTenant(p.ctx, p.by(), c.Slug, c.DisplayName, c.Domain)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "Added tenant %s. Its hybrid-sync add-on is off until: workspace tenant enable %[1]s\n", t.Slug)
		return nil
	})
}

// TenantEnableCmd switches the hybrid-sync add-on on.
type TenantEnableCmd struct {
	Slug string `arg:"" help:"The tenant."`
}

// Run fulfils kong.
func (c *TenantEnableCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		_, err := d.EnableTenant(p.ctx, p.by(), c.Slug)
		return err
	})
}

// TenantDisableCmd switches the hybrid-sync add-on off.
type TenantDisableCmd struct {
	Slug string `arg:"" help:"The tenant."`
}

// Run fulfils kong.
func (c *TenantDisableCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		_, err := d.DisableTenant(p.ctx, p.by(), c.Slug)
		return err
	})
}

// TenantListCmd lists the tenants.
type TenantListCmd struct{}

// Run fulfils kong.
func (c *TenantListCmd) Run(p *program) error {
	return p.withDirectory(func(d *directory.Directory) error {
		all, err := d.Tenants(p.ctx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "SLUG\tNAME\tHYBRID SYNC\tDOMAINS\tCREATED")
		for _, t := range all {
			sync := "off"
			if t.SyncEnabled {
				sync = "on"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Slug, t.DisplayName, sync, orDash(strings.Join(t.Domains, ",")), day(t.CreatedAt))
		}
		return w.Flush()
	})
}

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/workspace-scim/workspace/internal/directory"
)

// SupportBundleCmd writes what support needs to see of a tenant.
type SupportBundleCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	File   string `arg:"" type:"path" help:"The zip archive to write; it must not exist."`
}

// Run fulfils kong.
func (c *SupportBundleCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		f, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		err = errors.Join(d.WriteBundle(p.ctx, a, buildVersion(), f), f.Close())
		if err != nil {
			return errors.Join(err, os.Remove(c.File))
		}
		fmt.Fprintln(p.stderr, "Wrote", c.File)
		return nil
	})
}

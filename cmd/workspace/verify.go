package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// VerifyCmd holds what is stored against itself.
type VerifyCmd struct {
	Source    VerifySourceCmd    `cmd:"" help:"Compare what a source asserted with what is stored; discrepancies are printed as JSON lines, and the exit status is 1."`
	Isolation VerifyIsolationCmd `cmd:"" help:"Print a digest of all that each source asserts: what one source does changes no other's."`
}

// VerifySourceCmd verifies one source.
type VerifySourceCmd struct{ oneSource }

// Run fulfils kong.
func (c *VerifySourceCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		s, err := d.Source(p.ctx, c.Tenant, c.Name)
		if err != nil {
			return err
		}
		n, err := d.VerifySource(p.ctx, a, s.PublicID)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "The run %s compared %d resources: %d agree, %d don't. %s\n", n.PublicID, n.Done, n.Counts.Unchanged, n.Counts.Failed, n.Detail)
		if n.PlanHash == nil {
			return nil
		}
		err = d.Plan(p.ctx, a, n.PublicID, func(_ store.Run, b []byte) error {
			_, err := p.stdout.Write(b)
			return err
		})
		if err != nil {
			return err
		}
		return fmt.Errorf("%s The report's SHA-256 is %x", n.Detail, n.PlanHash)
	})
}

// VerifyIsolationCmd prints the digests.
type VerifyIsolationCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
}

// Run fulfils kong.
func (c *VerifyIsolationCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		all, err := d.Digests(p.ctx, a)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "SOURCE\tLINKS\tMEMBERSHIPS\tSHA-256")
		for _, x := range all {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", x.Name, x.Links, x.Members, x.SHA256)
		}
		return w.Flush()
	})
}

package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// ConflictCmd shows what sources asked for and a person has to decide about.
type ConflictCmd struct {
	List      ConflictListCmd      `cmd:"" help:"List the conflicts of a tenant, the newest first."`
	Adopt     ConflictAdoptCmd     `cmd:"" help:"Link the source to the account that it collided with: the two are one person."`
	KeepApart ConflictKeepApartCmd `cmd:"" help:"Leave both as they are: the two are two people."`
}

// ConflictListCmd lists conflicts.
type ConflictListCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	Source string `placeholder:"NAME" help:"Only those of this source."`
	All    bool   `help:"Decided ones too."`
}

// Run fulfils kong.
func (c *ConflictListCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		names, err := sourceNames(p, d, c.Tenant)
		if err != nil {
			return err
		}
		f := directory.ConflictFilter{Open: !c.All}
		if c.Source != "" {
			s, err := d.Source(p.ctx, c.Tenant, c.Source)
			if err != nil {
				return err
			}
			f.Source = s.PublicID
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tSOURCE\tEXTERNAL ID\tREASON\tACCOUNT\tCOUNT\tLAST\tDECISION\tBY")
		for before := int64(0); ; {
			all, err := d.Conflicts(p.ctx, a, f, before, listPage)
			if err != nil {
				return err
			}
			for _, x := range all {
				before = x.ID
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", x.ID, names[x.Conflict.Source], orDash(x.ExternalID), x.Reason, x.Subject, x.Count, minute(x.LastAt),
					orDash(string(x.Decision)), orDash(x.DecidedBy))
			}
			if len(all) < listPage {
				return w.Flush()
			}
		}
	})
}

// oneConflict names a conflict, and says whether to decide in earnest.
type oneConflict struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	ID     int64  `arg:"" name:"conflict" help:"Its id, as conflict list shows it."`
	DryRun bool   `help:"Only say what would come of it."`
}

func (c oneConflict) decide(p *program, decision store.Decision) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		a.DryRun = c.DryRun
		x, err := d.DecideConflict(p.ctx, a, c.ID, nil, decision)
		if err == nil && c.DryRun {
			fmt.Fprintf(p.stderr, "Nothing was changed: %s of the conflict %d about %s is possible.\n", decision, x.ID, x.Subject)
		}
		return err
	})
}

// ConflictAdoptCmd adopts.
type ConflictAdoptCmd struct{ oneConflict }

// Run fulfils kong.
func (c *ConflictAdoptCmd) Run(p *program) error { return c.decide(p, store.Adopt) }

// ConflictKeepApartCmd keeps apart.
type ConflictKeepApartCmd struct{ oneConflict }

// Run fulfils kong.
func (c *ConflictKeepApartCmd) Run(p *program) error { return c.decide(p, store.KeepApart) }

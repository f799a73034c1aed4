package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

// AgentCmd manages the agents of a tenant's sources.
type AgentCmd struct {
	Code   AgentCodeCmd   `cmd:"" help:"Print a code that enrols one agent of a source, once."`
	List   AgentListCmd   `cmd:"" help:"List the agents of a tenant."`
	Revoke AgentRevokeCmd `cmd:"" help:"End an agent, its token and its leases at once."`
}

// AgentCodeCmd makes an enrolment code.
type AgentCodeCmd struct {
	Tenant  string   `required:"" placeholder:"SLUG" help:"The tenant."`
	Source  string   `required:"" placeholder:"NAME" help:"The source whose agent it enrols."`
	Expires lifetime `placeholder:"LIFE" default:"1h" help:"How long it can be used, 5m to 7d (default ${default})."`
}

// Run fulfils kong.
func (c *AgentCodeCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Source, func(d *directory.Directory, a directory.Actor, id string) error {
		code, t, err := d.AddCode(p.ctx, a, id, time.Duration(c.Expires))
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, code)
		fmt.Fprintf(p.stderr, "Code %s… is shown this once, enrols one agent, and expires at %s.\n", t.Prefix, minute(t.ExpiresAt))
		return nil
	})
}

// AgentListCmd lists the agents of a tenant.
type AgentListCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
}

// Run fulfils kong.
func (c *AgentListCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		names, err := sourceNames(p, d, c.Tenant)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tNAME\tSOURCE\tSTATE\tVERSION\tOS\tCONFIGURATION\tENROLLED\tSEEN\tNOTE")
		for after := ""; ; {
			agents, err := d.Agents(p.ctx, a, after, listPage)
			if err != nil {
				return err
			}
			for _, g := range agents {
				after = g.PublicID
				state := orDash(g.State)
				if !g.RevokedAt.IsZero() {
					state = "revoked"
				}
				note := ""
				if g.CoLocated {
					note = "coLocated"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", g.PublicID, g.Name, names[g.Source], state, orDash(g.Version), orDash(g.OS),
					orDash(short(g.Hash)), day(g.EnrolledAt), minute(g.SeenAt), orDash(note))
			}
			if len(agents) < listPage {
				return w.Flush()
			}
		}
	})
}

// AgentRevokeCmd ends an agent.
type AgentRevokeCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	Agent  string `arg:"" help:"Its id, as agent list shows it."`
}

// Run fulfils kong.
func (c *AgentRevokeCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		return d.RevokeAgent(p.ctx, a, c.Agent)
	})
}

// withAdministrator is withDirectory for what the API's administrator does.
func (p *program) withAdministrator(tenant string, fn func(*directory.Directory, directory.Actor) error) error {
	return p.withDirectory(func(d *directory.Directory) error {
		a, err := d.Administrator(p.ctx, p.by(), tenant)
		if err != nil {
			return err
		}
		return fn(d, a)
	})
}

// withSource is withAdministrator for a source by its name.
func (p *program) withSource(tenant, name string, fn func(d *directory.Directory, a directory.Actor, id string) error) error {
	return p.withAdministrator(tenant, func(d *directory.Directory, a directory.Actor) error {
		s, err := d.Source(p.ctx, tenant, name)
		if err != nil {
			return err
		}
		return fn(d, a, s.PublicID)
	})
}

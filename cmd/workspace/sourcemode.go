package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// SourceShowCmd shows a source with its configuration.
type SourceShowCmd struct{ oneSource }

// Run fulfils kong.
func (c *SourceShowCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		s, err := d.SourceState(p.ctx, a, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "id %s\nname %s\ndisplay-name %s\nkind %s\nmode %s\n", id, s.Source.Name, orDash(s.Source.DisplayName), s.Source.Kind, s.Source.Mode)
		if s.Source.Mode == store.ModeStaging {
			fmt.Fprintf(p.stdout, "pending %d %s\n", s.Pending.Count, orDash(s.Pending.Hash))
		}
		if n := s.LastRun; n != nil {
			fmt.Fprintf(p.stdout, "last-run %s %s %s\nnext-run %s\n", n.PublicID, n.State, minute(n.StartedAt), minute(n.NextAt))
		}
		if k := s.Configuration; k != nil {
			fmt.Fprintf(p.stdout, "configuration %d %x %s\n%s\n", k.Version, k.Hash, k.By, k.Document)
		}
		return nil
	})
}

// SourceSetModeCmd switches a source.
type SourceSetModeCmd struct {
	oneSource
	Mode    string `arg:"" enum:"disabled,staging,active" help:"disabled, staging (everything is worked out and nothing written) or active."`
	Confirm string `placeholder:"HASH" help:"The hash of what is pending, which leaving staging for active takes; without it the command says what is pending."`
}

// Run fulfils kong.
func (c *SourceSetModeCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		mode := store.Mode(c.Mode)
		_, err := d.ChangeSource(p.ctx, a, id, nil, directory.SourceChange{Mode: &mode, Confirm: c.Confirm})
		return err
	})
}

// SourcePendingCmd prints what a source in staging would have changed.
type SourcePendingCmd struct{ oneSource }

// Run fulfils kong.
func (c *SourcePendingCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		out := json.NewEncoder(p.stdout)
		for after := ""; ; {
			all, sum, err := d.Pending(p.ctx, a, id, after, listPage)
			if err != nil {
				return err
			}
			for _, x := range all {
				after = x.Key
				line := struct {
					Key     string          `json:"key"`
					Changes json.RawMessage `json:"changes"`
				}{x.Key, x.Changes}
				if err := out.Encode(line); err != nil {
					return err
				}
			}
			if len(all) < listPage {
				fmt.Fprintf(p.stderr, "%d objects would change; the hash of that is %s.\n", sum.Count, orDash(sum.Hash))
				return nil
			}
		}
	})
}

// SourceConfigureCmd writes a new version of a source's configuration.
type SourceConfigureCmd struct {
	oneSource
	File string `arg:"" type:"path" help:"File with a JSON object."`
}

// Run fulfils kong.
func (c *SourceConfigureCmd) Run(p *program) error {
	document, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		s, err := d.ChangeSource(p.ctx, a, id, nil, directory.SourceChange{Configuration: document})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "Version %d, hash %x.\n", s.Configuration.Version, s.Configuration.Hash)
		return nil
	})
}

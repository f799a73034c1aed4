package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// MappingCmd shows and sets the rules by which a source's records become users.
type MappingCmd struct {
	Show     MappingShowCmd     `cmd:"" help:"Print the rules of a source as JSON."`
	Set      MappingSetCmd      `cmd:"" help:"Give a source rules, of a file or of another source."`
	Simulate MappingSimulateCmd `cmd:"" help:"Say what rules would do to everybody of a source, and change nothing."`
	Apply    MappingApplyCmd    `cmd:"" help:"Have the rules of a source worked out anew over everybody of whom it said something."`
	Versions MappingVersionsCmd `cmd:"" help:"List the versions of the rules of a source, the newest first."`
	Records  MappingRecordsCmd  `cmd:"" help:"Print what a source with rules said of each person, as JSON lines."`
	Remove   MappingRemoveCmd   `cmd:"" help:"Take the rules of a source away: its records are users from then on."`
}

// MappingShowCmd prints rules.
type MappingShowCmd struct {
	oneSource
	Number int64 `placeholder:"N" help:"An older version, as versions lists them."`
}

// Run fulfils kong.
func (c *MappingShowCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		m, err := d.Mapping(p.ctx, a, id, c.Number)
		if err != nil {
			return err
		}
		if m.Document == nil {
			return fmt.Errorf("the source %s has no rules", c.Name)
		}
		var b bytes.Buffer
		if err := json.Indent(&b, m.Document, "", "  "); err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "Version %d, hash %s.\n", m.Number, m.Version)
		_, err = fmt.Fprintln(p.stdout, b.String())
		return err
	})
}

// MappingSetCmd gives a source rules.
type MappingSetCmd struct {
	oneSource
	File     string `arg:"" optional:"" type:"path" help:"File with the rules as JSON (docs/mapping.md)."`
	From     string `placeholder:"SOURCE" help:"Another source of the tenant, whose rules to take instead."`
	Replaces string `placeholder:"HASH" help:"The hash of the rules to replace, none for none: with others nothing is changed."`
	DryRun   bool   `help:"Only say whether they could be set."`
}

// Run fulfils kong.
func (c *MappingSetCmd) Run(p *program) error {
	if (c.File == "") == (c.From == "") {
		return errors.New("name either a file with rules or, by --from, another source")
	}
	var document []byte
	if c.File != "" {
		var err error
		if document, err = os.ReadFile(c.File); err != nil {
			return err
		}
	}
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) (err error) {
		a.DryRun = c.DryRun
		var m store.Mapping
		if c.File != "" {
			m, err = d.SetMapping(p.ctx, a, id, replaces(c.Replaces), document)
		} else {
			m, err = d.CloneMapping(p.ctx, a, id, replaces(c.Replaces), c.From)
		}
		if err != nil {
			return err
		}
		if c.DryRun {
			fmt.Fprint(p.stderr, "Nothing was changed: they could be set. ")
		}
		fmt.Fprintf(p.stderr, "Version %d, hash %s.\n", m.Number, m.Version)
		return nil
	})
}

// replaces judges what rules replace; nil for anything.
func replaces(hash string) func(tag string) bool {
	if hash == "" {
		return nil
	}
	return func(tag string) bool { return tag == hash }
}

// MappingRemoveCmd takes rules away.
type MappingRemoveCmd struct {
	oneSource
	Replaces string `placeholder:"HASH" help:"The hash of the rules to take away: with others nothing is changed."`
	DryRun   bool   `help:"Only say whether that is possible."`
}

// Run fulfils kong.
func (c *MappingRemoveCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		a.DryRun = c.DryRun
		return d.RemoveMapping(p.ctx, a, id, replaces(c.Replaces))
	})
}

// MappingApplyCmd has rules worked out anew.
type MappingApplyCmd struct {
	oneSource
	DryRun bool `help:"Only say how many people it would be about."`
}

// Run fulfils kong.
func (c *MappingApplyCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		a.DryRun = c.DryRun
		runs, people, err := d.ReapplyMapping(p.ctx, a, id)
		if err != nil {
			return err
		}
		if c.DryRun {
			fmt.Fprintf(p.stderr, "Nothing was changed: it would be about %d people.\n", people)
			return nil
		}
		for _, run := range runs {
			fmt.Fprintln(p.stdout, run)
		}
		fmt.Fprintf(p.stderr, "%d people wait for a server to work on them, in %d runs.\n", people, len(runs))
		return nil
	})
}

// MappingVersionsCmd lists versions.
type MappingVersionsCmd struct{ oneSource }

// Run fulfils kong.
func (c *MappingVersionsCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NUMBER\tHASH\tBY\tSET")
		for before := int64(0); ; {
			all, err := d.Mappings(p.ctx, a, id, before, listPage)
			if err != nil {
				return err
			}
			for _, m := range all {
				before = m.Number
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", m.Number, orDash(m.Version), m.By, minute(m.CreatedAt))
			}
			if len(all) < listPage {
				return w.Flush()
			}
		}
	})
}

// MappingRecordsCmd prints what was said.
type MappingRecordsCmd struct {
	oneSource
	User string `placeholder:"ID" help:"Only of this user."`
}

// Run fulfils kong.
func (c *MappingRecordsCmd) Run(p *program) error {
	return p.withSource(c.Tenant, c.Name, func(d *directory.Directory, a directory.Actor, id string) error {
		out := json.NewEncoder(p.stdout)
		for after := int64(0); ; {
			all, err := d.Said(p.ctx, a, id, c.User, after, listPage)
			if err != nil {
				return err
			}
			for _, x := range all {
				after = x.ID
				line := struct {
					User    string          `json:"user,omitempty"`
					InScope bool            `json:"inScope"`
					Record  json.RawMessage `json:"record"`
				}{x.User, x.InScope, x.Data}
				if err := out.Encode(line); err != nil {
					return err
				}
			}
			if len(all) < listPage {
				return nil
			}
		}
	})
}

// create makes a file, or gives standard output for "-".
func (p *program) create(name string) (io.Writer, func() error, error) {
	if name == "-" {
		return p.stdout, func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/directory"
)

// ExplainCmd says why a user or group is as it is.
type ExplainCmd struct {
	app.Switches
	Tenant    string `required:"" placeholder:"SLUG" help:"The tenant."`
	Subject   string `arg:"" help:"An id or a userName; with --source an externalId or anchor of that source."`
	Source    string `placeholder:"NAME" help:"The source whose name for it the subject is."`
	Attribute string `placeholder:"PATH" xor:"about" help:"Explain this attribute, as in title or name.givenName."`
	Target    string `placeholder:"ID" xor:"about" help:"Explain why it has this group, item, product or order, or hasn't."`
}

// Run fulfils kong.
func (c *ExplainCmd) Run(p *program) error {
	return p.withSwitches(c.Switches, c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		x, err := d.Explain(p.ctx, a, directory.ExplainQuery{Subject: c.Subject, Source: c.Source, Attribute: c.Attribute, Target: c.Target})
		if err != nil {
			return err
		}
		return printExplanation(p.stdout, x)
	})
}

// printExplanation prints what it is about, and then each step: its sentence,
// its values and what would have to change.
func printExplanation(w io.Writer, x directory.Explanation) error {
	if x.Subject != nil {
		fmt.Fprintf(w, "%s %s %s, %s\n", x.Subject.Type, orDash(x.Subject.Display), x.Subject.ID, x.Subject.State)
	}
	if x.Attribute != "" {
		fmt.Fprintf(w, "attribute %s\n", x.Attribute)
	}
	if x.Target != nil {
		fmt.Fprintf(w, "about %s %s %s, %s\n", x.Target.Type, orDash(x.Target.Display), x.Target.ID, x.Target.State)
	}
	for _, s := range x.Steps {
		fmt.Fprintf(w, "\n%-9s  %s\n", s.Step, s.Sentence)
		for _, name := range slices.Sorted(maps.Keys(s.Values)) {
			text, err := valueText(s.Values[name])
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "           %s: %s\n", name, text)
		}
		if s.Way != "" {
			fmt.Fprintf(w, "           → %s\n", s.Way)
		}
	}
	return nil
}

// valueText shows a value: a text as it is, a time to the second, anything else
// as JSON.
func valueText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case time.Time:
		return v.UTC().Format(time.RFC3339), nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

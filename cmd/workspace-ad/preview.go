package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/workspace-scim/workspace/connectors/runner"
)

// PreviewCmd shows what a full pull would do.
type PreviewCmd struct {
	Configuration string `type:"path" placeholder:"FILE" help:"File with a JSON object to go by in place of the source's configuration: what saving it would do."`
}

// Run fulfils kong: a line for each object that would change, then the counts.
func (c *PreviewCmd) Run(p *program) error {
	a, err := p.agent()
	if err != nil {
		return err
	}
	var trial json.RawMessage
	if c.Configuration != "" {
		if trial, err = os.ReadFile(c.Configuration); err != nil {
			return err
		}
	}
	out := bufio.NewWriter(p.stdout)
	r, err := a.Preview(p.ctx, trial, func(l runner.Line) error {
		_, err := fmt.Fprintln(out, describe(l))
		return err
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return err
	}
	how := "a run would succeed"
	if r.State == "held" {
		how = "a run would be held"
	}
	p.tell("Nothing was written; "+how, r)
	return nil
}

// describe is a line as it is printed: verb, kind, name and what changes.
func describe(l runner.Line) string {
	kind := string(l.Kind)
	if kind == "" {
		kind = "object"
	}
	name := l.Name
	if name == "" {
		name = l.Anchor
	}
	var what []string
	if l.Why != "" {
		what = append(what, plain(l.Why, 300))
	}
	for _, f := range l.Fields {
		what = append(what, f.Path+" "+value(f.Before)+" -> "+value(f.After))
	}
	if l.Joining > 0 {
		what = append(what, fmt.Sprintf("members +%d", l.Joining))
	}
	if l.Leaving > 0 {
		what = append(what, fmt.Sprintf("members -%d", l.Leaving))
	}
	line := fmt.Sprintf("%-8s %-6s %s", l.Verb, kind, plain(name, 200))
	if len(what) > 0 {
		line += "  " + strings.Join(what, ", ")
	}
	return line
}

// value is an attribute's value in a line, cut where it is long.
func value(v any) string {
	if v == nil {
		return "none"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return plain(string(b), 80)
}

// plain makes text of the directory safe for a terminal and at most n runes
// long.
func plain(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if all := []rune(s); len(all) > n {
		return string(all[:n]) + "…"
	}
	return s
}

package csvupload

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/mapping"
	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// converter makes records of the rows of a file.
type converter struct {
	dir    *directory.Directory
	source store.Source
	t      *schema.ResourceType
	m      *mapping.Mapping
	header []string
	now    time.Time
	// plain says that columns are attributes: then a value that can't be used
	// refuses its row. By rules it is left out, as docs/mapping.md has it.
	plain bool
	// raw says that the source has rules of its own, which work on the rows.
	raw bool
	// creates says that rules do more for somebody who isn't there yet.
	creates bool
}

func newConverter(ctx context.Context, d *directory.Directory, a directory.Actor, s store.Source, header []string, rules *mapping.Rules) (*converter, error) {
	set, err := d.Schema(ctx, a.Tenant)
	if err != nil {
		return nil, err
	}
	c := &converter{dir: d, source: s, t: set.User, header: header, now: d.Now(), plain: rules == nil}
	if c.raw, err = ownRules(ctx, d, a, s, c.t, rules); err != nil || c.raw {
		return c, err
	}
	match := d.UploadMatch(c.t, s).Path
	if c.plain {
		c.m, err = compilePlain(c.t, header, match)
		return c, err
	}
	for _, f := range rules.Flows {
		c.creates = c.creates || f.Apply == mapping.Once || f.Default != nil
	}
	c.m, err = compileRules(c.t, header, match, *rules)
	return c, err
}

// records gives what is to be uploaded of rows.
func (c *converter) records(ctx context.Context, rows []csvrecords.Row) ([]directory.Uploaded, error) {
	all := make([]directory.Uploaded, len(rows))
	inputs := make([]mapping.Input, len(rows))
	for i, row := range rows {
		if row.Fault != nil {
			all[i] = refused(string(row.Fault.Code), row.Fault.Sentence)
			continue
		}
		fields := make(map[string]any, len(row.Cells))
		for j, text := range row.Cells {
			if text != "" { // an empty cell says nothing
				fields[c.header[j]] = text
			}
		}
		if c.raw {
			data, err := json.Marshal(fields)
			if err != nil {
				return nil, err
			}
			all[i] = directory.Uploaded{Data: data}
			continue
		}
		record, err := expression.NewRecord(fields)
		if err != nil {
			all[i] = refused(directory.RuleInvalid, sentence(row, err.Error()))
			continue
		}
		inputs[i] = mapping.Input{Record: record, Environment: expression.Environment{Now: c.now, Random: rand.Reader}}
	}
	if c.raw {
		return all, nil
	}
	if err := c.meet(ctx, rows, all, inputs); err != nil {
		return nil, err
	}
	for i, row := range rows {
		if all[i].Refused == "" {
			all[i] = c.record(row, c.m.Apply(inputs[i]))
		}
	}
	return all, nil
}

// meet finds out who isn't there yet, if that makes a difference.
func (c *converter) meet(ctx context.Context, rows []csvrecords.Row, all []directory.Uploaded, inputs []mapping.Input) error {
	if !c.creates {
		return nil
	}
	said := make([]*document.Object, len(rows))
	for i := range rows {
		if all[i].Refused == "" {
			inputs[i].New = true
			said[i] = c.m.Apply(inputs[i]).Document // nil if it isn't in scope
		}
	}
	known, err := c.dir.KnownToFile(ctx, c.source.ID, said)
	for i := range known {
		inputs[i].New = !known[i]
	}
	return err
}

// record makes a record of what the rules made of a row.
func (c *converter) record(row csvrecords.Row, out mapping.Outcome) directory.Uploaded {
	if !out.InScope {
		return refused(directory.CodeOutOfScope, sentence(row, "the rules leave it out"))
	}
	var notes []string
	for _, p := range out.Problems {
		text := p.Sentence
		if p.Target != "" && !strings.Contains(text, p.Target) {
			text = p.Target + ": " + text
		}
		if p.Blocks || c.plain {
			u := refused(string(p.Code), sentence(row, text))
			u.Data = document.Encode(c.t, out.Document)
			return u
		}
		notes = append(notes, text)
	}
	u := directory.Uploaded{Data: document.Encode(c.t, out.Document)}
	if notes != nil {
		u.Note = sentence(row, "left as it was: "+strings.Join(notes, "; "))
	}
	return u
}

func refused(code, why string) directory.Uploaded {
	return directory.Uploaded{Code: code, Refused: why}
}

// sentence says in which line of the file something is.
func sentence(row csvrecords.Row, what string) string {
	return fmt.Sprintf("Line %d: %s.", row.Line, strings.TrimSuffix(what, "."))
}

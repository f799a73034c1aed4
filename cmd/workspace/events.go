package main

import (
	"encoding/json"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/eventcsv"
	"github.com/workspace-scim/workspace/store"
)

const (
	eventPage  = 1000
	followWait = time.Second
)

// EventsCmd prints the log of a tenant, the oldest event first.
type EventsCmd struct {
	Tenant  string    `required:"" placeholder:"SLUG" help:"The tenant."`
	After   int64     `placeholder:"SEQ" help:"Begin behind this sequence number (default: at the beginning)."`
	Follow  bool      `short:"f" help:"Go on with what comes, until interrupted."`
	Subject string    `placeholder:"ID" help:"Only events about this user, group, source, agent, …"`
	InRun   string    `name:"run" placeholder:"ID" help:"Only events of this run."`
	Source  string    `placeholder:"NAME" help:"Only events of this source."`
	Type    string    `placeholder:"TYPE" help:"Only events of this type, as in user.created, or user. for all of users."`
	Outcome string    `placeholder:"OUTCOME" help:"Only events with this outcome: applied, notAuthoritative, skipped, refused, parked or noticed."`
	Since   time.Time `placeholder:"TIME" help:"Only events from this time on, as in 2026-11-22T12:00:00Z."`
	Until   time.Time `placeholder:"TIME" help:"Only events before this time."`
	CSV     bool      `name:"csv" help:"Print comma-separated values instead of JSON lines."`
}

// eventLine is an event as it is printed: the source by its name, the changes as
// JSON.
type eventLine struct {
	store.Event
	Source string          `json:"source,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Run fulfils kong.
func (c *EventsCmd) Run(p *program) error {
	return p.withAdministrator(c.Tenant, func(d *directory.Directory, a directory.Actor) error {
		f := directory.EventFilter{
			Subject: c.Subject, Run: c.InRun, Type: c.Type, Outcome: c.Outcome, Since: c.Since, Until: c.Until, Oldest: true,
		}
		if c.Source != "" {
			s, err := d.Source(p.ctx, c.Tenant, c.Source)
			if err != nil {
				return err
			}
			f.Source = s.PublicID
		}
		write, flush, err := c.writer(p)
		if err != nil {
			return err
		}
		err = c.print(p, d, a, f, write, flush)
		if p.ctx.Err() != nil {
			return nil // interrupted
		}
		return err
	})
}

// writer gives what prints an event, and what sees to it that all printed ones
// are out.
func (c *EventsCmd) writer(p *program) (write func(directory.EventState) error, flush func() error, err error) {
	if c.CSV {
		w, err := eventcsv.New(p.stdout)
		return func(e directory.EventState) error { return w.Write(e.Event, e.SourceName) }, w.Flush, err
	}
	out := json.NewEncoder(p.stdout)
	out.SetEscapeHTML(false)
	write = func(e directory.EventState) error {
		return out.Encode(eventLine{Event: e.Event, Source: e.SourceName, Before: e.Before, After: e.After})
	}
	return write, func() error { return nil }, nil
}

// print prints page by page, and waits for more where that is wanted.
func (c *EventsCmd) print(p *program, d *directory.Directory, a directory.Actor, f directory.EventFilter, write func(directory.EventState) error, flush func() error) error {
	for from := c.After; ; {
		all, next, err := d.FindEvents(p.ctx, a, f, from, eventPage)
		if err != nil {
			return err
		}
		for _, e := range all {
			from = e.Seq
			if err := write(e); err != nil {
				return err
			}
		}
		if err := flush(); err != nil {
			return err
		}
		if next != 0 {
			from = next
			continue
		}
		if !c.Follow {
			return nil
		}
		select {
		case <-p.ctx.Done():
			return nil
		case <-time.After(followWait):
		}
	}
}

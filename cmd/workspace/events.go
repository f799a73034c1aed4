package main

import (
	"encoding/json"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

const (
	eventPage  = 1000
	followWait = time.Second
)

// EventsCmd prints the log of a tenant, the oldest event first.
type EventsCmd struct {
	Tenant string `required:"" placeholder:"SLUG" help:"The tenant."`
	After  int64  `placeholder:"SEQ" help:"Begin behind this sequence number (default: at the beginning)."`
	Follow bool   `short:"f" help:"Go on with what comes, until interrupted."`
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
	return p.withDirectory(func(d *directory.Directory) error {
		for after := c.After; ; {
			n, err := c.page(p, d, &after)
			if err != nil {
				if p.ctx.Err() != nil {
					return nil // interrupted
				}
				return err
			}
			if n == eventPage {
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
	})
}

// page prints what stands behind after, moves after on and says how many there
// were.
func (c *EventsCmd) page(p *program, d *directory.Directory, after *int64) (n int, err error) {
	names, err := sourceNames(p, d, c.Tenant)
	if err != nil {
		return 0, err
	}
	delete(names, 0)
	out := json.NewEncoder(p.stdout)
	out.SetEscapeHTML(false)
	err = d.Events(p.ctx, c.Tenant, *after, eventPage, func(e store.Event) error {
		n++
		*after = e.Seq
		return out.Encode(eventLine{Event: e, Source: names[e.Source], Before: e.Before, After: e.After})
	})
	return n, err
}

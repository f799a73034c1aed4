package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// EventFilter picks events; the zero value of a field asks for nothing.
type EventFilter struct {
	Subject string // the id of what they are about: a resource, a source, an agent, …
	Run     string
	Source  string // the public id of a source
	Type    string // as in user.created; user. for all of users
	Outcome string
	Since   time.Time // from then on
	Until   time.Time // before then
	// Oldest gives the oldest first, and never passes over an event that a slower
	// transaction commits later; otherwise the newest are first.
	Oldest bool
}

// EventState is an event with the names of its source, "" for none.
type EventState struct {
	store.Event
	SourceID, SourceName string
}

// FindEvents gives an administrator events that fit, up to limit, behind the
// number from, 0 to begin; and the number behind which to go on, 0 after the
// last. It looks at a bounded part of the log at a time, so it may give few, or
// none, and not be at the end. See store.EventSlack for what times mean.
func (d *Directory) FindEvents(ctx context.Context, a Actor, f EventFilter, from int64, limit int) (all []EventState, next int64, err error) {
	if err := onlyAdmins(a); err != nil {
		return nil, 0, err
	}
	if err := f.check(); err != nil {
		return nil, 0, err
	}
	q := store.EventQuery{
		Tenant: a.Tenant.ID, Subject: f.Subject, Run: f.Run, Type: f.Type, Outcome: f.Outcome, Since: f.Since, Until: f.Until,
		Oldest: f.Oldest, From: from, Limit: limit,
	}
	err = d.store.View(ctx, func(r store.Reader) error {
		all = nil
		if f.Source != "" {
			s, err := seenSource(r, a, f.Source)
			if err != nil {
				return err
			}
			q.Source = s.ID
		}
		if next, err = r.FindEvents(q, func(e store.Event) error {
			e.Before, e.After = slices.Clone(e.Before), slices.Clone(e.After)
			all = append(all, EventState{Event: e})
			return nil
		}); err != nil {
			return err
		}
		return d.nameSources(r, a, all)
	})
	return all, next, err
}

func (d *Directory) nameSources(r store.Reader, a Actor, all []EventState) error {
	for i := range all {
		if all[i].Source == 0 {
			continue
		}
		s, err := d.SourceInfo(r, a.Tenant.ID, all[i].Source)
		if err != nil {
			return err
		}
		all[i].SourceID, all[i].SourceName = s.PublicID, s.Name
	}
	return nil
}

// outcomes are what an event can tell of.
var outcomes = []string{OutcomeApplied, OutcomeNotAuthoritative, OutcomeSkipped, OutcomeRefused, OutcomeParked, OutcomeNoticed}

func (f EventFilter) check() error {
	for name, value := range map[string]string{"subject": f.Subject, "run": f.Run, "type": f.Type} {
		if err := text(name, value, 0, 256); err != nil {
			return err
		}
	}
	if f.Outcome != "" && !slices.Contains(outcomes, f.Outcome) {
		return invalid("outcome", fmt.Sprintf("%.20q is no outcome.", f.Outcome), "Use applied, notAuthoritative, skipped, refused, parked or noticed.")
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return invalid("until", "The time ends before it begins.", "Send until later than since.")
	}
	for name, at := range map[string]time.Time{"since": f.Since, "until": f.Until} {
		if !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999) {
			return invalid(name, name+" is no time.", "")
		}
	}
	return nil
}

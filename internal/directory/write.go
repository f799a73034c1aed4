package directory

import (
	"context"
	"errors"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Writer writes on behalf of an actor inside one transaction.
type Writer struct {
	// Groups asks for the groups of what is written, in Result.Record.
	Groups bool

	d     *Directory
	tx    store.Tx
	actor Actor
	now   time.Time

	events  []store.Event
	refused []refusal
	staged  map[string]string // of a source in staging: what it wrote, see stage
	moves   []move            // what members came and went so far
	turns   []turn            // who became, or is no longer, what items follow
	looks   []move            // who is to be looked at again for it

	// Of the guard, see guard.go.
	ahead   *push  // locked before the request's resource was read
	pushRun string // the run that the request belongs to, "" for none
	afresh  bool   // the next request begins a push, as in a drill
}

// refusal is what stays of a write that a rule refused: an event, and a
// conflict where a person has to decide.
type refusal struct {
	event    store.Event
	conflict *store.Conflict
}

// Result is what a write did.
type Result struct {
	// Record is the resource as the actor sees it now.
	Record store.Record
	// Changed says whether anything at all changed.
	Changed bool
}

// Input is a whole resource, as POST and PUT carry it. What takes one doesn't
// change it, so a transaction that runs again can give it the same.
type Input struct {
	Doc *document.Object
	// Members are the ids (or, for sources that refer by them, externalIds) of
	// a group's members; HasMembers says that the body named the attribute.
	Members    []string
	HasMembers bool
	// Cleared are the attributes that the body set to null by name.
	Cleared []*schema.Attribute
}

// errDryRun ends the transaction of a preview.
var errDryRun = errors.New("dry run")

// Write runs fn in one transaction, with the events of everything that it did.
// With dryRun, or if the actor asks for it, the transaction is rolled back after
// fn and its events were worked out, so a preview is the run minus the commit
// (law 5). So it is for a source in staging, and what would have changed is kept
// for Pending. An agent, and who claims a lease, writes only while it holds that
// lease: otherwise it is a Violation of RuleFenced or RuleLeaseRequired. fn may
// run more than once.
// Write returns the events that were, or would have been, written, and fn's
// error as it is.
func (d *Directory) Write(ctx context.Context, a Actor, dryRun bool, fn func(*Writer) error) ([]store.Event, error) {
	var events []store.Event
	var refused []refusal
	var staged map[string]string
	dryRun = dryRun || a.DryRun
	preview := dryRun || a.staging()
	err := d.store.Update(ctx, func(tx store.Tx) error {
		if err := a.expect(tx); err != nil {
			return err
		}
		if err := d.holds(tx, a, dryRun); err != nil {
			return err
		}
		w := &Writer{d: d, tx: tx, actor: a, now: d.now()}
		refused = nil
		if err := fn(w); err != nil {
			refused = w.refused
			return err
		}
		if err := w.close(); err != nil {
			return err
		}
		events, staged = w.events, w.staged
		if preview {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		events = a.told(events)
		if dryRun {
			return events, nil
		}
		return events, d.keepPending(ctx, a, events, staged)
	}
	if err != nil && len(refused) > 0 && !preview {
		// The write itself is undone; that it was refused is told.
		tell := d.store.Update(ctx, func(tx store.Tx) error {
			if err := a.expect(tx); err != nil {
				return err
			}
			w := &Writer{d: d, tx: tx, actor: a, now: d.now()}
			if err := w.recordRefusals(refused); err != nil {
				return err
			}
			return tx.AppendEvents(w.events)
		})
		if tell != nil && !errors.Is(tell, store.ErrStale) { // then the write is tried again
			d.log.Error("refusal not recorded", "error", store.LogText(tell), "tenant", a.Tenant.Slug, "txn", a.Txn)
		}
	}
	if err != nil {
		return nil, err
	}
	return events, nil
}

// update runs fn in one transaction; one that the actor wants a preview of is
// rolled back after it (law 5).
func (d *Directory) update(ctx context.Context, a Actor, fn func(store.Tx) error) error {
	err := d.store.Update(ctx, func(tx store.Tx) error {
		if err := fn(tx); err != nil || !a.DryRun {
			return err
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		return nil
	}
	return err
}

// close does what follows from all that was done, and writes the events of it.
func (w *Writer) close() error {
	if err := w.settle(); err != nil {
		return err
	}
	if err := w.recordRefusals(w.refused); err != nil {
		return err
	}
	return w.tx.AppendEvents(w.events)
}

// Savepoint runs one of several writes: if it fails, what it wrote and the
// events of it are undone, and the transaction goes on.
func (w *Writer) Savepoint(fn func() error) error {
	events, moves, turns := len(w.events), len(w.moves), len(w.turns)
	err := w.tx.Savepoint(fn)
	if err != nil {
		w.events, w.moves, w.turns = w.events[:events], w.moves[:moves], w.turns[:turns]
	}
	return err
}

// Reading looks at the directory as the transaction has made it so far.
func (w *Writer) Reading() *Reading {
	return &Reading{d: w.d, r: w.tx, actor: w.actor}
}

// event begins an event of this write.
func (w *Writer) event(typ string, subject *store.Resource) *store.Event {
	w.events = append(w.events, store.Event{
		Tenant: w.actor.Tenant.ID, Time: w.now, Txn: w.actor.Txn, Run: firstNonempty(w.actor.Run, w.pushRun), Actor: w.actor.Token,
		Source: w.actor.Source.ID, Type: typ, Outcome: OutcomeApplied,
	})
	e := &w.events[len(w.events)-1]
	if subject != nil {
		e.Subject, e.SubjectRID = subject.ID, subject.RID
	}
	return e
}

// The outcomes of events.
const (
	OutcomeApplied          = "applied"
	OutcomeNotAuthoritative = "notAuthoritative" // kept in the writer's link; another source's value stays
	OutcomeSkipped          = "skipped"
	OutcomeRefused          = "refused"
	OutcomeParked           = "parked"
	OutcomeNoticed          = "noticed"   // nothing was done; somebody may want to know
	OutcomeWarning          = "warning"   // nothing is done any more; somebody should see to it
	OutcomeError            = "error"     // it could not be done
	OutcomeHeld             = "held"      // it waits for a person
	OutcomeWithdrawn        = "withdrawn" // it waited, and the source says otherwise by now
	OutcomeRejected         = "rejected"  // it waited, and a person rejected it
)

// refuse remembers that a rule refused a write, and returns the refusal.
func (w *Writer) refuse(v *Violation, typ string, subject *store.Resource, c *store.Conflict) error {
	r := refusal{conflict: c, event: store.Event{
		Tenant: w.actor.Tenant.ID, Time: w.now, Txn: w.actor.Txn, Run: w.actor.Run, Actor: w.actor.Token, Source: w.actor.Source.ID,
		Type: typ, Outcome: OutcomeRefused, Reason: v.Rule, Detail: v.Error(),
	}}
	if subject != nil {
		r.event.Subject, r.event.SubjectRID = subject.ID, subject.RID
	}
	w.refused = append(w.refused, r)
	return v
}

func (w *Writer) recordRefusals(refused []refusal) error {
	for _, r := range refused {
		if r.conflict != nil {
			if err := w.tx.PutConflict(r.conflict); err != nil {
				return err
			}
		}
		w.events = append(w.events, r.event)
	}
	return nil
}

// eventType names an event: user.created, group.updated.
func eventType(t *schema.ResourceType, what string) string { return kindNames[t.Kind] + "." + what }

// kindNames are the names of kinds in the types of events.
var kindNames = map[schema.Kind]string{
	schema.User: "user", schema.Group: "group", schema.Product: "product", schema.Order: "order", schema.Item: "item",
}

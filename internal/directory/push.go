package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// What a source destroys by its requests, without a longer pause between them,
// is one push, and a run of its own (kind push). It stands in the database and
// not in a process, because several may serve one source. Only requests that
// destroy something read and write it: any other costs nothing for it.

// pushKind is the kind of the runs that pushes are.
const pushKind = "push"

// longestPush ends the push of a source that never pauses.
const longestPush = 24 * time.Hour

// push is the push that a request belongs to, with the limits that hold for it.
type push struct {
	store.Push
	limits reconcile.Limits
}

// guarded says that what the actor destroys is judged by the limits of its
// source: neither what an administrator does, nor what a connector writes under
// its lease, which has judged its whole run before, nor what a person decided.
func (w *Writer) guarded() bool {
	return !w.actor.Admin && w.actor.Fence == (Fence{}) && !w.actor.staging() && !w.actor.decided
}

// begin begins one request. One that is known to destroy something locks the
// push first: whoever destroys in a transaction of several requests locks many
// resources after it.
func (w *Writer) begin(destroys bool) error {
	w.ahead, w.pushRun = nil, ""
	if !destroys || !w.guarded() {
		return nil
	}
	p, err := w.lockPush()
	w.ahead = p
	return err
}

// lockPush gives the source's push as it stands.
func (w *Writer) lockPush() (*push, error) {
	if p := w.ahead; p != nil {
		w.ahead = nil
		return p, nil
	}
	p, err := w.tx.LockPush(w.actor.Tenant.ID, w.actor.Source.ID)
	if err != nil {
		return nil, fmt.Errorf("push of source %d: %w", w.actor.Source.ID, err)
	}
	// What can't be read was written by hand: the defaults hold.
	limits, _ := reconcile.ReadLimits(p.Configuration)
	return &push{p, limits}, nil
}

// enter makes the request part of the push, or of a new one after a pause.
func (w *Writer) enter(p *push) error {
	pause := p.StartedAt.IsZero() || w.now.Sub(p.LastAt) > p.limits.Quiet() || w.now.Sub(p.StartedAt) > longestPush
	if pause || w.afresh {
		if err := w.d.endPush(w.tx, p.Push); err != nil {
			return err
		}
		p.Run, p.StartedAt, p.Counts, p.Over = "", w.now, store.RunCounts{}, ""
		w.afresh = false
	}
	p.LastAt = w.now
	return nil
}

// toll is what the push has destroyed so far.
func (p *push) toll() reconcile.Toll {
	c := p.Counts
	return reconcile.Toll{
		Deletes: c.Deleted, Disables: c.Disabled, MembershipRemovals: c.MembershipRemovals, IdentityChanges: c.IdentityChanges, LostGrants: c.LostGrants,
	}
}

// lose counts what the push destroys now. Whatever people lose by a change of a
// source is added up here: grants of items that follow a lost membership are
// LostGrants too.
func (p *push) lose(t reconcile.Toll) {
	c := &p.Counts
	c.Deleted += t.Deletes
	c.Disabled += t.Disables
	c.MembershipRemovals += t.MembershipRemovals
	c.IdentityChanges += t.IdentityChanges
	c.LostGrants += t.LostGrants
}

// keepPush writes the push, with its run.
func (w *Writer) keepPush(p *push) error {
	if p.Run == "" {
		n := store.Run{
			Tenant: p.Tenant, Source: p.Source, PublicID: w.d.newID(), Kind: pushKind, State: store.RunRunning, StartedAt: w.now, UpdatedAt: w.now, Version: 1,
		}
		if err := w.tx.InsertRun(&n, keepRuns); err != nil {
			return err
		}
		p.Run = n.PublicID
	}
	w.ahead, w.pushRun = nil, p.Run
	return errors.Join(w.tx.PutPush(p.Push), w.tx.CountRun(p.Tenant, p.Run, &p.Counts, w.now))
}

// endPush ends the run of a push after its pause. One that is held stays so.
func (d *Directory) endPush(tx store.Tx, p store.Push) error {
	if p.Run == "" {
		return nil
	}
	n, err := tx.Run(p.Tenant, p.Run)
	if err != nil || n.State != store.RunRunning {
		return ignoreNotFound(err)
	}
	n.State, n.Counts, n.Version = store.RunSucceeded, p.Counts, n.Version+1
	n.UpdatedAt, n.EndedAt = p.LastAt, p.LastAt
	return tx.UpdateRun(n)
}

// pushBatch is how many pushes one look finds.
const pushBatch = 100

// SweepPushes ends the runs of the pushes that have paused, and goes on with what
// was decided about and isn't done because the process that did it ended.
// Several processes may do it at once.
func (d *Directory) SweepPushes(ctx context.Context) error {
	var open []store.Push
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		open, err = r.Pushes(d.now().Add(-time.Minute), pushBatch) // the shortest pause
		return err
	})
	for _, p := range open {
		if err == nil {
			err = d.sweepPush(ctx, p)
		}
	}
	if err == nil {
		err = d.finishDecided(ctx)
	}
	if err != nil {
		return fmt.Errorf("pushes: %w", err)
	}
	return nil
}

func (d *Directory) sweepPush(ctx context.Context, p store.Push) error {
	return d.store.Update(ctx, func(tx store.Tx) error {
		p, err := tx.LockPush(p.Tenant, p.Source)
		if err != nil {
			return err
		}
		limits, _ := reconcile.ReadLimits(p.Configuration)
		if d.now().Sub(p.LastAt) <= limits.Quiet() {
			return nil
		}
		if err := d.endPush(tx, p); err != nil {
			return err
		}
		p.Run = ""
		return tx.PutPush(p)
	})
}

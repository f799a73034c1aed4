package directory

import (
	"context"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// sweepBatch is how many resources one transaction of Sweep looks at.
const sweepBatch = 200

// Sweep soft-deletes the users whose grace time has passed and purges what was
// soft-deleted longer ago than the retention (law 9). It works in small
// transactions and may run in several processes at once.
func (d *Directory) Sweep(ctx context.Context) error {
	if err := d.sweep(ctx, store.Orphaned, d.expire); err != nil {
		return fmt.Errorf("directory: sweep: %w", err)
	}
	if err := d.sweep(ctx, store.Deleted, d.purge); err != nil {
		return fmt.Errorf("directory: sweep: %w", err)
	}
	return nil
}

// keepPlans is how long the plan of a run that has ended can be read.
const keepPlans = 30 * 24 * time.Hour

// plansBatch is how many plans, of up to 64 MiB, one transaction forgets.
const plansBatch = 10

// SweepPlans forgets the plans of runs that ended 30 days ago; what they did is
// in the events. Several processes may do it at once.
func (d *Directory) SweepPlans(ctx context.Context) error {
	for n := plansBatch; n == plansBatch; {
		err := d.store.Update(ctx, func(tx store.Tx) (err error) {
			n, err = tx.DeletePlans(d.now().Add(-keepPlans), plansBatch)
			return err
		})
		if err != nil {
			return fmt.Errorf("old plans: %w", err)
		}
	}
	return nil
}

func (d *Directory) sweep(ctx context.Context, state store.State, end func(*Writer, *subject) error) error {
	wait := d.grace
	if state == store.Deleted {
		wait = d.retention
	}
	for {
		n := 0
		err := d.store.Update(ctx, func(tx store.Tx) error {
			due, err := tx.Expired(state, d.now().Add(-wait), sweepBatch)
			if err != nil {
				return err
			}
			n = len(due)
			sets := map[int64]*schema.Set{}
			for _, res := range due {
				if err := d.sweepOne(tx, res, sets, end); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || n < sweepBatch {
			return err
		}
	}
}

func (d *Directory) sweepOne(tx store.Tx, res store.Resource, sets map[int64]*schema.Set, end func(*Writer, *subject) error) error {
	if sets[res.Tenant] == nil {
		custom, err := tx.CustomAttributes(res.Tenant)
		if err != nil {
			return err
		}
		if sets[res.Tenant], err = schema.New(custom); err != nil {
			return err
		}
	}
	w := &Writer{d: d, tx: tx, now: d.now(), actor: Actor{Tenant: store.Tenant{ID: res.Tenant}, Admin: true, Token: "sweeper"}}
	s, err := w.load(sets[res.Tenant].OfKind(res.Kind), res)
	if err != nil {
		return err
	}
	if err := end(w, s); err != nil {
		return err
	}
	s.res.Version++
	s.res.ModifiedAt = w.now
	if err := tx.UpdateResource(s.before, &s.res); err != nil {
		return err
	}
	return tx.AppendEvents(w.events)
}

func (d *Directory) expire(w *Writer, s *subject) error {
	w.softDelete(s)
	w.event(eventType(s.t, "softDeleted"), &s.res).Reason = "graceTimePassed"
	return nil
}

// purge leaves nothing but the id, so that it is never given again.
func (d *Directory) purge(w *Writer, s *subject) error {
	s.res.State, s.res.StateAt = store.Purged, w.now
	s.res.Doc, s.res.Display, s.res.Keys = []byte("{}"), "", nil
	for _, p := range s.parties {
		l := p.link
		l.ExternalID, l.Anchor, l.Own, l.Doc, l.State = "", "", false, nil, store.LinkEnded
		if err := w.tx.PutLink(p.before, &l); err != nil {
			return err
		}
	}
	if err := w.tx.ForgetRaws(s.res.Tenant, s.res.RID); err != nil {
		return err
	}
	if err := w.tx.ForgetGrants(s.res.Tenant, s.res.RID); err != nil {
		return err
	}
	w.event(eventType(s.t, "purged"), &s.res).Reason = "retentionPassed"
	return nil
}

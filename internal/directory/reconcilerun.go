package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// A run of the kind reconcile compares items with their groups: one item, or all
// of the tenant. It belongs to the tenant's workspace source, and who works on it
// holds the lease of its partition. How far it is stands in its counts, in the
// same transaction as what was done, so after a crash another server goes on
// where it was.
const (
	runReconcile     = store.JobReconcile
	partitionOfItems = "items"
)

// partitionOfItem is that of the runs of one item, by its id.
func partitionOfItem(id string) string { return "item-" + id }

// Assignment is one difference that a comparison found.
type Assignment struct {
	User, Display string
	Reason        string
	Detail        string
}

// maxShown bounds the differences that a preview shows.
const maxShown = 100

// ReconcileItem queues the comparison of one item with its group, or gives the
// run that is queued already. A preview compares at once, writes nothing,
// and gives a run that is not stored with what it would do. It is a Violation of
// RuleFeatureDisabled, RuleJobDisabled or RuleNotInSync where nothing would be
// done, and store.ErrNotFound for an item that isn't there.
func (d *Directory) ReconcileItem(ctx context.Context, a Actor, id string) (store.Run, []Assignment, error) {
	if err := onlyAdmins(a); err != nil {
		return store.Run{}, nil, err
	}
	var n store.Run
	var rid int64
	err := d.update(ctx, a, func(tx store.Tx) error {
		w := &Writer{d: d, tx: tx, actor: a, now: d.now()}
		var err error
		if w.actor.Tenant, err = tx.TenantByID(a.Tenant.ID); err != nil {
			return err
		}
		if err := w.mayReconcile(); err != nil {
			return err
		}
		rec, err := tx.Record(store.View{Tenant: a.Tenant.ID}, d.own.Item.Kind, id, false)
		if err != nil {
			return err
		}
		b, _, err := bindingOf(d.own.Item, rec.Resource)
		if err != nil {
			return err
		}
		if b == nil {
			return &Violation{Rule: RuleNotInSync, Attribute: "keepInSync", Detail: "The item's keepInSync is off.", Way: "Set it to watch or on first."}
		}
		rid = rec.RID
		if n, err = d.queueRun(tx, w.actor.Tenant, partitionOfItem(id)); err != nil {
			return err
		}
		return d.tellRun(tx, a, n)
	})
	if err != nil || !a.DryRun {
		return n, nil, err
	}
	return d.previewItem(ctx, a, n, rid)
}

// mayReconcile refuses what would do nothing (rows A004, A016).
func (w *Writer) mayReconcile() error {
	if !w.d.Enabled(w.actor.Tenant, FeatureReconciliation) {
		return &Violation{Rule: RuleFeatureDisabled, Detail: "The feature " + FeatureReconciliation + " is off.", Way: "Switch it on first: workspace feature set."}
	}
	j, err := jobOf(w.tx.Job, w.actor.Tenant.ID, store.JobReconcile)
	if err == nil && !j.Enabled {
		err = &Violation{Rule: RuleJobDisabled, Detail: "The job " + store.JobReconcile + " is disabled.", Way: "Enable it first: workspace job set."}
	}
	return err
}

// queueRun queues a run in a partition, unless one waits there.
func (d *Directory) queueRun(tx store.Tx, t store.Tenant, partition string) (store.Run, error) {
	s, err := tx.Source(t.ID, string(store.SourceWorkspace))
	if err != nil {
		return store.Run{}, err
	}
	queued, err := tx.Runs(store.RunQuery{Tenant: t.ID, Source: s.ID, State: store.RunQueued, Limit: keepRuns})
	if err != nil {
		return store.Run{}, err
	}
	for _, n := range queued {
		if n.Partition == partition {
			return n, nil
		}
	}
	now := d.now()
	n := store.Run{
		Tenant: t.ID, Source: s.ID, PublicID: d.newID(), Kind: runReconcile, State: store.RunQueued, Partition: partition,
		StartedAt: now, UpdatedAt: now, Version: 1, Counts: store.RunCounts{Reconcile: &store.ReconcileCounts{}},
	}
	return n, tx.InsertRun(&n, keepRuns)
}

// waitingBatch is how many waiting runs are looked at together.
const waitingBatch = 100

// Work queues the runs of the jobs that are due and carries out those that wait.
// Several processes may do it at once, each under a holder's name of its own;
// a run that one of them left is taken over when its lease has expired.
func (d *Directory) Work(ctx context.Context, holder string) error {
	if err := d.beginJobs(ctx); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	var waiting []store.Run
	err := d.store.Look(ctx, func(r store.Reader) (err error) {
		waiting, err = r.WaitingRuns(runReconcile, waitingBatch)
		return err
	})
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	var errs []error
	for _, n := range waiting {
		if n.State == store.RunRunning && n.Holder != holder && d.now().Sub(n.UpdatedAt) < runLease {
			continue // somebody works on it; its lease would say so, at a price
		}
		if err := d.carryOut(ctx, n, holder); err != nil {
			errs = append(errs, fmt.Errorf("run %s: %w", n.PublicID, err))
		}
	}
	return errors.Join(errs...)
}

// How long the lease of a run lives without being renewed, and when it is.
const (
	runLease = 30 * time.Second
	runRenew = 10 * time.Second
)

// carryOut works on a run until it has ended, unless another one does.
func (d *Directory) carryOut(ctx context.Context, n store.Run, holder string) error {
	a, taken, err := d.takeRun(ctx, n, holder)
	if err != nil || !taken {
		return err
	}
	items, err := d.itemsToCompare(ctx, n)
	if err != nil {
		return err
	}
	renewed := time.Now()
	for more := true; more && err == nil; {
		if time.Since(renewed) > runRenew {
			if _, taken, err = d.takeRun(ctx, n, holder); err != nil || !taken {
				return err
			}
			renewed = time.Now()
		}
		more, err = d.step(ctx, a, n, items)
	}
	switch {
	case err == nil, ctx.Err() != nil, errors.Is(err, store.ErrUnavailable):
		return err
	case Violated(err, RuleFenced):
		return nil // another one goes on with it
	}
	return errors.Join(err, d.failRun(ctx, a, n))
}

// failRun ends a run that can't be carried out, so that it isn't tried for ever.
func (d *Directory) failRun(ctx context.Context, a Actor, seen store.Run) error {
	_, err := d.Write(ctx, a, false, func(w *Writer) error {
		n, err := w.tx.Run(seen.Tenant, seen.PublicID)
		if err != nil || n.State != store.RunRunning {
			return err
		}
		n.State, n.Detail = store.RunFailed, "An error in the server; its log has the run's id."
		return d.finish(w, &n)
	})
	return err
}

// takeRun takes or keeps the lease of a run that waits, and gives who works under
// it.
func (d *Directory) takeRun(ctx context.Context, seen store.Run, holder string) (a Actor, taken bool, err error) {
	err = d.store.Update(ctx, func(tx store.Tx) error {
		taken = false
		l, err := tx.LockLease(seen.Source, seen.Partition)
		if err != nil {
			return err
		}
		now := d.leaseTime(l)
		live := l.Holder != "" && now.Before(l.ExpiresAt)
		if live && (l.Holder != holder || l.Run != seen.PublicID) {
			return nil
		}
		n, err := tx.Run(seen.Tenant, seen.PublicID)
		if err != nil || n.State != store.RunQueued && n.State != store.RunRunning {
			return ignoreNotFound(err)
		}
		if !live {
			l.Holder, l.Run, l.AcquiredAt, l.Token = holder, n.PublicID, now, l.Token+1
			n.State, n.Holder, n.Token = store.RunRunning, holder, l.Token
			if err := d.putRun(tx, &n); err != nil {
				return err
			}
		}
		l.RenewedAt, l.ExpiresAt = now, now.Add(runLease)
		if err := tx.PutLease(l); err != nil {
			return err
		}
		a = Actor{Admin: true, Token: "job:" + runReconcile, Txn: d.newID(), Run: n.PublicID, Fence: Fence{l.Partition, l.Token}}
		if a.Tenant, err = tx.TenantByID(n.Tenant); err != nil {
			return err
		}
		taken = true
		a.Source, err = d.SourceInfo(tx, n.Tenant, n.Source)
		return err
	})
	return a, taken, err
}

// itemsToCompare gives the items of a run by their rids, ascending.
func (d *Directory) itemsToCompare(ctx context.Context, n store.Run) (rids []int64, err error) {
	t := d.own.Item
	err = d.store.View(ctx, func(r store.Reader) error {
		rids = nil
		if id, one := itemOfPartition(n.Partition); one {
			refs, err := r.Refs(store.View{Tenant: n.Tenant}, []string{id})
			for _, ref := range refs {
				rids = append(rids, ref.RID)
			}
			return err
		}
		a := t.Root.Sub("keepInSync")
		for _, word := range []string{reconcile.SyncOn, reconcile.SyncWatch} {
			found, err := r.Referrers(n.Tenant, a.Index, a.Key(word))
			if err != nil {
				return err
			}
			rids = append(rids, found...)
		}
		return nil
	})
	return ascending(rids), err
}

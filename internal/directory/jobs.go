package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// The bounds of a job's interval, and what it is where nobody said.
const (
	MinInterval     = time.Minute
	MaxInterval     = 30 * 24 * time.Hour
	defaultInterval = time.Hour
)

// JobChange is what changes of a job; nil for what stays.
type JobChange struct {
	Enabled  *bool
	Interval *time.Duration
}

// Jobs gives the jobs of the actor's tenant. One that was never changed is
// disabled.
func (d *Directory) Jobs(ctx context.Context, a Actor) ([]store.Job, error) {
	if err := onlyAdmins(a); err != nil {
		return nil, err
	}
	var out []store.Job
	err := d.store.View(ctx, func(r store.Reader) error {
		j, err := jobOf(r.Job, a.Tenant.ID, store.JobReconcile)
		out = []store.Job{j}
		return err
	})
	return out, err
}

func jobOf(read func(int64, string) (store.Job, error), tenant int64, kind string) (store.Job, error) {
	j, err := read(tenant, kind)
	if errors.Is(err, store.ErrNotFound) {
		return store.Job{Tenant: tenant, Kind: kind, Interval: defaultInterval}, nil
	}
	return j, err
}

// SetJob changes a job of the actor's tenant, with one event. One that is enabled
// is due at once. An unknown kind is store.ErrNotFound.
func (d *Directory) SetJob(ctx context.Context, a Actor, kind string, c JobChange) (store.Job, error) {
	if err := onlyAdmins(a); err != nil {
		return store.Job{}, err
	}
	if kind != store.JobReconcile {
		return store.Job{}, store.ErrNotFound
	}
	if i := c.Interval; i != nil && (*i < MinInterval || *i > MaxInterval) {
		return store.Job{}, invalid("interval", fmt.Sprintf("A job's interval is %s to %s.", MinInterval, MaxInterval), "Send seconds within these bounds.")
	}
	var j store.Job
	err := d.update(ctx, a, func(tx store.Tx) error {
		var err error
		if j, err = jobOf(tx.LockJob, a.Tenant.ID, kind); err != nil {
			return err
		}
		before := j
		set(&j.Enabled, c.Enabled)
		set(&j.Interval, c.Interval)
		if j == before {
			return nil
		}
		switch {
		case j.Enabled && !before.Enabled:
			j.NextAt = d.now()
		case j.Enabled && j.Interval != before.Interval:
			j.NextAt = d.now().Add(j.Interval)
		}
		if err := tx.PutJob(j); err != nil {
			return err
		}
		return d.tell(tx, controlEvent{
			tenant: a.Tenant.ID, by: a.Token, txn: a.Txn, typ: "job.changed", subject: kind, before: jobFacts(before), after: jobFacts(j),
		})
	})
	return j, err
}

func jobFacts(j store.Job) map[string]any {
	return map[string]any{"enabled": j.Enabled, "interval": int64(j.Interval / time.Second)}
}

// makeDue lets an enabled job of a tenant begin now.
func (d *Directory) makeDue(tx store.Tx, tenant int64) error {
	j, err := jobOf(tx.LockJob, tenant, store.JobReconcile)
	if err != nil || !j.Enabled {
		return err
	}
	j.NextAt = d.now()
	return tx.PutJob(j)
}

// dueBatch is how many due jobs are looked at together.
const dueBatch = 100

// beginJobs queues a run for each job that is due. Several processes may do it at
// once: the row of a job is locked while its run is queued.
func (d *Directory) beginJobs(ctx context.Context) error {
	var due []store.Job
	err := d.store.Look(ctx, func(r store.Reader) (err error) {
		due, err = r.DueJobs(d.now(), dueBatch)
		return err
	})
	if err != nil {
		return err
	}
	for _, j := range due {
		if err := d.store.Update(ctx, func(tx store.Tx) error { return d.beginJob(tx, j) }); err != nil {
			return err
		}
	}
	return nil
}

func (d *Directory) beginJob(tx store.Tx, seen store.Job) error {
	j, err := tx.LockJob(seen.Tenant, seen.Kind)
	if err != nil || !j.Enabled || j.NextAt.After(d.now()) {
		return ignoreNotFound(err)
	}
	t, err := tx.TenantByID(j.Tenant)
	if err != nil {
		return err
	}
	j.NextAt = d.now().Add(j.Interval)
	if d.Enabled(t, FeatureReconciliation) {
		n, err := d.queueRun(tx, t, partitionOfItems)
		if err != nil {
			return err
		}
		j.LastRun = n.PublicID
	}
	return tx.PutJob(j)
}

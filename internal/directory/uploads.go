package directory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// What is uploaded is accepted at once and worked on later (row E059): an upload
// is a run, its records are rows that wait, and each is settled in the
// transaction of what it did. docs/uploads.md tells what a record means.
const (
	runUpload = "upload"
	// uploadPartition can't be claimed by a connector: the blank isn't allowed
	// there. So no lease and no other run gets in the way of the uploads.
	uploadPartition = "bulk upload"
	// keepUploads is how long the log of uploads can be read.
	keepUploads = 30 * 24 * time.Hour
	uploadSweep = 500
	lastRuns    = 20
)

// The bounds of the policies for uploads, and what holds where nothing is said.
const (
	MaxUploadOperations     = 1000
	MaxUploadCalls          = 10_000
	DefaultUploadOperations = 50
	DefaultUploadCalls      = 40
)

// Uploaded is one record as it was sent: a User as JSON, which has passed
// document.Check. Refused says why it can't be one, "" if it can.
type Uploaded struct {
	Data    []byte
	Refused string
	// Code is the code of Refused, "" for RuleInvalid; Note is told of a record that
	// isn't refused. Those of files have them.
	Code string
	Note string
}

// AcceptUpload keeps records of the actor's source to be worked on later, in
// their order, and gives the run that they are. When it returns they are durable.
// Only a token of the source itself may upload: otherwise it is a Violation of
// RuleForbidden, and of RuleTooMany for more than MaxUploadOperations.
func (d *Directory) AcceptUpload(ctx context.Context, a Actor, all []Uploaded) (store.Run, error) {
	if a.Admin || a.Agent != "" {
		return store.Run{}, &Violation{Rule: RuleForbidden, Detail: "Only the source itself uploads.", Way: "Use a token of the source."}
	}
	if len(all) == 0 || len(all) > MaxUploadOperations {
		return store.Run{}, &Violation{Rule: RuleTooMany, Detail: fmt.Sprintf("An upload has 1 to %d records.", MaxUploadOperations)}
	}
	var n store.Run
	err := d.store.Update(ctx, func(tx store.Tx) (err error) {
		n, err = d.queueUpload(tx, a, uploadPartition, all)
		return err
	})
	if err == nil {
		d.wakeUploads()
	}
	return n, err
}

// queueUpload adds records of the actor's source that wait, and the run that they
// are.
func (d *Directory) queueUpload(tx store.Tx, a Actor, partition string, all []Uploaded) (store.Run, error) {
	now := d.now()
	n := store.Run{
		Tenant: a.Tenant.ID, Source: a.Source.ID, PublicID: d.newID(), Kind: runUpload, State: store.RunQueued, Partition: partition,
		Total: int64(len(all)), StartedAt: now, UpdatedAt: now, Version: 1,
	}
	records := make([]store.UploadRecord, len(all))
	for i, u := range all {
		records[i] = uploadRow(now, a, n, i, u)
	}
	if err := tx.InsertRun(&n, 0); err != nil {
		return n, err
	}
	return n, tx.InsertUploads(records)
}

// uploadRow makes the row of a record that waits in a run.
func uploadRow(now time.Time, a Actor, n store.Run, position int, u Uploaded) store.UploadRecord {
	r := store.UploadRecord{
		Tenant: n.Tenant, Source: n.Source, Run: n.PublicID, Position: position, Actor: a.Token, Txn: a.Txn, AcceptedAt: now,
		Data: WithoutPasswords(u.Data), Detail: loggable(u.Note),
	}
	if u.Refused != "" {
		r.Code, r.Detail = firstNonempty(u.Code, RuleInvalid), loggable(u.Refused)
	}
	return r
}

// wakeUploads tells the worker of this process that there is something to do;
// those of others look from time to time.
func (d *Directory) wakeUploads() {
	select {
	case d.uploads <- struct{}{}:
	default: // it was told already
	}
}

// UploadsArrived gives a signal when there may be uploads to work on: see
// WorkUploads.
func (d *Directory) UploadsArrived() <-chan struct{} { return d.uploads }

// UploadJob is the work on the uploads of a source, as it is now.
type UploadJob struct {
	Source store.Source
	Paused bool
	// Waiting is how many records wait, at most MaxCountedUploads.
	Waiting int
	// Last is the upload that was accepted last, zero if there is none among the
	// source's last runs.
	Last store.Run
}

// MaxCountedUploads is up to where waiting records are counted.
const MaxCountedUploads = 10_000

// UploadSources gives the sources whose uploads the actor sees: its own, or all
// of the tenant but the workspace source for an administrator.
func (d *Directory) UploadSources(ctx context.Context, a Actor) (out []store.Source, err error) {
	if !a.Admin {
		return []store.Source{a.Source}, nil
	}
	err = d.store.View(ctx, func(r store.Reader) error {
		out = nil
		all, err := r.Sources(a.Tenant.ID)
		for _, s := range all {
			if s.Kind != store.SourceWorkspace {
				out = append(out, s)
			}
		}
		return err
	})
	return out, err
}

// UploadJob gets the job of a source that the actor sees.
func (d *Directory) UploadJob(ctx context.Context, a Actor, source store.Source) (UploadJob, error) {
	out := UploadJob{Source: source}
	err := d.store.View(ctx, func(r store.Reader) error {
		j, err := r.UploadJob(source.ID)
		if err != nil {
			return err
		}
		out.Paused = j.Paused
		if out.Waiting, err = r.CountUploads(source.ID, MaxCountedUploads); err != nil {
			return err
		}
		last, err := r.Runs(store.RunQuery{Tenant: a.Tenant.ID, Source: source.ID, Limit: lastRuns})
		if i := slices.IndexFunc(last, func(n store.Run) bool { return n.Kind == runUpload }); i >= 0 {
			out.Last = last[i]
		}
		return err
	})
	return out, err
}

// PauseUploads lets the records of a source that the actor sees wait, or be
// worked on again, with an event. What waits stays, and more is accepted.
func (d *Directory) PauseUploads(ctx context.Context, a Actor, source store.Source, paused bool) error {
	err := d.store.Update(ctx, func(tx store.Tx) error {
		j, err := tx.LockUploads(source.Tenant, source.ID)
		if err != nil || j.Paused == paused {
			return err
		}
		j.Paused = paused
		if err := tx.PutUploadJob(j); err != nil {
			return err
		}
		typ := "uploads.started"
		if paused {
			typ = "uploads.paused"
		}
		return d.tell(tx, controlEvent{tenant: source.Tenant, source: source.ID, by: a.Token, txn: a.Txn, typ: typ, subject: source.PublicID})
	})
	if err == nil {
		d.wakeUploads()
	}
	return err
}

// UploadLog gives settled records of a source that the actor sees.
func (d *Directory) UploadLog(ctx context.Context, q store.UploadQuery) (all []store.UploadRecord, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		all, err = r.Uploads(q)
		return err
	})
	return all, err
}

// SweepUploads forgets what became of records that were settled, and runs of
// uploads that ended, 30 days ago; what they did is in the events. Several
// processes may do it at once.
func (d *Directory) SweepUploads(ctx context.Context) error {
	for more := true; more; {
		err := d.store.Update(ctx, func(tx store.Tx) error {
			before := d.now().Add(-keepUploads)
			records, err := tx.DeleteUploads(before, uploadSweep)
			if err != nil {
				return err
			}
			runs, err := tx.DeleteRuns(runUpload, before, uploadSweep)
			more = records == uploadSweep || runs == uploadSweep
			return err
		})
		if err != nil {
			return fmt.Errorf("old uploads: %w", err)
		}
	}
	return nil
}

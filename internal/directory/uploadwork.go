package directory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// uploadBatch is how many records share one transaction: enough to spread the
// cost of a commit, few enough not to keep those waiting who want to write.
const uploadBatch = 50

// uploadPart is how many records are worked on at least before a batch ends because
// somebody wants to write: on SQLite, where one does at a time, who uploads more
// waits for so many records and not for a whole batch.
const uploadPart = 10

// WorkUploads works on the records that wait, one batch of each source, and says
// whether it found any. Each batch is one transaction with all that it did, so a
// record is carried out once, wherever the process ends. Of one source the
// records are worked on in the order of their acceptance, by one process at a
// time; processes that share a database share the sources, batch by batch.
func (d *Directory) WorkUploads(ctx context.Context) (found bool, err error) {
	var jobs []store.UploadJob
	err = d.store.Look(ctx, func(r store.Reader) (err error) {
		jobs, err = r.WaitingUploads()
		return err
	})
	if err != nil {
		return false, fmt.Errorf("uploads: %w", err)
	}
	// Not all begin with the same source, for which the others would wait.
	rand.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	var errs []error
	for _, j := range jobs {
		n, err := d.workUploads(ctx, j)
		found = found || n > 0
		if err != nil {
			errs = append(errs, fmt.Errorf("uploads of source %d: %w", j.Source, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	return found, errors.Join(errs...)
}

// workUploads works on a batch of a source. If that fails as a whole, its
// records are tried one by one, and the one at fault is settled as failed: one
// bad record stops nothing but itself (law 10).
func (d *Directory) workUploads(ctx context.Context, j store.UploadJob) (int, error) {
	b, err := d.tryUploads(ctx, j, uploadBatch)
	if err == nil || !b.stuck(ctx, err) {
		return len(b.records), err
	}
	for range b.records {
		one, err := d.tryUploads(ctx, j, 1)
		if err == nil || len(one.records) == 0 {
			continue
		}
		if !one.stuck(ctx, err) {
			return 0, err
		}
		d.log.Error("uploaded record failed", "error", store.LogText(err), "tenant", one.actor.Tenant.Slug, "txn", one.records[0].Txn, "run", one.records[0].Run)
		u := &one.records[0]
		u.Status, u.Action, u.Code = store.UploadFailure, "other", "internal"
		u.Detail = "Something went wrong in the server. Nothing was changed. The log has the request's id " + u.Txn + "."
		if err := d.settleApart(ctx, one); err != nil {
			return 0, err
		}
	}
	return len(b.records), nil
}

// batch is records of one source while they are worked on.
type batch struct {
	d       *Directory
	t       *schema.ResourceType
	actor   Actor
	limit   int
	records []store.UploadRecord
	said    []*document.Object           // what each says, nil for what can't be read
	files   map[string]bool              // the runs that are those of files
	again   map[string]bool              // the runs that are those of ReapplyMapping
	seen    map[string]bool              // their records that were carried out, by fileKey
	known   func(externalID string) bool // whether a file has had a user besides; nil for never
	rules   *rules                       // the source's own, nil for none
	mapped  []*mapped                    // what each says by them, in place of said
	// managers are the ids of managers that were found, by what records call them.
	managers map[string]string
}

// stuck says that a batch failed by what is in it: trying again would fail again.
func (b *batch) stuck(ctx context.Context, err error) bool {
	return len(b.records) > 0 && ctx.Err() == nil && !errors.Is(err, store.ErrUnavailable) && !outdated(err)
}

// outdated says that what was read before the transaction isn't so any more.
func outdated(err error) bool {
	return errors.Is(err, store.ErrStale) || errors.Is(err, document.ErrUndeclared)
}

// tryUploads works on at most limit records of a source. On an error nothing was
// done; what it was tried with is given all the same.
func (d *Directory) tryUploads(ctx context.Context, j store.UploadJob, limit int) (*batch, error) {
	b := &batch{d: d, limit: limit}
	err := d.store.Look(ctx, func(r store.Reader) error {
		p, err := r.Speaker(j.Source)
		b.actor = NewActor(p, d.newID())
		b.actor.Admin, b.actor.Stamp = false, p.Stamp
		return err
	})
	if err != nil || b.actor.Source.Mode == store.ModeDisabled || !b.actor.Tenant.SyncEnabled {
		return b, ignoreNotFound(err)
	}
	set, err := d.Schema(ctx, b.actor.Tenant)
	if err != nil {
		return b, err
	}
	b.t = set.User
	_, err = d.Write(ctx, b.actor, false, b.carryOut)
	switch {
	case err != nil && outdated(err):
		b.records = nil
		return b, nil // it is tried again with what is so now
	case err != nil:
		return b, err
	case b.actor.staging():
		return b, d.settleApart(ctx, b) // the transaction was rolled back
	}
	return b, nil
}

// carryOut does the work of a batch in its transaction.
func (b *batch) carryOut(w *Writer) error {
	b.begin()
	j, err := w.tx.LockUploads(b.actor.Tenant.ID, b.actor.Source.ID)
	if err != nil || j.Paused {
		return err
	}
	if b.records, err = w.tx.NextUploads(j.Source, b.limit); err != nil || len(b.records) == 0 {
		return err
	}
	runs, err := b.runs(w.tx)
	if err != nil {
		return err
	}
	for id, n := range runs {
		b.files[id] = n != nil && n.Partition == filePartition
		b.again[id] = n != nil && n.Partition == reapplyPartition
	}
	if err := b.prepare(w); err != nil {
		return err
	}
	for i := range b.records {
		u := &b.records[i]
		if n := runs[u.Run]; n == nil || !n.State.Open() { // one that is gone was cancelled
			u.Status, u.Action, u.Code, u.Detail = store.UploadSkipped, "other", "cancelled", "The run was cancelled."
			continue
		}
		if err := b.carry(w, i); err != nil {
			return err
		}
		if i+1 >= uploadPart && w.tx.Awaited() {
			b.records = b.records[:i+1]
			break
		}
	}
	return b.settle(w.tx, runs)
}

// prepare gets ready for the records: by the source's rules, or by reading them
// all.
func (b *batch) prepare(w *Writer) (err error) {
	if b.rules, err = rulesOf(w.tx, b.t, b.actor.Source.ID); err != nil {
		return err
	}
	if b.rules != nil {
		return b.readMapped(w)
	}
	return b.read(w)
}

// carry carries one record out, or settles why it wasn't.
func (b *batch) carry(w *Writer, i int) error {
	if b.rules == nil {
		return b.settleOne(w, &b.records[i], b.said[i])
	}
	return b.mapped[i].settle(w, &b.records[i])
}

// begin forgets what an earlier try of the transaction left.
func (b *batch) begin() {
	b.records, b.managers, b.files, b.again, b.seen = nil, map[string]string{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
}

// runs gives the runs of the batch by their ids, locked; those that are gone are
// left out.
func (b *batch) runs(tx store.Tx) (map[string]*store.Run, error) {
	all := map[string]*store.Run{}
	for _, u := range b.records {
		if _, known := all[u.Run]; known {
			continue
		}
		n, err := tx.Run(u.Tenant, u.Run)
		if errors.Is(err, store.ErrNotFound) {
			all[u.Run] = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		all[u.Run] = &n
	}
	return all, nil
}

// settle writes what became of the records, and counts it in their runs.
func (b *batch) settle(tx store.Tx, runs map[string]*store.Run) error {
	moved := map[*store.Run]bool{}
	var order []*store.Run
	for i := range b.records {
		u := &b.records[i]
		u.SettledAt = b.d.now()
		if err := tx.SettleUpload(*u); err != nil {
			return err
		}
		n := runs[u.Run]
		if n == nil || !n.State.Open() {
			continue
		}
		countUpload(n, *u)
		if !moved[n] {
			moved[n], order = true, append(order, n)
		}
	}
	for _, n := range order {
		n.State = store.RunRunning
		completeUpload(n)
		if err := b.d.putRun(tx, n); err != nil {
			return err
		}
	}
	return nil
}

func countUpload(n *store.Run, u store.UploadRecord) {
	n.Done++
	switch {
	case u.Status == store.UploadFailure:
		n.Counts.Failed++
	case u.Status == store.UploadSkipped && u.Code == CodeNoChange:
		n.Counts.Unchanged++
	case u.Status == store.UploadSkipped:
		if n.Counts.Skipped == nil {
			n.Counts.Skipped = map[string]int64{}
		}
		n.Counts.Skipped[u.Code]++
	case u.Action == "create":
		n.Counts.Created++
	case u.Action == "disable":
		n.Counts.Disabled++
	case u.Action == "other" && u.Code == ReasonOverLimit:
		n.Counts.Held++
	case u.Action == "other": // and there was something to warn of
		n.Counts.Unchanged++
	default:
		n.Counts.Updated++
	}
}

// settleApart settles a batch whose own transaction was rolled back. What another
// process settled meanwhile stays.
func (d *Directory) settleApart(ctx context.Context, b *batch) error {
	tried := b.records
	return d.store.Update(ctx, func(tx store.Tx) error {
		if _, err := tx.LockUploads(b.actor.Tenant.ID, b.actor.Source.ID); err != nil {
			return err
		}
		waiting, err := tx.NextUploads(b.actor.Source.ID, b.limit)
		if err != nil {
			return err
		}
		still := map[int64]bool{}
		for _, u := range waiting {
			still[u.ID] = true
		}
		b.records = nil
		for _, u := range tried {
			if still[u.ID] {
				b.records = append(b.records, u)
			}
		}
		runs, err := b.runs(tx)
		if err != nil {
			return err
		}
		return b.settle(tx, runs)
	})
}

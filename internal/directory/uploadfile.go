package directory

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// A file is uploaded in pieces, which all are records of one run: that of the
// file's content and the source. So who was interrupted begins again and goes on
// where it was.
const (
	filePartition = "file upload" // it can't be claimed, as uploadPartition
	// accepting is the phase of a run that more records may join.
	accepting = "accepting"
)

// RuleDuplicateKey refuses a record of a file whose externalId an earlier one has.
const RuleDuplicateKey = "duplicateKey"

// BeginFile gives the run of a file that is uploaded to a source, by the source
// itself or an administrator. content stands for all that the file says. It is the
// run of the same content that isn't finished; or, if finished is asked for, the
// last one of the same content; or a new one.
func (d *Directory) BeginFile(ctx context.Context, a Actor, source string, content [sha256.Size]byte, finished bool) (n store.Run, err error) {
	err = d.update(ctx, a, func(tx store.Tx) error {
		s, err := fileSource(tx, a, source)
		if err != nil {
			return err
		}
		for attempt := 0; ; attempt++ {
			id := fileID(s, content, attempt)
			got, err := tx.Run(s.Tenant, id)
			if errors.Is(err, store.ErrNotFound) {
				if finished && n.PublicID != "" {
					return nil
				}
				n = store.Run{
					Tenant: s.Tenant, Source: s.ID, PublicID: id, Kind: runUpload, State: store.RunQueued, Partition: filePartition, Phase: accepting,
					StartedAt: d.now(), UpdatedAt: d.now(), Version: 1,
				}
				return tx.InsertRun(&n, 0)
			}
			if n = got; err != nil || n.State.Open() {
				return err
			}
		}
	})
	return n, err
}

// fileSource finds the source that a file is uploaded to.
func fileSource(r store.Reader, a Actor, id string) (store.Source, error) {
	s, err := ownSource(r, a, id)
	if err == nil && a.Agent != "" {
		err = &Violation{Rule: RuleForbidden, Detail: "An agent uploads no files.", Way: "Use a token of the source, or an admin token."}
	}
	if err == nil && s.Kind == store.SourceWorkspace {
		err = invalid("source", "Files aren't uploaded to the workspace source.", "Add a source of the kind api.")
	}
	return s, err
}

// FileSource gives the source that the actor uploads files to; what keeps it from
// that is a Violation, and store.ErrNotFound says that it doesn't see it.
func (d *Directory) FileSource(ctx context.Context, a Actor, id string) (s store.Source, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		s, err = fileSource(r, a, id)
		return err
	})
	return s, err
}

// Upload gets the run of an upload to a source that the actor sees.
func (d *Directory) Upload(ctx context.Context, a Actor, source, run string) (n store.Run, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		if n, err = seenRun(r, a, run); err == nil && (n.Source != s.ID || n.Kind != runUpload) {
			err = store.ErrNotFound
		}
		return err
	})
	return n, err
}

// fileID makes the id of a run out of what is uploaded (RFC 9562 §5.8), so that
// two who upload the same at once share the run.
func fileID(s store.Source, content [sha256.Size]byte, attempt int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "upload %s %x %d", s.PublicID, content, attempt))
	id, _ := uuid.FromBytes(sum[:16]) // which has the length
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id.String()
}

// AcceptRows keeps the next records of a file, at most MaxUploadOperations, to be
// worked on later; from is how many came before them, last that none come behind
// them. When it returns they are durable. It accepts nothing if the run has
// another number of records by now: somebody else uploads the same file, and the
// Total of what is returned says how far that is. One that was cancelled is a
// Violation of RuleRunState.
func (d *Directory) AcceptRows(ctx context.Context, a Actor, run string, from int64, all []Uploaded, last bool) (n store.Run, err error) {
	if len(all) > MaxUploadOperations {
		return n, &Violation{Rule: RuleTooMany, Detail: fmt.Sprintf("At most %d records are accepted at once.", MaxUploadOperations)}
	}
	err = d.update(ctx, a, func(tx store.Tx) error {
		if n, err = seenRun(tx, a, run); err != nil {
			return err
		}
		switch {
		case n.Partition != filePartition:
			return store.ErrNotFound
		case n.Phase != accepting:
			return nil
		case !n.State.Open():
			return &Violation{Rule: RuleRunState, Detail: "The upload was cancelled.", Way: "Upload the file again."}
		case n.Total != from:
			return nil
		}
		records := make([]store.UploadRecord, len(all))
		for i, u := range all {
			records[i] = uploadRow(d.now(), a, n, int(n.Total)+i, u)
		}
		n.Total += int64(len(all))
		if last {
			n.Phase = ""
			completeUpload(&n)
		}
		if err := tx.InsertUploads(records); err != nil {
			return err
		}
		return d.putRun(tx, &n)
	})
	if err == nil {
		d.wakeUploads()
	}
	return n, err
}

// Accepting says whether more records of a file may join its run.
func Accepting(n store.Run) bool { return n.Phase == accepting && n.State.Open() }

// completeUpload ends a run whose records are all there and settled.
func completeUpload(n *store.Run) {
	if n.Done >= n.Total && n.Phase != accepting {
		n.State = store.RunSucceeded
	}
}

// WorkFile works on a batch of what waits of a source, as WorkUploads does, and
// says how many records it was. What keeps the source from being worked on is a
// Violation.
func (d *Directory) WorkFile(ctx context.Context, a Actor, source string) (int, error) {
	var j store.UploadJob
	err := d.store.Look(ctx, func(r store.Reader) error {
		s, err := fileSource(r, a, source)
		if err != nil {
			return err
		}
		p, err := r.Speaker(s.ID)
		if err != nil {
			return err
		}
		if !p.Tenant.SyncEnabled {
			return &Violation{Rule: RuleSyncNotEnabled, Detail: "The tenant is disabled: its records wait.", Way: "Enable the tenant."}
		}
		if j, err = r.UploadJob(s.ID); err != nil || !j.Paused {
			j.Tenant = s.Tenant
			return err
		}
		return &Violation{Rule: RuleJobDisabled, Detail: "The uploads of the source are paused: its records wait.", Way: "Start the job (docs/uploads.md)."}
	})
	if err != nil {
		return 0, err
	}
	return d.workUploads(ctx, j)
}

// repeated refuses a record of a file that has the externalId of an earlier one:
// the file would change the user twice each time that it is uploaded.
func (b *batch) repeated(w *Writer, u *store.UploadRecord) error {
	if !b.files[u.Run] || u.ExternalID == "" {
		return nil
	}
	if !b.seen[fileKey(u)] && (b.known == nil || !b.known(u.ExternalID)) {
		before, err := w.tx.Uploads(store.UploadQuery{Source: b.actor.Source.ID, ExternalID: u.ExternalID, Limit: lastRecords})
		if err != nil || !slices.ContainsFunc(before, func(x store.UploadRecord) bool { return x.Run == u.Run && hadUser(x) }) {
			return err
		}
	}
	return &Violation{
		Rule: RuleDuplicateKey, Attribute: b.t.ExternalID.Path, Detail: "An earlier row of the file has the same externalId.",
		Way: "Leave one of them.",
	}
}

// lastRecords is how many records of a user are looked at: more than one file and
// the uploads beside it have.
const lastRecords = 20

// hadUser says of a settled record of a file that it said what its user is, or that
// one before it did.
func hadUser(u store.UploadRecord) bool {
	return u.Status != store.UploadFailure && u.Code != CodeOutOfScope && u.Code != CodeScopeUnknown || u.Code == RuleDuplicateKey
}

// carried remembers that a record of a file was carried out.
func (b *batch) carried(u *store.UploadRecord) {
	if b.files[u.Run] && u.ExternalID != "" {
		b.seen[fileKey(u)] = true
	}
}

func fileKey(u *store.UploadRecord) string { return u.Run + " " + u.ExternalID }

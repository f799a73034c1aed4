package directory

import (
	"context"
	"errors"
	"hash/maphash"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// mostForeseen is of how many records of a file a preview remembers the
// externalId: those behind it aren't known to have one twice.
const mostForeseen = 1 << 20

// FilePreview tells what the records of a file would do. It isn't for several
// goroutines at once.
type FilePreview struct {
	d        *Directory
	source   int64
	position int
	seed     maphash.Seed
	seen     map[uint64]struct{} // hashes of externalIds, to need 8 bytes for each
}

// PreviewFile begins a preview of a file for a source.
func (d *Directory) PreviewFile(ctx context.Context, a Actor, source string) (*FilePreview, error) {
	p := &FilePreview{d: d, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
	err := d.store.View(ctx, func(r store.Reader) error {
		s, err := fileSource(r, a, source)
		p.source = s.ID
		return err
	})
	return p, err
}

// Work carries the next records of the file out, as an upload does, in a
// transaction that is rolled back (law 5), and tells what would become of each. A
// record doesn't see what those of earlier calls would have done, but that they
// have its externalId.
func (p *FilePreview) Work(ctx context.Context, all []Uploaded) ([]store.UploadRecord, error) {
	b, err := p.d.fileBatch(ctx, p.source)
	if err != nil {
		return nil, err
	}
	n := store.Run{Tenant: b.actor.Tenant.ID, Source: p.source}
	_, err = p.d.Write(ctx, b.actor, true, func(w *Writer) error {
		b.begin()
		b.files[""], b.known = true, p.has
		b.records = make([]store.UploadRecord, len(all))
		for i, u := range all {
			b.records[i] = uploadRow(p.d.now(), b.actor, n, p.position+i, u)
		}
		if err := b.prepare(w); err != nil {
			return err
		}
		for i := range b.records {
			if err := b.carry(w, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.position += len(all)
	for i := range b.records {
		u := &b.records[i]
		if u.Action == "create" {
			u.Subject = "" // it was never made
		}
		if hadUser(*u) && u.ExternalID != "" && len(p.seen) < mostForeseen {
			p.seen[maphash.String(p.seed, u.ExternalID)] = struct{}{}
		}
	}
	return b.records, nil
}

// has says whether an earlier call carried a record of that externalId out.
func (p *FilePreview) has(externalID string) bool {
	_, has := p.seen[maphash.String(p.seed, externalID)]
	return has
}

// fileBatch makes a batch of a source with the source itself as its actor.
func (d *Directory) fileBatch(ctx context.Context, source int64) (*batch, error) {
	b := &batch{d: d}
	err := d.store.Look(ctx, func(r store.Reader) error {
		s, err := r.Speaker(source)
		b.actor = NewActor(s, d.newID())
		b.actor.Admin, b.actor.Stamp = false, s.Stamp
		return err
	})
	if err != nil {
		return nil, err
	}
	set, err := d.Schema(ctx, b.actor.Tenant)
	if err == nil {
		b.t = set.User
	}
	return b, err
}

// KnownToFile says which of the users that records describe the source has
// already; nil stands for none.
func (d *Directory) KnownToFile(ctx context.Context, source int64, said []*document.Object) ([]bool, error) {
	b, err := d.fileBatch(ctx, source)
	if err != nil {
		return nil, err
	}
	known := make([]bool, len(said))
	_, err = d.Write(ctx, b.actor, true, func(w *Writer) error {
		for i, doc := range said {
			if doc == nil {
				continue
			}
			id, err := b.find(w, doc)
			var v *Violation
			if err != nil && !errors.As(err, &v) { // which is told when the record is worked on
				return err
			}
			known[i] = id != ""
		}
		return nil
	})
	return known, err
}

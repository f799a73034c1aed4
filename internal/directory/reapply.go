package directory

import (
	"context"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// reapplyPartition is that of the runs of ReapplyMapping. A record of them only says
// whom it is about: what is known of the person is what is kept when its turn
// comes, as records may have waited before it.
const reapplyPartition = "mapping apply"

// A run of ReapplyMapping is queued in one transaction, which has what was said in
// memory: it is of MaxUploadOperations people at most, and ends with the page of
// people that brings it to reapplyBytes.
const (
	reapplyPage  = 50
	reapplyBytes = 8 << 20
)

// ReapplyMapping has a source's rules worked out anew over everybody of whom it
// said something, as if it said all of it again (row E092): what is kept waits as
// records of uploads, MaxUploadOperations a run or, where much was said, fewer. It
// gives the ids of the runs, in their order, and how many people they are about. a
// is an administrator. Killed on the way, it has queued some of the runs; to repeat
// it does no harm.
func (d *Directory) ReapplyMapping(ctx context.Context, a Actor, source string) (runs []string, people int64, err error) {
	if err := onlyAdmins(a); err != nil {
		return nil, 0, err
	}
	for after, more := int64(0), true; more; {
		var n store.Run
		var last int64
		err := d.update(ctx, a, func(tx store.Tx) (err error) {
			n, last, more, err = d.reapply(tx, a, source, after)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		if after = last; n.Total > 0 {
			runs, people = append(runs, n.PublicID), people+n.Total
		}
	}
	d.wakeUploads()
	return runs, people, nil
}

// reapply queues a run over people behind an id, says behind which one to go on, and
// whether there are more. The run is the zero one if it would be about nobody.
func (d *Directory) reapply(tx store.Tx, a Actor, source string, after int64) (n store.Run, last int64, more bool, err error) {
	s, err := seenSource(tx, a, source)
	if err != nil {
		return n, 0, false, err
	}
	m, err := tx.Mapping(s.ID, 0)
	if err := ignoreNotFound(err); err != nil {
		return n, 0, false, err
	}
	if m.Document == nil {
		return n, 0, false, invalid("", "The source has no rules.", "Set them first.")
	}
	records, last, more, err := saidBehind(tx, s, after)
	if err != nil || len(records) == 0 {
		return n, last, more, err
	}
	a.Source = s
	n, err = d.queueUpload(tx, a, reapplyPartition, records)
	return n, last, more, err
}

// saidBehind gives what is kept of people behind an id, up to the bounds of a run,
// having looked at no more people than one may have.
func saidBehind(r store.Reader, s store.Source, after int64) (records []Uploaded, last int64, more bool, err error) {
	size := 0
	for looked := 0; looked < MaxUploadOperations && size < reapplyBytes; looked += reapplyPage {
		all, err := r.Raws(s.ID, after, reapplyPage)
		if err != nil {
			return nil, 0, false, err
		}
		still, err := undeleted(r, s, all)
		if err != nil {
			return nil, 0, false, err
		}
		for _, raw := range still {
			records, size = append(records, Uploaded{Data: raw.Data}), size+len(raw.Data)
		}
		if len(all) < reapplyPage {
			return records, after, false, nil
		}
		after = all[len(all)-1].ID
	}
	return records, after, true, nil
}

// undeleted leaves out whom the source deleted since it spoke of them: nobody but
// itself brings them back.
func undeleted(r store.Reader, s store.Source, all []store.Raw) ([]store.Raw, error) {
	var rids []int64
	for _, raw := range all {
		if raw.RID != 0 && raw.InScope {
			rids = append(rids, raw.RID)
		}
	}
	if len(rids) == 0 {
		return all, nil
	}
	ids, err := r.IDs(s.Tenant, rids)
	if err != nil {
		return nil, err
	}
	refs, err := r.Refs(store.View{Tenant: s.Tenant, Source: s.ID}, slices.Collect(maps.Values(ids)))
	if err != nil {
		return nil, err
	}
	live := map[int64]bool{}
	for _, ref := range refs {
		live[ref.RID] = ref.Link.Live()
	}
	return slices.DeleteFunc(slices.Clone(all), func(raw store.Raw) bool { return raw.RID != 0 && raw.InScope && !live[raw.RID] }), nil
}

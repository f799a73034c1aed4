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

// ReapplyMapping has a source's rules worked out anew over everybody of whom it
// said something, as if it said all of it again (row E092): what is kept waits as
// records of uploads, MaxUploadOperations a run. It gives the ids of the runs, in
// their order, and how many people they are about. a is an administrator. Killed
// on the way, it has queued some of the runs; to repeat it does no harm.
func (d *Directory) ReapplyMapping(ctx context.Context, a Actor, source string) (runs []string, people int64, err error) {
	if err := onlyAdmins(a); err != nil {
		return nil, 0, err
	}
	for after := int64(0); ; {
		var all []store.Raw
		var n store.Run
		err := d.update(ctx, a, func(tx store.Tx) error {
			n = store.Run{}
			s, err := seenSource(tx, a, source)
			if err != nil {
				return err
			}
			m, err := tx.Mapping(s.ID, 0)
			if err := ignoreNotFound(err); err != nil {
				return err
			}
			if m.Document == nil {
				return invalid("", "The source has no rules.", "Set them first.")
			}
			if all, err = tx.Raws(s.ID, after, MaxUploadOperations); err != nil || len(all) == 0 {
				return err
			}
			still, err := undeleted(tx, s, all)
			if err != nil || len(still) == 0 {
				return err
			}
			records := make([]Uploaded, len(still))
			for i, raw := range still {
				records[i].Data = raw.Data
			}
			a := a
			a.Source = s
			n, err = d.queueUpload(tx, a, reapplyPartition, records)
			return err
		})
		if err != nil {
			return nil, 0, err
		}
		if n.Total > 0 {
			runs, people = append(runs, n.PublicID), people+n.Total
		}
		if len(all) > 0 {
			after = all[len(all)-1].ID
		}
		if len(all) < MaxUploadOperations {
			d.wakeUploads()
			return runs, people, nil
		}
	}
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

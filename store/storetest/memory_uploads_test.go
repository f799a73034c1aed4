package storetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

func ofSource(source int64) func(store.UploadJob) bool {
	return func(j store.UploadJob) bool { return j.Source == source }
}

func (x *memTx) UploadJob(source int64) (store.UploadJob, error) {
	j, err := find(x.uploadJobs, ofSource(source))
	if err != nil {
		return store.UploadJob{Source: source}, nil
	}
	return j, nil
}

func (x *memTx) waiting(source int64) []store.UploadRecord {
	return filtered(x.records, func(u store.UploadRecord) bool { return u.Source == source && u.Status == store.UploadWaiting })
}

func (x *memTx) WaitingUploads() ([]store.UploadJob, error) {
	return top(x.uploadJobs, len(x.uploadJobs), func(a, b store.UploadJob) int { return cmp.Compare(a.Source, b.Source) }, func(j store.UploadJob) bool {
		s, _ := find(x.sources, func(s store.Source) bool { return s.ID == j.Source })
		return !j.Paused && s.Mode != store.ModeDisabled && len(x.waiting(j.Source)) > 0
	}), nil
}

func (x *memTx) CountUploads(source int64, limit int) (int, error) {
	return min(limit, len(x.waiting(source))), nil
}

func (x *memTx) Uploads(q store.UploadQuery) ([]store.UploadRecord, error) {
	order := func(a, b store.UploadRecord) int {
		c := cmp.Or(a.SettledAt.Compare(b.SettledAt), cmp.Compare(a.ID, b.ID))
		if q.Oldest {
			return c
		}
		return -c
	}
	return top(x.records, q.Limit, order, func(u store.UploadRecord) bool {
		return u.Source == q.Source && u.Status != store.UploadWaiting && (q.ID == 0 || u.ID == q.ID) && (q.Run == "" || u.Run == q.Run) && !slices.Contains(q.NotRuns, u.Run) &&
			(q.ExternalID == "" || u.ExternalID == q.ExternalID) && (q.Subject == "" || u.Subject == q.Subject) &&
			(q.Status == "" || u.Status == q.Status) && (q.Action == "" || u.Action == q.Action) &&
			(q.Since.IsZero() || !u.SettledAt.Before(q.Since)) && (q.Until.IsZero() || u.SettledAt.Before(q.Until)) &&
			(q.After.IsZero() || order(store.UploadRecord{SettledAt: q.After, ID: q.AfterID}, u) < 0)
	}), nil
}

func (x *memTx) Speaker(source int64) (p store.Principal, err error) {
	if p.Source, err = find(x.sources, func(s store.Source) bool { return s.ID == source }); err != nil {
		return p, err
	}
	p.Tenant, err = find(x.tenants, func(t store.Tenant) bool { return t.ID == p.Source.Tenant })
	p.Stamp = x.stamp
	return p, err
}

func (x *memTx) LockUploads(tenant, source int64) (store.UploadJob, error) {
	if !slices.ContainsFunc(x.uploadJobs, ofSource(source)) {
		x.uploadJobs = append(x.uploadJobs, store.UploadJob{Tenant: tenant, Source: source})
	}
	return x.UploadJob(source)
}

func (x *memTx) PutUploadJob(j store.UploadJob) error {
	return put(x.uploadJobs, ofSource(j.Source), func(o *store.UploadJob) { o.Paused = j.Paused })
}

func (x *memTx) InsertUploads(all []store.UploadRecord) error {
	for _, u := range all {
		u.ID = x.next()
		x.records = append(x.records, u)
		if _, err := x.LockUploads(u.Tenant, u.Source); err != nil {
			return err
		}
	}
	return nil
}

func (x *memTx) NextUploads(source int64, limit int) ([]store.UploadRecord, error) {
	all := x.waiting(source)
	return all[:min(limit, len(all))], nil
}

func (x *memTx) SettleUpload(u store.UploadRecord) error {
	for i, o := range x.records {
		if o.ID != u.ID || o.Status != store.UploadWaiting {
			continue
		}
		u.Tenant, u.Source, u.Run, u.Position, u.Actor, u.Txn, u.AcceptedAt, u.Data = o.Tenant, o.Source, o.Run, o.Position, o.Actor, o.Txn, o.AcceptedAt, nil
		x.records[i] = u
	}
	return nil
}

func (x *memTx) DeleteUploads(before time.Time, limit int) (int, error) {
	n := len(x.records)
	x.records = slices.DeleteFunc(slices.Clone(x.records), func(u store.UploadRecord) bool {
		old := u.Status != store.UploadWaiting && u.SettledAt.Before(before) && limit > 0
		if old {
			limit--
		}
		return old
	})
	return n - len(x.records), nil
}

func (x *memTx) DeleteRuns(kind string, before time.Time, limit int) (int, error) {
	n := len(x.runs)
	x.runs = slices.DeleteFunc(slices.Clone(x.runs), func(r store.Run) bool {
		old := r.Kind == kind && !r.State.Open() && r.EndedAt.Before(before) && limit > 0
		if old {
			limit--
		}
		return old
	})
	return n - len(x.runs), nil
}

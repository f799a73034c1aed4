package gormstore

import (
	"time"

	"github.com/workspace-scim/workspace/store"
)

func (s *session) jobs(where string, args ...any) ([]store.Job, error) {
	var all []store.Job
	err := s.eachOf(func(r rows) error {
		var j store.Job
		var every, next int64
		err := r.Scan(&j.Tenant, &j.Kind, &j.Enabled, &every, &next, &j.LastRun)
		j.Interval, j.NextAt = time.Duration(every)*time.Microsecond, instant(next)
		all = append(all, j)
		return err
	}, "SELECT tenant, kind, enabled, every, next, last_run FROM jobs WHERE "+where, args...)
	return all, err
}

// Job implements store.JobReader.
func (r *reader) Job(tenant int64, kind string) (store.Job, error) { return r.job(tenant, kind, "") }

// LockJob implements store.JobWriter.
func (t *tx) LockJob(tenant int64, kind string) (store.Job, error) {
	return t.job(tenant, kind, t.locking("UPDATE"))
}

func (s *session) job(tenant int64, kind, locking string) (store.Job, error) {
	if !storable(kind) {
		return store.Job{}, store.ErrNotFound
	}
	all, err := s.jobs("tenant = ? AND kind = ?"+locking, tenant, kind)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Job{}, err
	}
	return all[0], nil
}

// Jobs implements store.JobReader.
func (r *reader) Jobs(tenant int64) ([]store.Job, error) {
	return r.jobs("tenant = ? ORDER BY kind", tenant)
}

// DueJobs implements store.JobReader.
func (r *reader) DueJobs(at time.Time, limit int) ([]store.Job, error) {
	return r.jobs("enabled AND next <= ? ORDER BY next, tenant LIMIT ?", micros(at), limit)
}

// PutJob implements store.JobWriter.
func (t *tx) PutJob(j store.Job) error {
	if err := storableAll(j.Kind, j.LastRun); err != nil {
		return err
	}
	return t.exec(`INSERT INTO jobs (tenant, kind, enabled, every, next, last_run) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (tenant, kind) DO UPDATE SET enabled = excluded.enabled, every = excluded.every, next = excluded.next, last_run = excluded.last_run`,
		j.Tenant, j.Kind, j.Enabled, j.Interval.Microseconds(), micros(j.NextAt), j.LastRun)
}

// WaitingRuns implements store.JobReader.
func (r *reader) WaitingRuns(kind string, limit int) ([]store.Run, error) {
	if !storable(kind) {
		return nil, nil
	}
	return r.runs("kind = ? AND state IN ('queued', 'running') ORDER BY id LIMIT ?", kind, limit)
}

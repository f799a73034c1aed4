package gormstore

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

const runColumns = `id, tenant, source, public_id, kind, state, partition, holder, token, phase, done, total, counts, detail, decided_by,
	started, updated, ended, next, plan_hash, plan_size, version`

func scanRun(r rows) (store.Run, error) {
	var n store.Run
	var counts string
	var started, updated, ended, next int64
	err := r.Scan(&n.ID, &n.Tenant, &n.Source, &n.PublicID, &n.Kind, &n.State, &n.Partition, &n.Holder, &n.Token, &n.Phase, &n.Done, &n.Total,
		&counts, &n.Detail, &n.DecidedBy, &started, &updated, &ended, &next, &n.PlanHash, &n.PlanSize, &n.Version)
	if err != nil {
		return n, err
	}
	n.StartedAt, n.UpdatedAt, n.EndedAt, n.NextAt = instant(started), instant(updated), instant(ended), instant(next)
	if err := json.Unmarshal([]byte(counts), &n.Counts); err != nil {
		return n, fmt.Errorf("gormstore: counts of run %d: %w", n.ID, err)
	}
	return n, nil
}

// Run implements store.ConnectorReader.
func (r *reader) Run(tenant int64, publicID string) (store.Run, error) {
	if !storable(publicID) {
		return store.Run{}, store.ErrNotFound
	}
	all, err := r.runs("tenant = ? AND public_id = ?"+r.locking("UPDATE"), tenant, publicID)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Run{}, err
	}
	return all[0], nil
}

func (s *session) runs(where string, args ...any) ([]store.Run, error) {
	var all []store.Run
	err := s.eachOf(func(r rows) error {
		n, err := scanRun(r)
		all = append(all, n)
		return err
	}, "SELECT "+runColumns+" FROM runs WHERE "+where, args...)
	return all, err
}

// Runs implements store.ConnectorReader.
func (r *reader) Runs(q store.RunQuery) ([]store.Run, error) {
	if q.Before == 0 {
		q.Before = math.MaxInt64
	}
	b := (&builder{}).add("tenant = ? AND id < ?", q.Tenant, q.Before)
	if q.Source != 0 {
		b.add(" AND source = ?", q.Source)
	}
	if q.State != "" {
		b.add(" AND state = ?", string(q.State))
	}
	b.add(" ORDER BY id DESC LIMIT ?", q.Limit)
	return r.runs(b.sql(), b.args...)
}

// InsertRun implements store.ConnectorWriter.
func (t *tx) InsertRun(n *store.Run, keep int) error {
	if err := storableAll(n.PublicID, n.Kind, n.Partition, n.Holder, n.Phase, n.Detail); err != nil {
		return err
	}
	counts, err := json.Marshal(n.Counts)
	if err != nil {
		return err
	}
	if err := t.deleteOldRuns(n.Source, keep); err != nil {
		return err
	}
	return t.one([]any{&n.ID}, `INSERT INTO runs (tenant, source, public_id, kind, state, partition, holder, token, phase, done, total, counts, detail, decided_by,
			started, updated, ended, next, plan_hash, plan_size, plan_upload, version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) RETURNING id`,
		n.Tenant, n.Source, n.PublicID, n.Kind, string(n.State), n.Partition, n.Holder, n.Token, n.Phase, n.Done, n.Total, string(counts), n.Detail, n.DecidedBy,
		micros(n.StartedAt), micros(n.UpdatedAt), micros(n.EndedAt), micros(n.NextAt), n.PlanHash, n.PlanSize, n.Version)
}

// deleteOldRuns leaves the newest runs of a source before the one that comes, and
// open ones.
func (t *tx) deleteOldRuns(source int64, keep int) error {
	if keep == 0 {
		return nil
	}
	const old = `source = ? AND state NOT IN ('queued', 'running', 'held', 'approved')
		AND id <= COALESCE((SELECT o.id FROM runs o WHERE o.source = ? ORDER BY o.id DESC LIMIT 1 OFFSET ?), 0)`
	if err := t.exec("DELETE FROM run_plans WHERE run IN (SELECT id FROM runs WHERE "+old+")", source, source, keep-1); err != nil {
		return err
	}
	return t.exec("DELETE FROM runs WHERE "+old, source, source, keep-1)
}

// UpdateRun implements store.ConnectorWriter.
func (t *tx) UpdateRun(n store.Run) error {
	if err := storableAll(n.Holder, n.Phase, n.Detail, n.DecidedBy); err != nil {
		return err
	}
	counts, err := json.Marshal(n.Counts)
	if err != nil {
		return err
	}
	return t.exec(`UPDATE runs SET state = ?, holder = ?, token = ?, phase = ?, done = ?, total = ?, counts = ?, detail = ?, decided_by = ?,
			updated = ?, ended = ?, next = ?, plan_hash = ?, plan_size = ?, version = ?
		WHERE id = ? AND tenant = ?`,
		string(n.State), n.Holder, n.Token, n.Phase, n.Done, n.Total, string(counts), n.Detail, n.DecidedBy,
		micros(n.UpdatedAt), micros(n.EndedAt), micros(n.NextAt), n.PlanHash, n.PlanSize, n.Version, n.ID, n.Tenant)
}

// PlanPart implements store.ConnectorReader.
func (r *reader) PlanPart(run int64, position int) ([]byte, error) {
	var data []byte
	r.single()
	err := r.one([]any{&data}, `SELECT p.data FROM runs n CROSS JOIN run_plans p
		WHERE n.id = ? AND n.plan_hash IS NOT NULL AND p.run = n.id AND p.upload = n.plan_upload AND p.position = ?`, run, position)
	return data, err
}

// PutPlanPart implements store.ConnectorWriter.
func (t *tx) PutPlanPart(run, upload int64, position int, data []byte) error {
	return t.exec("INSERT INTO run_plans (run, upload, position, data) VALUES (?, ?, ?, ?)", run, upload, position, data)
}

// KeepPlan implements store.ConnectorWriter.
func (t *tx) KeepPlan(run, upload int64) error {
	if err := t.exec("DELETE FROM run_plans WHERE run = ? AND upload <> ?", run, upload); err != nil {
		return err
	}
	return t.exec("UPDATE runs SET plan_upload = ? WHERE id = ?", upload, run)
}

// DeletePlans implements store.ConnectorWriter.
func (t *tx) DeletePlans(before time.Time, limit int) (int, error) {
	runs, err := t.ids(`SELECT n.id FROM runs n WHERE n.state NOT IN ('queued', 'running', 'held', 'approved') AND n.ended < ?
		AND EXISTS (SELECT 1 FROM run_plans p WHERE p.run = n.id) ORDER BY n.id LIMIT ?`, micros(before), limit)
	if err != nil || len(runs) == 0 {
		return 0, err
	}
	in, list := t.idList(runs)
	return len(runs), t.exec("DELETE FROM run_plans WHERE run "+in, list)
}

// Problems implements store.ConnectorReader.
func (r *reader) Problems(source int64, anchor, code string, limit int) ([]store.Problem, error) {
	if !storable(anchor) || !storable(code) {
		return nil, nil
	}
	return r.problems(source, "(anchor, code) > (?, ?) ORDER BY anchor, code LIMIT ?", anchor, code, limit)
}

// ProblemsOf implements store.ConnectorReader.
func (r *reader) ProblemsOf(source int64, anchors []string) ([]store.Problem, error) {
	anchors = slices.DeleteFunc(slices.Clone(anchors), func(a string) bool { return !storable(a) })
	in, list := r.textList(anchors)
	return r.problems(source, "anchor "+in+" ORDER BY anchor, code", list)
}

func (s *session) problems(source int64, where string, args ...any) ([]store.Problem, error) {
	var all []store.Problem
	err := s.eachOf(func(rs rows) error {
		p := store.Problem{Source: source}
		var first, last int64
		err := rs.Scan(&p.Tenant, &p.Anchor, &p.Code, &p.Kind, &p.Display, &p.Detail, &p.Retry, &p.Run, &first, &last, &p.Count)
		p.FirstAt, p.LastAt = instant(first), instant(last)
		all = append(all, p)
		return err
	}, `SELECT tenant, anchor, code, kind, display, detail, retry, run, first_at, last_at, count
		FROM problems WHERE source = ? AND `+where, append([]any{source}, args...)...)
	return all, err
}

// PutProblem implements store.ConnectorWriter.
func (t *tx) PutProblem(p store.Problem) error {
	if err := storableAll(p.Anchor, p.Code, p.Kind, p.Display, p.Detail, p.Retry, p.Run); err != nil {
		return err
	}
	return t.exec(`INSERT INTO problems (source, anchor, code, tenant, kind, display, detail, retry, run, first_at, last_at, count)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
		ON CONFLICT (source, anchor, code) DO UPDATE SET kind = excluded.kind, display = excluded.display, detail = excluded.detail,
			retry = excluded.retry, run = excluded.run, last_at = excluded.last_at, count = problems.count + 1`,
		p.Source, p.Anchor, p.Code, p.Tenant, p.Kind, p.Display, p.Detail, p.Retry, p.Run, micros(p.FirstAt), micros(p.LastAt))
}

// ClearProblems implements store.ConnectorWriter.
func (t *tx) ClearProblems(source int64, anchor string) error {
	if !storable(anchor) {
		return nil
	}
	return t.exec("DELETE FROM problems WHERE source = ? AND anchor = ?", source, anchor)
}

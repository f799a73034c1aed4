package gormstore

import (
	"math"

	"github.com/workspace-scim/workspace/store"
)

// The column open is 1 for what isn't decided, 2 for what is kept apart and so
// still stands, 0 for what is over: the unique key of what stands has to be a
// condition on one column.
var openness = map[store.Decision]int{"": 1, store.KeepApart: 2, store.Adopt: 0}

const conflictColumns = "id, source, kind, rid, external_id, reason, doc, first_at, last_at, count, decision, decided_by, decided_at"

func (s *session) conflicts(tenant int64, where string, args ...any) ([]store.Conflict, error) {
	var out []store.Conflict
	err := s.each(func(rs rows) error {
		c := store.Conflict{Tenant: tenant}
		var first, last, decided int64
		var doc string
		err := rs.Scan(&c.ID, &c.Source, &c.Kind, &c.RID, &c.ExternalID, &c.Reason, &doc, &first, &last, &c.Count, &c.Decision, &c.DecidedBy, &decided)
		c.Doc, c.FirstAt, c.LastAt, c.DecidedAt = docOrNil(doc), instant(first), instant(last), instant(decided)
		out = append(out, c)
		return err
	}, "SELECT "+conflictColumns+" FROM conflicts WHERE tenant = ?"+where, append([]any{tenant}, args...)...)
	return out, err
}

// Conflicts implements store.Reader.
func (r *reader) Conflicts(q store.ConflictQuery) ([]store.Conflict, error) {
	if !storable(q.ExternalID) {
		return nil, nil
	}
	if q.Before == 0 {
		q.Before = math.MaxInt64
	}
	b := (&builder{}).add(" AND id < ?", q.Before)
	if q.Source != 0 {
		b.add(" AND source = ?", q.Source)
	}
	if q.RID != 0 {
		b.add(" AND rid = ?", q.RID)
	}
	if q.ExternalID != "" {
		b.add(" AND external_id = ?", q.ExternalID)
	}
	if q.Open {
		b.add(" AND open = 1")
	}
	if q.Decided {
		b.add(" AND open <> 1")
	}
	b.add(" ORDER BY id DESC LIMIT ?", q.Limit)
	return r.conflicts(q.Tenant, b.sql(), b.args...)
}

// Conflict implements store.Reader.
func (r *reader) Conflict(tenant, id int64) (store.Conflict, error) {
	all, err := r.conflicts(tenant, " AND id = ?"+r.forUpdate(), id)
	if err == nil && len(all) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Conflict{}, err
	}
	return all[0], nil
}

// PutConflict implements store.Tx.
func (t *tx) PutConflict(c *store.Conflict) error {
	if err := storableAll(c.ExternalID, c.Reason, c.DecidedBy); err != nil {
		return err
	}
	var first, decided int64
	err := t.one([]any{&c.ID, &first, &c.Count, &c.Decision, &c.DecidedBy, &decided}, `INSERT INTO conflicts
			(tenant, source, kind, rid, external_id, reason, doc, first_at, last_at, count, decision, decided_by, decided_at, open)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (source, rid, external_id) WHERE open > 0
		DO UPDATE SET count = conflicts.count + 1, last_at = excluded.last_at, reason = excluded.reason, doc = excluded.doc
		RETURNING id, first_at, count, decision, decided_by, decided_at`,
		c.Tenant, c.Source, c.Kind, c.RID, c.ExternalID, c.Reason, string(c.Doc), micros(c.FirstAt), micros(c.LastAt), max(c.Count, 1),
		string(c.Decision), c.DecidedBy, micros(c.DecidedAt), openness[c.Decision])
	c.FirstAt, c.DecidedAt = instant(first), instant(decided)
	return err
}

// DecideConflict implements store.Tx.
func (t *tx) DecideConflict(c store.Conflict) error {
	if err := storableAll(c.DecidedBy); err != nil {
		return err
	}
	return t.exec("UPDATE conflicts SET decision = ?, decided_by = ?, decided_at = ?, open = ? WHERE tenant = ? AND id = ?",
		string(c.Decision), c.DecidedBy, micros(c.DecidedAt), openness[c.Decision], c.Tenant, c.ID)
}

package gormstore

import (
	"math"

	"github.com/workspace-scim/workspace/store"
)

// optional gives NULL for no document.
func optional(doc []byte) any {
	if doc == nil {
		return nil
	}
	return string(doc)
}

const insertEvent = `INSERT INTO events (seq, tenant, time, txn, actor, source, type, outcome, reason, detail, subject, subject_rid, before, after)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

func (s *session) insertEvent(e store.Event) error {
	return s.exec(insertEvent, e.Seq, e.Tenant, micros(e.Time), e.Txn, e.Actor, e.Source, e.Type, e.Outcome, e.Reason, e.Detail,
		e.Subject, e.SubjectRID, optional(e.Before), optional(e.After))
}

// AppendEvents implements store.Tx.
func (t *tx) AppendEvents(events []store.Event) error {
	if len(events) == 0 {
		return nil
	}
	first, err := t.seqs.reserve(t.session, len(events))
	if err != nil {
		return err
	}
	for i := range events {
		events[i].Seq = first + int64(i)
		if err := t.insertEvent(events[i]); err != nil {
			return err
		}
	}
	return nil
}

// Events implements store.Reader.
func (r *reader) Events(tenant, after int64, limit int, row func(store.Event) error) error {
	before, own, err := r.seqs.settled(r.session)
	if err != nil {
		return err
	}
	return r.each(func(rs rows) error {
		e := store.Event{Tenant: tenant}
		var at int64
		var was, is string
		err := rs.Scan(&e.Seq, &at, &e.Txn, &e.Actor, &e.Source, &e.Type, &e.Outcome, &e.Reason, &e.Detail, &e.Subject, &e.SubjectRID, &was, &is)
		if err != nil {
			return err
		}
		e.Time, e.Before, e.After = instant(at), docOrNil(was), docOrNil(is)
		return row(e)
	}, `SELECT seq, time, txn, actor, source, type, outcome, reason, detail, subject, subject_rid, COALESCE(before, ''), COALESCE(after, '')
		FROM events WHERE tenant = ? AND seq > ? AND (seq < ? OR seq >= ?) ORDER BY seq LIMIT ?`, tenant, after, before, own, limit)
}

func docOrNil(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// lastSeq counts on from the last event of a SQLite file. Rows are never
// removed, and a writer is alone.
type lastSeq struct{ last int64 }

func (l *lastSeq) reserve(s *session, n int) (int64, error) {
	if l.last == 0 {
		if err := s.one([]any{&l.last}, "SELECT COALESCE(MAX(seq), 0) FROM events"); err != nil {
			return 0, err
		}
	}
	first := l.last + 1
	l.last += int64(n)
	return first, nil
}

// settled: on SQLite what is committed is all there is below it.
func (l *lastSeq) settled(*session) (before, own int64, err error) {
	return math.MaxInt64, math.MaxInt64, nil
}

// Parked implements store.Reader.
func (r *reader) Parked(source int64, ref string) ([]store.Parked, error) {
	if !storable(ref) {
		return nil, nil
	}
	var out []store.Parked
	err := r.each(func(rs rows) error {
		p := store.Parked{Source: source, Ref: ref}
		err := rs.Scan(&p.Tenant, &p.Kind, &p.RID)
		out = append(out, p)
		return err
	}, "SELECT tenant, kind, rid FROM parked WHERE source = ? AND ref = ? ORDER BY kind, rid", source, ref)
	return out, err
}

// Park implements store.Tx.
func (t *tx) Park(p store.Parked) error {
	if !storable(p.Ref) {
		return errUnstorable
	}
	return t.exec("INSERT INTO parked (source, ref, kind, rid, tenant) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", p.Source, p.Ref, p.Kind, p.RID, p.Tenant)
}

// Unpark implements store.Tx.
func (t *tx) Unpark(p store.Parked) error {
	if !storable(p.Ref) {
		return nil
	}
	return t.exec("DELETE FROM parked WHERE source = ? AND ref = ? AND kind = ? AND rid = ?", p.Source, p.Ref, p.Kind, p.RID)
}

// Conflicts implements store.Reader.
func (r *reader) Conflicts(tenant int64, limit int) ([]store.Conflict, error) {
	var out []store.Conflict
	err := r.each(func(rs rows) error {
		c := store.Conflict{Tenant: tenant}
		var first, last int64
		var doc string
		err := rs.Scan(&c.ID, &c.Source, &c.Kind, &c.RID, &c.ExternalID, &c.Reason, &doc, &first, &last, &c.Count, &c.Open)
		c.Doc, c.FirstAt, c.LastAt = docOrNil(doc), instant(first), instant(last)
		out = append(out, c)
		return err
	}, "SELECT id, source, kind, rid, external_id, reason, doc, first_at, last_at, count, open = 1 FROM conflicts WHERE tenant = ? ORDER BY id DESC LIMIT ?", tenant, limit)
	return out, err
}

// PutConflict implements store.Tx. Of a conflict that is counted up, the
// reason, the document and the time are the newer ones, and c becomes it.
func (t *tx) PutConflict(c *store.Conflict) error {
	if err := storableAll(c.ExternalID, c.Reason); err != nil {
		return err
	}
	var first int64
	err := t.one([]any{&c.ID, &first, &c.Count}, `INSERT INTO conflicts (tenant, source, kind, rid, external_id, reason, doc, first_at, last_at, count, open)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (source, rid, external_id) WHERE open = 1
		DO UPDATE SET count = conflicts.count + 1, last_at = excluded.last_at, reason = excluded.reason, doc = excluded.doc
		RETURNING id, first_at, count`,
		c.Tenant, c.Source, c.Kind, c.RID, c.ExternalID, c.Reason, string(c.Doc), micros(c.FirstAt), micros(c.LastAt), max(c.Count, 1), one(c.Open))
	c.FirstAt = instant(first)
	return err
}

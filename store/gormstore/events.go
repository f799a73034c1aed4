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

const insertEvent = `INSERT INTO events (seq, tenant, time, txn, run, actor, source, type, outcome, reason, detail, subject, subject_rid, before, after)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

func (s *session) insertEvent(e store.Event) error {
	return s.exec(insertEvent, e.Seq, e.Tenant, micros(e.Time), e.Txn, e.Run, e.Actor, e.Source, e.Type, e.Outcome, e.Reason, e.Detail,
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
		e, err := scanEvent(rs, tenant)
		if err != nil {
			return err
		}
		return row(e)
	}, "SELECT "+eventColumns+" FROM events WHERE tenant = ? AND seq > ? AND (seq < ? OR seq >= ?) ORDER BY seq LIMIT ?", tenant, after, before, own, limit)
}

func docOrNil(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// seqSource gives events their numbers.
type seqSource interface {
	// reserve gives the first of n numbers that follow each other.
	reserve(s *session, n int) (int64, error)
	// settled says which events may be shown: those with a number less than
	// before, where none can come any more, and from own, the transaction's.
	settled(s *session) (before, own int64, err error)
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

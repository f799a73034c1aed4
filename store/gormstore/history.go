package gormstore

import (
	"errors"
	"math"
	"time"

	"github.com/workspace-scim/workspace/store"
)

const eventColumns = "seq, time, txn, run, actor, source, type, outcome, reason, detail, subject, subject_rid, COALESCE(before, ''), COALESCE(after, '')"

// scanEvent reads a row of eventColumns.
func scanEvent(rs rows, tenant int64) (store.Event, error) {
	e := store.Event{Tenant: tenant}
	var at int64
	var was, is string
	err := rs.Scan(&e.Seq, &at, &e.Txn, &e.Run, &e.Actor, &e.Source, &e.Type, &e.Outcome, &e.Reason, &e.Detail, &e.Subject, &e.SubjectRID, &was, &is)
	e.Time, e.Before, e.After = instant(at), docOrNil(was), docOrNil(is)
	return e, err
}

// FindEvents implements store.Reader.
func (r *reader) FindEvents(q store.EventQuery, row func(store.Event) error) (next int64, err error) {
	for _, text := range []string{q.Subject, q.Run, q.Type, q.Outcome} {
		if !storable(text) {
			return 0, nil
		}
	}
	s := eventSearch{reader: r, q: q, order: " DESC"}
	if q.Oldest {
		s.order = ""
	}
	if err := s.bounds(); err != nil {
		return 0, err
	}
	if err := s.drive(); err != nil {
		return 0, err
	}
	cut, err := s.cut()
	if err != nil {
		return 0, err
	}
	return s.page(cut, row)
}

// eventSearch is a query under way.
type eventSearch struct {
	*reader
	q     store.EventQuery
	order string
	// The events between after and before, and of those the settled ones and the
	// transaction's own, see seqSource.
	after, before, settled, own int64
	// driving is the condition that an index serves, the columns seq after it.
	driving fragment
}

// bounds turns times and the place of the page into sequence numbers.
func (s *eventSearch) bounds() (err error) {
	s.before, s.settled, s.own = math.MaxInt64, math.MaxInt64, math.MaxInt64
	if s.q.Oldest {
		if s.settled, s.own, err = s.seqs.settled(s.session); err != nil {
			return err
		}
		s.after = s.q.From
	} else if s.q.From > 0 {
		s.before = s.q.From
	}
	if !s.q.Since.IsZero() {
		first, err := s.firstSince(s.q.Since.Add(-store.EventSlack))
		if err != nil {
			return err
		}
		s.after = max(s.after, first-1)
	}
	if !s.q.Until.IsZero() {
		first, err := s.firstSince(s.q.Until.Add(store.EventSlack))
		if err != nil {
			return err
		}
		s.before = min(s.before, first)
	}
	return nil
}

// firstSince gives the number of the tenant's first event from a time on, as if
// times were in the order of the numbers, or one behind the last.
func (s *eventSearch) firstSince(t time.Time) (int64, error) {
	var low, high int64
	if err := s.one([]any{&low}, "SELECT COALESCE(MIN(seq), 0) FROM events WHERE tenant = ?", s.q.Tenant); err != nil {
		return 0, err
	}
	if err := s.one([]any{&high}, "SELECT COALESCE(MAX(seq), 0) + 1 FROM events WHERE tenant = ?", s.q.Tenant); err != nil {
		return 0, err
	}
	for low < high {
		middle := low + (high-low)/2
		var seq, at int64
		err := s.one([]any{&seq, &at}, "SELECT seq, time FROM events WHERE tenant = ? AND seq >= ? ORDER BY seq LIMIT 1", s.q.Tenant, middle)
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && at >= micros(t):
			high = middle
		case err != nil:
			return 0, err
		default:
			low = seq + 1
		}
	}
	return low, nil
}

// drive picks the index: of what the events are about, of their run, or of the
// tenant. Written as +tenant the tenant is no reason to read all of its events
// instead.
func (s *eventSearch) drive() error {
	switch {
	case s.q.Subject != "":
		rids, err := s.ids("SELECT r.rid FROM resources r WHERE r.tenant = ? AND r.id = ?", s.q.Tenant, s.q.Subject)
		if err != nil {
			return err
		}
		if len(rids) > 0 {
			s.driving = fragment{"+tenant = ? AND subject_rid = ? AND subject_rid <> 0", []any{s.q.Tenant, rids[0]}}
			return nil
		}
		s.driving = fragment{"+tenant = ? AND subject = ? AND subject_rid = 0 AND subject <> ''", []any{s.q.Tenant, s.q.Subject}}
	case s.q.Run != "":
		s.driving = fragment{"+tenant = ? AND run = ? AND run <> ''", []any{s.q.Tenant, s.q.Run}}
	default:
		s.driving = fragment{"tenant = ?", []any{s.q.Tenant}}
	}
	return nil
}

// cut gives the number of the last event that is looked at, 0 if all are.
func (s *eventSearch) cut() (int64, error) {
	if s.q.Run == "" && s.q.Source == 0 && s.q.Type == "" && s.q.Outcome == "" && s.q.Since.IsZero() && s.q.Until.IsZero() {
		return 0, nil
	}
	b := s.between("SELECT seq")
	b.add(" ORDER BY seq"+s.order+" LIMIT 1 OFFSET ?", store.EventScan-1)
	found, err := s.ids(b.sql(), b.args...)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0], nil
}

// between selects what the index gives between the bounds.
func (s *eventSearch) between(selected string) *builder {
	b := (&builder{}).add(selected + " FROM events WHERE ").fragment(s.driving)
	b.add(" AND seq > ? AND seq < ?", s.after, s.before)
	if s.q.Oldest {
		b.add(" AND (seq < ? OR seq >= ?)", s.settled, s.own)
	}
	return b
}

// page gives the events up to the cut, and says where the next page begins.
func (s *eventSearch) page(cut int64, row func(store.Event) error) (next int64, err error) {
	switch {
	case cut == 0:
	case s.q.Oldest:
		s.before = cut + 1
	default:
		s.after = cut - 1
	}
	b := s.between("SELECT " + eventColumns)
	s.filters(b)
	b.add(" ORDER BY seq"+s.order+" LIMIT ?", s.q.Limit)
	count, last := 0, int64(0)
	err = s.eachOf(func(rs rows) error {
		e, err := scanEvent(rs, s.q.Tenant)
		if err != nil {
			return err
		}
		count, last = count+1, e.Seq
		return row(e)
	}, b.sql(), b.args...)
	if count == s.q.Limit {
		return last, err
	}
	return cut, err
}

// filters adds what no index serves.
func (s *eventSearch) filters(b *builder) {
	if s.q.Run != "" && s.q.Subject != "" {
		b.add(" AND run = ?", s.q.Run)
	}
	if s.q.Source != 0 {
		b.add(" AND source = ?", s.q.Source)
	}
	if n := len(s.q.Type); n > 0 && s.q.Type[n-1] == '.' {
		b.add(" AND substr(type, 1, ?) = ? AND type <> ?", n, s.q.Type, s.q.Type)
	} else if n > 0 {
		b.add(" AND type = ?", s.q.Type)
	}
	if s.q.Outcome != "" {
		b.add(" AND outcome = ?", s.q.Outcome)
	}
	if !s.q.Since.IsZero() {
		b.add(" AND time >= ?", micros(s.q.Since))
	}
	if !s.q.Until.IsZero() {
		b.add(" AND time < ?", micros(s.q.Until))
	}
}

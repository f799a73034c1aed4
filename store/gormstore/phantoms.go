package gormstore

import "github.com/workspace-scim/workspace/scim/schema"

// What isn't there has no row to lock. On PostgreSQL these locks make
// transactions meet that look for, and write, the same missing thing; they last
// until the transaction ends. Two keys of one lock only make two transactions
// wait that needn't. (SERIALIZABLE would find out by itself, but it remembers
// the pages of an index and not its rows, so that most creates at the same time
// would have to run again.)
//
// Locks of this kind belong to a whole database. The number of a table of ours is
// in each, so that who uses another schema doesn't wait.

// meetingPoint is where transactions meet: the key of a lock.
type meetingPoint struct {
	scope int32
	key   string
}

// refPoint is for a reference: one Update parks what refers to it, another
// brings what it means and asks who waits.
func refPoint(source int64, ref string) meetingPoint { return meetingPoint{int32(source), ref} }

// anchorPoint is for an anchor that two sources bring for the first time: the
// second one has to find what the first one made.
func anchorPoint(tenant int64, kind schema.Kind, anchor string) meetingPoint {
	return meetingPoint{-int32(tenant), anchor + string(rune(kind))}
}

// meet takes locks in the order given.
func (s *session) meet(points ...meetingPoint) error {
	var scopes []int32
	var keys []string
	for _, p := range points {
		scopes, keys = append(scopes, p.scope), append(keys, p.key)
	}
	return s.advise("SELECT pg_advisory_xact_lock(scope, hashtext('events'::regclass::oid::text || key)) FROM unnest(?::int[], ?::text[]) AS points(scope, key)", scopes, keys)
}

// relyOn makes all that write resources of a tenant wait, so that the result of
// a list stays true until the transaction ends. (Tenant 0, which nobody has, is
// the lock of beginUpdate.)
func (s *session) relyOn(tenant int64) error {
	return s.advise("SELECT pg_advisory_xact_lock('events'::regclass::oid::int, ?)", int32(tenant))
}

// changing is the other side of relyOn.
func (s *session) changing(tenant int64) error {
	if s.changed[tenant] {
		return nil
	}
	s.changed[tenant] = true
	return s.advise("SELECT pg_advisory_xact_lock_shared('events'::regclass::oid::int, ?)", int32(tenant))
}

// tryRequests takes the lock of those who carry out requests of a source, and says
// whether it did: it doesn't wait for it. A row of the oldest request would not do,
// for one with a smaller number may be committed later.
func (s *session) tryRequests(source int64) (free bool, err error) {
	if !s.locks() {
		return true, nil // who writes is alone
	}
	err = s.one([]any{&free}, "SELECT pg_try_advisory_xact_lock('requests'::regclass::oid::int, ?)", int32(source))
	return free, err
}

func (s *session) advise(sql string, args ...any) error {
	if !s.write || !s.locks() {
		return nil
	}
	return s.effect(sql, args...)
}

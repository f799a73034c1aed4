package gormstore

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// The number of an event holds the number of its transaction. A reader must not
// pass a number below which a transaction that still runs may add events. Which
// ones run is seen from an advisory lock that each Update takes before it gets
// its number, and keeps until it has ended. (That all transactions below
// pg_snapshot_xmin have ended would do too, but one of another database would
// hold up the events of all.)

// beginUpdate takes the lock, then the number: FROM comes before SELECT.
const beginUpdate = "SELECT pg_current_xact_id()::text::bigint FROM pg_advisory_xact_lock_shared('events'::regclass::oid::int, 0)"

// runningUpdates gives the number that the next transaction gets, and the low
// 32 bits of those of the Updates that run. PostgreSQL gives a number out before
// it locks it: an Update that is seen in between may have any of those that the
// snapshot takes for running, so it counts as the oldest of them.
const runningUpdates = `WITH l AS MATERIALIZED (SELECT * FROM pg_locks)
	SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, COALESCE((
		SELECT string_agg(COALESCE(x.transactionid::text, (pg_snapshot_xmin(pg_current_snapshot())::text::bigint & 4294967295)::text), ',')
		FROM l a LEFT JOIN l x ON x.pid = a.pid AND x.locktype = 'transactionid' AND x.granted AND x.mode = 'ExclusiveLock'
		WHERE a.locktype = 'advisory' AND a.classid = 'events'::regclass::oid AND a.objid = 0 AND a.objsubid = 2
			AND a.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND a.pid <> pg_backend_pid()), '')`

// horizon gives the transaction number below which no event can come any more.
// It must be found before the snapshot that the events are read from.
func (p *postgresConn) horizon(s *session) (int64, error) {
	var next int64
	var running string
	if p.begun {
		if err := s.one([]any{&next, &running}, runningUpdates); err != nil {
			return 0, err
		}
	} else if err := p.connect(); err != nil {
		return 0, p.fail(err)
	} else if err := p.c.QueryRow(p.ctx, runningUpdates).Scan(&next, &running); err != nil {
		return 0, p.fail(err)
	}
	return oldest(next, running)
}

// oldest gives the least of the numbers, of which the running ones come without
// their high bits, and perhaps from after next.
func oldest(next int64, running string) (int64, error) {
	least := next
	for text := range strings.SplitSeq(running, ",") {
		if text == "" {
			continue
		}
		low, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("gormstore: transaction number: %w", err)
		}
		if behind := int32(uint32(next) - uint32(low)); behind > 0 {
			least = min(least, next-int64(behind))
		}
	}
	return least, nil
}

// transactionSeq numbers the events of one Update.
type transactionSeq struct {
	p    *postgresConn
	base int64
	used int
}

// Of a number's 63 bits these count the events of one transaction.
const (
	seqBits    = 20
	seqsPerXID = 1 << seqBits
)

func (q *transactionSeq) reserve(s *session, n int) (int64, error) {
	if q.used+n > seqsPerXID {
		return 0, fmt.Errorf("gormstore: more than %d events in one transaction: %w", seqsPerXID, store.ErrTooMany)
	}
	if !q.p.begun {
		if err := q.p.flush(); err != nil {
			return 0, err
		}
	}
	first := (q.p.xid+q.base)<<seqBits | int64(q.used)
	q.used += n
	return first, nil
}

// settled adds the transaction's own events to those that can't be overtaken.
func (q *transactionSeq) settled(s *session) (before, own int64, err error) {
	before, err = q.p.horizon(s)
	return (before + q.base) << seqBits, (q.p.xid + q.base) << seqBits, err
}

// snapshotSeq is the seqSource of a View.
type snapshotSeq struct {
	p *postgresConn
	e *postgresEngine
}

func (q snapshotSeq) reserve(*session, int) (int64, error) { return 0, errReadOnly }

func (q snapshotSeq) settled(s *session) (before, own int64, err error) {
	if q.p.begun {
		before, err = q.afterwards(s)
		return before, math.MaxInt64, err
	}
	before, err = q.p.horizon(s)
	return (before + q.e.eventBase) << seqBits, math.MaxInt64, err
}

// laterTimeout is how long afterwards waits for a second connection.
const laterTimeout = time.Second

// afterwards is settled for a View that has its snapshot already. Another
// connection, which sees more, tells where the first event is that the snapshot
// misses. Without one, the oldest transaction of the snapshot is the bound: too
// early, perhaps, but nothing is skipped.
func (q snapshotSeq) afterwards(s *session) (int64, error) {
	var least int64
	var snapshot string
	if err := s.one([]any{&least, &snapshot}, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_current_snapshot()::text"); err != nil {
		return 0, err
	}
	least = (least + q.e.eventBase) << seqBits
	ctx, cancel := context.WithTimeout(s.ctx, laterTimeout)
	defer cancel()
	later, err := q.e.connect(ctx)
	if err != nil {
		return least, nil
	}
	defer later.pool.Close()
	defer later.end()
	bound, err := later.horizon(s)
	if err != nil {
		return least, nil
	}
	bound = (bound + q.e.eventBase) << seqBits
	var missed int64
	err = later.c.QueryRow(ctx, `SELECT COALESCE(MIN(seq), $1) FROM events
		WHERE seq >= $2 AND seq < $1 AND NOT pg_visible_in_snapshot(((seq >> 20) - $3)::text::xid8, $4::text::pg_snapshot)`,
		bound, least, q.e.eventBase, snapshot).Scan(&missed)
	if err != nil {
		return least, nil
	}
	return missed, nil
}

package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/workspace-scim/workspace/store"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
)

// postgresEngine is a PostgreSQL database, which other servers may share.
type postgresEngine struct {
	db        *sql.DB
	orm       *gorm.DB
	log       *slog.Logger
	rids      ridBlocks
	looks     looks
	analyzer  *analyzer
	eventBase int64
}

const (
	rollbackTimeout = 5 * time.Second
	commitTimeout   = 30 * time.Second
	// idleLimit ends the transaction of a server that stopped in the middle,
	// and with it its locks.
	idleLimit = 20 * time.Second
	// maxTries bounds how often an Update runs; each try lost against a
	// transaction that went through.
	maxTries = 40
	// maxUniqueTries bounds the tries that ended in a broken unique key: the
	// second one sees the row that was in the way.
	maxUniqueTries = 5
	// counterSlots is how many rows hold one counter. Connections of one server
	// have numbers that follow each other, so they rarely share one.
	counterSlots = 64
)

func openPostgres(ctx context.Context, c Config) (_ *Store, err error) {
	config, err := pgx.ParseConfig(c.URL)
	if err != nil {
		// The error holds the URL without its password.
		return nil, fmt.Errorf("gormstore: %w", err)
	}
	if c.BusyTimeout == 0 {
		c.BusyTimeout = 10 * time.Second
	}
	config.StatementCacheCapacity = 512
	settings := fmt.Sprintf("SET jit = off; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d", c.BusyTimeout.Milliseconds(), idleLimit.Milliseconds())
	e := &postgresEngine{log: c.Logger}
	e.db = stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		return conn.PgConn().Exec(ctx, settings).Close()
	}))
	e.db.SetMaxOpenConns(c.Connections)
	e.db.SetMaxIdleConns(c.Connections)
	e.db.SetConnMaxIdleTime(5 * time.Minute)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("gormstore: %w", postgresError(err)), e.db.Close())
		}
	}()
	p, err := postgresMigrator(e.db, config.RuntimeParams["search_path"])
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, p); err != nil {
		return nil, err
	}
	if e.orm, err = openGorm(postgres.New(postgres.Config{Conn: e.db}), c.Logger); err != nil {
		return nil, err
	}
	e.looks = looks{e: e, senders: min(runtime.GOMAXPROCS(0), max(1, c.Connections/2)), timeout: c.BusyTimeout}
	if err := e.readEventBase(ctx); err != nil {
		return nil, err
	}
	e.analyzer = newAnalyzer(e.db, c.Logger)
	return &Store{engine: e, log: c.Logger, hints: newHints(), maxScan: c.MaxScan}, nil
}

// readEventBase reads what is added to transaction numbers to make those of
// events, and raises it if there are events from the future: a dump restored
// into a new cluster, whose transactions count from the start.
func (e *postgresEngine) readEventBase(ctx context.Context) error {
	return e.update(ctx, func(s *session) error {
		var last, now int64
		err := s.one([]any{&e.eventBase}, "SELECT value FROM settings WHERE name = 'eventBase' FOR UPDATE")
		if err != nil {
			return err
		}
		if err := s.one([]any{&last, &now}, "SELECT COALESCE(MAX(seq), 0), pg_current_xact_id()::text::bigint FROM events"); err != nil {
			return err
		}
		if last>>seqBits < now+e.eventBase {
			return nil
		}
		e.eventBase = last>>seqBits + 1
		return s.exec("UPDATE settings SET value = ? WHERE name = 'eventBase'", e.eventBase)
	})
}

// connect gives a connection with no transaction begun.
func (e *postgresEngine) connect(ctx context.Context) (*postgresConn, error) {
	p := &postgresConn{ctx: ctx, e: e}
	return p, p.connect()
}

// view reads one snapshot: REPEATABLE READ never fails for a transaction that
// only reads.
func (e *postgresEngine) view(ctx context.Context, loosely bool, fn func(*session) error) error {
	p := &postgresConn{ctx: ctx, e: e, begin: "begin isolation level repeatable read read only", loose: loosely}
	defer p.close()
	s := newSession(ctx, p, postgresDialect{}, false)
	s.seqs = snapshotSeq{p, e}
	if err := fn(s); err != nil {
		return err
	}
	if p.keepExpected(); len(p.kept) == 0 {
		return nil
	}
	return p.flush() // what was expected, and nothing asked after it
}

func (e *postgresEngine) update(ctx context.Context, fn func(*session) error) error {
	unique, broken, guarded := 0, 0, false
	for try := 1; ; try++ {
		outcome, err := e.try(ctx, fn, try > 1, guarded)
		switch outcome {
		case settled:
			return err
		case unguarded:
			guarded = true
			continue
		case keyTaken:
			unique++
		case disconnected:
			broken++
		}
		if try >= maxTries || unique >= maxUniqueTries || broken > 1 {
			e.log.Warn("transaction given up", "tries", try, "error", err)
			if outcome == lostRace {
				err = unavailable(err)
			}
			return err
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// outcome is how a try ended.
type outcome int

const (
	settled      outcome = iota // committed, or failed for good
	lostRace                    // another transaction went through instead
	keyTaken                    // another one took a unique key meanwhile
	disconnected                // before anything could be committed
	unguarded                   // savepoints are needed
)

func (e *postgresEngine) try(ctx context.Context, fn func(*session) error, again, guarded bool) (outcome, error) {
	p, err := e.connect(ctx)
	if err != nil {
		return settled, err
	}
	defer p.close()
	p.begin, p.writes = "begin isolation level read committed", true
	s := newSession(ctx, p, postgresDialect{}, true)
	s.verify, s.guarded, s.rids = again, guarded, &e.rids
	s.seqs = &transactionSeq{p: p, base: e.eventBase}
	s.slot = int(p.c.PgConn().PID() % counterSlots)

	err = protect(e.log, s, fn)
	if err == nil && p.failed == nil {
		err = s.writeCounts()
	}
	if p.failed != nil {
		err = p.failed
	}
	unknown := false
	if err == nil {
		// What was begun to be committed is waited for.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
		defer cancel()
		if unknown, err = p.commit(end); unknown && errors.Is(err, store.ErrUnavailable) {
			err = fmt.Errorf("%w: %w", store.ErrUncertain, err)
		}
	}
	if err == nil && len(s.fresh) > 0 {
		e.analyzer.grew(int64(len(s.fresh)))
	}
	return judgeOutcome(err, p, unknown), err
}

func judgeOutcome(err error, p *postgresConn, unknown bool) outcome {
	switch {
	case errors.Is(err, errUnguarded):
		return unguarded // if the context has ended, the next run says so
	case err == nil || unknown || p.ctx.Err() != nil:
		return settled
	case lost(err):
		return lostRace
	case p.failed != nil && errors.Is(err, errUnique):
		return keyTaken
	case p.c.IsClosed() && errors.Is(err, store.ErrUnavailable):
		return disconnected
	}
	return settled
}

// pause waits longer after each try, at random, so that those that met don't
// meet again.
func pause(ctx context.Context, try int) error {
	d := min(time.Millisecond<<min(try, 7), 100*time.Millisecond)
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (e *postgresEngine) backup(context.Context, string) error {
	return fmt.Errorf("use pg_dump: %w", store.ErrUnsupported)
}

func (e *postgresEngine) ping(ctx context.Context) error {
	return e.view(ctx, true, func(s *session) error {
		var standby bool
		err := s.one([]any{&standby}, "SELECT pg_is_in_recovery()")
		if err == nil && standby {
			err = unavailable(errors.New("the server is a standby"))
		}
		return err
	})
}

func (e *postgresEngine) close() error {
	e.analyzer.close()
	return e.db.Close()
}

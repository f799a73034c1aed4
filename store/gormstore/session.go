package gormstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/store"
	"gorm.io/gorm"
)

// conn runs the statements of one transaction on one connection. It is used by
// one goroutine at a time.
type conn interface {
	// query runs a statement that gives rows; what exec kept goes before it.
	query(sql string, args ...any) (rows, error)
	// exec runs a statement for its effect, at the latest before the next query
	// or the commit. A broken unique key is errUnique, at once or then.
	exec(sql string, args ...any) error
	// expect is store.Reader.Expect: ErrStale at once, or by the next query or
	// the commit.
	expect(stamp int64) error
	// orm gives gorm on the same transaction; what exec kept has been run.
	orm() (*gorm.DB, error)
	// single says that the next statement is all that a method asks. In a Look
	// it needs no transaction, unless one has begun.
	single()
	// together runs a statement that gives rows, the first one of a Look, with
	// those of others; errApart where that isn't possible or saves nothing. read
	// may be called on another goroutine, and in vain.
	together(sql string, args []any, read func(rows) error) error
	// mark, undo and release are a savepoint.
	mark(name string) error
	undo(name string) error
	release(name string) error
	// failure is the error that ended the transaction, nil while it goes on.
	// What is asked of the connection after it fails with the same error.
	failure() error
	// lose ends the transaction with err, so that it is run again as a whole.
	lose(err error) error
}

// rows is a result that is read row by row.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// errUnique is a broken unique key.
var errUnique = fmt.Errorf("unique key: %w", store.ErrExists)

// errNested is a mistake of the caller that SQLite would forgive and PostgreSQL
// would not.
var errNested = errors.New("gormstore: a method was called inside the row function of another one")

// session is one transaction: its connection, and what has been learned in it.
type session struct {
	conn
	dialect
	// ctx is the caller's. The contract's methods have none of their own,
	// because they all belong to one View or Update.
	ctx    context.Context
	write  bool
	verify bool // trust nothing learned: this is not the first run
	// guarded says that Savepoint makes savepoints: a run before this one needed
	// what they undo.
	guarded bool
	writes  int // how many statements of this transaction wrote, or may have
	rids    ridSource
	seqs    seqSource
	slot    int // of the counters that this transaction changes

	// awaited is store.Tx's Awaited; nil for never.
	awaited func() bool

	reading bool // rows are open
	depth   int  // of savepoints
	learned
	deltas map[counter]int64
}

// learned is what a transaction knows without asking. It is forgotten when a
// savepoint is undone.
type learned struct {
	free   map[string]bool // keys that nobody holds, references that nobody waits for
	locked map[int64]int64 // the tenants of resources whose rows are locked
	fresh  map[int64]bool  // resources that this transaction inserted
	// ever are the kinds that tenants ever had, by tenant: see everColumn.
	ever map[int64]string
	// changed are the tenants whose rows this transaction has said it changes.
	changed map[int64]bool
}

func newLearned() learned {
	return learned{free: map[string]bool{}, locked: map[int64]int64{}, fresh: map[int64]bool{}, changed: map[int64]bool{}, ever: map[int64]string{}}
}

func newSession(ctx context.Context, c conn, d dialect, write bool) *session {
	s := &session{conn: c, dialect: d, ctx: ctx, write: write}
	if write {
		s.learned, s.deltas = newLearned(), map[counter]int64{}
	}
	return s
}

// exec runs a statement that writes.
func (s *session) exec(sql string, args ...any) error {
	s.writes++
	return s.effect(sql, args...)
}

// effect runs a statement that gives no rows, such as one that locks.
func (s *session) effect(sql string, args ...any) error {
	if err := s.ready(); err != nil {
		return err
	}
	return s.conn.exec(sql, args...)
}

func (s *session) ready() error {
	if err := s.failure(); err != nil {
		return err
	}
	if s.reading {
		return errNested
	}
	return nil
}

// each calls scan for each row of a query, which may be one that writes and ends
// in RETURNING.
func (s *session) each(scan func(rows) error, sql string, args ...any) error {
	if err := s.ready(); err != nil {
		return err
	}
	if !strings.HasPrefix(sql, "SELECT") && !strings.HasPrefix(sql, "WITH") {
		s.writes++
	}
	r, err := s.conn.query(sql, args...)
	if err != nil {
		return err
	}
	s.reading = true
	defer func() { s.reading = false }()
	return drain(s.ctx, r, scan)
}

// checkEvery is how many rows pass between looks at the context.
const checkEvery = 64

func drain(ctx context.Context, r rows, scan func(rows) error) error {
	defer r.Close()
	for n := 1; r.Next(); n++ {
		if err := scan(r); err != nil {
			return err
		}
		if n%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
	}
	if err := r.Err(); err != nil {
		return err
	}
	return r.Close()
}

// eachOf is each for a method that asks nothing else.
func (s *session) eachOf(scan func(rows) error, sql string, args ...any) error {
	s.conn.single()
	return s.each(scan, sql, args...)
}

// brief is eachOf for a statement that finds few rows by an index. read gets all
// of them, may be called again from the beginning, and must only keep what it
// reads.
func (s *session) brief(read func(rows) error, sql string, args ...any) error {
	if err := s.ready(); err != nil {
		return err
	}
	if err := s.conn.together(sql, args, read); !errors.Is(err, errApart) {
		return err
	}
	s.conn.single()
	r, err := s.conn.query(sql, args...)
	if err != nil {
		return err
	}
	return errors.Join(read(r), r.Close())
}

// one scans the only row of a query; store.ErrNotFound if there is none.
func (s *session) one(dest []any, sql string, args ...any) error {
	found := false
	err := s.each(func(r rows) error {
		found = true
		return r.Scan(dest...)
	}, sql, args...)
	if err == nil && !found {
		return store.ErrNotFound
	}
	return err
}

// ids reads a column of integers.
func (s *session) ids(sql string, args ...any) ([]int64, error) {
	var out []int64
	err := s.each(func(r rows) error {
		var id int64
		err := r.Scan(&id)
		out = append(out, id)
		return err
	}, sql, args...)
	return out, err
}

// sorted is ids in ascending order, which RETURNING doesn't promise.
func (s *session) sorted(sql string, args ...any) ([]int64, error) {
	out, err := s.ids(sql, args...)
	slices.Sort(out)
	return out, err
}

func (s *session) orm() (*gorm.DB, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	s.writes++
	return s.conn.orm()
}

// lock locks the rows that a SELECT of resources gives, in the order of their
// rids, until the transaction ends. On SQLite a writer is alone anyway.
func (s *session) lock(sql string, args ...any) error {
	if !s.write || !s.locks() {
		return nil
	}
	return s.effect(sql+" ORDER BY r.rid FOR UPDATE OF r", args...)
}

// Awaited implements store.Tx.
func (s *session) Awaited() bool { return s.awaited != nil && s.awaited() }

// errUnguarded ends a transaction that has to undo a part and made no savepoint
// for it. It is run again, guarded.
var errUnguarded = errors.New("gormstore: savepoints are needed")

// Savepoint implements store.Tx. What fails mostly does so before it writes, and
// then there is nothing to undo. So the first run of a transaction makes no
// savepoint: one for each resource of a bulk costs SQLite a copy of each page
// that it changes, and PostgreSQL a transaction number.
func (t *tx) Savepoint(fn func() error) error {
	s := t.session
	if err := s.ready(); err != nil {
		return err
	}
	if s.guarded {
		return s.savepoint(fn)
	}
	before := s.writes
	err := fn()
	if failure := s.failure(); failure != nil {
		return failure
	}
	if err != nil && s.writes > before {
		return s.lose(errUnguarded)
	}
	return err
}

func (s *session) savepoint(fn func() error) error {
	s.depth++
	name := fmt.Sprintf("sp%d", s.depth)
	deltas := maps.Clone(s.deltas)
	defer func() { s.depth-- }()
	if err := s.mark(name); err != nil {
		return err
	}
	err := fn()
	if failure := s.failure(); failure != nil {
		return failure
	}
	if err == nil {
		return s.release(name)
	}
	s.learned, s.deltas = newLearned(), deltas
	if undone := s.undo(name); undone != nil {
		return undone
	}
	return err
}

// protect makes a panic an error of the function that panicked. Its value may
// hold what was read, so only what the runtime itself says is kept.
func protect(log *slog.Logger, s *session, fn func(*session) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			what := fmt.Sprintf("%T", p)
			if e, ok := p.(runtime.Error); ok {
				what = e.Error()
			}
			log.Error("panic in a transaction", "panic", what, "stack", string(debug.Stack()))
			err = fmt.Errorf("gormstore: panic in a transaction: %s", what)
		}
	}()
	return fn(s)
}

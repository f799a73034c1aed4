package gormstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mattn/go-sqlite3"
	"github.com/workspace-scim/workspace/store"
	"gorm.io/gorm"
)

// sqliteConn is the conn of SQLite: each statement runs at once. Statements
// are prepared once per connection by the driver (_stmt_cache_size). They run
// without the caller's context, for which the driver would start a watcher per
// statement; session looks at it between rows.
type sqliteConn struct {
	c      *sql.Conn
	base   *gorm.DB
	failed error

	begins bool // a transaction, before the next statement
	loose  bool // begin none for a single statement
	alone  bool // the next statement is one
}

func (s *sqliteConn) single() { s.alone = s.loose && s.begins }

// begin begins the transaction of a reader, if it is needed and hasn't begun.
func (s *sqliteConn) begin() error {
	if !s.begins || s.alone {
		s.alone = false
		return nil
	}
	s.begins = false
	return s.exec("BEGIN")
}

func (s *sqliteConn) failure() error { return s.failed }

func (s *sqliteConn) lose(err error) error {
	s.failed = err
	return err
}

func (s *sqliteConn) meaning(err error) error {
	err, ended := sqliteError(err)
	if ended && s.failed == nil {
		s.failed = err
	}
	return err
}

func (s *sqliteConn) query(q string, args ...any) (rows, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	r, err := s.c.QueryContext(context.Background(), steady(q), args...)
	if err != nil {
		return nil, s.meaning(err)
	}
	return sqliteRows{r, s}, nil
}

func (s *sqliteConn) exec(q string, args ...any) error {
	_, err := s.c.ExecContext(context.Background(), steady(q), args...)
	return s.meaning(err)
}

func (s *sqliteConn) expect(stamp int64) error {
	s.single()
	r, err := s.query("SELECT 1 FROM settings WHERE name = 'control' AND value = ?", stamp)
	if err != nil {
		return err
	}
	found := r.Next()
	if err := errors.Join(r.Err(), r.Close()); err != nil {
		return err
	}
	if !found {
		return store.ErrStale
	}
	return nil
}

// together is only for what has to wake another process.
func (s *sqliteConn) together(string, []any, func(rows) error) error { return errApart }

func (s *sqliteConn) orm() (*gorm.DB, error) { return onConn(s.base, s.c), s.begin() }

func (s *sqliteConn) mark(name string) error { return s.exec("SAVEPOINT " + name) }

func (s *sqliteConn) release(name string) error { return s.exec("RELEASE " + name) }

func (s *sqliteConn) undo(name string) error {
	if err := s.exec("ROLLBACK TO " + name); err != nil {
		return err
	}
	return s.release(name)
}

// idle says that no transaction is open, because SQLite rolled it back.
func (s *sqliteConn) idle() bool {
	auto := true
	err := s.c.Raw(func(c any) error {
		auto = c.(*sqlite3.SQLiteConn).AutoCommit()
		return nil
	})
	return err != nil || auto
}

type sqliteRows struct {
	*sql.Rows
	c *sqliteConn
}

func (r sqliteRows) Err() error   { return r.c.meaning(r.Rows.Err()) }
func (r sqliteRows) Close() error { return r.c.meaning(r.Rows.Close()) }

// onConn gives gorm on one connection.
func onConn(base *gorm.DB, c *sql.Conn) *gorm.DB {
	db := base.Session(&gorm.Session{NewDB: true, Context: context.Background()})
	db.Statement.ConnPool = c
	return db
}

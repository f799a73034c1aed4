package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// postgresConn is the conn of PostgreSQL. Statements that give no rows are kept
// and sent with the next query, or with the commit, in one round trip; so is
// the BEGIN. The first error ends the transaction, as it does on the server.
type postgresConn struct {
	ctx  context.Context
	e    *postgresEngine
	pool *sql.Conn // holds the connection; nil before it is needed
	c    *pgx.Conn // the same connection

	begin  string // the statement that begins the transaction
	writes bool
	begun  bool
	loose  bool // begin no transaction for a single statement
	alone  bool // the next statement is one
	kept   []statement
	stamp  *int64 // is expected, and not yet asked for
	xid    int64  // the transaction's number, once a writing one has begun
	failed error
}

type statement struct {
	sql  string
	args []any
}

// connect takes a connection, if there is none.
func (p *postgresConn) connect() error {
	if p.pool != nil {
		return nil
	}
	pool, err := p.e.db.Conn(p.ctx)
	if err != nil {
		return connectError(err)
	}
	err = pool.Raw(func(c any) error {
		p.c = c.(*stdlib.Conn).Conn()
		return nil
	})
	if err != nil {
		return errors.Join(postgresError(err), pool.Close())
	}
	p.pool = pool
	return nil
}

// close gives the connection back.
func (p *postgresConn) close() {
	if p.pool != nil {
		p.end()
		_ = p.pool.Close() // says only that it was given back before
	}
}

func (p *postgresConn) failure() error { return p.failed }

func (p *postgresConn) fail(err error) error {
	if err == nil {
		return nil
	}
	err = postgresError(err)
	if p.failed == nil {
		p.failed = err
	}
	return err
}

func (p *postgresConn) lose(err error) error { return p.fail(err) }

func (p *postgresConn) single() { p.alone = p.loose }

func (p *postgresConn) exec(q string, args ...any) error {
	if p.failed != nil {
		return p.failed
	}
	p.keepExpected()
	p.kept = append(p.kept, statement{numbered(q), args})
	return nil
}

func (p *postgresConn) expect(stamp int64) error {
	p.stamp = &stamp
	return p.failed
}

// expected gives 1, or a division by zero, which nothing else here divides.
const expected = "SELECT 1 / CAST(value = ? AS int) FROM settings WHERE name = 'control'"

// keepExpected makes what is expected a statement of its own.
func (p *postgresConn) keepExpected() {
	if p.stamp != nil {
		p.kept = append(p.kept, statement{numbered(expected), []any{*p.stamp}})
		p.stamp = nil
	}
}

// withExpected makes what is expected a condition, which no row changes, so that
// it is found out before the first one.
func (p *postgresConn) withExpected(q string, args []any) (string, []any) {
	if p.stamp == nil {
		return q, args
	}
	return "SELECT * FROM (" + q + ") q WHERE (" + expected + ") = 1", append(slices.Clone(args), *p.stamp)
}

func (p *postgresConn) together(q string, args []any, read func(rows) error) error {
	if !p.loose || p.begun || len(p.kept) > 0 || p.failed != nil {
		return errApart
	}
	q, args = p.withExpected(q, args)
	err := p.e.looks.ask(p.ctx, numbered(q), args, read)
	if !errors.Is(err, errApart) {
		p.stamp = nil
	}
	return err
}

func (p *postgresConn) query(q string, args ...any) (rows, error) {
	if p.failed != nil {
		return nil, p.failed
	}
	alone := p.alone
	p.alone = false
	if alone && !p.begun && len(p.kept) == 0 {
		q, args = p.withExpected(q, args)
		p.stamp = nil
	}
	p.keepExpected()
	q = numbered(q)
	if err := p.connect(); err != nil {
		return nil, p.fail(err)
	}
	if (p.begun || alone) && len(p.kept) == 0 {
		r, err := p.c.Query(p.ctx, q, args...)
		if err != nil {
			return nil, p.fail(err)
		}
		return &postgresRows{Rows: r, p: p}, nil
	}
	p.kept = append(p.kept, statement{q, args})
	sent, err := p.send(p.ctx, 1, alone)
	if err != nil {
		return nil, err
	}
	r, err := sent.Query()
	if err != nil {
		return nil, p.fail(errors.Join(err, sent.Close()))
	}
	return &postgresRows{Rows: r, p: p, sent: sent}, nil
}

// send sends what is kept, after BEGIN if need be, and reads all results but
// the last unread ones. What is sent alone is a transaction by itself.
func (p *postgresConn) send(ctx context.Context, unread int, alone bool) (pgx.BatchResults, error) {
	if err := p.connect(); err != nil {
		return nil, p.fail(err)
	}
	b := &pgx.Batch{}
	first := !p.begun && !alone
	if first {
		b.Queue(p.begin)
		if p.writes {
			b.Queue(beginUpdate)
		}
	}
	for _, s := range p.kept {
		b.Queue(s.sql, s.args...)
	}
	done := len(p.kept) - unread
	p.begun, p.kept = p.begun || first, p.kept[:0]
	sent := p.c.SendBatch(ctx, b)
	err := p.readBegin(sent, first)
	for range done {
		if err == nil {
			_, err = sent.Exec()
		}
	}
	if err != nil {
		// Close repeats the error, or tells that the connection is lost.
		return nil, p.fail(errors.Join(err, sent.Close()))
	}
	return sent, nil
}

func (p *postgresConn) readBegin(sent pgx.BatchResults, first bool) error {
	if !first {
		return nil
	}
	if _, err := sent.Exec(); err != nil {
		return err
	}
	if p.writes {
		return sent.QueryRow().Scan(&p.xid)
	}
	return nil
}

// flush sends what is kept and waits for it.
func (p *postgresConn) flush() error {
	if p.failed != nil {
		return p.failed
	}
	if p.keepExpected(); p.begun && len(p.kept) == 0 {
		return nil
	}
	sent, err := p.send(p.ctx, 0, false)
	if err != nil {
		return err
	}
	return p.fail(sent.Close())
}

// commit sends what is kept, and COMMIT, in one round trip. unknown says that
// the connection broke before the answer, so that nobody knows the outcome.
func (p *postgresConn) commit(ctx context.Context) (unknown bool, err error) {
	if p.keepExpected(); !p.begun && len(p.kept) == 0 {
		return false, nil
	}
	p.kept = append(p.kept, statement{sql: "commit"})
	sent, err := p.send(ctx, 1, false)
	if err != nil {
		return p.c.IsClosed(), err
	}
	tag, err := sent.Exec()
	if err = p.fail(errors.Join(err, sent.Close())); err != nil {
		return p.c.IsClosed(), err
	}
	if tag.String() != "COMMIT" {
		// A statement failed before, and its error was not passed on.
		return false, p.fail(fmt.Errorf("gormstore: the transaction was rolled back: %s", tag))
	}
	return false, nil
}

// end leaves the connection without a transaction, or closed.
func (p *postgresConn) end() {
	if p.c.PgConn().TxStatus() != 'I' && !p.c.IsClosed() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), rollbackTimeout)
		defer cancel()
		if _, err := p.c.Exec(ctx, "rollback"); err != nil {
			_ = p.c.Close(ctx) // the pool sees that it is closed
		}
	}
	if p.c.IsClosed() {
		discard(p.pool)
	}
}

func (p *postgresConn) orm() (*gorm.DB, error) {
	if err := p.flush(); err != nil {
		return nil, err
	}
	return onConn(p.e.orm, p.pool).WithContext(p.ctx), nil
}

func (p *postgresConn) mark(name string) error { return p.exec("SAVEPOINT " + name) }

func (p *postgresConn) release(name string) error { return p.exec("RELEASE " + name) }

func (p *postgresConn) undo(name string) error {
	return errors.Join(p.exec("ROLLBACK TO "+name), p.release(name))
}

type postgresRows struct {
	pgx.Rows
	p    *postgresConn
	sent pgx.BatchResults // nil if the query was sent alone
}

func (r *postgresRows) Err() error { return r.p.fail(r.Rows.Err()) }

func (r *postgresRows) Close() error {
	r.Rows.Close()
	err := r.Rows.Err()
	if r.sent != nil {
		err = errors.Join(err, r.sent.Close())
	}
	return r.p.fail(err)
}

package gormstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"
	"github.com/workspace-scim/workspace/store"
)

var (
	errClosed = fmt.Errorf("gormstore: closed: %w", store.ErrUnavailable)
	// errOvertaken is a transaction that acted on what another one has changed.
	errOvertaken = errors.New("gormstore: overtaken by another transaction")
	errReadOnly  = errors.New("gormstore: a View can't write")
	// errUnstorable is a text that PostgreSQL can't hold; no reader gets that far.
	errUnstorable = errors.New("gormstore: text holds NUL or is not UTF-8")
)

// unavailable wraps an error of the database as store.ErrUnavailable.
func unavailable(err error) error { return fmt.Errorf("%w: %w", store.ErrUnavailable, err) }

// connectError is the meaning of an error from taking a connection out of a
// pool: whatever is the reason, there is none, unless the caller gave up.
func connectError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return unavailable(err)
}

// sqliteError gives an error of SQLite its meaning, and says whether it ended
// the transaction: SQLite rolls back by itself on some, and after the others
// that are listed nothing that was written can be trusted to be complete.
func sqliteError(err error) (_ error, ended bool) {
	var e sqlite3.Error
	switch {
	case err == nil:
		return nil, false
	case errors.Is(err, sql.ErrConnDone), errors.Is(err, driver.ErrBadConn):
		return unavailable(err), true
	case !errors.As(err, &e):
		return err, false
	}
	switch e.Code {
	case sqlite3.ErrConstraint:
		if e.ExtendedCode == sqlite3.ErrConstraintUnique || e.ExtendedCode == sqlite3.ErrConstraintPrimaryKey || e.ExtendedCode == sqlite3.ErrConstraintRowID {
			return errUnique, false
		}
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrFull, sqlite3.ErrIoErr, sqlite3.ErrReadonly, sqlite3.ErrCantOpen, sqlite3.ErrProtocol:
		return unavailable(err), true
	case sqlite3.ErrNomem, sqlite3.ErrCorrupt, sqlite3.ErrNotADB, sqlite3.ErrInterrupt:
		return err, true
	}
	return err, false
}

// postgresError gives an error of PostgreSQL its meaning.
func postgresError(err error) error {
	var pe *pgconn.PgError
	var ne net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &pe):
		if postgresUnavailable(pe.Code) {
			return unavailable(err)
		}
		if pe.Code == "22012" { // division_by_zero: see Expect
			return store.ErrStale
		}
		if pe.Code == "23505" {
			return fmt.Errorf("%w: %w", errUnique, err)
		}
	case errors.As(err, &ne), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		errors.Is(err, sql.ErrConnDone), errors.Is(err, driver.ErrBadConn), errors.Is(err, net.ErrClosed), pgconn.SafeToRetry(err):
		return unavailable(err)
	}
	return err
}

// postgresUnavailable says whether an SQLSTATE means that the server, not the
// statement, is at fault (PostgreSQL, appendix A).
func postgresUnavailable(code string) bool {
	switch code[:min(2, len(code))] {
	case "08", "53", "57", "58": // connection, resources, operator, system
		return true
	}
	switch code {
	case "55P03", // lock_not_available
		"25006", // read_only_sql_transaction: a standby
		"25P03", // idle_in_transaction_session_timeout
		"28000", // invalid_authorization while roles are changed
		"3D000": // the database is missing
		return true
	}
	return false
}

// lost says whether a transaction lost against another one, so that running it
// again can help: serialization failure, deadlock.
func lost(err error) bool {
	var pe *pgconn.PgError
	return errors.Is(err, errOvertaken) || errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01")
}

package store_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/mattn/go-sqlite3"
	"github.com/workspace-scim/workspace/store"
)

// private is in each of the values that go wrong below; it has a quotation mark
// of its own, which not every message doubles.
const private = `zaphod" beeblebrox@contoso.com`

func sqlError(code, message string) error {
	return &pgconn.PgError{Severity: "ERROR", Code: code, Message: message, Detail: "Key (key)=(" + private + ") already exists.", Where: "unnamed portal parameter $1 = '" + private + "'"}
}

// scanned and encoded are errors as database/sql and pgx write them.
func scanned() error {
	var n sql.NullInt64
	return fmt.Errorf(`sql: Scan error on column index 0, name "rid": %w`, n.Scan(private))
}

func encoded(value any) error {
	_, err := pgtype.NewMap().Encode(pgtype.Int8OID, pgtype.BinaryFormatCode, value, nil)
	return err
}

func TestLogTextHoldsNoValues(t *testing.T) {
	_, number := strconv.Atoi(private)
	_, date := time.Parse(time.RFC3339, private)
	for _, err := range []error{
		sqlError("23505", `duplicate key value violates unique constraint "resources_key"`),
		sqlError("22P02", `invalid input syntax for type bigint: "`+private+`"`),
		sqlError("22P02", `ungültige Eingabesyntax für Typ bigint: »`+private+`«`),
		sqlError("22023", "unquoted "+private),
		fmt.Errorf("%w: %w", store.ErrUnavailable, sqlError("XX000", private)),
		errors.Join(sqlError("40001", "could not serialize access"), scanned()),
		scanned(), encoded(private), encoded([]byte(private)), encoded([]string{private}), number, date,
		json.Unmarshal([]byte(`"`+private), new(int)),
		fmt.Errorf("title must be a date, not %q", private),
		fmt.Errorf("cut off in the middle: %.10q", private),
	} {
		if err == nil {
			t.Fatal("no error to look at")
		}
		text := store.LogText(err)
		for _, part := range []string{"zaphod", "beeblebrox", "contoso"} {
			if strings.Contains(text, part) {
				t.Errorf("%T: %s", err, text)
			}
		}
	}
}

func TestLogTextTellsWhatIsWrong(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5432}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for want, err := range map[string]error{
		"database unavailable: disk I/O error":                                        fmt.Errorf("%w: %w", store.ErrUnavailable, sqlite3.Error{Code: sqlite3.ErrIoErr}),
		"database unavailable: database or disk is full":                              fmt.Errorf("%w: %w", store.ErrUnavailable, sqlite3.Error{Code: sqlite3.ErrFull}),
		"database unavailable: dial tcp 127.0.0.1:5432: connect: connection refused":  fmt.Errorf("%w: %w", store.ErrUnavailable, refused),
		"ERROR: duplicate key value violates unique constraint … (SQLSTATE 23505)":    sqlError("23505", `duplicate key value violates unique constraint "resources_key"`),
		"ERROR: could not serialize access due to concurrent update (SQLSTATE 40001)": sqlError("40001", "could not serialize access due to concurrent update"),
		"SQLSTATE 22P02": sqlError("22P02", "invalid input syntax for type json"),
		"outcome of the commit unknown: database unavailable: unexpected EOF":   fmt.Errorf("%w: %w", store.ErrUncertain, io.ErrUnexpectedEOF),
		"sql: Scan error on column index 0, name …) to a int64: invalid syntax": scanned(),
	} {
		if got := store.LogText(err); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

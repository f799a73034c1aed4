package gormstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/mattn/go-sqlite3"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
)

// sqliteEngine is a SQLite file: one writer, several readers.
type sqliteEngine struct {
	path    string
	config  Config
	readers *sql.DB
	orm     *gorm.DB // on the readers
	writer  *writer
	pages   *checkpointer
	lock    *fileLock // nil unless exclusive
}

func openSQLite(ctx context.Context, path string, c Config) (_ *Store, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("gormstore: %w", err)
	}
	if c.BusyTimeout == 0 {
		c.BusyTimeout = 4 * time.Second
	}
	e := &sqliteEngine{path: path, config: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if err := ownFile(path); err != nil {
		return nil, fmt.Errorf("gormstore: %w", err)
	}
	if c.Exclusive {
		if e.lock, err = lockFile(path + ".lock"); err != nil {
			return nil, err
		}
	}
	writing := sql.OpenDB(newConnector(path, c, true))
	writing.SetMaxOpenConns(1)
	e.writer = &writer{db: writing, log: c.Logger}
	if err := migrateSQLite(ctx, writing); err != nil {
		err, _ = sqliteError(err)
		return nil, fmt.Errorf("gormstore: %w", err)
	}
	if e.writer.orm, err = openGorm(sqlite.New(sqlite.Config{Conn: writing}), c.Logger); err != nil {
		return nil, err
	}
	e.readers = sql.OpenDB(newConnector(path, c, false))
	e.readers.SetMaxOpenConns(c.Readers)
	e.readers.SetMaxIdleConns(c.Readers)
	if e.orm, err = openGorm(sqlite.New(sqlite.Config{Conn: e.readers}), c.Logger); err != nil {
		return nil, err
	}
	e.pages = newCheckpointer(path, c, e.writer)
	e.writer.start(e.pages)
	return &Store{engine: e, log: c.Logger, hints: newHints(), maxScan: c.MaxScan}, nil
}

// ownFile makes the file, if it isn't there, for its owner alone; SQLite gives
// those beside it the same rights.
func ownFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func (e *sqliteEngine) view(ctx context.Context, loosely bool, fn func(*session) error) error {
	c, err := e.readers.Conn(ctx)
	if err != nil {
		return connectError(err)
	}
	defer c.Close()
	conn := &sqliteConn{c: c, base: e.orm, begins: true, loose: loosely}
	defer func() {
		if conn.begins {
			return
		}
		if _, err := c.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			discard(c)
		}
	}()
	s := newSession(ctx, conn, sqliteDialect{}, false)
	s.seqs = &lastSeq{}
	return fn(s)
}

// discard keeps a connection from going back to its pool.
func discard(c *sql.Conn) {
	// The error that Raw gives back is the one that tells the pool.
	_ = c.Raw(func(any) error { return driver.ErrBadConn })
}

func (e *sqliteEngine) update(ctx context.Context, fn func(*session) error) error {
	return e.writer.update(ctx, fn)
}

// ping reads, and looks whether the writer is alive: it passes an empty
// transaction through it, which waits for its turn but for no fsync.
func (e *sqliteEngine) ping(ctx context.Context) error {
	read := func(s *session) error {
		_, err := s.ids("SELECT id FROM tenants LIMIT 1")
		return err
	}
	if err := e.view(ctx, false, read); err != nil {
		return err
	}
	return e.update(ctx, read)
}

func (e *sqliteEngine) close() error {
	var errs []error
	if e.writer != nil {
		e.writer.close()
	}
	if e.pages != nil {
		errs = append(errs, e.pages.close())
	}
	if e.readers != nil {
		errs = append(errs, e.readers.Close())
	}
	if e.writer != nil {
		errs = append(errs, e.writer.db.Close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.release())
	}
	return errors.Join(errs...)
}

// connector opens connections with the settings that a DSN can't say.
type connector struct {
	dsn     string
	driver  *sqlite3.SQLiteDriver
	pragmas []string
}

// newConnector gives connections to a file. synchronous=FULL is said always:
// the driver is compiled with NORMAL for WAL, which loses commits when the
// power is cut.
func newConnector(path string, c Config, write bool) driver.Connector {
	q := url.Values{}
	q.Set("_journal_mode", "WAL")
	q.Set("_synchronous", "FULL")
	q.Set("_busy_timeout", fmt.Sprint(c.BusyTimeout.Milliseconds()))
	q.Set("_stmt_cache_size", "128")
	q.Set("_mutex", "no") // database/sql gives a connection to one goroutine at a time
	cache := c.ReaderCache
	pragmas := []string{"PRAGMA wal_autocheckpoint = 0"}
	if write {
		q.Set("_txlock", "immediate")
		q.Set("_foreign_keys", "1")
		cache = c.WriterCache
	} else {
		pragmas = append(pragmas, "PRAGMA query_only = 1")
	}
	q.Set("_cache_size", fmt.Sprint(-cache/1024))
	return &connector{dsn: "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode(), driver: &sqlite3.SQLiteDriver{}, pragmas: pragmas}
}

func (c *connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	for _, p := range c.pragmas {
		if _, err := conn.(*sqlite3.SQLiteConn).Exec(p, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

func (c *connector) Driver() driver.Driver { return c.driver }

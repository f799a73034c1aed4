package gormstore

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"
)

// Config says which database to open and how. Only URL is needed.
type Config struct {
	// URL is "sqlite:PATH" (created if missing; its directory must exist) or a
	// postgres:// URL as libpq reads it.
	URL string
	// Logger gets warnings: slow statements, retries that gave up, panics. Nil
	// means slog.Default().
	Logger *slog.Logger

	// Exclusive takes the lock file PATH.lock, so that two servers can't share
	// one SQLite file. Programs that run beside a server leave it false. It
	// means nothing on PostgreSQL, which several servers may share.
	Exclusive bool
	// BusyTimeout is how long a statement waits for another process that has
	// locked the SQLite file, and a PostgreSQL statement for a row lock,
	// before store.ErrUnavailable. 0 means 4 s on SQLite, so that a client
	// hears within 5 s, and 10 s on PostgreSQL.
	BusyTimeout time.Duration
	// Readers is how many connections read an SQLite file at the same time. 0
	// means GOMAXPROCS+2, at most 4.
	Readers int
	// WriterCache and ReaderCache bound the memory, in bytes, that each SQLite
	// connection keeps pages in. 0 means 16 MiB and 4 MiB.
	WriterCache, ReaderCache int
	// WALLimit is the size in bytes of SQLite's log above which its content is
	// moved to the database file. 0 means 40 MB.
	WALLimit int64
	// Connections bounds the connections to PostgreSQL. 0 means 32.
	Connections int
	// MaxScan is the rows that a query may look at where no index serves and
	// Query.MaxScan is 0. 0 means 250,000.
	MaxScan int
}

func (c Config) withDefaults() Config {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.WALLimit == 0 {
		c.WALLimit = 40 << 20
	}
	set(&c.Readers, min(4, runtime.GOMAXPROCS(0)+2))
	set(&c.WriterCache, 16<<20)
	set(&c.ReaderCache, 4<<20)
	set(&c.Connections, 32)
	set(&c.MaxScan, 250_000)
	return c
}

// Open opens the database and brings its tables to this program's version.
// Several processes may do so at the same time. The caller closes the store.
// The error wraps store.ErrUnavailable if the database can't be reached.
func Open(ctx context.Context, c Config) (*Store, error) {
	c = c.withDefaults()
	if path, ok := strings.CutPrefix(c.URL, "sqlite:"); ok && path != "" {
		return openSQLite(ctx, path, c)
	}
	if strings.HasPrefix(c.URL, "postgres://") || strings.HasPrefix(c.URL, "postgresql://") {
		return openPostgres(ctx, c)
	}
	// The URL may hold a password, so it isn't shown.
	return nil, fmt.Errorf("gormstore: the database must be sqlite:PATH or postgres://…")
}

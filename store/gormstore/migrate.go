package gormstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"hash/fnv"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations
var migrations embed.FS

func newMigrator(db *sql.DB, dialect goose.Dialect, folder string, opts ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return nil, err
	}
	opts = append(opts, goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
	return goose.NewProvider(dialect, db, files, opts...)
}

func sqliteMigrator(db *sql.DB) (*goose.Provider, error) {
	return newMigrator(db, goose.DialectSQLite3, "sqlite")
}

// postgresMigrator makes processes that start together wait for the first: one
// second between looks, five minutes at most. Who uses another schema of the
// same database has nothing to wait for.
func postgresMigrator(db *sql.DB, searchPath string) (*goose.Provider, error) {
	h := fnv.New64a()
	_, _ = h.Write([]byte("workspace migrations " + searchPath)) // never fails
	l, err := lock.NewPostgresSessionLocker(lock.WithLockID(int64(h.Sum64()>>1)), lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	return newMigrator(db, goose.DialectPostgres, "postgres", goose.WithSessionLocker(l))
}

// migrationTries bounds how often a process that met another one while it
// changed the tables of a SQLite file looks again.
const migrationTries = 5

// migrateSQLite applies what is missing. Each migration is one immediate
// transaction, so of two processes one wins; the other finds nothing pending
// when it looks again.
func migrateSQLite(ctx context.Context, db *sql.DB) error {
	var err error
	for range migrationTries {
		// A provider remembers what it saw, so each try has its own.
		p, e := sqliteMigrator(db)
		if e != nil {
			return e
		}
		if err = migrate(ctx, p); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

func migrate(ctx context.Context, p *goose.Provider) error {
	pending, err := p.HasPending(ctx)
	if err == nil && pending {
		_, err = p.Up(ctx)
	}
	if err == nil {
		err = notNewer(ctx, p)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// notNewer refuses a database that a later version of this program wrote.
func notNewer(ctx context.Context, p *goose.Provider) error {
	current, target, err := p.GetVersions(ctx)
	if err == nil && current > target {
		err = fmt.Errorf("the database has version %d, this program knows %d: use the newer program", current, target)
	}
	return err
}

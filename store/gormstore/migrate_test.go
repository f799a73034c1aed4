package gormstore

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/pressly/goose/v3"
)

// databases gives, per engine, the URL of an empty database, and a migrator of
// it.
func databases(t *testing.T, test func(t *testing.T, url string, migrator func() *goose.Provider)) {
	must := func(p *goose.Provider, err error) *goose.Provider {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	open := func(t *testing.T, driver, dsn string) *sql.DB {
		db, err := sql.Open(driver, dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "test.db")
		test(t, "sqlite:"+path, func() *goose.Provider { return must(sqliteMigrator(open(t, "sqlite3", path))) })
	})
	t.Run("postgres", func(t *testing.T) {
		url := newPostgresSchema(t)
		test(t, url, func() *goose.Provider { return must(postgresMigrator(open(t, "pgx", url), url)) })
	})
}

func TestEveryEarlierVersionIsMigrated(t *testing.T) {
	databases(t, func(t *testing.T, url string, migrator func() *goose.Provider) {
		_, latest, err := migrator().GetVersions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for version := range latest + 1 {
			t.Run(fmt.Sprint("from ", version), func(t *testing.T) {
				databases(t, func(t *testing.T, url string, migrator func() *goose.Provider) {
					if version > 0 {
						if _, err := migrator().UpTo(t.Context(), version); err != nil {
							t.Fatal(err)
						}
					}
					w := newWorld(t, openTest(t, Config{URL: url}))
					w.load(10)
					if _, page := w.find(w.query(w.set.User, w.source, "")); page.Total != 10 {
						t.Errorf("total %d", page.Total)
					}
				})
			})
		}
	})
}

func TestDatabaseOfALaterVersionIsRefused(t *testing.T) {
	databases(t, func(t *testing.T, url string, migrator func() *goose.Provider) {
		p := migrator()
		if _, err := p.Up(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := openTest(t, Config{URL: url})
		db := s.pool()
		if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)"); err != nil {
			t.Fatal(err)
		}
		if again, err := Open(t.Context(), Config{URL: url}); err == nil {
			t.Error("it was opened")
			_ = again.Close()
		}
	})
}

// pool gives a pool that may write.
func (s *Store) pool() *sql.DB {
	if e, ok := s.engine.(*postgresEngine); ok {
		return e.db
	}
	return s.engine.(*sqliteEngine).pages.db
}

func TestSeveralProcessesMayOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	databases(t, func(t *testing.T, url string, _ func() *goose.Provider) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := Open(t.Context(), Config{URL: url})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		newWorld(t, openTest(t, Config{URL: url})).load(1)
	})
}

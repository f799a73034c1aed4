package gormstore

import (
	"database/sql"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
	"github.com/workspace-scim/workspace/store/storetest"
)

// postgresEnv names a database in which tests may create schemas.
const postgresEnv = "WORKSPACE_TEST_POSTGRES"

func TestSQLiteFulfilsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return openSQLiteTest(t) })
}

func TestPostgreSQLFulfilsTheContract(t *testing.T) {
	needPostgres(t)
	storetest.Run(t, func(t *testing.T) store.Store { return openPostgresTest(t) })
}

// needPostgres skips a test where no PostgreSQL is named; in CI that fails, so
// that a missing one isn't overlooked.
func needPostgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv(postgresEnv)
	if base == "" && os.Getenv("CI") != "" {
		t.Fatalf("%s is not set, and in CI it must be", postgresEnv)
	}
	if base == "" {
		t.Skipf("%s is not set", postgresEnv)
	}
	return base
}

// engines runs a test on both engines.
func engines(t *testing.T, test func(*testing.T, *Store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLiteTest(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, openPostgresTest(t)) })
}

func openSQLiteTest(t testing.TB) *Store {
	t.Helper()
	return openTest(t, Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "test.db")})
}

// openPostgresTest opens a schema of its own, which is dropped in the end. No
// test cuts the server's power, so commits need not wait for its disk.
func openPostgresTest(t testing.TB) *Store {
	t.Helper()
	return openTest(t, Config{URL: newPostgresSchema(t) + "&synchronous_commit=off", Connections: 20})
}

func openTest(t testing.TB, c Config) *Store {
	t.Helper()
	c.Logger = slog.New(slog.DiscardHandler)
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// newPostgresSchema gives the URL of an empty schema.
func newPostgresSchema(t testing.TB) string {
	t.Helper()
	base := needPostgres(t)
	db, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if _, err := db.Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec(fmt.Sprintf("DROP SCHEMA %s CASCADE", name)); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

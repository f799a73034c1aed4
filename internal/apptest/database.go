package apptest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SQLite gives the URL of an SQLite database of the test's own.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "workspace.db")
}

// PostgresServer gives the URL of the PostgreSQL server for tests, which
// WORKSPACE_TEST_POSTGRES names; without it the test is skipped, or fails where
// the variable CI is set. make test and .ci/run always have one.
func PostgresServer(t testing.TB) string {
	t.Helper()
	server := os.Getenv("WORKSPACE_TEST_POSTGRES")
	if server == "" && os.Getenv("CI") != "" {
		t.Fatal("WORKSPACE_TEST_POSTGRES isn't set, and CI is")
	}
	if server == "" {
		t.Skip("WORKSPACE_TEST_POSTGRES isn't set; make test starts a server and sets it")
	}
	return server
}

// Postgres gives the URL of an empty PostgreSQL database of the test's own, on
// the server that PostgresServer gives. It doesn't wait for the disk at each
// commit, because no test of these crashes the server.
func Postgres(t testing.TB) string {
	t.Helper()
	database, drop, err := CreatePostgres(PostgresServer(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	return database
}

// CreatePostgres makes an empty database on a server and gives its URL and what
// drops it again.
func CreatePostgres(server string) (database string, drop func() error, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, fmt.Errorf("WORKSPACE_TEST_POSTGRES: %w", err)
	}
	name := "apptest_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := command(server, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	drop = func() error { return command(server, "DROP DATABASE "+name+" WITH (FORCE)") }
	if err := command(server, "ALTER DATABASE "+name+" SET synchronous_commit = off"); err != nil {
		return "", nil, errors.Join(err, drop())
	}
	u.Path = "/" + name
	return u.String(), drop, nil
}

func command(server, sql string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("PostgreSQL: %s: %w", sql, err)
	}
	return nil
}

// Each runs a test on each backend, with the URL of an empty database.
func Each(t *testing.T, test func(t *testing.T, database string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The kinds of databases.
const (
	sqlite   = "sqlite"
	postgres = "postgres"
)

// databases makes databases that last as long as the run.
type databases struct {
	dir      string // for SQLite's files; the caller removes it
	postgres string // URL of the server
	made     []string
}

// create makes an empty database and returns its URL.
func (d *databases) create(ctx context.Context, kind string) (string, error) {
	name := "bench_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if kind == sqlite {
		return "sqlite:" + filepath.Join(d.dir, name+".db"), nil
	}
	return d.createPostgres(ctx, name, "CREATE DATABASE "+name)
}

// copy makes a copy of a database that no server uses and returns its URL.
func (d *databases) copy(ctx context.Context, program, from string) (string, error) {
	name := "bench_" + strings.ReplaceAll(uuid.NewString(), "-", "")
	if strings.HasPrefix(from, "sqlite:") {
		file := filepath.Join(d.dir, name+".db")
		if out, err := exec.CommandContext(ctx, program, "backup", file, "--database", from).CombinedOutput(); err != nil {
			return "", fmt.Errorf("workspace backup: %w: %s", err, out)
		}
		return "sqlite:" + file, nil
	}
	u, err := url.Parse(from)
	if err != nil {
		return "", err
	}
	return d.createPostgres(ctx, name, "CREATE DATABASE "+name+" TEMPLATE "+u.Path[1:])
}

// settle does at once what PostgreSQL would do by itself in the minutes after a
// load, so that the first figures aren't those of a server that cleans up.
// SQLite has nothing of the kind.
func settle(ctx context.Context, url string) error {
	if strings.HasPrefix(url, "sqlite:") {
		return nil
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	for _, sql := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, e := conn.Exec(ctx, sql); e != nil {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, conn.Close(ctx))
}

// warm reads a database, so that it is in the operating system's memory, as that
// of a server in use is: some machines take away what wasn't read for minutes,
// and what would be measured is their disk.
func warm(ctx context.Context, url string) error {
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, f)
		return errors.Join(err, f.Close())
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	for _, sql := range []string{
		"CREATE EXTENSION IF NOT EXISTS pg_prewarm",
		"SELECT sum(pg_prewarm(oid, 'read')) FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace",
	} {
		if _, e := conn.Exec(ctx, sql); e != nil {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, conn.Close(ctx))
}

func (d *databases) createPostgres(ctx context.Context, name, sql string) (string, error) {
	u, err := url.Parse(d.postgres)
	if err != nil {
		return "", errors.New("the PostgreSQL server's URL can't be read") // it may hold a password
	}
	if err := d.command(ctx, sql); err != nil {
		return "", err
	}
	d.made = append(d.made, name)
	u.Path = "/" + name
	return u.String(), nil
}

func (d *databases) command(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, d.postgres)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// drop removes the PostgreSQL databases.
func (d *databases) drop(ctx context.Context) error {
	var errs []error
	for _, name := range d.made {
		errs = append(errs, d.command(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"))
	}
	d.made = nil
	return errors.Join(errs...)
}

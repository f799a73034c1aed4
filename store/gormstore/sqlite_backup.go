package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
)

// backup copies the database with VACUUM INTO: one snapshot, while writers go
// on. (SQLite's online backup in steps starts again on each commit and never
// ends under load.) The copy gets its name when it is complete and on the disk.
func (e *sqliteEngine) backup(ctx context.Context, file string) (err error) {
	// The name is taken first, so that no file is ever overwritten.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(file))
		}
	}()
	dir, err := os.MkdirTemp(filepath.Dir(file), ".backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	temp := filepath.Join(dir, "copy")
	if err := ownFile(temp); err != nil { // SQLite fills a file that is empty
		return err
	}
	if err := e.vacuumInto(ctx, temp); err != nil {
		return err
	}
	if err := syncPath(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, file); err != nil {
		return err
	}
	return syncPath(filepath.Dir(file))
}

// vacuumInto has a connection of its own: those of the readers are query_only,
// and the writer shall not wait.
func (e *sqliteEngine) vacuumInto(ctx context.Context, file string) error {
	db := sql.OpenDB(newConnector(e.path, e.config, true))
	defer db.Close()
	_, err := db.ExecContext(ctx, "VACUUM INTO ?", file)
	err, _ = sqliteError(err)
	return err
}

func syncPath(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

package main

import (
	"fmt"

	"github.com/workspace-scim/workspace/store"
)

// BackupCmd copies the database. To restore, put the copy in the place of the
// database file of a stopped server and delete its -wal and -shm files.
type BackupCmd struct {
	File string `arg:"" type:"path" help:"The file to write; it must not exist."`
}

// Run fulfils kong.
func (c *BackupCmd) Run(p *program) error {
	return p.withStore(func(st store.Store) error {
		if err := st.Backup(p.ctx, c.File); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		fmt.Fprintln(p.stderr, "Wrote", c.File)
		return nil
	})
}

package app

import (
	"context"
	"log/slog"

	"github.com/workspace-scim/workspace/store"
	"github.com/workspace-scim/workspace/store/gormstore"
)

// OpenStore opens the database and brings its schema up to date. The server
// opens it exclusively, which on SQLite keeps a second server off the file; the
// commands of an administrator open it beside a running server.
func OpenStore(ctx context.Context, d Database, exclusive bool, log *slog.Logger) (store.Store, error) {
	u, err := d.URL()
	if err != nil {
		return nil, err
	}
	return gormstore.Open(ctx, gormstore.Config{URL: u, Logger: log, Exclusive: exclusive})
}

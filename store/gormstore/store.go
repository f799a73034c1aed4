package gormstore

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/workspace-scim/workspace/store"
)

var _ store.Store = (*Store)(nil)

// Store is a database on one of the engines.
type Store struct {
	engine  engine
	log     *slog.Logger
	hints   *hints
	maxScan int
}

// engine is what SQLite and PostgreSQL do differently around a transaction.
type engine interface {
	// view runs fn in a transaction that reads one snapshot; loosely, without
	// one as long as nobody asks two things of it.
	view(ctx context.Context, loosely bool, fn func(*session) error) error
	// update runs fn in a transaction that is durable when it returns nil.
	update(ctx context.Context, fn func(*session) error) error
	backup(ctx context.Context, file string) error
	ping(ctx context.Context) error
	metrics() []store.Metric
	close() error
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	return s.engine.view(ctx, false, func(x *session) error { return fn(&reader{session: x, store: s}) })
}

// Look implements store.Store.
func (s *Store) Look(ctx context.Context, fn func(store.Reader) error) error {
	return s.engine.view(ctx, true, func(x *session) error { return fn(&reader{session: x, store: s}) })
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.engine.update(ctx, func(x *session) error { return fn(&tx{reader{session: x, store: s}}) })
}

// Backup implements store.Store. The copy is complete and durable when it
// returns nil; a file that exists is never overwritten.
func (s *Store) Backup(ctx context.Context, file string) error {
	if err := s.engine.backup(ctx, file); err != nil {
		return fmt.Errorf("gormstore: backup: %w", err)
	}
	return nil
}

// Ping implements store.Store.
func (s *Store) Ping(ctx context.Context) error { return s.engine.ping(ctx) }

// Close lets what was begun end and closes the database. Calls after it get
// store.ErrUnavailable.
func (s *Store) Close() error { return s.engine.close() }

package gormstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// pageSize is SQLite's; frames of its log hold one page each.
const pageSize = 4096

// checkpointer moves the content of SQLite's log (WAL) to the database file. On
// a commit, as SQLite would do it, that costs 40 % of the writes; here another
// connection does it while the writer goes on. The log only starts again from
// its beginning if nothing was added meanwhile, so the rest, by then little, is
// moved between two groups of the writer.
type checkpointer struct {
	db     *sql.DB
	w      *writer
	log    *slog.Logger
	limit  int64
	wake   chan struct{}
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newCheckpointer(path string, c Config, w *writer) *checkpointer {
	p := &checkpointer{db: sql.OpenDB(newConnector(path, c, true)), w: w, log: c.Logger, limit: c.WALLimit, wake: make(chan struct{}, 1)}
	p.db.SetMaxOpenConns(1)
	p.db.SetMaxIdleConns(0) // its pages aren't worth keeping between times
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.wg.Go(func() { p.run(ctx) })
	return p
}

// committed is told of each commit, on the writer's goroutine.
func (p *checkpointer) committed(c *sql.Conn) {
	var busy, frames, moved int64
	err := c.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &frames, &moved)
	if err != nil || (frames-moved)*pageSize < p.limit {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *checkpointer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		}
		if err := p.passive(ctx); err != nil && ctx.Err() == nil {
			p.log.Warn("checkpoint of the log", "error", err)
		}
	}
}

func (p *checkpointer) passive(ctx context.Context) error {
	const passive = "PRAGMA wal_checkpoint(PASSIVE)"
	if _, err := p.db.ExecContext(ctx, passive); err != nil {
		return err
	}
	return p.w.between(ctx, func(c *sql.Conn) error {
		_, err := c.ExecContext(ctx, passive)
		return err
	})
}

// close moves what is left and empties the log. The writer has ended.
func (p *checkpointer) close() error {
	p.cancel()
	p.wg.Wait()
	var busy, frames, moved int
	err := p.db.QueryRow("PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	if err == nil && busy != 0 {
		// Another process reads. Nothing is lost: the log stays and counts.
		p.log.Info("the log is in use and stays", "frames", frames)
	}
	if err != nil {
		err = fmt.Errorf("gormstore: checkpoint: %w", err)
	}
	return errors.Join(err, p.db.Close())
}

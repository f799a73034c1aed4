package gormstore

import (
	"context"
	"database/sql"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// analyzer has PostgreSQL look at tables that grow. Until it has, it takes each
// condition for equally selective, and may read all resources of a tenant where
// a unique index gives one; prepared statements keep such a plan. Autovacuum
// comes only after a minute, in which a first load brings many rows.
type analyzer struct {
	db       *sql.DB
	log      *slog.Logger
	inserted atomic.Int64 // resources, by this process
	wake     chan struct{}
	cancel   context.CancelFunc
	wg       sync.WaitGroup
}

// analyzeAt is after how many inserted resources it looks. Later, autovacuum
// will do.
var analyzeAt = []int64{200, 2_000, 20_000, 200_000}

func newAnalyzer(db *sql.DB, log *slog.Logger) *analyzer {
	a := &analyzer{db: db, log: log, wake: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	a.wg.Go(func() { a.run(ctx) })
	return a
}

// grew is told how many resources a transaction has inserted.
func (a *analyzer) grew(n int64) {
	after := a.inserted.Add(n)
	if slices.ContainsFunc(analyzeAt, func(at int64) bool { return after-n < at && at <= after }) {
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
}

func (a *analyzer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		}
		if _, err := a.db.ExecContext(ctx, "ANALYZE resources, links, ix, members"); err != nil && ctx.Err() == nil {
			a.log.Warn("analyze", "error", err)
		}
	}
}

func (a *analyzer) close() {
	a.cancel()
	a.wg.Wait()
}

package app

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// How often a server looks for what is to be done: for jobs that are due and what
// another server accepted, or left; and for events to seal.
const (
	workEvery = time.Second
	sealEvery = 5 * time.Second
)

// requestWorkers is how many sources' requests are carried out at the same time, by
// one server, so that a long one holds up its own source only. Each has a connection
// and a request in memory.
const requestWorkers = 4

// work begins all that servers which share a database share: it ends with ctx.
func (s *Server) work(ctx context.Context, all *sync.WaitGroup) {
	holder := "server-" + uuid.NewString() // each takes runs under a name of its own
	jobs := func(ctx context.Context) (bool, error) { return false, s.directory.Work(ctx, holder) }
	seals := func(ctx context.Context) (bool, error) { return false, s.directory.SealLog(ctx) }
	all.Go(func() { s.repeat(ctx, "jobs", workEvery, nil, jobs) })
	all.Go(func() { s.repeat(ctx, "sealing the log", sealEvery, nil, seals) })
	all.Go(func() { s.repeat(ctx, "uploads", workEvery, s.directory.UploadsArrived(), s.directory.WorkUploads) })
	for range requestWorkers {
		all.Go(func() { s.repeat(ctx, "requests", workEvery, s.directory.RequestsArrived(), s.scim.WorkRequests) })
	}
}

// repeat does a piece of work again and again until ctx ends: every so often, as
// long as it says that there is more, and when something arrives. What can arrive
// may have been left by a server that ended: it begins with that at once. An error
// is told once, until it works again.
func (s *Server) repeat(ctx context.Context, what string, every time.Duration, arrived <-chan struct{}, do func(context.Context) (more bool, err error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failed := false
	for more := arrived != nil; ; {
		if !more {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case <-arrived:
			}
		}
		found, err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed {
			s.log.Error(what, "error", store.LogText(err))
		}
		failed = err != nil
		more = found && err == nil
	}
}

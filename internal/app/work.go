package app

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// workEvery is how often a server looks for jobs that are due and runs that wait.
const workEvery = time.Second

// work carries out jobs until ctx ends. Servers that share a database share the
// work: each takes runs under a name of its own.
func (s *Server) work(ctx context.Context) {
	holder := "server-" + uuid.NewString()
	tick := time.NewTicker(workEvery)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := s.directory.Work(ctx, holder)
		if err != nil && ctx.Err() == nil && !failed {
			s.log.Error("jobs", "error", store.LogText(err))
		}
		failed = err != nil // told once, until it works again
	}
}

package app

import (
	"context"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// uploadsEvery is how often a server looks for uploads that another one accepted,
// or left.
const uploadsEvery = time.Second

// uploads works on uploads until ctx ends: at once on those that this server
// accepted. Servers that share a database share the work.
func (s *Server) uploads(ctx context.Context) {
	tick := time.NewTicker(uploadsEvery)
	defer tick.Stop()
	failed := false
	for {
		found, err := s.directory.WorkUploads(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed {
			s.log.Error("uploads", "error", store.LogText(err))
		}
		failed = err != nil // told once, until it works again
		if found && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.directory.UploadsArrived():
		}
	}
}

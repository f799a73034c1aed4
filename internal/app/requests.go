package app

import (
	"context"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// requestsEvery is how often a server looks for requests that another one
// accepted, or left.
const requestsEvery = time.Second

// requests carries out requests that are to be carried out later, until ctx ends:
// at once those that this server accepted.
func (s *Server) requests(ctx context.Context) {
	tick := time.NewTicker(requestsEvery)
	defer tick.Stop()
	failed := false
	for {
		found, err := s.scim.WorkRequests(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed {
			s.log.Error("requests", "error", store.LogText(err))
		}
		failed = err != nil // told once, until it works again
		if found && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.directory.RequestsArrived():
		}
	}
}

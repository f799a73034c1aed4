package api

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// lease is a lease as it is shown. Without a holder it is free.
type lease struct {
	Partition  string     `json:"partition"`
	Holder     string     `json:"holder,omitempty"`
	Token      int64      `json:"token"`
	Run        string     `json:"run,omitempty"`
	AcquiredAt *time.Time `json:"acquiredAt,omitempty"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty"`
}

func showLease(l store.Lease) lease {
	out := lease{Partition: l.Partition, Holder: l.Holder, Token: l.Token, Run: l.Run}
	if l.Holder != "" {
		out.AcquiredAt, out.ExpiresAt = &l.AcquiredAt, &l.ExpiresAt
	}
	return out
}

func (s *Server) acquireLease(r *request) error {
	var body struct {
		TTL           int64  `json:"ttl"` // seconds
		Token         int64  `json:"token"`
		Holder        string `json:"holder"`
		Configuration string `json:"configuration"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	// What is out of bounds must not come back into them by overflow.
	ttl := time.Duration(max(0, min(body.TTL, 1<<20))) * time.Second
	l, err := s.dir.AcquireLease(r.c.Request().Context(), r.actor, r.id, directory.LeaseRequest{
		Partition: r.partition, Holder: body.Holder, TTL: ttl, Token: body.Token, Configuration: body.Configuration,
	})
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, showLease(l))
}

func (s *Server) releaseLease(r *request) error {
	if err := s.dir.ReleaseLease(r.c.Request().Context(), r.actor, r.id, r.partition); err != nil {
		return err
	}
	return r.respond(http.StatusNoContent, "", nil)
}

// listLeases gives all: a source has few partitions.
func (s *Server) listLeases(r *request) error {
	all, err := s.dir.Leases(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	out := listing[lease]{Items: make([]lease, 0, len(all))}
	for _, l := range all {
		out.Items = append(out.Items, showLease(l))
	}
	return r.json(http.StatusOK, out)
}

// octets is the media type of checkpoints and plans: we don't read them.
const octets = "application/octet-stream"

func (s *Server) getCheckpoint(r *request) error {
	c, err := s.dir.Checkpoint(r.c.Request().Context(), r.actor, r.id, r.partition)
	if err != nil {
		return err
	}
	r.etag(c.Version)
	r.c.Response().Header().Set("Last-Modified", c.SavedAt.Format(http.TimeFormat))
	return r.respond(http.StatusOK, octets, c.Data)
}

// putCheckpoint saves only over what the client has seen: If-Match names it, or
// If-None-Match: * says that there was none (RFC 9110 §13.1).
func (s *Server) putCheckpoint(r *request) error {
	cond := r.ifVersion()
	if cond == nil && r.c.Request().Header.Get("If-None-Match") == "*" {
		cond = func(version int64) bool { return version == 0 }
	} else if cond != nil {
		match := cond
		cond = func(version int64) bool { return version > 0 && match(version) }
	}
	if cond == nil {
		return problem{
			Status: http.StatusPreconditionRequired, Code: "preconditionRequired", Attribute: "If-Match",
			Detail: "A checkpoint is saved over the one that you have read only.", Way: "Send If-Match with its ETag, or If-None-Match: * for the first one.",
		}
	}
	if err := r.bodyType(octets); err != nil {
		return err
	}
	data, err := io.ReadAll(http.MaxBytesReader(r.c.Response(), r.c.Request().Body, directory.MaxCheckpoint))
	if err != nil {
		return unreadable(err)
	}
	c, err := s.dir.SaveCheckpoint(r.c.Request().Context(), r.actor, r.id, r.partition, data, cond)
	if err != nil {
		return err
	}
	r.etag(c.Version)
	return r.respond(http.StatusNoContent, "", nil)
}

// unreadable is what an error from reading a body means: it is too large, or
// the client is at fault.
func unreadable(err error) error {
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return errUnreadable
}

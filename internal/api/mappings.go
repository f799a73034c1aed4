package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// mappingVersion is a version of the rules of a source.
type mappingVersion struct {
	Number    int64           `json:"number"`  // 0 if there were never any
	Version   string          `json:"version"` // SHA-256 of rules, which are canonical, in hex
	By        string          `json:"by,omitempty"`
	CreatedAt *time.Time      `json:"createdAt,omitempty"`
	Rules     json.RawMessage `json:"rules"` // null for none
}

func showMapping(m store.Mapping) mappingVersion {
	out := mappingVersion{Number: m.Number, Version: m.Version, By: m.By, Rules: m.Document}
	if m.Number > 0 {
		out.CreatedAt = &m.CreatedAt
	}
	if m.Document == nil {
		out.Rules = json.RawMessage("null")
	}
	return out
}

func (r *request) mapping(m store.Mapping, err error) error {
	if err != nil {
		return refusedRules(err)
	}
	r.etag(directory.MappingTag(m))
	return r.json(http.StatusOK, showMapping(m))
}

// refusedRules lists the faults of rules beside the problem.
func refusedRules(err error) error {
	var refused *directory.MappingRefused
	if !errors.As(err, &refused) {
		return err
	}
	p := problemOf(err)
	p.Faults = refused.Faults[:min(len(refused.Faults), maxFaults)]
	return p
}

// maxFaults is how many faults of rules are told at once.
const maxFaults = 100

func (s *Server) getMapping(r *request) error {
	return r.mapping(s.dir.Mapping(r.c.Request().Context(), r.actor, r.id, 0))
}

// putMapping takes the rules as they are, so that what is shown can be edited and
// sent back.
func (s *Server) putMapping(r *request) error {
	var rules json.RawMessage
	if err := r.decode(&rules); err != nil {
		return err
	}
	return r.mapping(s.dir.SetMapping(r.c.Request().Context(), r.actor, r.id, r.ifMatch(), rules))
}

func (s *Server) cloneMapping(r *request) error {
	var body struct {
		From string `json:"from"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	return r.mapping(s.dir.CloneMapping(r.c.Request().Context(), r.actor, r.id, r.ifMatch(), body.From))
}

func (s *Server) deleteMapping(r *request) error {
	if err := s.dir.RemoveMapping(r.c.Request().Context(), r.actor, r.id, r.ifMatch()); err != nil {
		return err
	}
	return r.respond(http.StatusNoContent, "", nil)
}

func (s *Server) listMappings(r *request) error {
	p, before, err := r.numbered()
	if err != nil {
		return err
	}
	// A version is up to 256 KiB.
	p.limit = min(p.limit, 20)
	all, err := s.dir.Mappings(r.c.Request().Context(), r.actor, r.id, before, p.limit)
	if err != nil {
		return err
	}
	return list(r, p, all, showMapping, func(m store.Mapping) []string { return []string{strconv.FormatInt(m.Number, 10)} })
}

// said is what a source with rules said of one person.
type said struct {
	User    string          `json:"user,omitempty"`
	InScope bool            `json:"inScope"`
	Rules   int64           `json:"rules"` // the number of those that were applied last, 0 if that failed
	At      time.Time       `json:"at"`
	Record  json.RawMessage `json:"record"`
}

func (s *Server) listSaid(r *request) error {
	p, after, err := r.numbered()
	if err != nil {
		return err
	}
	user := ""
	if r.c.QueryParams().Has("user") {
		if user, err = r.named("user"); err != nil {
			return err
		}
	}
	// A record is up to 1 MiB, and rarely more than a few KiB.
	p.limit = min(p.limit, 50)
	all, err := s.dir.Said(r.c.Request().Context(), r.actor, r.id, user, after, p.limit)
	if err != nil {
		return err
	}
	show := func(x directory.Said) said {
		return said{User: x.User, InScope: x.InScope, Rules: x.Rules, At: x.At, Record: x.Data}
	}
	return list(r, p, all, show, func(x directory.Said) []string { return []string{strconv.FormatInt(x.ID, 10)} })
}

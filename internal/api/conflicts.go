package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// conflict is a conflict as it is shown (row H017).
type conflict struct {
	ID         string          `json:"id"`
	Source     string          `json:"source"`
	Subject    string          `json:"subject"` // what holds what the source asked for
	ExternalID string          `json:"externalId,omitempty"`
	Reason     string          `json:"reason"`
	State      string          `json:"state"`    // open, adopted or keptApart
	Asserted   json.RawMessage `json:"asserted"` // what the source asked for, as a SCIM document
	FirstAt    time.Time       `json:"firstAt"`
	LastAt     time.Time       `json:"lastAt"`
	Count      int64           `json:"count"`
	DecidedBy  string          `json:"decidedBy,omitempty"`
	DecidedAt  *time.Time      `json:"decidedAt,omitempty"`
}

func showConflict(c directory.ConflictState) conflict {
	states := map[store.Decision]string{"": "open", store.Adopt: "adopted", store.KeepApart: "keptApart"}
	return conflict{
		ID: strconv.FormatInt(c.ID, 10), Source: c.SourceID, Subject: c.Subject, ExternalID: c.ExternalID, Reason: c.Reason, State: states[c.Decision],
		Asserted: c.Doc, FirstAt: c.FirstAt, LastAt: c.LastAt, Count: c.Count, DecidedBy: c.DecidedBy, DecidedAt: orNil(c.DecidedAt),
	}
}

func (r *request) conflict(c directory.ConflictState) error {
	r.etag(c.Tag())
	return r.json(http.StatusOK, showConflict(c))
}

func (s *Server) listConflicts(r *request) error {
	p, before, err := r.numbered()
	if err != nil {
		return err
	}
	f := directory.ConflictFilter{Source: r.c.QueryParam("source")}
	switch state := r.c.QueryParam("state"); state {
	case "":
	case "open":
		f.Open = true
	case "decided":
		f.Decided = true
	default:
		return problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "state", Detail: fmt.Sprintf("%.20q is no state of a conflict.", state), Way: "Use open or decided."}
	}
	all, err := s.dir.Conflicts(r.c.Request().Context(), r.actor, f, before, p.limit)
	if err != nil {
		return err
	}
	return list(r, p, all, showConflict, func(c directory.ConflictState) []string { return []string{strconv.FormatInt(c.ID, 10)} })
}

// conflictID is the path's id as a number, 0 for what is none and so of nothing.
func (r *request) conflictID() int64 {
	id, err := strconv.ParseInt(r.id, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

func (s *Server) getConflict(r *request) error {
	c, err := s.dir.Conflict(r.c.Request().Context(), r.actor, r.conflictID())
	if err != nil {
		return err
	}
	return r.conflict(c)
}

func (s *Server) decideConflict(r *request) error {
	var body struct {
		Decision store.Decision `json:"decision"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	c, err := s.dir.DecideConflict(r.c.Request().Context(), r.actor, r.conflictID(), r.ifMatch(), body.Decision)
	if err != nil {
		return err
	}
	return r.conflict(c)
}

package api

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// agent is an agent as it is shown.
type agent struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	EnrolledAt    time.Time  `json:"enrolledAt"`
	RevokedAt     *time.Time `json:"revokedAt,omitempty"`
	SeenAt        *time.Time `json:"seenAt,omitempty"`
	StartedAt     *time.Time `json:"startedAt,omitempty"`
	Version       string     `json:"version,omitempty"`
	OS            string     `json:"os,omitempty"`
	State         string     `json:"state,omitempty"`
	Configuration string     `json:"configuration"` // the hash that it works by
	CoLocated     bool       `json:"coLocated"`
}

func showAgent(a store.Agent) agent {
	return agent{
		ID: a.PublicID, Name: a.Name, EnrolledAt: a.EnrolledAt, RevokedAt: orNil(a.RevokedAt), SeenAt: orNil(a.SeenAt), StartedAt: orNil(a.StartedAt),
		Version: a.Version, OS: a.OS, State: a.State, Configuration: hex.EncodeToString(a.Hash), CoLocated: a.CoLocated,
	}
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (s *Server) listAgents(r *request) error {
	p, err := r.page(1)
	if err != nil {
		return err
	}
	all, err := s.dir.Agents(r.c.Request().Context(), r.actor, p.part(0), p.limit)
	if err != nil {
		return err
	}
	return list(r, p, all, showAgent, func(a store.Agent) []string { return []string{a.PublicID} })
}

func (s *Server) revokeAgent(r *request) error {
	if err := s.dir.RevokeAgent(r.c.Request().Context(), r.actor, r.id); err != nil {
		return err
	}
	return r.respond(http.StatusNoContent, "", nil)
}

// enrol needs no token. All who try share one budget, whatever their address.
func (s *Server) enrol(r *request) error {
	if !s.enrolments.Allow(0) { // everybody together
		return tooFast()
	}
	var body struct {
		Code string `json:"code"`
		Name string `json:"name"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	secret, a, src, err := s.dir.Enrol(r.c.Request().Context(), body.Code, body.Name, r.txn(), r.actor.DryRun)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, struct {
		Agent  string `json:"agent"`
		Source string `json:"source"`
		Token  string `json:"token"` // shown this once
	}{a.PublicID, src.PublicID, secret})
}

// command is something that an agent is to do. A restart is acknowledged before
// it is done.
type command struct {
	ID        int64     `json:"id"`
	Name      string    `json:"command"`
	CreatedAt time.Time `json:"createdAt"`
}

func showCommand(c store.Command) command { return command{c.ID, c.Name, c.CreatedAt} }

func (s *Server) heartbeat(r *request) error {
	var body struct {
		Version       string    `json:"version"`
		OS            string    `json:"os"`
		State         string    `json:"state"`
		Configuration string    `json:"configuration"`
		StartedAt     time.Time `json:"startedAt"`
		CoLocated     bool      `json:"coLocated"`
		Acknowledged  int64     `json:"acknowledged"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	o, err := s.dir.Beat(r.c.Request().Context(), r.actor, r.id, directory.Heartbeat(body))
	if err != nil {
		return err
	}
	type brief struct {
		Version int64  `json:"version"`
		Hash    string `json:"hash"`
	}
	out := struct {
		Source        string    `json:"source"`
		Mode          string    `json:"mode"`
		Configuration *brief    `json:"configuration,omitempty"`
		Fenced        bool      `json:"fenced"` // it works by another configuration, and gets no lease
		Agents        int       `json:"agents"` // that work for the source
		Commands      []command `json:"commands"`
	}{Source: o.Source.PublicID, Mode: string(o.Source.Mode), Fenced: o.Fenced, Agents: o.Agents, Commands: []command{}}
	if o.Configuration != nil {
		out.Configuration = &brief{o.Configuration.Version, hex.EncodeToString(o.Configuration.Hash)}
	}
	for _, c := range o.Commands {
		out.Commands = append(out.Commands, showCommand(c))
	}
	return r.json(http.StatusOK, out)
}

func (s *Server) addCommand(r *request) error {
	var body struct {
		Command string `json:"command"`
		Agent   string `json:"agent"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	c, err := s.dir.AddCommand(r.c.Request().Context(), r.actor, r.id, body.Agent, body.Command)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, showCommand(c))
}

func (s *Server) addCode(r *request) error {
	body := struct {
		ExpiresIn int64 `json:"expiresIn"` // seconds
	}{3600}
	if err := r.decode(&body); err != nil {
		return err
	}
	code, t, err := s.dir.AddCode(r.c.Request().Context(), r.actor, r.id, time.Duration(max(0, min(body.ExpiresIn, 1<<30)))*time.Second)
	if err != nil {
		return err
	}
	return r.json(http.StatusCreated, struct {
		Code      string    `json:"code"` // shown this once
		ExpiresAt time.Time `json:"expiresAt"`
	}{code, t.ExpiresAt})
}

package api

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/workspace-scim/workspace/internal/directory"
)

// simulation is what changed rules would do, as it is shown.
type simulation struct {
	Version     string           `json:"version"`
	People      int64            `json:"people"`
	InScope     int64            `json:"inScope"`
	ComeIn      int64            `json:"comeIn"`
	Leave       int64            `json:"leave"`
	Change      int64            `json:"change"`
	Fail        int64            `json:"fail"`
	Warn        int64            `json:"warn"`
	Unchanged   int64            `json:"unchanged"`
	Attributes  map[string]int64 `json:"attributes"`
	Memberships int64            `json:"memberships"`
	Items       int64            `json:"items"`
	Products    []lostProduct    `json:"products"`
	Named       []simulated      `json:"named"`
	Next        string           `json:"nextCursor,omitempty"`
}

type lostProduct struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	People int64  `json:"people"`
}

type simulated struct {
	What       string   `json:"what,omitempty"`
	ExternalID string   `json:"externalId"`
	Display    string   `json:"display"`
	User       string   `json:"user,omitempty"`
	Attributes []string `json:"attributes,omitempty"`
	Groups     []string `json:"groups,omitempty"`
	Code       string   `json:"code,omitempty"`
	Detail     string   `json:"detail,omitempty"`
}

// simulateMapping works rules out over the people of a source; nothing is changed.
func (s *Server) simulateMapping(r *request) error {
	p, after, err := r.numbered()
	if err != nil {
		return err
	}
	var body struct {
		Rules json.RawMessage `json:"rules"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	if string(body.Rules) == "null" {
		body.Rules = nil
	}
	x, err := s.dir.Simulate(r.c.Request().Context(), r.actor, r.id, body.Rules, after, p.limit)
	if err != nil {
		return refusedRules(err)
	}
	return r.json(http.StatusOK, showSimulation(x))
}

// reapplyMapping has the rules of a source worked out anew over everybody.
func (s *Server) reapplyMapping(r *request) error {
	runs, people, err := s.dir.ReapplyMapping(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	return r.json(http.StatusAccepted, struct {
		People int64    `json:"people"`
		Runs   []string `json:"runs"`
	}{people, append([]string{}, runs...)})
}

func showSimulation(x directory.Simulation) simulation {
	out := simulation{
		Version: x.Version, People: x.People, InScope: x.InScope, ComeIn: x.ComeIn, Leave: x.Leave, Change: x.Change, Fail: x.Fail, Warn: x.Warn,
		Unchanged: x.Unchanged, Attributes: x.Attributes, Memberships: x.Memberships, Items: x.Revoked, Products: []lostProduct{}, Named: []simulated{},
	}
	for _, p := range x.Products {
		out.Products = append(out.Products, lostProduct(p))
	}
	for _, p := range x.Named {
		out.Named = append(out.Named, simulated(p))
	}
	if x.Next > 0 {
		out.Next, _ = cursorOf(strconv.FormatInt(x.Next, 10))
	}
	return out
}

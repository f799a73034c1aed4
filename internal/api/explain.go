package api

import (
	"net/http"

	"github.com/workspace-scim/workspace/internal/directory"
)

// explained is a resource that an explanation is about.
type explained struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Display string `json:"display,omitempty"`
	State   string `json:"state"`
}

func showExplained(x *directory.Explained) *explained {
	if x == nil {
		return nil
	}
	return &explained{x.ID, x.Type, x.Display, x.State}
}

// step is one link of the chain of an explanation.
type step struct {
	Step     string         `json:"step"`
	Code     string         `json:"code"`
	Sentence string         `json:"sentence"`
	Values   map[string]any `json:"values"`
	Way      string         `json:"way,omitempty"`
}

func (s *Server) explain(r *request) error {
	q := r.c.QueryParam
	x, err := s.dir.Explain(r.c.Request().Context(), r.actor, directory.ExplainQuery{
		Subject: q("subject"), Source: q("source"), Attribute: q("attribute"), Target: q("target"),
	})
	if err != nil {
		return err
	}
	out := struct {
		Subject   *explained `json:"subject,omitempty"`
		Attribute string     `json:"attribute,omitempty"`
		Target    *explained `json:"target,omitempty"`
		Steps     []step     `json:"steps"`
	}{showExplained(x.Subject), x.Attribute, showExplained(x.Target), []step{}}
	for _, one := range x.Steps {
		out.Steps = append(out.Steps, step(one))
	}
	return r.json(http.StatusOK, out)
}

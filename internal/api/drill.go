package api

import (
	"net/http"
)

// drillResult is what the guard made of one accident.
type drillResult struct {
	Scenario string `json:"scenario"`
	Objects  int64  `json:"objects"`
	Through  int64  `json:"through"`
	Held     int64  `json:"held"`
	Passed   bool   `json:"passed"`
	Why      string `json:"why,omitempty"`
}

// drill feeds accidents to the guard of a source; nothing is changed.
func (s *Server) drill(r *request) error {
	all, err := s.dir.Drill(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	out := struct {
		Passed  bool          `json:"passed"`
		Results []drillResult `json:"results"`
	}{Passed: true}
	for _, x := range all {
		out.Passed = out.Passed && x.Passed()
		out.Results = append(out.Results, drillResult{x.Scenario, x.Objects, x.Through, x.Held, x.Passed(), x.Why})
	}
	return r.json(http.StatusOK, out)
}

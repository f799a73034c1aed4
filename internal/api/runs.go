package api

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// run is a run as it is shown (row H046).
type run struct {
	ID        string          `json:"id"`
	Kind      string          `json:"kind"`
	State     string          `json:"state"`
	Partition string          `json:"partition"`
	Holder    string          `json:"holder"`
	Phase     string          `json:"phase,omitempty"`
	Done      int64           `json:"done"`
	Total     int64           `json:"total"`
	Counts    store.RunCounts `json:"counts"`
	Detail    string          `json:"detail,omitempty"`
	DecidedBy string          `json:"decidedBy,omitempty"`
	StartedAt time.Time       `json:"startedAt"`
	UpdatedAt time.Time       `json:"updatedAt"`
	EndedAt   *time.Time      `json:"endedAt,omitempty"`
	// Seconds is how long it took, or takes up to its last word.
	Seconds  float64    `json:"seconds"`
	NextAt   *time.Time `json:"nextAt,omitempty"`
	PlanHash string     `json:"planHash,omitempty"`
	PlanSize int64      `json:"planSize,omitempty"`
	Version  int64      `json:"version"`
}

func showRun(n store.Run) run {
	out := run{
		ID: n.PublicID, Kind: n.Kind, State: string(n.State), Partition: n.Partition, Holder: n.Holder, Phase: n.Phase, Done: n.Done, Total: n.Total,
		Counts: n.Counts, Detail: n.Detail, DecidedBy: n.DecidedBy, StartedAt: n.StartedAt, UpdatedAt: n.UpdatedAt,
		Seconds: n.UpdatedAt.Sub(n.StartedAt).Seconds(), PlanHash: hex.EncodeToString(n.PlanHash), PlanSize: n.PlanSize, Version: n.Version,
	}
	if !n.EndedAt.IsZero() {
		out.EndedAt = &n.EndedAt
	}
	if !n.NextAt.IsZero() {
		out.NextAt = &n.NextAt
	}
	return out
}

// runFields are what a connector tells about its run.
type runFields struct {
	State  *store.RunState  `json:"state"`
	Phase  *string          `json:"phase"`
	Done   *int64           `json:"done"`
	Total  *int64           `json:"total"`
	Counts *store.RunCounts `json:"counts"`
	Detail *string          `json:"detail"`
	NextAt *time.Time       `json:"nextAt"`
}

func (f runFields) change() directory.RunChange { return directory.RunChange(f) }

func (r *request) run(status int, n store.Run) error {
	r.etag(n.Version)
	return r.json(status, showRun(n))
}

func (s *Server) startRun(r *request) error {
	var body struct {
		Kind string `json:"kind"`
		runFields
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	n, err := s.dir.StartRun(r.c.Request().Context(), r.actor, r.id, body.Kind, body.change())
	if err != nil {
		return err
	}
	r.c.Response().Header().Set("Location", Prefix+"/runs/"+n.PublicID)
	return r.run(http.StatusCreated, n)
}

func (s *Server) listRuns(r *request) error { return s.runsOf(r, "") }

func (s *Server) listSourceRuns(r *request) error {
	return s.runsOf(r, r.id)
}

func (s *Server) runsOf(r *request, source string) error {
	p, before, err := r.numbered()
	if err != nil {
		return err
	}
	state := store.RunState(r.c.QueryParam("state"))
	switch state {
	case "", store.RunQueued, store.RunRunning, store.RunHeld, store.RunApproved, store.RunRejected, store.RunSucceeded, store.RunFailed, store.RunCancelled, store.RunAbandoned:
	default:
		return problem{Status: http.StatusBadRequest, Code: "invalidValue", Attribute: "state", Detail: fmt.Sprintf("%.20q is no state of a run.", string(state))}
	}
	all, err := s.dir.Runs(r.c.Request().Context(), r.actor, source, state, before, p.limit)
	if err != nil {
		return err
	}
	return list(r, p, all, showRun, func(n store.Run) []string { return []string{strconv.FormatInt(n.ID, 10)} })
}

func (s *Server) getRun(r *request) error {
	n, err := s.dir.Run(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	return r.run(http.StatusOK, n)
}

// getSignature gives a run as getRun does, signed, with its source (row H053).
func (s *Server) getSignature(r *request) error {
	ctx := r.c.Request().Context()
	n, err := s.dir.Run(ctx, r.actor, r.id)
	if err != nil {
		return err
	}
	source, err := s.dir.RunSource(ctx, n)
	if err != nil {
		return err
	}
	token, err := s.feed.SignRun(ctx, r.actor.Tenant, r.server(), source, showRun(n))
	if err != nil {
		return err
	}
	return r.respond(http.StatusOK, "application/jwt", []byte(token))
}

func (s *Server) patchRun(r *request) error {
	var body runFields
	if err := r.decode(&body); err != nil {
		return err
	}
	n, err := s.dir.UpdateRun(r.c.Request().Context(), r.actor, r.id, r.ifVersion(), body.change())
	if err != nil {
		return err
	}
	return r.run(http.StatusOK, n)
}

func (s *Server) approveRun(r *request) error {
	var body struct {
		PlanHash string `json:"planHash"`
		Detail   string `json:"detail"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	return s.decide(r, true, body.PlanHash, body.Detail)
}

func (s *Server) rejectRun(r *request) error {
	var body struct {
		Detail string `json:"detail"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	return s.decide(r, false, "", body.Detail)
}

func (s *Server) decide(r *request, approve bool, planHash, detail string) error {
	n, err := s.dir.DecideRun(r.c.Request().Context(), r.actor, r.id, approve, planHash, detail)
	if err != nil {
		return err
	}
	return r.run(http.StatusOK, n)
}

// putPlan takes a plan as it comes: it is never whole in memory.
func (s *Server) putPlan(r *request) error {
	if err := r.bodyType(octets); err != nil {
		return err
	}
	body := http.MaxBytesReader(r.c.Response(), r.c.Request().Body, directory.MaxPlan)
	n, err := s.dir.SavePlan(r.c.Request().Context(), r.actor, r.id, readable{body})
	if err != nil {
		return err
	}
	return r.run(http.StatusOK, n)
}

// readable gives errors of reading a body their meaning.
type readable struct{ io.Reader }

// Read implements io.Reader.
func (b readable) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = unreadable(err)
	}
	return n, err
}

func (s *Server) getPlan(r *request) error {
	begun := false
	return s.dir.Plan(r.c.Request().Context(), r.actor, r.id, func(n store.Run, b []byte) error {
		if !begun {
			begun = true
			r.etag(hex.EncodeToString(n.PlanHash))
			h := r.c.Response().Header()
			h.Set("Content-Type", octets)
			h.Set("Content-Length", strconv.FormatInt(n.PlanSize, 10))
			r.c.Response().WriteHeader(http.StatusOK)
		}
		if r.c.Request().Method == http.MethodHead {
			return nil
		}
		_, err := r.c.Response().Write(b)
		return err
	})
}

func (s *Server) reportObjects(r *request) error {
	var body struct {
		Objects []struct {
			Anchor  string `json:"anchor"`
			Code    string `json:"code"`
			Kind    string `json:"kind"`
			Display string `json:"display"`
			Detail  string `json:"detail"`
			Retry   string `json:"retry"`
		} `json:"objects"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	var all []directory.ObjectReport
	for _, o := range body.Objects {
		all = append(all, directory.ObjectReport(o))
	}
	if err := s.dir.ReportObjects(r.c.Request().Context(), r.actor, r.id, all); err != nil {
		return err
	}
	return r.respond(http.StatusNoContent, "", nil)
}

// depart takes note of objects that their directory has deleted.
func (s *Server) depart(r *request) error {
	var body struct {
		Anchors []string `json:"anchors"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	if err := s.dir.Depart(r.c.Request().Context(), r.actor, r.id, body.Anchors); err != nil {
		return err
	}
	return r.respond(http.StatusNoContent, "", nil)
}

// objectProblem is what is wrong with an object (row H047).
type objectProblem struct {
	Anchor  string    `json:"anchor"`
	Code    string    `json:"code"`
	Kind    string    `json:"kind,omitempty"`
	Display string    `json:"display,omitempty"`
	Detail  string    `json:"detail,omitempty"`
	Retry   string    `json:"retry"`
	Run     string    `json:"run"`
	FirstAt time.Time `json:"firstAt"`
	LastAt  time.Time `json:"lastAt"`
	Count   int64     `json:"count"`
}

func (s *Server) listProblems(r *request) error {
	p, err := r.page(2)
	if err != nil {
		return err
	}
	all, err := s.dir.Problems(r.c.Request().Context(), r.actor, r.id, p.part(0), p.part(1), p.limit)
	if err != nil {
		return err
	}
	return list(r, p, all, showProblem, func(x store.Problem) []string { return []string{x.Anchor, x.Code} })
}

func showProblem(x store.Problem) objectProblem {
	return objectProblem{x.Anchor, x.Code, x.Kind, x.Display, x.Detail, x.Retry, x.Run, x.FirstAt, x.LastAt, x.Count}
}

// findProblems is a POST because the anchors don't fit into a URL.
func (s *Server) findProblems(r *request) error {
	var body struct {
		Anchors []string `json:"anchors"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	all, err := s.dir.ProblemsOf(r.c.Request().Context(), r.actor, r.id, body.Anchors)
	if err != nil {
		return err
	}
	out := listing[objectProblem]{Items: make([]objectProblem, 0, len(all))}
	for _, x := range all {
		out.Items = append(out.Items, showProblem(x))
	}
	return r.json(http.StatusOK, out)
}

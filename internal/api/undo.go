package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
)

// undoStep is what undoing one event takes, or why it can't be undone.
type undoStep struct {
	Event      int64      `json:"event"`
	Type       string     `json:"type"`
	Subject    string     `json:"subject"`
	Do         string     `json:"do"`
	Attributes []string   `json:"attributes,omitempty"`
	Add        int        `json:"add,omitempty"`
	Remove     int        `json:"remove,omitempty"`
	Code       string     `json:"code,omitempty"`
	Detail     string     `json:"detail,omitempty"`
	Newer      *newerFact `json:"newer,omitempty"`
}

// newerFact is an event that stands in the way of an undo.
type newerFact struct {
	Event int64     `json:"event"`
	Type  string    `json:"type"`
	Time  time.Time `json:"time"`
	Run   string    `json:"run,omitempty"`
	Actor string    `json:"actor"`
}

// undoPlan is what undoing a run does, or did, and the run that did it.
type undoPlan struct {
	Run      *run                 `json:"run,omitempty"`
	PlanHash string               `json:"planHash"`
	Counts   directory.UndoCounts `json:"counts"`
	Over     string               `json:"over,omitempty"` // the limit that it is over
	Steps    []undoStep           `json:"steps"`
	Blocked  []undoStep           `json:"blocked"`
}

func showUndo(p *directory.UndoPlan) undoPlan {
	show := func(all []directory.UndoStep) []undoStep {
		out := make([]undoStep, 0, len(all))
		for _, s := range all {
			x := undoStep{s.Event, s.Type, s.Subject, s.Do, s.Attributes, s.Add, s.Remove, s.Code, s.Detail, nil}
			if n := s.Newer; n != nil {
				x.Newer = &newerFact{n.Event, n.Type, n.Time, n.Run, n.Actor}
			}
			out = append(out, x)
		}
		return out
	}
	return undoPlan{nil, p.Hash, p.Counts, p.Over, show(p.Steps), show(p.Blocked)}
}

// undoRun undoes a run, or with dryRun says what that takes. What newer facts
// stand in the way of is listed beside the problem.
func (s *Server) undoRun(r *request) error {
	var body struct {
		SkipNewer bool   `json:"skipNewer"`
		PlanHash  string `json:"planHash"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	n, plan, err := s.dir.UndoRun(r.c.Request().Context(), r.actor, r.id, directory.UndoRequest{SkipNewer: body.SkipNewer, PlanHash: body.PlanHash})
	var refused *directory.UndoRefused
	if errors.As(err, &refused) {
		p, shown := problemOf(err), showUndo(refused.Plan)
		p.Plan = &shown
		return p
	}
	if err != nil {
		return err
	}
	shown := showUndo(plan)
	if r.actor.DryRun {
		return r.json(http.StatusOK, shown)
	}
	done := showRun(n)
	shown.Run = &done
	r.c.Response().Header().Set("Location", Prefix+"/runs/"+n.PublicID)
	return r.json(http.StatusCreated, shown)
}

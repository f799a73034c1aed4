package api

import (
	"net/http"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// feature is a feature as it is shown (row A005).
type feature struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// Tenant is what the tenant was told, null for nothing; Server what holds
	// then.
	Tenant *bool `json:"tenant"`
	Server bool  `json:"server"`
}

func (r *request) features(all []directory.Feature, err error) error {
	if err != nil {
		return err
	}
	out := listing[feature]{Items: make([]feature, 0, len(all))}
	for _, f := range all {
		out.Items = append(out.Items, feature(f))
	}
	return r.json(http.StatusOK, out)
}

func (s *Server) listFeatures(r *request) error {
	return r.features(s.dir.Features(r.c.Request().Context(), r.actor))
}

// patchFeatures takes true, false or null for each feature by its name.
func (s *Server) patchFeatures(r *request) error {
	change := map[string]*bool{}
	if err := r.decode(&change); err != nil {
		return err
	}
	return r.features(s.dir.SetFeatures(r.c.Request().Context(), r.actor, change))
}

// job is a job as it is shown; interval is in seconds.
type job struct {
	Kind     string     `json:"kind"`
	State    string     `json:"state"` // disabled or enabled
	Enabled  bool       `json:"enabled"`
	Interval int64      `json:"interval"`
	LastRun  string     `json:"lastRun,omitempty"`
	NextAt   *time.Time `json:"nextAt,omitempty"`
}

func showJob(j store.Job) job {
	out := job{Kind: j.Kind, State: "disabled", Enabled: j.Enabled, Interval: int64(j.Interval / time.Second), LastRun: j.LastRun}
	if j.Enabled {
		out.State, out.NextAt = "enabled", &j.NextAt
	}
	return out
}

func (s *Server) listJobs(r *request) error {
	all, err := s.dir.Jobs(r.c.Request().Context(), r.actor)
	if err != nil {
		return err
	}
	out := listing[job]{Items: make([]job, 0, len(all))}
	for _, j := range all {
		out.Items = append(out.Items, showJob(j))
	}
	return r.json(http.StatusOK, out)
}

func (s *Server) patchJob(r *request) error {
	var body struct {
		Enabled  *bool  `json:"enabled"`
		Interval *int64 `json:"interval"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	c := directory.JobChange{Enabled: body.Enabled}
	if body.Interval != nil {
		most := int64(directory.MaxInterval / time.Second)
		interval := time.Duration(min(max(*body.Interval, 0), most+1)) * time.Second
		c.Interval = &interval
	}
	j, err := s.dir.SetJob(r.c.Request().Context(), r.actor, r.id, c)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, showJob(j))
}

// assignment is a difference between an item and its group.
type assignment struct {
	User    string `json:"user"`
	Display string `json:"display"`
	Reason  string `json:"reason"`
	Detail  string `json:"detail"`
}

// reconcileItem queues a comparison, or makes a preview of it.
func (s *Server) reconcileItem(r *request) error {
	n, differences, err := s.dir.ReconcileItem(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	if !r.actor.DryRun {
		r.c.Response().Header().Set("Location", Prefix+"/runs/"+n.PublicID)
		return r.run(http.StatusAccepted, n)
	}
	out := struct {
		run
		Differences []assignment `json:"differences"`
	}{showRun(n), make([]assignment, 0, len(differences))}
	for _, d := range differences {
		out.Differences = append(out.Differences, assignment{d.User, d.Display, d.Reason, d.Detail})
	}
	return r.json(http.StatusOK, out)
}

package inbound

import (
	"net/http"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// principal is a source as a service principal of Graph. Its id and its appId are
// the source's id, which is its OAuth client_id too.
type principal struct {
	ID             string `json:"id"`
	AppID          string `json:"appId"`
	DisplayName    string `json:"displayName"`
	AccountEnabled bool   `json:"accountEnabled"`
	Type           string `json:"servicePrincipalType"`
}

func showPrincipal(s store.Source) principal {
	name := s.DisplayName
	if name == "" {
		name = s.Name
	}
	return principal{ID: s.PublicID, AppID: s.PublicID, DisplayName: name, AccountEnabled: s.Mode != store.ModeDisabled, Type: "Application"}
}

// listPrincipals answers which sources the token sees, with a filter on id, appId
// and displayName. All properties are given, whatever $select asks for.
func (s *Server) listPrincipals(r *request) error {
	match, err := r.filter(map[string]operators{"id": equality, "appid": equality, "displayname": equality})
	if err != nil {
		return err
	}
	all, err := s.dir.UploadSources(r.c.Request().Context(), r.actor)
	if err != nil {
		return err
	}
	out := collection[principal]{Context: r.context("servicePrincipals"), Value: []principal{}}
	for _, source := range all {
		p := showPrincipal(source)
		if match.fits(map[string]string{"id": p.ID, "appid": p.AppID, "displayname": p.DisplayName}) {
			out.Value = append(out.Value, p)
		}
	}
	return r.json(http.StatusOK, out)
}

func (s *Server) getPrincipal(r *request) error {
	source, err := r.source()
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, struct {
		Context string `json:"@odata.context"`
		principal
	}{r.context("servicePrincipals/$entity"), showPrincipal(source)})
}

// jobID names the job of a source in the form that Graph's have:
// API2AAD.<32 hexadecimal digits>.<UUID>.
func jobID(s store.Source) string {
	return "API2AAD." + strings.ReplaceAll(s.PublicID, "-", "") + "." + s.PublicID
}

// job is the work on a source's uploads as a synchronization job of Graph.
type job struct {
	ID         string   `json:"id"`
	TemplateID string   `json:"templateId"`
	Schedule   schedule `json:"schedule"`
	Status     status   `json:"status"`
}

type schedule struct {
	Interval string `json:"interval"`
	State    string `json:"state"` // Active or Paused
}

// status is Active or Paused and nothing that Graph doesn't know: some of its SDKs
// take no answer with such a word.
type status struct {
	Code string `json:"code"`
	// Waiting is ours: how many records wait, at most 10000.
	Waiting       int        `json:"waitingRecords"`
	LastExecution *execution `json:"lastExecution,omitempty"`
}

type execution struct {
	ActivityIdentifier string     `json:"activityIdentifier"`
	State              string     `json:"state,omitempty"` // Succeeded, EntryLevelErrors or Failed; none until it ends
	TimeBegan          time.Time  `json:"timeBegan"`
	TimeEnded          *time.Time `json:"timeEnded,omitempty"`
}

func showJob(j directory.UploadJob) job {
	out := job{
		ID: jobID(j.Source), TemplateID: "API2AAD", Schedule: schedule{Interval: "PT1S", State: "Active"}, Status: status{Code: "Active", Waiting: j.Waiting},
	}
	if j.Paused || j.Source.Mode == store.ModeDisabled {
		out.Schedule.State, out.Status.Code = "Paused", "Paused"
	}
	if n := j.Last; n.PublicID != "" {
		out.Status.LastExecution = &execution{ActivityIdentifier: n.PublicID, State: executionState(n), TimeBegan: n.StartedAt}
		if !n.EndedAt.IsZero() {
			out.Status.LastExecution.TimeEnded = &n.EndedAt
		}
	}
	return out
}

func executionState(n store.Run) string {
	switch {
	case n.State.Open():
		return ""
	case n.State != store.RunSucceeded:
		return "Failed"
	case n.Counts.Failed > 0:
		return "EntryLevelErrors"
	}
	return "Succeeded"
}

func (s *Server) listJobs(r *request) error {
	source, err := r.source()
	if err != nil {
		return err
	}
	j, err := s.dir.UploadJob(r.c.Request().Context(), r.actor, source)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, collection[job]{Context: r.context("servicePrincipals('" + source.PublicID + "')/synchronization/jobs"), Value: []job{showJob(j)}})
}

func (s *Server) getJob(r *request) error {
	source, err := r.job()
	if err != nil {
		return err
	}
	j, err := s.dir.UploadJob(r.c.Request().Context(), r.actor, source)
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, struct {
		Context string `json:"@odata.context"`
		job
	}{r.context("servicePrincipals('" + source.PublicID + "')/synchronization/jobs/$entity"), showJob(j)})
}

func (s *Server) startJob(r *request) error { return s.setPaused(r, false) }

func (s *Server) pauseJob(r *request) error { return s.setPaused(r, true) }

func (s *Server) setPaused(r *request, paused bool) error {
	source, err := r.job()
	if err != nil {
		return err
	}
	if err := s.dir.PauseUploads(r.c.Request().Context(), r.actor, source, paused); err != nil {
		return err
	}
	r.c.Response().WriteHeader(http.StatusNoContent)
	return nil
}

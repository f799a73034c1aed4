package api

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// source is a source as it is shown.
type source struct {
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	DisplayName     string         `json:"displayName"`
	Kind            string         `json:"kind"`
	DirectoryDomain string         `json:"directoryDomain,omitempty"`
	Mode            string         `json:"mode"`
	CreatedAt       time.Time      `json:"createdAt"`
	Configuration   *configuration `json:"configuration,omitempty"`
	Pending         *pendingTotal  `json:"pending,omitempty"`
	LastRun         *run           `json:"lastRun,omitempty"`
	NextRunAt       *time.Time     `json:"nextRunAt,omitempty"`
	// Limits are those by which what it pushes is judged, with the defaults.
	Limits reconcile.Limits `json:"limits"`
}

// configuration is a version of a source's configuration.
type configuration struct {
	Version   int64           `json:"version"`
	Hash      string          `json:"hash"` // SHA-256 of document, which is canonical, in hex
	By        string          `json:"by"`
	CreatedAt time.Time       `json:"createdAt"`
	Document  json.RawMessage `json:"document"`
}

type pendingTotal struct {
	Count int64  `json:"count"`
	Hash  string `json:"hash"`
}

func showSource(x directory.SourceState) source {
	s := x.Source
	out := source{
		ID: s.PublicID, Name: s.Name, DisplayName: s.DisplayName, Kind: string(s.Kind), DirectoryDomain: s.DirectoryDomain,
		Mode: string(s.Mode), CreatedAt: s.CreatedAt, Limits: x.Limits,
	}
	if out.DisplayName == "" {
		out.DisplayName = s.Name
	}
	if x.Configuration != nil {
		c := showConfiguration(*x.Configuration)
		out.Configuration = &c
	}
	if s.Mode == store.ModeStaging {
		out.Pending = &pendingTotal{x.Pending.Count, x.Pending.Hash}
	}
	if x.LastRun != nil {
		n := showRun(*x.LastRun)
		out.LastRun, out.NextRunAt = &n, n.NextAt
	}
	return out
}

func showConfiguration(c store.Configuration) configuration {
	return configuration{Version: c.Version, Hash: hex.EncodeToString(c.Hash), By: c.By, CreatedAt: c.CreatedAt, Document: c.Document}
}

// listSources leaves the documents of the configurations out.
func (s *Server) listSources(r *request) error {
	p, after, err := r.numbered()
	if err != nil {
		return err
	}
	all, err := s.dir.SourceStates(r.c.Request().Context(), r.actor, after, p.limit)
	if err != nil {
		return err
	}
	show := func(x directory.SourceState) source {
		out := showSource(x)
		if out.Configuration != nil {
			out.Configuration.Document = json.RawMessage("null")
		}
		return out
	}
	return list(r, p, all, show, func(x directory.SourceState) []string { return []string{strconv.FormatInt(x.Source.ID, 10)} })
}

func (s *Server) getSource(r *request) error {
	state, err := s.dir.SourceState(r.c.Request().Context(), r.actor, r.id)
	if err != nil {
		return err
	}
	return r.source(state)
}

func (r *request) source(state directory.SourceState) error {
	r.etag(state.Tag())
	return r.json(http.StatusOK, showSource(state))
}

func (s *Server) patchSource(r *request) error {
	var body struct {
		DisplayName          *string         `json:"displayName"`
		Mode                 *store.Mode     `json:"mode"`
		Configuration        json.RawMessage `json:"configuration"`
		Limits               json.RawMessage `json:"limits"`
		ConfigurationVersion int64           `json:"configurationVersion"`
		Confirm              string          `json:"confirm"`
	}
	if err := r.decode(&body); err != nil {
		return err
	}
	state, err := s.dir.ChangeSource(r.c.Request().Context(), r.actor, r.id, r.ifMatch(), directory.SourceChange{
		DisplayName: body.DisplayName, Mode: body.Mode, Configuration: body.Configuration, Limits: body.Limits, Version: body.ConfigurationVersion, Confirm: body.Confirm,
	})
	if err != nil {
		return err
	}
	return r.source(state)
}

func (s *Server) listVersions(r *request) error {
	p, before, err := r.numbered()
	if err != nil {
		return err
	}
	// A version is up to 256 KiB.
	p.limit = min(p.limit, 20)
	all, err := s.dir.Configurations(r.c.Request().Context(), r.actor, r.id, before, p.limit)
	if err != nil {
		return err
	}
	return list(r, p, all, showConfiguration, func(c store.Configuration) []string { return []string{strconv.FormatInt(c.Version, 10)} })
}

// pending is what a source in staging would have changed of one object.
type pending struct {
	Key     string          `json:"key"`
	At      time.Time       `json:"at"`
	Changes json.RawMessage `json:"changes"`
}

func (s *Server) listPending(r *request) error {
	p, err := r.page(1)
	if err != nil {
		return err
	}
	all, sum, err := s.dir.Pending(r.c.Request().Context(), r.actor, r.id, p.part(0), p.limit)
	if err != nil {
		return err
	}
	show := func(x store.Pending) pending { return pending{x.Key, x.At, x.Changes} }
	items, err := listed(p, all, show, func(x store.Pending) []string { return []string{x.Key} })
	if err != nil {
		return err
	}
	return r.json(http.StatusOK, struct {
		pendingTotal
		listing[pending]
	}{pendingTotal{sum.Count, sum.Hash}, items})
}

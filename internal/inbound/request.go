package inbound

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// Keys under which the edge finds who spoke, for its log line. They are those of
// the SCIM endpoint.
const (
	contextTenant = "scim.tenant"
	contextSource = "scim.source"
)

// request is one request on its way.
type request struct {
	s       *Server
	c       echo.Context
	version string
	actor   directory.Actor
}

// txn is the request's id, which joins events and log lines.
func (r *request) txn() string { return r.c.Response().Header().Get(echo.HeaderXRequestID) }

// maxClientID bounds the id that a client gives its request.
const maxClientID = 64

// identify sets the headers by which Graph names a request.
func (r *request) identify() {
	h := r.c.Response().Header()
	h.Set("Cache-Control", "no-store")
	h.Set("request-id", r.txn())
	own := r.c.Request().Header.Get("client-request-id")
	plain := own != "" && len(own) <= maxClientID && strings.Trim(own, "-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	if !plain {
		own = r.txn()
	}
	h.Set("client-request-id", own)
}

// authenticate finds the actor by the bearer token (RFC 6750 §2.1).
func (r *request) authenticate() error {
	p, err := r.s.dir.Authenticate(r.c.Request().Context(), directory.Bearer(r.c.Request().Header.Get("Authorization")))
	if err != nil {
		return err
	}
	r.actor = directory.NewActor(p, r.txn())
	r.c.Set(contextTenant, p.Tenant.Slug)
	r.c.Set(contextSource, p.Source.Name)
	if !r.s.rates.Allow(p.Source.ID) {
		return tooFast(1)
	}
	return nil
}

// base is the URL under which this client reaches the door, with the version.
func (r *request) base() string {
	if r.s.baseURL != "" {
		return r.s.baseURL + r.version
	}
	return r.c.Scheme() + "://" + r.c.Request().Host + r.version
}

// source gives the source that the path names by its id or its name. Another
// one's, and none at all, are told alike: the path and the token don't belong
// together (row E060).
func (r *request) source() (store.Source, error) {
	name, err := url.PathUnescape(r.c.Param("source"))
	if err != nil {
		return store.Source{}, notYours()
	}
	all, err := r.s.dir.UploadSources(r.c.Request().Context(), r.actor)
	if err != nil {
		return store.Source{}, err
	}
	for _, s := range all {
		if strings.EqualFold(s.PublicID, name) || s.Name == name {
			return s, nil
		}
	}
	return store.Source{}, notYours()
}

// job is source for a path that names the job too.
func (r *request) job() (store.Source, error) {
	s, err := r.source()
	if err != nil {
		return s, err
	}
	name, err := url.PathUnescape(r.c.Param("job"))
	if err != nil || !strings.EqualFold(name, jobID(s)) {
		return store.Source{}, notYours()
	}
	return s, nil
}

// json answers a value as JSON.
func (r *request) json(status int, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	h := r.c.Response().Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	r.c.Response().WriteHeader(status)
	if r.c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := r.c.Response().Write(b.Bytes())
	return err
}

// collection is a list as OData gives it.
type collection[T any] struct {
	Context string `json:"@odata.context"`
	Value   []T    `json:"value"`
	Next    string `json:"@odata.nextLink,omitempty"`
}

func (r *request) context(path string) string { return r.base() + "/$metadata#" + path }

package scim

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// Keys under which the edge finds who spoke, for its log line.
const (
	ContextTenant = "scim.tenant"
	ContextSource = "scim.source"
)

// authenticate finds the actor by the bearer token (RFC 6750 §2.1). Everything
// under Prefix needs one: what is announced depends on the tenant. A token that
// is recognized counts, unless the request is careful, as what it stood for
// last; the database says whether it does still when it is asked for something.
func (r *request) authenticate() error {
	token := r.token()
	p, known := r.s.dir.Recognize(token)
	if !known || r.careful {
		var err error
		if p, err = r.s.dir.Authenticate(r.c.Request().Context(), token); err != nil {
			return err
		}
		p.Stamp = 0
	}
	r.actor = directory.NewActor(p, r.c.Response().Header().Get(echo.HeaderXRequestID))
	r.actor.Stamp = p.Stamp
	r.c.Set(ContextTenant, p.Tenant.Slug)
	r.c.Set(ContextSource, p.Source.Name)
	h := r.c.Request().Header
	return r.actor.Claim(h.Get(directory.LeaseHeader), h.Get(directory.RunHeader))
}

func (r *request) token() string {
	return directory.Bearer(r.c.Request().Header.Get("Authorization"))
}

// confirmed is for handlers that answer without the database, or ask it in
// several transactions.
func confirmed(h func(*request) error) func(*request) error {
	return func(r *request) error {
		if r.actor.Stamp != 0 {
			r.careful = true
			if err := r.authenticate(); err != nil {
				return err
			}
			if err := r.loadSchema(); err != nil {
				return err
			}
		}
		return h(r)
	}
}

// outdated says whether a request failed because something about tenants,
// sources, tokens or custom attributes is not as it was remembered. Nothing was
// done then, and it can begin again.
func (r *request) outdated(err error) bool {
	switch {
	case r.c.Response().Committed, errors.Is(err, store.ErrUncertain):
		return false
	case errors.Is(err, document.ErrUndeclared), errors.Is(err, store.ErrStale):
		return true
	case r.actor.Stamp == 0:
		return false
	}
	p, refused := r.s.dir.Authenticate(r.c.Request().Context(), r.token())
	var auth *directory.AuthError
	var rule *directory.Violation
	if errors.As(refused, &auth) || errors.As(refused, &rule) {
		return true
	}
	return refused == nil && p.Stamp != r.actor.Stamp
}

// challenge names the scheme, and the error where a token came (RFC 6750 §3).
func challenge(h http.Header, f failure) {
	v := `Bearer realm="scim"`
	if f.reason != string(directory.AuthMissing) {
		v += `, error="invalid_token"`
	}
	h.Set("WWW-Authenticate", v)
}

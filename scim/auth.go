package scim

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/directory"
)

// Keys under which the edge finds who spoke, for its log line.
const (
	ContextTenant = "scim.tenant"
	ContextSource = "scim.source"
)

// authenticate finds the actor by the bearer token (RFC 6750 §2.1). Everything
// under Prefix needs one: what is announced depends on the tenant.
func (r *request) authenticate() error {
	req := r.c.Request()
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	p, err := r.s.dir.Authenticate(req.Context(), strings.TrimSpace(token))
	if err != nil {
		return err
	}
	r.actor = directory.NewActor(p, r.c.Response().Header().Get(echo.HeaderXRequestID))
	r.c.Set(ContextTenant, p.Tenant.Slug)
	r.c.Set(ContextSource, p.Source.Name)
	return nil
}

// challenge names the scheme, and the error where a token came (RFC 6750 §3).
func challenge(h http.Header, f failure) {
	v := `Bearer realm="scim"`
	if f.reason != string(directory.AuthMissing) {
		v += `, error="invalid_token"`
	}
	h.Set("WWW-Authenticate", v)
}

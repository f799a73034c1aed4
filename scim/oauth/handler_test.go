package oauth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

func secretForm(id, secret string) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
}

func TestClientSecretInTheFormBuysAToken(t *testing.T) {
	f := newFixture(t)
	for _, secret := range []string{"first secret", "second+secret%"} {
		wantToken(t, f.post(secretForm(clientID, secret), nil))
	}
	if len(f.core.issued) != 2 {
		t.Fatalf("issued %d tokens, want 2", len(f.core.issued))
	}
	got := f.core.issued[1]
	if got.Tenant != 3 || got.Source != 7 || got.Prefix != "ws_s2222" || got.Expires != time.Hour ||
		!got.NotAfter.Equal(f.clock.t.Add(10*time.Minute)) {
		t.Errorf("issued for %+v", got)
	}
}

func TestClientSecretByBasicIsFormDecoded(t *testing.T) {
	f := newFixture(t)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.SetBasicAuth(url.QueryEscape(clientID), url.QueryEscape("second+secret%"))
	w := f.post(url.Values{"grant_type": {"client_credentials"}}, http.Header{"Authorization": r.Header["Authorization"]})
	wantToken(t, w)
}

func TestTokenRequestsThatAreRefused(t *testing.T) {
	basic := func(user, password string) http.Header {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.SetBasicAuth(user, password)
		return http.Header{"Authorization": r.Header["Authorization"]}
	}
	with := func(v url.Values, name string, values ...string) url.Values { v[name] = values; return v }
	ok := func() url.Values { return secretForm(clientID, "first secret") }
	grant := url.Values{"grant_type": {"client_credentials"}}
	for name, c := range map[string]struct {
		form   url.Values
		header http.Header
		status int
		code   string
	}{
		"wrong secret":                {secretForm(clientID, "x"), nil, 401, "invalid_client"},
		"another client's secret":     {secretForm(subject, "first secret"), nil, 401, "invalid_client"},
		"empty secret":                {secretForm(clientID, ""), nil, 401, "invalid_client"},
		"no client":                   {grant, nil, 401, "invalid_client"},
		"no grant type":               {with(ok(), "grant_type"), nil, 400, "invalid_request"},
		"empty grant type":            {with(ok(), "grant_type", ""), nil, 400, "invalid_request"},
		"another grant type":          {with(ok(), "grant_type", "password"), nil, 400, "unsupported_grant_type"},
		"a parameter twice":           {with(ok(), "client_id", clientID, clientID), nil, 400, "invalid_request"},
		"secret and assertion":        {with(with(ok(), "client_assertion", "x"), "client_assertion_type", assertionJWT), nil, 400, "invalid_request"},
		"secret and basic":            {ok(), basic(clientID, "first secret"), 400, "invalid_request"},
		"basic of another client":     {with(url.Values{"grant_type": {"client_credentials"}}, "client_id", "x"), basic(clientID, "first secret"), 400, "invalid_request"},
		"basic without a secret":      {grant, basic(clientID, ""), 401, "invalid_client"},
		"basic that isn't encoded":    {grant, basic(clientID, "%zz"), 401, "invalid_client"},
		"a bearer token":              {grant, http.Header{"Authorization": {"Bearer x"}}, 401, "invalid_client"},
		"assertion of unknown type":   {with(with(grant2(), "client_assertion", "x"), "client_assertion_type", "saml"), nil, 400, "invalid_request"},
		"assertion without a type":    {with(grant2(), "client_assertion", "x"), nil, 400, "invalid_request"},
		"assertion type alone":        {with(grant2(), "client_assertion_type", assertionJWT), nil, 401, "invalid_client"},
		"JSON instead of a form":      {ok(), http.Header{"Content-Type": {"application/json"}}, 400, "invalid_request"},
		"no content type":             {ok(), http.Header{"Content-Type": {""}}, 400, "invalid_request"},
		"a body larger than the most": {with(ok(), "scope", strings.Repeat("x", maxBody)), nil, 413, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			wantError(t, f.post(c.form, c.header), c.status, c.code)
			if len(f.core.issued) != 0 {
				t.Error("a token was issued")
			}
		})
	}
}

func grant2() url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {clientID}}
}

func TestCredentialsInTheURLAreIgnored(t *testing.T) {
	f := newFixture(t)
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token?"+secretForm(clientID, "first secret").Encode(), strings.NewReader(""))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	f.h.ServeHTTP(w, r)
	wantError(t, w, 400, "invalid_request")
}

func TestOnlyPOSTIsTaken(t *testing.T) {
	f := newFixture(t)
	w := httptest.NewRecorder()
	f.h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/oauth2/token", nil))
	wantError(t, w, 405, "invalid_request")
	if got := w.Header().Get("Allow"); got != "POST" {
		t.Errorf("Allow %q", got)
	}
}

func TestUnavailableDatabaseIs503WithRetryAfter(t *testing.T) {
	f := newFixture(t)
	var log strings.Builder
	f.h.log = slog.New(slog.NewTextHandler(&log, nil))
	for _, err := range []error{store.ErrUnavailable, context.DeadlineExceeded, context.Canceled} {
		f.core.err = err
		w := f.post(secretForm(clientID, "first secret"), nil)
		wantError(t, w, 503, "temporarily_unavailable")
		if w.Header().Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
}

func TestLogOfAFaultHoldsNothingThatTheClientSent(t *testing.T) {
	f := newFixture(t)
	var log strings.Builder
	f.h.log = slog.New(slog.NewTextHandler(&log, nil))
	const secret = "first secret"
	f.core.err = fmt.Errorf("converting %q to an id: invalid syntax", secret)
	wantError(t, f.post(secretForm(clientID, secret), nil), 500, "server_error")
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "invalid syntax") || strings.Contains(text, secret) {
		t.Errorf("logged: %s", text)
	}
}

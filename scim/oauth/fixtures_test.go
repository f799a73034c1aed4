package oauth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// What the fixture's federation pins.
const (
	clientID = "01890a5d-ac96-774b-bcce-b302099a8057"
	tid      = "ce5f061f-abe6-4e40-9615-301f87bcb7f0"
	issuer   = "https://login.microsoftonline.com/" + tid + "/v2.0"
	audience = "api://b5ba7a93-4452-4522-aeb4-a2b5da870c16"
	subject  = "d2f8ee76-c549-45b8-a143-f5b640669704"
)

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// core is a directory with one source and two client secrets.
type core struct {
	federations []store.Federation
	secrets     map[string]store.Token
	err         error // of each look for a secret
	issued      []directory.AccessSpec
}

var _ Directory = (*core)(nil)

func (c *core) source() store.Source { return store.Source{ID: 7, Tenant: 3, PublicID: clientID} }

func (c *core) AuthenticateClient(_ context.Context, id, secret string) (store.Principal, error) {
	if c.err != nil {
		return store.Principal{}, c.err
	}
	t, ok := c.secrets[secret]
	if !ok || id != clientID {
		return store.Principal{}, &directory.AuthError{Reason: directory.AuthUnknown, Detail: `The token is "unknown".`}
	}
	return store.Principal{Token: t, Tenant: store.Tenant{ID: 3}, Source: c.source()}, nil
}

func (c *core) Client(_ context.Context, id string) (store.Source, []store.Federation, error) {
	if id != clientID {
		return store.Source{}, nil, &directory.AuthError{Reason: directory.AuthUnknown, Detail: "The client is unknown."}
	}
	return c.source(), c.federations, nil
}

func (c *core) IssueAccessToken(_ context.Context, spec directory.AccessSpec) (string, time.Duration, error) {
	c.issued = append(c.issued, spec)
	return "ws_a-issued", spec.Expires, nil
}

// issuerServer publishes a key set that a test can change.
type issuerServer struct {
	*httptest.Server
	mu      sync.Mutex
	body    []byte
	status  int
	fetches int
}

func newIssuer(t *testing.T) *issuerServer {
	s := &issuerServer{status: http.StatusOK}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fetches++
		if s.status == http.StatusFound {
			w.Header().Set("Location", s.URL+"/elsewhere")
		}
		w.WriteHeader(s.status)
		_, _ = w.Write(s.body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *issuerServer) publish(t *testing.T, keys ...jose.JSONWebKey) {
	t.Helper()
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	s.answer(http.StatusOK, body)
}

func (s *issuerServer) answer(status int, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.body = status, body
}

func (s *issuerServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetches
}

// keys are made once: generating RSA keys is slow.
var testKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var keys [2]*rsa.PrivateKey
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

func public(kid string, key *rsa.PrivateKey) jose.JSONWebKey {
	return jose.JSONWebKey{Key: &key.PublicKey, KeyID: kid, Algorithm: "RS256", Use: "sig"}
}

// fixture is a handler with its neighbours.
type fixture struct {
	t      *testing.T
	clock  *clock
	core   *core
	issuer *issuerServer
	h      *Handler
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: &clock{t: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}, issuer: newIssuer(t)}
	f.issuer.publish(t, public("k1", testKeys()[0]))
	f.core = &core{
		secrets: map[string]store.Token{
			"first secret":   {Prefix: "ws_s1111"},
			"second+secret%": {Prefix: "ws_s2222", ExpiresAt: f.clock.t.Add(10 * time.Minute)},
		},
		federations: []store.Federation{{
			Source: 7, Issuer: issuer, TenantID: tid, Audience: audience, Subject: subject, KeysURL: f.issuer.URL,
		}},
	}
	f.h = New(Config{Directory: f.core, Clock: f.clock})
	return f
}

// claimsNow are what Entra's JWT says.
func (f *fixture) claimsNow() map[string]any {
	now := f.clock.Now().Unix()
	return map[string]any{
		"iss": issuer, "aud": audience, "sub": subject, "oid": subject, "tid": tid,
		"iat": now, "nbf": now, "exp": now + 3900, "ver": "2.0",
	}
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, kid string, key any, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		options = options.WithHeader("kid", kid)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	s, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// assert buys a token with an assertion.
func (f *fixture) assert(assertion string) *httptest.ResponseRecorder {
	return f.post(url.Values{
		"grant_type": {"client_credentials"}, "client_id": {clientID}, "scope": {"scim"},
		"client_assertion_type": {assertionJWT}, "client_assertion": {assertion},
	}, nil)
}

func (f *fixture) post(form url.Values, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	f.h.ServeHTTP(w, r)
	return w
}

// wantError checks an answer of RFC 6749 §5.2.
func wantError(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	var body struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	if w.Code != status || body.Error != code {
		t.Errorf("got %d %s (%s), want %d %s", w.Code, body.Error, body.Description, status, code)
	}
	if strings.ContainsAny(body.Description, `"\`) || body.Description == "" {
		t.Errorf("error_description %q isn't of RFC 6749 §5.2", body.Description)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if w.Code == http.StatusUnauthorized && w.Header().Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
}

func wantToken(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("got %d %s, want a token", w.Code, w.Body)
	}
	want := `{"access_token":"ws_a-issued","token_type":"Bearer","expires_in":3600}` + "\n"
	if got := w.Body.String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
}

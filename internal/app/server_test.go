package app_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

func TestServerAnswersOnBothDatabases(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		a := apptest.Start(t, apptest.On(database))
		for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
			if r := get(t, a, path); r.Status != 200 || string(r.Text) != want {
				t.Errorf("%s: %d %q", path, r.Status, r.Text)
			}
		}
		for _, token := range []string{a.Token, a.AdminToken} {
			if r := a.Do("GET", "/Users", token, ""); r.Status != 200 || r.Body["totalResults"] != 0.0 {
				t.Errorf("users: %d %s", r.Status, r.Text)
			}
		}
	})
}

func TestW023WrongTokenIs401WithADistinctDetail(t *testing.T) {
	a := apptest.Start(t)
	revoked := a.AddSource(store.SourceAPI, "revoked")
	disabled := a.AddSource(store.SourceAPI, "disabled")
	if err := a.Directory.RevokeToken(t.Context(), "test", apptest.Tenant, revoked[:8]); err != nil {
		t.Fatal(err)
	}
	if err := a.Directory.DisableSource(t.Context(), "test", apptest.Tenant, "disabled"); err != nil {
		t.Fatal(err)
	}
	details := map[string]string{}
	for name, token := range map[string]string{
		"none": "", "unknown": "secret", "revoked": revoked, "disabled": disabled,
	} {
		r := a.Do("GET", "/Users", token, "")
		detail, _ := r.Body["detail"].(string)
		if r.Status != 401 || detail == "" || !strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Bearer") {
			t.Errorf("%s token: %d %s", name, r.Status, r.Text)
		}
		for other, d := range details {
			if d == detail {
				t.Errorf("%s and %s token have the same detail %q", name, other, d)
			}
		}
		details[name] = detail
	}
}

func TestH049SyncTokenIs403UntilTheTenantIsEnabled(t *testing.T) {
	a := apptest.Start(t)
	if _, err := a.Directory.DisableTenant(t.Context(), "test", apptest.Tenant); err != nil {
		t.Fatal(err)
	}
	r := a.Do("GET", "/Users", a.Token, "")
	if r.Status != 403 || !strings.Contains(string(r.Text), "syncNotEnabled") {
		t.Errorf("got %d %s", r.Status, r.Text)
	}
	if r := a.Do("GET", "/Users", a.AdminToken, ""); r.Status != 200 {
		t.Errorf("admin token: %d %s", r.Status, r.Text)
	}
	if _, err := a.Directory.EnableTenant(t.Context(), "test", apptest.Tenant); err != nil {
		t.Fatal(err)
	}
	if r := a.Do("GET", "/Users", a.Token, ""); r.Status != 200 {
		t.Errorf("after enabling: %d %s", r.Status, r.Text)
	}
}

func TestClientSecretBuysAnAccessTokenThatWorks(t *testing.T) {
	a := apptest.Start(t)
	secret, _, err := a.Directory.AddToken(t.Context(), "test", directory.TokenSpec{
		Tenant: apptest.Tenant, Source: apptest.Source, Kind: store.TokenSecret,
	})
	if err != nil {
		t.Fatal(err)
	}
	sources, err := a.Directory.Sources(t.Context(), apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {sources[1].PublicID}, "client_secret": {secret}}
	req, err := http.NewRequest(http.MethodPost, a.URL+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r := a.Send(req)
	token, _ := r.Body["access_token"].(string)
	if r.Status != 200 || r.Body["expires_in"] != 3600.0 {
		t.Fatalf("token endpoint: %d", r.Status)
	}
	if r := a.Do("GET", "/Users", token, ""); r.Status != 200 {
		t.Errorf("with the access token: %d %s", r.Status, r.Text)
	}
	if r := a.Do("GET", "/Users", secret, ""); r.Status != 401 {
		t.Errorf("with the client secret: %d", r.Status)
	}
	for _, s := range []string{secret, token} {
		if strings.Contains(a.Log.String(), s[8:]) {
			t.Error("a secret is in the log")
		}
	}
}

func TestShutdownAnswersTheRequestInFlightAndClosesTheStore(t *testing.T) {
	a := apptest.Start(t)
	body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@contoso.com","name":{"givenName":"Ada","familyName":"L"}}`
	conn, err := net.Dial("tcp", strings.TrimPrefix(a.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Half a request: the server has read the header and waits for the rest.
	fmt.Fprintf(conn, "POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nExpect: 100-continue\r\nContent-Type: application/scim+json\r\nContent-Length: %d\r\n\r\n", a.Token, len(body))
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, "100") {
		t.Fatalf("before the body: %q %v", line, err)
	}
	if _, err := in.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- a.Stop() }()
	waitUntilRefused(t, strings.TrimPrefix(a.URL, "http://"))
	if _, err := io.WriteString(conn, body); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("request in flight: %d", resp.StatusCode)
	}
	if err := <-stopped; err != nil {
		t.Errorf("shutdown: %v", err)
	}

	again := apptest.Start(t, apptest.On(a.Database), apptest.Bare())
	if r := again.Do("GET", "/Users", a.Token, ""); r.Body["totalResults"] != 1.0 {
		t.Errorf("after the restart: %d %s", r.Status, r.Text)
	}
}

// waitUntilRefused waits until the server takes no new connections.
func waitUntilRefused(t *testing.T, address string) {
	t.Helper()
	for t.Context().Err() == nil {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatal("the server goes on listening")
}

func TestSecondServerOnOneSQLiteFileIsRefused(t *testing.T) {
	a := apptest.Start(t)
	_, err := app.New(t.Context(), app.Database{Database: a.Database}, app.Config{Listen: "127.0.0.1:0"}, app.Options{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Fatal("a second server started")
	}
}

func TestConfigurationNamesTheFieldThatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*app.Config){
		"listen":            func(c *app.Config) { c.Listen = "8080" },
		"base-url":          func(c *app.Config) { c.BaseURL = "scim.contoso.com" },
		"tls-cert":          func(c *app.Config) { c.TLSCert = "cert.pem" },
		"tls-key":           func(c *app.Config) { c.TLSCert, c.TLSKey = "none.pem", "none.pem" },
		"trusted-proxy":     func(c *app.Config) { c.TrustedProxies = []string{"10.0.0.1"} },
		"rate":              func(c *app.Config) { c.Rate = -1 },
		"access-token-life": func(c *app.Config) { c.AccessTokenLife = 1 },
	} {
		c := app.Config{Listen: "127.0.0.1:0"}
		change(&c)
		s, err := app.New(context.Background(), app.Database{Database: apptest.SQLite(t)}, c, app.Options{Logger: slog.New(slog.DiscardHandler)})
		if s != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestLinksBeginWithTheBaseURLOrWhatTheRequestWasSentTo(t *testing.T) {
	const body = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@contoso.com"}`
	location := func(a *apptest.App) string {
		r := a.Do("POST", "/Users", a.Token, body)
		return r.Header.Get("Location")
	}
	a := apptest.Start(t)
	if got := location(a); !strings.HasPrefix(got, a.SCIM+"/Users/") {
		t.Errorf("Location %q", got)
	}
	b := apptest.Start(t, apptest.With(func(c *app.Config) { c.BaseURL = "https://scim.contoso.com/" }))
	if got := location(b); !strings.HasPrefix(got, "https://scim.contoso.com/scim/v2/Users/") {
		t.Errorf("Location %q", got)
	}
}

func TestForwardedSchemeIsBelievedOfATrustedProxyOnly(t *testing.T) {
	for proxies, want := range map[string]string{"": "http://", "10.0.0.0/8": "http://", "127.0.0.0/8": "https://"} {
		a := apptest.Start(t, apptest.With(func(c *app.Config) {
			if proxies != "" {
				c.TrustedProxies = []string{proxies}
			}
		}))
		req, err := http.NewRequest(http.MethodPost, a.SCIM+"/Users", strings.NewReader(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@contoso.com"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+a.Token)
		req.Header.Set("X-Forwarded-Proto", "https")
		if got := a.Send(req).Header.Get("Location"); !strings.HasPrefix(got, want) {
			t.Errorf("trusting %q: Location %q, want %s…", proxies, got, want)
		}
	}
}

func TestTokensOfAUserAreCountedForThemselvesAndAreMe(t *testing.T) {
	a := apptest.Start(t)
	r := a.Do("POST", "/Users", a.Token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@contoso.com"}`)
	id, _ := r.Body["id"].(string)
	add := func(user string) (string, error) {
		token, _, err := a.Directory.AddToken(t.Context(), "test", directory.TokenSpec{Tenant: apptest.Tenant, Source: apptest.Source, User: user})
		return token, err
	}
	if _, err := add(""); err != nil {
		t.Fatal(err)
	}
	if _, err := add(""); !directory.Violated(err, directory.RuleTooMany) {
		t.Errorf("third token of the source: %v", err)
	}
	token, err := add(id)
	if err != nil {
		t.Fatal(err)
	}
	if r := a.Do("GET", "/Me", token, ""); r.Status != 200 || r.Body["id"] != id {
		t.Errorf("/Me: %d %s", r.Status, r.Text)
	}
}

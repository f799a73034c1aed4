package directory_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

func TestTokenIsShownOnceAndStoredAsAHash(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		forms := map[store.TokenKind]*regexp.Regexp{
			store.TokenBearer: regexp.MustCompile(`^ws_b[0-9A-Za-z]{49}$`),
			store.TokenSecret: regexp.MustCompile(`^ws_s[0-9A-Za-z]{49}$`),
		}
		n := 3 // events up to here
		for kind, form := range forms {
			n++
			secret, token := c.token(directory.TokenSpec{Tenant: "a", Source: "entra", Kind: kind, Expires: time.Hour})
			if !form.MatchString(secret) {
				t.Errorf("secret of kind %s isn't of the form %s", kind, form)
			}
			hash := sha256.Sum256([]byte(secret))
			if !bytes.Equal(token.Hash, hash[:]) || token.Prefix != secret[:8] || !token.ExpiresAt.Equal(c.clock.Now().Add(time.Hour)) {
				t.Errorf("token %+v", token)
			}
			for _, e := range c.events("a", n) {
				if bytes.Contains(fmt.Append(nil, e, string(e.Before), string(e.After)), []byte(secret[8:])) {
					t.Errorf("the event %s holds the secret", e.Type)
				}
			}
		}
	})
}

func TestThirdLiveTokenOfASourceIsRefused(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		c.source("a", "other")
		spec := directory.TokenSpec{Tenant: "a", Source: "entra", Expires: time.Hour}
		_, first := c.token(spec)
		c.token(spec)
		_, _, err := c.AddToken(t.Context(), "test", spec)
		wantRule(t, err, directory.RuleTooMany)

		c.token(directory.TokenSpec{Tenant: "a", Source: "other"})
		c.token(directory.TokenSpec{Tenant: "a", Admin: true})
		if err := c.RevokeToken(t.Context(), "test", "a", first.Prefix); err != nil {
			t.Fatal(err)
		}
		c.token(spec) // one place is free again
		c.clock.Add(time.Hour)
		c.token(spec) // and here all that were left have expired
	})
}

func TestSixthLiveSecretOfASourceIsRefused(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		spec := directory.TokenSpec{Tenant: "a", Source: "entra", Kind: store.TokenSecret}
		for range 5 {
			c.token(spec)
		}
		_, _, err := c.AddToken(t.Context(), "test", spec)
		wantRule(t, err, directory.RuleTooMany)
		c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
	})
}

func TestAddTokenRefusesWhatIsNoToken(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		for name, spec := range map[string]directory.TokenSpec{
			"nobody's":            {Tenant: "a"},
			"source's and admin":  {Tenant: "a", Source: "entra", Admin: true},
			"an access token":     {Tenant: "a", Source: "entra", Kind: store.TokenAccess},
			"a secret of admin":   {Tenant: "a", Admin: true, Kind: store.TokenSecret},
			"a negative lifetime": {Tenant: "a", Source: "entra", Expires: -1},
		} {
			if _, _, err := c.AddToken(t.Context(), "test", spec); !directory.Violated(err, directory.RuleInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, spec := range map[string]directory.TokenSpec{
			"unknown tenant": {Tenant: "b", Source: "entra"},
			"unknown source": {Tenant: "a", Source: "ad"},
			"unknown user":   {Tenant: "a", Source: "entra", User: "01890a5d-ac96-774b-bcce-b302099a8057"},
		} {
			if _, _, err := c.AddToken(t.Context(), "test", spec); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := len(must(c.Tokens(t.Context(), "a"))(t)); n != 0 {
			t.Errorf("%d tokens after refusals", n)
		}
	})
}

func TestRevokeTokenByPrefixOrIDOnceAndInItsTenantOnly(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.tenant("b")
		c.source("a", "entra")
		first, byPrefix := c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
		second, byID := c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
		for _, which := range []string{byPrefix.Prefix, strconv.FormatInt(byID.ID, 10)} {
			if err := c.RevokeToken(t.Context(), "test", "b", which); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("revoking %s of another tenant: %v", which, err)
			}
			for range 2 {
				if err := c.RevokeToken(t.Context(), "cli:ada", "a", which); err != nil {
					t.Errorf("revoking %s: %v", which, err)
				}
			}
		}
		for _, secret := range []string{first, second} {
			_, err := c.Authenticate(t.Context(), secret)
			wantReason(t, err, directory.AuthRevoked)
		}
		c.wantEvents("a", "tenant.created tenant.syncEnabled source.created token.created token.created token.revoked token.revoked")
	})
}

func TestAccessTokenNamesItsSecretAndEndsWithIt(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		s := c.source("a", "entra")
		spec := directory.TokenSpec{Tenant: "a", Source: "entra", Kind: store.TokenSecret}
		buy := func(secret string) string {
			t.Helper()
			p := must(c.AuthenticateClient(t.Context(), s.PublicID, secret))(t)
			token, expires, err := c.IssueAccessToken(t.Context(), directory.AccessSpec{
				Tenant: p.Tenant.ID, Source: p.Source.ID, Prefix: p.Token.Prefix, Expires: time.Hour, NotAfter: p.Token.ExpiresAt,
			})
			if err != nil || expires != time.Hour {
				t.Fatalf("access token for %v: %v", expires, err)
			}
			return token
		}
		oldSecret, oldToken := c.token(spec)
		newSecret, _ := c.token(spec)
		oldAccess, newAccess := buy(oldSecret), buy(newSecret)
		if p := must(c.Authenticate(t.Context(), oldAccess))(t); p.Source.ID != s.ID || p.Token.Prefix != oldToken.Prefix {
			t.Errorf("access token of %+v", p.Token)
		}
		if err := c.RevokeToken(t.Context(), "test", "a", oldToken.Prefix); err != nil {
			t.Fatal(err)
		}
		_, err := c.Authenticate(t.Context(), oldAccess)
		wantReason(t, err, directory.AuthRevoked)
		must(c.Authenticate(t.Context(), newAccess))(t)
		c.clock.Add(time.Hour)
		_, err = c.Authenticate(t.Context(), newAccess)
		wantReason(t, err, directory.AuthExpired)
	})
}

func TestAccessTokenDoesNotOutliveItsSecret(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		tenant := c.tenant("a")
		s := c.source("a", "entra")
		token, expires, err := c.IssueAccessToken(t.Context(), directory.AccessSpec{
			Tenant: tenant.ID, Source: s.ID, Expires: time.Hour, NotAfter: c.clock.Now().Add(10 * time.Minute),
		})
		if err != nil || expires != 10*time.Minute {
			t.Fatalf("expires in %v: %v", expires, err)
		}
		c.clock.Add(10 * time.Minute)
		_, err = c.Authenticate(t.Context(), token)
		wantReason(t, err, directory.AuthExpired)
	})
}

func TestSweepForgetsOldAccessTokensAndCodesOnly(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		tenant := c.tenant("a")
		s := c.source("a", "entra")
		bearer, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "entra", Expires: time.Hour})
		access, _, err := c.IssueAccessToken(t.Context(), directory.AccessSpec{Tenant: tenant.ID, Source: s.ID, Expires: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		afterSweep := func(token string, reason directory.AuthReason) {
			t.Helper()
			if err := c.SweepTokens(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err := c.Authenticate(t.Context(), token)
			wantReason(t, err, reason)
		}
		admin := must(c.Administrator(t.Context(), "test", "a"))(t)
		code, _, err := c.AddCode(t.Context(), admin, s.PublicID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		c.clock.Add(2 * time.Hour)
		afterSweep(access, directory.AuthExpired)
		afterSweep(code, directory.AuthWrongKind)
		c.clock.Add(7 * 24 * time.Hour)
		afterSweep(code, directory.AuthUnknown)
		afterSweep(access, directory.AuthUnknown)
		afterSweep(bearer, directory.AuthExpired)
	})
}

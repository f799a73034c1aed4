package directory_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// wantReason checks that an error is a refusal of the credential for a reason.
func wantReason(t *testing.T, err error, reason directory.AuthReason) {
	t.Helper()
	var ae *directory.AuthError
	if !errors.As(err, &ae) || ae.Reason != reason || ae.Detail == "" {
		t.Errorf("got %v, want a refusal for %s", err, reason)
	}
}

func TestW023EachWrongTokenHasItsOwnReason(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		good, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "entra", Expires: time.Hour})
		revoked, token := c.token(directory.TokenSpec{Tenant: "a", Source: "entra", Expires: time.Hour})
		secret, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "entra", Kind: store.TokenSecret})
		if err := c.RevokeToken(t.Context(), "test", "a", token.Prefix); err != nil {
			t.Fatal(err)
		}
		must(c.Authenticate(t.Context(), good))(t)

		for _, blank := range []string{"", " ", "\t\n"} {
			_, err := c.Authenticate(t.Context(), blank)
			wantReason(t, err, directory.AuthMissing)
		}
		last := "0"
		if strings.HasSuffix(good, last) {
			last = "1"
		}
		for _, unknown := range []string{"null", "undefined", good[:52], good + "x", good[:52] + last, strings.ToUpper(good), "\x00", strings.Repeat("x", 100_000)} {
			_, err := c.Authenticate(t.Context(), unknown)
			wantReason(t, err, directory.AuthUnknown)
		}
		_, err := c.Authenticate(t.Context(), revoked)
		wantReason(t, err, directory.AuthRevoked)
		_, err = c.Authenticate(t.Context(), secret)
		wantReason(t, err, directory.AuthWrongKind)
		c.clock.Add(time.Hour)
		_, err = c.Authenticate(t.Context(), good)
		wantReason(t, err, directory.AuthExpired)
	})
}

func TestWellFormedTokenThatIsNotOursIsUnknown(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		const foreign = "ws_bVLA7RjyrkDWWBQT1WB6u39aqim1heSQirU2ZYrQTg9T1WAsfX" // of another database, checksum and all
		_, err := c.Authenticate(t.Context(), foreign)
		wantReason(t, err, directory.AuthUnknown)
	})
}

func TestRefusalsDoNotRepeatTheToken(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		_, err := c.Authenticate(t.Context(), "hunter2")
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("refusal %v", err)
		}
	})
}

func TestClientSecretIsOfOneClient(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		first, second := c.source("a", "first"), c.source("a", "second")
		secret, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "first", Kind: store.TokenSecret})
		bearer, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "first"})
		if p := must(c.AuthenticateClient(t.Context(), first.PublicID, secret))(t); p.Source.ID != first.ID {
			t.Errorf("principal %+v", p)
		}
		_, err := c.AuthenticateClient(t.Context(), second.PublicID, secret)
		wantReason(t, err, directory.AuthUnknown)
		_, err = c.AuthenticateClient(t.Context(), first.PublicID, bearer)
		wantReason(t, err, directory.AuthUnknown)
		for _, id := range []string{"", "x", "' OR 1=1", "00000000-0000-0000-0000-000000000000"} {
			_, _, err = c.Client(t.Context(), id)
			wantReason(t, err, directory.AuthUnknown)
		}
	})
}

func TestLastUseIsWrittenByFlushToTheMinute(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		secret, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
		lastUse := func() time.Time {
			t.Helper()
			return must(c.Tokens(t.Context(), "a"))(t)[0].LastUsedAt
		}
		c.clock.Add(90 * time.Second)
		must(c.Authenticate(t.Context(), secret))(t)
		if got := lastUse(); !got.IsZero() {
			t.Errorf("a request wrote the last use %v", got)
		}
		if err := c.FlushUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := lastUse(), c.clock.Now().Truncate(time.Minute); !got.Equal(want) {
			t.Errorf("last use %v, want %v", got, want)
		}
	})
}

func TestFlushKeepsARevocationThatCameAfterTheUse(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		secret, token := c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
		must(c.Authenticate(t.Context(), secret))(t)
		if err := c.RevokeToken(t.Context(), "test", "a", token.Prefix); err != nil {
			t.Fatal(err)
		}
		if err := c.FlushUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := c.Authenticate(t.Context(), secret)
		wantReason(t, err, directory.AuthRevoked)
	})
}

func TestFailedFlushIsMadeUpForByTheNext(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		secret, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
		must(c.Authenticate(t.Context(), secret))(t)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.FlushUses(ended); err == nil {
			t.Fatal("a flush with an ended context succeeded")
		}
		if err := c.FlushUses(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := must(c.Tokens(t.Context(), "a"))(t)[0].LastUsedAt; got.IsZero() {
			t.Error("the last use was lost")
		}
	})
}

package oauth

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/workspace-scim/workspace/store"
)

func TestAssertionBuysATokenForItsSource(t *testing.T) {
	f := newFixture(t)
	wantToken(t, f.assert(sign(t, jose.RS256, "k1", testKeys()[0], f.claimsNow())))
	if got := f.core.issued[0]; got.Tenant != 3 || got.Source != 7 || got.Prefix != "" || !got.NotAfter.IsZero() {
		t.Errorf("issued for %+v", got)
	}
}

func TestAssertionsThatAreRefused(t *testing.T) {
	key := testKeys()[0]
	// claim is a good assertion with one claim changed, or left out for nil.
	claim := func(name string, value any) func(*fixture) string {
		return func(f *fixture) string {
			c := f.claimsNow()
			c[name] = value
			if value == nil {
				delete(c, name)
			}
			return sign(f.t, jose.RS256, "k1", key, c)
		}
	}
	signed := func(alg jose.SignatureAlgorithm, kid string, key any) func(*fixture) string {
		return func(f *fixture) string { return sign(f.t, alg, kid, key, f.claimsNow()) }
	}
	at := func(d time.Duration) int64 { return newClock().Add(d).Unix() }
	publicDER, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for name, assertion := range map[string]func(*fixture) string{
		"issuer of another tenant":        claim("iss", strings.Replace(issuer, "ce5f", "0000", 1)),
		"issuer in another spelling":      claim("iss", issuer+"/"),
		"no issuer":                       claim("iss", nil),
		"another audience":                claim("aud", "api://other"),
		"no audience":                     claim("aud", nil),
		"another subject":                 claim("sub", tid),
		"no subject":                      claim("sub", nil),
		"another tenant":                  claim("tid", "00000000-0000-0000-0000-000000000000"),
		"no tenant":                       claim("tid", nil),
		"expired":                         claim("exp", at(-skew)),
		"no expiry":                       claim("exp", nil),
		"not valid yet":                   claim("nbf", at(skew+time.Second)),
		"claims of the wrong type":        claim("tid", 5),
		"signed by another key":           signed(jose.RS256, "k1", testKeys()[1]),
		"unknown key id":                  signed(jose.RS256, "k9", key),
		"no key id":                       signed(jose.RS256, "", key),
		"another RSA algorithm":           signed(jose.RS512, "k1", key),
		"PSS":                             signed(jose.PS256, "k1", key),
		"HMAC with the public key":        signed(jose.HS256, "k1", publicDER),
		"no signature":                    unsigned,
		"signature cut off":               func(f *fixture) string { s := signed(jose.RS256, "k1", key)(f); return s[:strings.LastIndex(s, ".")+1] },
		"claims changed after signing":    tampered,
		"no JWT":                          func(*fixture) string { return "x" },
		"larger than the most":            claim("groups", strings.Repeat("A", maxAssertion)),
		"many audiences and none of them": claim("aud", []string{"a", "b"}),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			wantError(t, f.assert(assertion(f)), 401, "invalid_client")
			if len(f.core.issued) != 0 {
				t.Error("a token was issued")
			}
		})
	}
}

func newClock() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// unsigned has the algorithm "none" (RFC 7518 §3.6).
func unsigned(f *fixture) string {
	body, err := json.Marshal(f.claimsNow())
	if err != nil {
		f.t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"none","kid":"k1","typ":"JWT"}`)) + "." + enc(body) + "."
}

func tampered(f *fixture) string {
	parts := strings.Split(sign(f.t, jose.RS256, "k1", testKeys()[0], map[string]any{"sub": "x"}), ".")
	good := strings.Split(sign(f.t, jose.RS256, "k1", testKeys()[0], f.claimsNow()), ".")
	return good[0] + "." + good[1] + "." + parts[2]
}

func TestAssertionsThatAreTaken(t *testing.T) {
	for name, change := range map[string]func(claims map[string]any){
		"one of several audiences":  func(c map[string]any) { c["aud"] = []string{"x", audience} },
		"expired within the skew":   func(c map[string]any) { c["exp"] = newClock().Add(-skew + time.Second).Unix() },
		"begins within the skew":    func(c map[string]any) { c["nbf"] = newClock().Add(skew).Unix() },
		"without nbf":               func(c map[string]any) { delete(c, "nbf") },
		"issued in the near future": func(c map[string]any) { c["iat"] = newClock().Add(time.Minute).Unix() },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			c := f.claimsNow()
			change(c)
			wantToken(t, f.assert(sign(t, jose.RS256, "k1", testKeys()[0], c)))
		})
	}
}

func TestAssertionWithoutAFederationIsRefused(t *testing.T) {
	f := newFixture(t)
	f.core.federations = nil
	wantError(t, f.assert(sign(t, jose.RS256, "k1", testKeys()[0], f.claimsNow())), 401, "invalid_client")
	if f.issuer.count() != 0 {
		t.Error("a key set was fetched")
	}
}

func TestFederationWithAnEmptyPinIsNeverFulfilled(t *testing.T) {
	f := newFixture(t)
	f.core.federations[0].TenantID = ""
	c := f.claimsNow()
	delete(c, "tid")
	wantError(t, f.assert(sign(t, jose.RS256, "k1", testKeys()[0], c)), 401, "invalid_client")
}

func TestEachFederationOfASourceIsTried(t *testing.T) {
	f := newFixture(t)
	other := f.core.federations[0]
	other.Subject = "another"
	f.core.federations = append([]store.Federation{other}, f.core.federations...)
	wantToken(t, f.assert(sign(t, jose.RS256, "k1", testKeys()[0], f.claimsNow())))
}

func TestRotatedKeyIsFetchedAndTheOldOneEnds(t *testing.T) {
	f := newFixture(t)
	old := func() string { return sign(t, jose.RS256, "k1", testKeys()[0], f.claimsNow()) }
	wantToken(t, f.assert(old()))
	f.issuer.publish(t, public("k2", testKeys()[1]))
	f.clock.add(refreshEvery)
	wantToken(t, f.assert(sign(t, jose.RS256, "k2", testKeys()[1], f.claimsNow())))
	wantError(t, f.assert(old()), 401, "invalid_client")
}

func TestWithdrawnKeyEndsWithoutARotation(t *testing.T) {
	f := newFixture(t)
	f.issuer.publish(t, public("k1", testKeys()[0]), public("k2", testKeys()[1]))
	wantToken(t, f.assert(sign(t, jose.RS256, "k1", testKeys()[0], f.claimsNow())))
	f.issuer.publish(t, public("k2", testKeys()[1]))
	f.clock.add(freshFor)
	wantError(t, f.assert(sign(t, jose.RS256, "k1", testKeys()[0], f.claimsNow())), 401, "invalid_client")
}

func TestUnknownKeyIDsFetchAtMostEveryThirtySeconds(t *testing.T) {
	f := newFixture(t)
	unknown := func(kid string) {
		wantError(t, f.assert(sign(t, jose.RS256, kid, testKeys()[1], f.claimsNow())), 401, "invalid_client")
	}
	for _, kid := range []string{"a", "b", "c"} {
		unknown(kid)
	}
	if got := f.issuer.count(); got != 1 {
		t.Errorf("fetched %d times, want 1", got)
	}
	f.clock.add(refreshEvery)
	unknown("d")
	if got := f.issuer.count(); got != 2 {
		t.Errorf("fetched %d times after the wait, want 2", got)
	}
}

func TestKnownKeyOutlivesAnOutageOfTheIssuerForADay(t *testing.T) {
	f := newFixture(t)
	good := func() string { return sign(t, jose.RS256, "k1", testKeys()[0], f.claimsNow()) }
	wantToken(t, f.assert(good()))
	f.issuer.answer(http.StatusServiceUnavailable, nil)
	f.clock.add(2 * time.Hour)
	wantToken(t, f.assert(good()))
	f.clock.add(usableFor)
	wantError(t, f.assert(good()), 401, "invalid_client")
}

func TestKeySetsThatAreNotRead(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	set := func(keys ...jose.JSONWebKey) []byte {
		b, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	encryption := public("k1", testKeys()[0])
	encryption.Use = "enc"
	foreign := public("k1", testKeys()[0])
	foreign.Algorithm = "RS512"
	for name, c := range map[string]struct {
		status int
		body   []byte
	}{
		"error":                   {http.StatusInternalServerError, set(public("k1", testKeys()[0]))},
		"redirect":                {http.StatusFound, nil},
		"no JSON":                 {http.StatusOK, []byte("<html>")},
		"empty":                   {http.StatusOK, set()},
		"larger than the most":    {http.StatusOK, append(set(public("k1", testKeys()[0])), bytes.Repeat([]byte(" "), maxKeySet)...)},
		"RSA key too short":       {http.StatusOK, set(jose.JSONWebKey{Key: &weak.PublicKey, KeyID: "k1"})},
		"key for encryption":      {http.StatusOK, set(encryption)},
		"key for another purpose": {http.StatusOK, set(foreign)},
		"symmetric key":           {http.StatusOK, set(jose.JSONWebKey{Key: []byte("0123456789abcdef"), KeyID: "k1"})},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.issuer.answer(c.status, c.body)
			key := testKeys()[0]
			if name == "RSA key too short" {
				key = weak
			}
			wantError(t, f.assert(sign(t, jose.RS256, "k1", key, f.claimsNow())), 401, "invalid_client")
		})
	}
}

func TestKeysBesideAForeignOneAreRead(t *testing.T) {
	f := newFixture(t)
	good, err := json.Marshal(public("k1", testKeys()[0]))
	if err != nil {
		t.Fatal(err)
	}
	f.issuer.answer(http.StatusOK, []byte(`{"keys":[{"kty":"new","kid":"x"},`+string(good)+`]}`))
	wantToken(t, f.assert(sign(t, jose.RS256, "k1", testKeys()[0], f.claimsNow())))
}

package oauth

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/workspace-scim/workspace/store"
)

const (
	// skew is how far the issuer's clock may be from ours.
	skew = time.Minute
	// maxAssertion is several times what Entra signs.
	maxAssertion = 16 << 10
)

// claims are what an assertion says, as far as it is looked at.
type claims struct {
	jwt.Claims
	TenantID string `json:"tid"` // Entra's directory of the issuer
}

// verify says whether one of the federations vouches for the assertion. The
// algorithm is fixed to RS256, whatever the JWT's header asks for.
func (h *Handler) verify(ctx context.Context, assertion string, federations []store.Federation) error {
	if len(federations) == 0 {
		return invalidClient("The client has no federation; use a client secret.")
	}
	if len(assertion) > maxAssertion {
		return invalidClient("The assertion is larger than 16 KiB.")
	}
	token, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(token.Headers) != 1 {
		return invalidClient("The assertion is no JWT signed with RS256.")
	}
	kid := token.Headers[0].KeyID
	if kid == "" {
		return invalidClient("The assertion names no key (kid).")
	}
	var refusal error
	for _, f := range federations {
		if refusal = h.verifyFor(ctx, token, kid, f); refusal == nil {
			return nil
		}
	}
	return refusal
}

// verifyFor judges the assertion by one federation: first the signature, so
// that nothing an attacker wrote is looked at, then what it says.
func (h *Handler) verifyFor(ctx context.Context, token *jwt.JSONWebToken, kid string, f store.Federation) error {
	key, err := h.keys.find(ctx, f.KeysURL, kid)
	if errors.Is(err, errNoKey) {
		return invalidClient("The assertion is signed with a key that its issuer doesn't publish.")
	}
	if err != nil {
		h.log.Warn("key set not read", "url", f.KeysURL, "error", err)
		return invalidClient("The keys of the assertion's issuer can't be read.")
	}
	var c claims
	if err := token.Claims(key, &c); err != nil {
		return invalidClient("The assertion's signature doesn't fit.")
	}
	return judge(c, f, h.now())
}

// judge compares what an assertion says with what is pinned. The tid
// is compared on its own: an audience can be the same for every tenant in the
// world.
func judge(c claims, f store.Federation, now time.Time) error {
	switch {
	case !same(c.Issuer, f.Issuer):
		return invalidClient("The assertion is of another issuer (iss).")
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return same(a, f.Audience) }):
		return invalidClient("The assertion is for another audience (aud).")
	case !same(c.Subject, f.Subject):
		return invalidClient("The assertion is about another subject (sub).")
	case !same(c.TenantID, f.TenantID):
		return invalidClient("The assertion is of another tenant (tid).")
	case c.Expiry == nil:
		return invalidClient("The assertion has no end (exp).") // RFC 7523 §3, 4.
	case !now.Before(c.Expiry.Time().Add(skew)):
		return invalidClient("The assertion has expired (exp).")
	case c.NotBefore != nil && now.Add(skew).Before(c.NotBefore.Time()):
		return invalidClient("The assertion isn't valid yet (nbf).")
	}
	return nil
}

// same compares with case; what is pinned is never empty.
func same(got, pinned string) bool {
	return pinned != "" && subtle.ConstantTimeCompare([]byte(got), []byte(pinned)) == 1
}

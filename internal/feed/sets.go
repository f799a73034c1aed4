package feed

import (
	"context"
	"fmt"
	"net/http"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// typeSET is the type of security event tokens (RFC 8417 §2.3).
const typeSET = "secevent+jwt"

// claims are those of a security event token (RFC 8417 §2.2, RFC 9967 §2.1). It
// has no sub and no exp, so that nobody takes it for an access token.
type claims struct {
	Issuer   string         `json:"iss"`
	IssuedAt int64          `json:"iat"`
	Happened int64          `json:"toe"`
	ID       string         `json:"jti"`
	Audience []string       `json:"aud"`
	Txn      string         `json:"txn,omitempty"`
	Subject  subject        `json:"sub_id"`
	Events   map[string]any `json:"events"`
}

// subject names a SCIM resource (RFC 9967 §2.1).
type subject struct {
	Format     string `json:"format"`
	URI        string `json:"uri"`
	ExternalID string `json:"externalId,omitempty"`
}

// sign makes the token of a notice. Made again it has the same jti and toe, and
// another iat and signature: receivers know a token by its jti (RFC 8417 §2.2).
func (f *Feed) sign(ctx context.Context, x store.Stream, n directory.Notice) (string, error) {
	return f.token(ctx, x.Issuer, directory.JTI(x, n), x.Audience, n)
}

// Completion makes the token of what became of a request, whose id is that of the
// request: there is one of each operation.
func (f *Feed) Completion(ctx context.Context, issuer, audience string, n directory.Notice) (string, error) {
	return f.token(ctx, issuer, n.Txn, []string{audience}, n)
}

func (f *Feed) token(ctx context.Context, issuer, jti string, audience []string, n directory.Notice) (string, error) {
	token, err := f.keys.sign(ctx, typeSET, claims{
		Issuer: issuer, IssuedAt: f.dir.Now().Unix(), Happened: n.Time.Unix(), ID: jti, Audience: audience, Txn: n.Txn, Subject: subject{"scim", n.URI, n.ExternalID}, Events: n.Events,
	})
	if err != nil {
		return "", fmt.Errorf("token %s: %w", jti, err)
	}
	return token, nil
}

// Keys answers with the public keys as a JWK Set (RFC 7517 §5). It needs no
// token: keys are no secret, and receivers' libraries send none.
func (f *Feed) Keys(w http.ResponseWriter, r *http.Request) {
	_, set, err := f.keys.get(r.Context())
	if err != nil {
		f.log.Error("signing keys", "error", store.LogText(err))
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	if r.Method != http.MethodHead {
		_, _ = w.Write(set) // who went away needs no answer
	}
}

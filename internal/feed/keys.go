package feed

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/workspace-scim/workspace/internal/directory"
)

const (
	// keyLife is how long a key signs before the next one takes over.
	keyLife = 90 * 24 * time.Hour
	// keysFresh is how long the keys are kept in memory. A new key waits longer than
	// that before it signs, so that no server signs with one that another doesn't
	// publish yet.
	keysFresh = time.Minute
)

// keyRing has the keys of the deployment. It is safe for concurrent use.
type keyRing struct {
	dir *directory.Directory

	mu    sync.Mutex
	key   jose.SigningKey // who signs
	set   []byte          // the key set, JSON
	until time.Time
}

func newKeyRing(d *directory.Directory) *keyRing { return &keyRing{dir: d} }

// sign makes a JWT of claims (RFC 7519 §7.1). typ keeps it from being taken for one
// of another kind (RFC 8725 §3.11).
func (k *keyRing) sign(ctx context.Context, typ string, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	key, _, err := k.get(ctx)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// get gives who signs, and the public keys as a JWK Set.
func (k *keyRing) get(ctx context.Context) (jose.SigningKey, []byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().Before(k.until) {
		return k.key, k.set, nil
	}
	all, err := k.dir.SigningKeys(ctx, keyLife, newKey)
	if err != nil {
		return jose.SigningKey{}, nil, err
	}
	i := slices.IndexFunc(all, func(k directory.SigningKey) bool { return k.Private != nil })
	if i < 0 {
		return jose.SigningKey{}, nil, errors.New("no key signs")
	}
	key, err := signingKey(all[i])
	if err != nil {
		return key, nil, err
	}
	var public struct {
		Keys []json.RawMessage `json:"keys"`
	}
	for _, k := range all {
		public.Keys = append(public.Keys, k.Public)
	}
	set, err := json.Marshal(public)
	if err != nil {
		return key, nil, err
	}
	k.key, k.set, k.until = key, set, time.Now().Add(keysFresh)
	return key, set, nil
}

// newKey makes a key for ES256, which every receiver knows, named by its
// thumbprint (RFC 7638).
func newKey() (directory.SigningKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return directory.SigningKey{}, err
	}
	public := jose.JSONWebKey{Key: private.Public(), Algorithm: string(jose.ES256), Use: "sig"}
	thumb, err := public.Thumbprint(crypto.SHA256)
	if err != nil {
		return directory.SigningKey{}, err
	}
	public.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	jwk, err := public.MarshalJSON()
	if err != nil {
		return directory.SigningKey{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	return directory.SigningKey{ID: public.KeyID, Public: jwk, Private: der}, err
}

func signingKey(k directory.SigningKey) (jose.SigningKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return jose.SigningKey{}, fmt.Errorf("signing key %s: %w", k.ID, err)
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return jose.SigningKey{}, errors.New("signing key " + k.ID + ": not for ES256")
	}
	return jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: k.ID}}, nil
}

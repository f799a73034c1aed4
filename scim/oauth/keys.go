package oauth

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// refreshEvery is the least time between two requests for one key set,
	// failed ones included.
	refreshEvery = 30 * time.Second
	// freshFor is how long a key set is used without asking again, so that a
	// key that the issuer withdraws loses its worth.
	freshFor = time.Hour
	// usableFor is how long a key set is used while its issuer can't be reached.
	usableFor = 24 * time.Hour
	// maxKeySet bounds a key set in bytes; Entra's has about 15 KB.
	maxKeySet = 1 << 20
	// minModulus is the least RSA key in bits.
	minModulus = 2048
)

// errNoKey says that the issuer publishes no key with this id.
var errNoKey = errors.New("no such key")

// keySets caches the public keys of issuers by URL and key id. There are as many
// as federations were configured. It is safe for concurrent use.
type keySets struct {
	client *http.Client
	now    func() time.Time

	mu   sync.Mutex
	sets map[string]*keySet
}

// keySet is one issuer's. Its lock is held while it is fetched, so that many
// requests wait for one fetch.
type keySet struct {
	mu      sync.Mutex
	keys    map[string]*rsa.PublicKey
	fetched time.Time // the last success
	tried   time.Time // the last attempt
	err     error     // of the last attempt
}

func newKeySets(client *http.Client, now func() time.Time) *keySets {
	if client == nil {
		client = &http.Client{
			Timeout: 5 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("a key set doesn't move")
			},
		}
	}
	return &keySets{client: client, now: now, sets: map[string]*keySet{}}
}

// find gives a key by its id. An id that isn't cached asks the issuer, which may
// have rotated its keys, but not again within refreshEvery. It returns errNoKey
// or why the key set can't be had.
func (k *keySets) find(ctx context.Context, url, kid string) (*rsa.PublicKey, error) {
	k.mu.Lock()
	s := k.sets[url]
	if s == nil {
		s = &keySet{}
		k.sets[url] = s
	}
	k.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	now := k.now()
	key := s.keys[kid]
	if key != nil && now.Sub(s.fetched) < freshFor {
		return key, nil
	}
	if s.tried.IsZero() || now.Sub(s.tried) >= refreshEvery {
		s.tried = now
		var keys map[string]*rsa.PublicKey
		if keys, s.err = k.fetch(ctx, url); s.err == nil {
			s.keys, s.fetched = keys, now
		}
		key = s.keys[kid]
	}
	if key != nil && now.Sub(s.fetched) < usableFor {
		return key, nil
	}
	if s.err != nil {
		return nil, s.err
	}
	return nil, errNoKey
}

// fetch reads a key set (RFC 7517 §5). What isn't an RSA key for signatures is
// passed over, as the standard asks.
func (k *keySets) fetch(ctx context.Context, url string) (map[string]*rsa.PublicKey, error) {
	// A client that hangs up must not cost the others the fetch.
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("key set: status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	if len(body) > maxKeySet {
		return nil, fmt.Errorf("key set: more than %d bytes", maxKeySet)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	keys := map[string]*rsa.PublicKey{}
	for _, raw := range set.Keys {
		if kid, key := signingKey(raw); key != nil {
			keys[kid] = key
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("key set: no RSA key for signatures in it")
	}
	return keys, nil
}

// signingKey reads one key, nil if it is of no use here.
func signingKey(raw []byte) (kid string, key *rsa.PublicKey) {
	var j jose.JSONWebKey
	if err := j.UnmarshalJSON(raw); err != nil || j.KeyID == "" {
		return "", nil
	}
	if j.Use != "" && j.Use != "sig" || j.Algorithm != "" && j.Algorithm != string(jose.RS256) {
		return "", nil
	}
	key, ok := j.Key.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minModulus {
		return "", nil
	}
	return j.KeyID, key
}

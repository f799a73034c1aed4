package directory

import (
	"crypto/sha256"
	"crypto/subtle"
	"sync"

	"github.com/workspace-scim/workspace/store"
)

// principals remembers who tokens speak for, by the hashes of their secrets, so
// that a request needn't ask for that before it asks for what it wants. What is
// remembered counts only if the database says, in the request's own
// transaction, that it is true still (store.Reader.Expect). The zero value is
// ready; it is safe for concurrent use.
type principals struct {
	mu     sync.RWMutex
	byHash map[[sha256.Size]byte]store.Principal
}

// maxPrincipals bounds the memory: about 1 KB each.
const maxPrincipals = 1024

func (s *principals) get(hash []byte) (store.Principal, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.byHash[[sha256.Size]byte(hash)]
	return p, ok
}

func (s *principals) put(p store.Principal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byHash == nil || len(s.byHash) >= maxPrincipals {
		s.byHash = map[[sha256.Size]byte]store.Principal{}
	}
	s.byHash[[sha256.Size]byte(p.Token.Hash)] = p
}

// Recognize gives who a bearer token spoke for when it was authenticated last,
// if it was and still would be. It asks nobody: what an actor of this principal
// reads and writes ends in store.ErrStale if that has changed since, and where
// it does neither the token must be authenticated. A principal of an actor that
// is refused so has been noted as used all the same.
func (d *Directory) Recognize(secret string) (store.Principal, bool) {
	if !wellFormed(secret) {
		return store.Principal{}, false
	}
	hash := hashSecret(secret)
	p, ok := d.known.get(hash)
	if !ok || subtle.ConstantTimeCompare(hash, p.Token.Hash) != 1 || d.admit(p) != nil {
		return store.Principal{}, false
	}
	return p, true
}

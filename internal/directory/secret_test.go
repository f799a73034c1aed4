package directory

import (
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func TestSecretsAreWellFormedAndNeverTheSame(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range []store.TokenKind{store.TokenBearer, store.TokenSecret, store.TokenAccess} {
		for range 1000 {
			s := newSecret(kind)
			if len(s) != 53 || s[3:4] != kindLetter(kind) || !wellFormed(s) {
				t.Fatalf("secret of kind %s is %q", kind, s)
			}
			if seen[s] {
				t.Fatalf("%q came twice", s)
			}
			seen[s] = true
		}
	}
}

func TestAnyChangedCharacterBreaksTheChecksum(t *testing.T) {
	s := newSecret(store.TokenBearer)
	for i := range s {
		c := byte('0')
		if s[i] == c {
			c = '1'
		}
		if changed := s[:i] + string(c) + s[i+1:]; wellFormed(changed) {
			t.Errorf("%q is taken for %q", changed, s)
		}
	}
}

package kerberos

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/iana/patype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/types"
)

// etypes are the kinds of keys that we use, best first. Each domain since Windows
// Server 2008 has them, for accounts whose password was set since; RC4 and DES are
// broken.
var etypes = []int32{etypeID.AES256_CTS_HMAC_SHA1_96, etypeID.AES128_CTS_HMAC_SHA1_96}

// secret is what an account proves itself by: keys from a keytab, or a password
// of which a key is made as the KDC says.
type secret struct {
	password string
	keys     map[int32]versioned // by kind; nil with a password
	salt     string              // where the KDC names none
}

type versioned struct {
	key     types.EncryptionKey
	version int
}

func newSecret(a Account) (*secret, error) {
	name, realm, err := a.split()
	if err != nil {
		return nil, err
	}
	s := &secret{password: a.Password, salt: realm + name}
	if a.Keytab == nil {
		if a.Password == "" {
			return nil, errors.New("kerberos: the account has neither a password nor a keytab")
		}
		return s, nil
	}
	var table keytab.Keytab
	if err := table.Unmarshal(a.Keytab); err != nil {
		// gokrb5's words hold bytes of the file, which are keys.
		return nil, &Error{Fault: KeytabUnusable, Reason: "the keytab isn't in the form of one", WayOut: "make it with ktpass or samba-tool domain exportkeytab"}
	}
	s.keys = map[int32]versioned{}
	for _, entry := range table.Entries {
		p := entry.Principal
		if !strings.EqualFold(p.Realm, realm) || len(p.Components) != 1 || !strings.EqualFold(p.Components[0], name) {
			continue
		}
		kind := entry.Key.KeyType
		if e, err := crypto.GetEtype(kind); err != nil || len(entry.Key.KeyValue) != e.GetKeyByteSize() {
			continue
		}
		if have, ok := s.keys[kind]; !ok || have.version < int(entry.KVNO) {
			s.keys[kind] = versioned{entry.Key, int(entry.KVNO)}
		}
	}
	if len(s.kinds()) == 0 {
		return nil, &Error{Fault: KeytabUnusable, Reason: fmt.Sprintf("the keytab has no AES key of %s@%s", name, realm),
			WayOut: "make it for that account with AES keys: ktpass -crypto AES256-SHA1, or samba-tool domain exportkeytab"}
	}
	return s, nil
}

// kinds are the kinds of keys that the secret can give.
func (s *secret) kinds() []int32 {
	if s.keys == nil {
		return etypes
	}
	return slices.DeleteFunc(slices.Clone(etypes), func(kind int32) bool {
		_, ok := s.keys[kind]
		return !ok
	})
}

// key gives the key of a kind, made with what the KDC says of that kind.
func (s *secret) key(kind int32, said types.PADataSequence) (versioned, error) {
	if !slices.Contains(s.kinds(), kind) {
		return versioned{}, fmt.Errorf("kerberos: the KDC wants a key of kind %d", kind)
	}
	if s.keys != nil {
		return s.keys[kind], nil
	}
	e, err := crypto.GetEtype(kind)
	if err != nil {
		return versioned{}, fmt.Errorf("kerberos: %w", err)
	}
	salt, parameters := s.salt, e.GetDefaultStringToKeyParams()
	for _, info := range keyInfo(said) {
		if info.EType != kind {
			continue
		}
		if info.Salt != "" {
			salt = info.Salt
		}
		if info.S2KParams != nil {
			// RFC 3962 §4: a number of iterations, 0 for 2^32. Domains say 4096, the
			// RFC's own number. Nothing proves yet who says it: who says fewer wants to
			// guess the password faster by what we send next, and who says far more
			// only to keep us busy.
			const least, most = 4096, 1 << 20
			if len(info.S2KParams) != 4 || binary.BigEndian.Uint32(info.S2KParams)-least > most-least {
				return versioned{}, errors.New("kerberos: the KDC wants a key made in a way that isn't usual")
			}
			parameters = hex.EncodeToString(info.S2KParams)
		}
	}
	value, err := e.StringToKey(s.password, salt, parameters)
	if err != nil {
		return versioned{}, fmt.Errorf("kerberos: making the key: %w", err)
	}
	return versioned{key: types.EncryptionKey{KeyType: kind, KeyValue: value}}, nil
}

// keyInfo is what the KDC says of keys (RFC 4120 §5.2.7.5), in its order.
func keyInfo(said types.PADataSequence) types.ETypeInfo2 {
	for _, data := range said {
		if data.PADataType != patype.PA_ETYPE_INFO2 {
			continue
		}
		if info, err := data.GetETypeInfo2(); err == nil {
			return info
		}
	}
	return nil
}

package kerberos

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
)

// goodKeytab has keys of svc@TEST.EXAMPLE: AES256 in two versions, the newer one
// first; AES128 of another account; RC4.
var goodKeytab = keytabOf(
	keyEntry("TEST.EXAMPLE", "svc", 3, etypeID.AES256_CTS_HMAC_SHA1_96, bytes.Repeat([]byte{3}, 32)),
	keyEntry("TEST.EXAMPLE", "svc", 2, etypeID.AES256_CTS_HMAC_SHA1_96, bytes.Repeat([]byte{2}, 32)),
	keyEntry("TEST.EXAMPLE", "other", 4, etypeID.AES128_CTS_HMAC_SHA1_96, bytes.Repeat([]byte{4}, 16)),
	keyEntry("TEST.EXAMPLE", "svc", 5, etypeID.RC4_HMAC, bytes.Repeat([]byte{5}, 16)),
)

// keytabOf is a keytab in MIT's format, version 2.
func keytabOf(entries ...[]byte) []byte {
	b := []byte{5, 2}
	for _, e := range entries {
		b = append(append(b, 0, 0, byte(len(e)>>8), byte(len(e))), e...)
	}
	return b
}

func keyEntry(realm, name string, version byte, kind int32, key []byte) []byte {
	counted := func(b, s []byte) []byte { return append(append(b, byte(len(s)>>8), byte(len(s))), s...) }
	b := counted([]byte{0, 1}, []byte(realm))
	b = append(counted(b, []byte(name)), 0, 0, 0, 1, 1, 2, 3, 4, version, 0, byte(kind))
	return append(counted(b, key), 0, 0, 0, version)
}

func TestTheNewestUsableKeyOfTheAccountIsTaken(t *testing.T) {
	s, err := newSecret(Account{Name: "SVC@test.example", Keytab: goodKeytab})
	if err != nil {
		t.Fatal(err)
	}
	if kinds := s.kinds(); len(kinds) != 1 || kinds[0] != etypeID.AES256_CTS_HMAC_SHA1_96 {
		t.Errorf("kinds %v, want AES256 alone", kinds)
	}
	if k, err := s.key(etypeID.AES256_CTS_HMAC_SHA1_96, nil); err != nil || k.version != 3 || k.key.KeyValue[0] != 3 {
		t.Errorf("version %d, %v; want 3", k.version, err)
	}
	if _, err := s.key(etypeID.RC4_HMAC, nil); err == nil {
		t.Error("RC4 is used")
	}
}

func TestAnUnusableSecretIsRefusedWithoutItsBytes(t *testing.T) {
	secret := []byte("sEcReT bYtEs of 32 bytes 90123456")[:32]
	entry := keyEntry("TEST.EXAMPLE", "svc", 1, etypeID.AES256_CTS_HMAC_SHA1_96, secret)
	for name, table := range map[string][]byte{
		"empty":           {},
		"text":            []byte("not a keytab " + string(secret)),
		"cut":             keytabOf(entry)[:40],
		"a length beyond": append([]byte{5, 2, 0x7f, 0xff, 0xff, 0xff}, entry...),
		"another account": keytabOf(keyEntry("TEST.EXAMPLE", "other", 1, etypeID.AES256_CTS_HMAC_SHA1_96, secret)),
		"another realm":   keytabOf(keyEntry("OTHER.EXAMPLE", "svc", 1, etypeID.AES256_CTS_HMAC_SHA1_96, secret)),
		"a short key":     keytabOf(keyEntry("TEST.EXAMPLE", "svc", 1, etypeID.AES256_CTS_HMAC_SHA1_96, secret[:16])),
		"RC4 alone":       keytabOf(keyEntry("TEST.EXAMPLE", "svc", 1, etypeID.RC4_HMAC, secret[:16])),
	} {
		_, err := newSecret(Account{Name: "svc@TEST.EXAMPLE", Keytab: table})
		if e, ok := errors.AsType[*Error](err); !ok || e.Fault != KeytabUnusable || strings.Contains(err.Error(), "sEcReT") || strings.Contains(err.Error(), hex.EncodeToString(secret[:4])) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "svc", "@TEST.EXAMPLE", "svc@", `TEST\svc`, `TEST\svc@TEST.EXAMPLE`, "CN=svc,DC=test", "a@b@c", "a/b@TEST.EXAMPLE"} {
		if _, err := Realm(name); err == nil {
			t.Errorf("%q is taken for an account", name)
		}
	}
}

func FuzzKeytab(f *testing.F) {
	f.Add(goodKeytab)
	f.Fuzz(func(t *testing.T, table []byte) {
		if s, err := newSecret(Account{Name: "svc@TEST.EXAMPLE", Keytab: table}); err == nil && len(s.kinds()) == 0 {
			t.Error("a secret without keys")
		}
	})
}

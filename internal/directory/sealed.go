package directory

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
)

// Secrets that have to be read again, such as the key that signs events, are
// sealed with the deployment's secret key if it has one (decision 0014). What is
// stored begins with how it is kept.
const (
	keptOpen   = "open:"
	keptSealed = "aesgcm:"
)

// SecretKeyLength is how many bytes a secret key has (AES-256).
const SecretKeyLength = 32

var errUnsealed = errors.New("a stored secret can't be read: it was sealed with another secret key")

// seal gives a secret as it is stored. about says what it is, so that one row's
// can't be put into another.
func (d *Directory) seal(about string, secret []byte) ([]byte, error) {
	if len(secret) == 0 {
		return nil, nil
	}
	if d.sealer == nil {
		return []byte(keptOpen + base64.RawStdEncoding.EncodeToString(secret)), nil
	}
	nonce := make([]byte, d.sealer.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	sealed := d.sealer.Seal(nonce, nonce, secret, []byte(about))
	return []byte(keptSealed + base64.RawStdEncoding.EncodeToString(sealed)), nil
}

// unseal gives a secret that seal gave, nil for none.
func (d *Directory) unseal(about string, kept []byte) ([]byte, error) {
	if len(kept) == 0 {
		return nil, nil
	}
	if open, ok := strings.CutPrefix(string(kept), keptOpen); ok {
		return base64.RawStdEncoding.DecodeString(open)
	}
	text, ok := strings.CutPrefix(string(kept), keptSealed)
	sealed, err := base64.RawStdEncoding.DecodeString(text)
	if !ok || err != nil || d.sealer == nil || len(sealed) < d.sealer.NonceSize() {
		return nil, errUnsealed
	}
	n := d.sealer.NonceSize()
	secret, err := d.sealer.Open(nil, sealed[:n], sealed[n:], []byte(about))
	if err != nil {
		return nil, errUnsealed
	}
	return secret, nil
}

// newSealer gives nil without a key.
func newSealer(key []byte) cipher.AEAD {
	if len(key) == 0 {
		return nil
	}
	block, err := aes.NewCipher(key)
	if err == nil {
		var sealer cipher.AEAD
		if sealer, err = cipher.NewGCM(block); err == nil {
			return sealer
		}
	}
	panic("directory: secret key: " + err.Error()) // its length was checked
}

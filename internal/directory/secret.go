package directory

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// A secret is 53 characters: "ws_", a letter for its kind, 32 random bytes and
// the CRC-32 (IEEE) of all that, both in base 62. Secret scanners recognise it
// by ws_[bsage][0-9A-Za-z]{49} and rule out chance hits by the checksum, without
// asking us.
const (
	secretMark   = "ws_"
	randomDigits = 43 // 62^43 > 2^256
	crcDigits    = 6  // 62^6 > 2^32
	secretLength = len(secretMark) + 1 + randomDigits + crcDigits
	// prefixLength is what of a secret is kept in the open to tell tokens
	// apart: the mark, the kind and 4 digits.
	prefixLength = 8
)

// kindLetter is the letter of a kind in a secret.
func kindLetter(k store.TokenKind) string {
	switch k {
	case store.TokenSecret:
		return "s"
	case store.TokenAccess:
		return "a"
	case store.TokenAgent:
		return "g"
	case store.TokenCode:
		return "e"
	default:
		return "b"
	}
}

// newSecret makes a secret with 256 bits from the system's random source.
func newSecret(k store.TokenKind) string {
	var random [32]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	body := secretMark + kindLetter(k) + base62(new(big.Int).SetBytes(random[:]), randomDigits)
	return body + checksum(body)
}

// wellFormed says whether secret could be one of ours. It spares the database
// the guesses; the checksum is public, so its timing tells nothing.
func wellFormed(secret string) bool {
	if len(secret) != secretLength || !strings.HasPrefix(secret, secretMark) {
		return false
	}
	body := secret[:secretLength-crcDigits]
	return secret[len(body):] == checksum(body)
}

func checksum(body string) string {
	return base62(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), crcDigits)
}

// base62 writes n in exactly the given number of digits 0–9, a–z, A–Z.
func base62(n *big.Int, digits int) string {
	s := n.Text(62)
	return strings.Repeat("0", digits-len(s)) + s
}

func hashSecret(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

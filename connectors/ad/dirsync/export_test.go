package dirsync

import (
	"bytes"
	"testing"
)

// WithCookie gives a checkpoint in good order around another cookie.
func WithCookie(t *testing.T, encoded, cookie []byte) []byte {
	t.Helper()
	c := decoded(t, encoded)
	c.cookie = cookie
	return c.encode()
}

// OfOtherController gives a checkpoint as a controller would have given that
// nobody here knows.
func OfOtherController(t *testing.T, encoded []byte) []byte {
	t.Helper()
	c := decoded(t, encoded)
	stranger := GUID{1, 2, 3}
	c.cookie = bytes.ReplaceAll(c.cookie, c.invocation.Bytes(), stranger.Bytes())
	c.invocation = stranger
	return c.encode()
}

func decoded(t *testing.T, encoded []byte) checkpoint {
	t.Helper()
	c, err := decodeCheckpoint(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

package dirsync

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// GUID is an object's objectGUID: its identity, which no rename, move or
// restore changes. Its bytes are in the order of RFC 4122, so String gives the
// text that Windows and Entra show. The zero GUID is no object's.
type GUID [16]byte

// decodeGUID reads the 16 bytes of an attribute. Windows keeps the first three
// fields with the least byte first (MS-DTYP 2.3.4.2).
func decodeGUID(b []byte) (GUID, error) {
	var g GUID
	if len(b) != len(g) {
		return GUID{}, fmt.Errorf("dirsync: a GUID of %d bytes, want 16", len(b))
	}
	copy(g[:], b)
	return g.swapped(), nil
}

func (g GUID) swapped() GUID {
	g[0], g[1], g[2], g[3] = g[3], g[2], g[1], g[0]
	g[4], g[5], g[6], g[7] = g[5], g[4], g[7], g[6]
	return g
}

// Bytes are the GUID as a directory's attribute holds it.
func (g GUID) Bytes() []byte {
	s := g.swapped()
	return s[:]
}

// ParseGUID reads the 36 characters that String gives, in either case.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return GUID{}, fmt.Errorf("dirsync: %.40q is no GUID: want 8-4-4-4-12 hexadecimal digits", s)
	}
	if _, err := hex.Decode(g[:], []byte(strings.ReplaceAll(s, "-", ""))); err != nil {
		return GUID{}, fmt.Errorf("dirsync: %.40q is no GUID: want 8-4-4-4-12 hexadecimal digits", s)
	}
	return g, nil
}

// String gives the 36 characters of RFC 4122, in small letters.
func (g GUID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], g[0:4])
	hex.Encode(b[9:13], g[4:6])
	hex.Encode(b[14:18], g[6:8])
	hex.Encode(b[19:23], g[8:10])
	hex.Encode(b[24:36], g[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// IsZero says that there is none.
func (g GUID) IsZero() bool { return g == GUID{} }

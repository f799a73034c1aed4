package dirsync

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// SID is a security identifier in its text form, S-1-5-21-… (MS-DTYP 2.4.2.1).
// The empty SID means that there is none: contacts and containers have none.
type SID string

// mostSubAuthorities is MS-DTYP 2.4.2.2's bound.
const mostSubAuthorities = 15

// DecodeSID reads the bytes of an attribute or of an access control entry
// (MS-DTYP 2.4.2.2): revision, count, authority with the greatest byte first,
// then the parts with the least byte first.
func DecodeSID(b []byte) (SID, error) {
	if len(b) < 8 || b[0] != 1 || b[1] > mostSubAuthorities || len(b) != 8+4*int(b[1]) {
		return "", fmt.Errorf("dirsync: %d bytes are no SID", len(b))
	}
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	text := append(make([]byte, 0, 48), "S-1-"...)
	text = strconv.AppendUint(text, authority, 10)
	for rest := b[8:]; len(rest) > 0; rest = rest[4:] {
		text = append(text, '-')
		text = strconv.AppendUint(text, uint64(binary.LittleEndian.Uint32(rest)), 10)
	}
	return SID(text), nil
}

// parseSID checks a SID's text form.
func parseSID(s string) (SID, error) {
	parts := strings.Split(s, "-")
	bad := len(parts) < 3 || len(parts) > 3+mostSubAuthorities || parts[0] != "S" || parts[1] != "1"
	for i := 2; i < len(parts) && !bad; i++ {
		bits := 32
		if i == 2 {
			bits = 48
		}
		n, err := strconv.ParseUint(parts[i], 10, bits)
		bad = err != nil || strconv.FormatUint(n, 10) != parts[i]
	}
	if bad {
		return "", fmt.Errorf("dirsync: %.60q is no SID", s)
	}
	return SID(s), nil
}

// RID is the last part, which names an object within its domain; 0 if there is
// none.
func (s SID) RID() uint32 {
	n, err := strconv.ParseUint(string(s[strings.LastIndexByte(string(s), '-')+1:]), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// Domain is the SID without its last part: the domain that gave it.
func (s SID) Domain() SID {
	return s[:max(strings.LastIndexByte(string(s), '-'), 0)]
}

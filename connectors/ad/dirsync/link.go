package dirsync

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Link names an object to which another points.
type Link struct {
	GUID GUID
	SID  SID    // empty if the object has none
	DN   string // as of the time of reading; it changes, GUID doesn't
}

// parseLink reads a DN in the form that the control
// LDAP_SERVER_EXTENDED_DN_OID asks for (MS-ADTS 3.1.1.3.4.1.5):
// <GUID=…>;<SID=…>;DN, where the SID may be missing. A DN without any such part
// is a link without GUID.
func parseLink(value string) (Link, error) {
	var l Link
	rest := value
	for strings.HasPrefix(rest, "<") {
		part, after, found := strings.Cut(rest[1:], ">")
		key, text, named := strings.Cut(part, "=")
		if !found || !named {
			return Link{}, fmt.Errorf("dirsync: %.80q is no extended DN", value)
		}
		var err error
		switch key {
		case "GUID":
			l.GUID, err = parseEitherGUID(text)
		case "SID":
			l.SID, err = parseEitherSID(text)
		}
		if err != nil {
			return Link{}, fmt.Errorf("dirsync: %.80q is no extended DN: %w", value, err)
		}
		rest = strings.TrimPrefix(after, ";")
	}
	l.DN = rest
	return l, nil
}

// parseEitherGUID reads the text form, and the hexadecimal form of flag 0.
func parseEitherGUID(s string) (GUID, error) {
	if len(s) == 32 {
		if b, err := hex.DecodeString(s); err == nil {
			return decodeGUID(b)
		}
	}
	return ParseGUID(s)
}

func parseEitherSID(s string) (SID, error) {
	if !strings.HasPrefix(s, "S-") {
		if b, err := hex.DecodeString(s); err == nil {
			return DecodeSID(b)
		}
	}
	return parseSID(s)
}

package dialect

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/document"
)

// link makes a URI of the text of a reference, which is none.
func (d *Dialect) link(raw jsontext.Value) (jsontext.Value, bool) {
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil || document.ValidReference(string(text)) || !d.Repair(ReferenceURI) {
		return nil, false
	}
	return document.AppendString(nil, encodeLink(string(text))), true
}

const (
	unreserved = "-._~"
	// reserved are the delimiters of RFC 3986 §2.2 but for number sign and
	// brackets, which have one place each.
	reserved = unreserved + ":/?@!$&'()*+,;="
)

// encodeLink percent-encodes what a URI must not hold, and leaves a correct URI
// as it is. Where that gives no URI, as for a host or port that can't be one, it
// encodes the delimiters too: what is left is a relative reference, whose
// decoded form is the text.
func encodeLink(s string) string {
	if document.ValidReference(s) {
		return s
	}
	base, fragment, has := strings.Cut(s, "#")
	head := authorityOf(base)
	mended := encode(base[len(head):], reserved, true)
	if !document.ValidReference(head) { // else its brackets are those of an IPv6 address
		head = encode(head, reserved, true)
	}
	if mended = head + mended; has {
		mended += "#" + encode(fragment, reserved, true)
	}
	if document.ValidReference(mended) {
		return mended
	}
	return encode(s, unreserved, false)
}

// authorityOf gives the beginning of a URI with its scheme and authority, "" if
// it has no authority.
func authorityOf(s string) string {
	start := strings.Index(s, "//")
	if start < 0 || strings.ContainsAny(s[:start], "/?") {
		return ""
	}
	if end := strings.IndexAny(s[start+2:], "/?"); end >= 0 {
		return s[:start+2+end]
	}
	return s
}

// encode percent-encodes each byte but letters, digits, those of keep and, with
// encoded, what is percent-encoded already.
func encode(s, keep string, encoded bool) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte(keep, c) >= 0,
			encoded && c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

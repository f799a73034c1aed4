package document

import (
	"net/netip"
	"net/url"
	"strings"
)

// ValidReference says whether a string is a URI or a relative reference
// (RFC 3986 §4.1; RFC 7643 §2.3.7) that net/url reads too. The latter refuses a
// host with encoded ASCII characters and IP literals that are no IPv6 address.
func ValidReference(s string) bool {
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	rest, fragment, _ := strings.Cut(s, "#")
	rest, query, _ := strings.Cut(rest, "?")
	if !uriBytes(fragment, "/?:@") || !uriBytes(query, "/?:@") {
		return false
	}
	if u.Scheme != "" {
		rest = rest[len(u.Scheme)+1:]
	}
	return hierarchy(rest)
}

// hierarchy is hier-part and relative-part of RFC 3986; that a relative path has
// no colon in its first segment, net/url has seen to.
func hierarchy(s string) bool {
	rest, ok := strings.CutPrefix(s, "//")
	if !ok {
		return uriBytes(s, "/:@")
	}
	end := strings.IndexByte(rest, '/')
	if end < 0 {
		end = len(rest)
	}
	return authority(rest[:end]) && uriBytes(rest[end:], "/:@")
}

func authority(s string) bool {
	if i := strings.IndexByte(s, '@'); i >= 0 {
		if !uriBytes(s[:i], ":") {
			return false
		}
		s = s[i+1:]
	}
	if literal, ok := strings.CutPrefix(s, "["); ok {
		literal, port, ok := strings.Cut(literal, "]")
		ip, err := netip.ParseAddr(literal)
		return ok && err == nil && ip.Is6() && ip.Zone() == "" && (port == "" || port[0] == ':' && digits(port[1:]))
	}
	host, port, _ := strings.Cut(s, ":")
	return uriBytes(host, "") && digits(port)
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// uriBytes says whether a part of a URI is made of unreserved characters,
// sub-delims, percent-encoded ones, and these.
func uriBytes(s, more string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~!$&'()*+,;=", c) >= 0, strings.IndexByte(more, c) >= 0:
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

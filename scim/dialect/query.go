package dialect

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	scimerrors "github.com/elimity-com/scim/errors"
)

// The flags that an administrator appends to the tenant URL in Entra ID. They
// arrive as parameters of some requests and not of others, so they say nothing:
// both dialects are understood always.
var entraFlags = []string{"aadOptscim062020", "AzureAdScimPatch2017"}

// Query reads a raw query string by the rules of forms: a plus sign is a blank
// and %2B a plus sign. Quotes, brackets and semicolons may stand as they are,
// and a parameter may come several times. Entra's flags are left out. The error
// is a scimerrors.ScimError, for bytes that are no UTF-8.
func (d *Dialect) Query(raw string) (url.Values, error) {
	out := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err := d.unescape(name)
		if err != nil {
			return nil, err
		}
		if value, err = d.unescape(value); err != nil {
			return nil, err
		}
		if !isEntraFlag(name) {
			out.Add(name, value)
		}
	}
	return out, nil
}

func isEntraFlag(name string) bool {
	for _, f := range entraFlags {
		if strings.EqualFold(name, f) {
			return true
		}
	}
	return false
}

func (d *Dialect) unescape(s string) (string, error) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] != '%':
			b = append(b, s[i])
		case i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		case d.Repair(StrayPercent):
			b = append(b, '%')
		default:
			return "", badQuery("The query has a percent sign without two hexadecimal digits.")
		}
	}
	if !utf8.Valid(b) {
		return "", badQuery("The query is not UTF-8.")
	}
	return string(b), nil
}

func badQuery(detail string) error {
	return scimerrors.ScimError{ScimType: scimerrors.ScimTypeInvalidValue, Status: http.StatusBadRequest, Detail: detail}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

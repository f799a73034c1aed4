package expression

import (
	"strings"
)

// dateFormat is a date format of .NET, taken apart (Microsoft, "Custom date and time
// format strings").
type dateFormat []field

// field is a specifier with how often its letter stands, or a literal.
type field struct {
	letter  byte // d f F g h H K m M s t y z; 0 for a literal
	count   int
	literal string
}

const (
	specifiers     = "dfFghHKmMstyz"
	mostDateFormat = 128 // bytes
	mostDigits     = 7   // of a second: .NET counts in 100 ns
)

// standardFormats are .NET's, which are one letter, in the invariant culture.
var standardFormats = map[string]string{
	"d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy",
	"f": "dddd, dd MMMM yyyy HH:mm", "F": "dddd, dd MMMM yyyy HH:mm:ss",
	"g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss",
	"m": "MMMM dd", "M": "MMMM dd", "y": "yyyy MMMM", "Y": "yyyy MMMM",
	"o": "yyyy-MM-ddTHH:mm:ss.fffffffK", "O": "yyyy-MM-ddTHH:mm:ss.fffffffK",
	"r": "ddd, dd MMM yyyy HH:mm:ss 'GMT'", "R": "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
	"s": "yyyy-MM-ddTHH:mm:ss", "u": "yyyy-MM-dd HH:mm:ss'Z'",
	"t": "HH:mm", "T": "HH:mm:ss",
}

// parseDateFormat reads a format.
func parseDateFormat(format string) (dateFormat, error) {
	if len(format) == 1 {
		standard, ok := standardFormats[format]
		if !ok {
			return nil, failed("the date format %s is one letter, and no standard format; a single specifier is written %%%s", quoted(format), format)
		}
		format = standard
	}
	if format == "" || len(format) > mostDateFormat {
		return nil, failed("a date format has 1 to %d bytes", mostDateFormat)
	}
	var p dateFormat
	for i := 0; i < len(format); {
		f, n, err := nextField(format, i)
		if err != nil {
			return nil, err
		}
		i += n
		switch last := len(p) - 1; {
		case f.letter == 0 && last >= 0 && p[last].letter == 0:
			p[last].literal += f.literal
		case f.letter != 0 || f.literal != "":
			p = append(p, f)
		}
	}
	return p, nil
}

// nextField reads one field and says how many bytes it has.
func nextField(format string, at int) (field, int, error) {
	c := format[at]
	rest := format[at+1:]
	switch {
	case c == '\'' || c == '"':
		end := strings.IndexByte(rest, c)
		if end < 0 {
			return field{}, 0, failed("the date format %s has a %c that isn't closed", quoted(format), c)
		}
		return field{literal: rest[:end]}, end + 2, nil
	case c == '\\' && rest != "":
		return field{literal: rest[:1]}, 2, nil
	case c == '%' && rest != "" && rest[0] != '%':
		f, n, err := nextField(format, at+1)
		return f, n + 1, err
	case c == '%' || c == '\\':
		return field{}, 0, failed("the date format %s has a %c that nothing follows", quoted(format), c)
	case strings.IndexByte(specifiers, c) < 0:
		return field{literal: string([]byte{c})}, 1, nil
	}
	n := 1
	for n <= len(rest) && rest[n-1] == c {
		n++
	}
	switch {
	case (c == 'f' || c == 'F') && n > mostDigits:
		return field{}, 0, failed("the date format %s has more than %d digits of a second", quoted(format), mostDigits)
	case c == 'K' || c == 'g':
		n = 1
	}
	return field{letter: c, count: n}, n, nil
}

package filter

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	scimerrors "github.com/elimity-com/scim/errors"
)

// Bounds of a filter and of a path.
const (
	MaxLength = 4096 // bytes of text
	MaxDepth  = 32   // parentheses and brackets inside each other
	MaxNodes  = 200  // comparisons, value paths, and, or, not
)

type kind uint8

const (
	end  kind = iota
	word      // a name, an operator, a keyword, a number or an unquoted operand
	text      // a string, decoded
	// The four brackets are tokens of their own: '(' ')' '[' ']'.
)

type token struct {
	kind  kind
	blank bool   // a blank stands before it
	at    int    // its first byte
	text  string // a word as it was written, a string decoded
}

func (t token) is(lower string) bool { return t.kind == word && equalFold(t.text, lower) }

// lexer cuts the input into tokens, one at a time.
type lexer struct {
	s    string
	pos  int
	tok  token // the token that the parser looks at
	noun string
	// fault is the scimType of an error at the present place.
	fault scimerrors.ScimType
}

// check refuses what no filter or path contains.
func (l *lexer) check() error {
	if len(l.s) > MaxLength {
		return badRequest(l.fault, "The %s is %d bytes long; at most %d are allowed.", l.noun, len(l.s), MaxLength)
	}
	if i := strings.IndexByte(l.s, 0); i >= 0 {
		return l.fail(i, "the character NUL is not allowed")
	}
	if !utf8.ValidString(l.s) {
		for i, r := range l.s {
			if r == utf8.RuneError && !strings.HasPrefix(l.s[i:], string(utf8.RuneError)) {
				return l.fail(i, "the byte %#x is not UTF-8", l.s[i])
			}
		}
	}
	return nil
}

// fail names a fault and its place: the number, from 1, of the character at a
// byte of the input.
func (l *lexer) fail(at int, format string, args ...any) error {
	place := utf8.RuneCountInString(l.s[:at]) + 1
	return badRequest(l.fault, "The %s is not valid at character %d: %s.", l.noun, place, fmt.Sprintf(format, args...))
}

// unexpected refuses the present token.
func (l *lexer) unexpected(wanted string) error {
	if l.tok.kind == end {
		return l.fail(l.tok.at, "%s is expected, but the %s ends", wanted, l.noun)
	}
	if l.tok.kind == text {
		return l.fail(l.tok.at, "%s is expected, not the string %s", wanted, quote(l.tok.text))
	}
	return l.fail(l.tok.at, "%s is expected, not %s", wanted, quote(l.s[l.tok.at:l.pos]))
}

// next goes to the next token.
func (l *lexer) next() error {
	start := l.pos
	for l.pos < len(l.s) && l.s[l.pos] == ' ' {
		l.pos++
	}
	l.tok = token{at: l.pos, blank: l.pos > start}
	if l.pos == len(l.s) {
		return nil
	}
	switch c := l.s[l.pos]; c {
	case '(', ')', '[', ']':
		l.tok.kind = kind(c)
		l.pos++
		return nil
	case '"':
		return l.quoted()
	}
	for l.pos < len(l.s) && !delimiter(l.s[l.pos]) {
		l.pos++
	}
	l.tok.kind, l.tok.text = word, l.s[l.tok.at:l.pos]
	return nil
}

func delimiter(c byte) bool {
	return c == ' ' || c == '(' || c == ')' || c == '[' || c == ']' || c == '"'
}

// quoted reads a JSON string (RFC 8259 §7). Without escapes it is a part of the
// input and costs no copy.
func (l *lexer) quoted() error {
	l.tok.kind = text
	from := l.pos + 1
	for i := from; i < len(l.s); i++ {
		switch c := l.s[i]; {
		case c == '"':
			l.tok.text, l.pos = l.s[from:i], i+1
			return nil
		case c == '\\':
			return l.escaped(from, i)
		case c < ' ':
			return l.fail(i, "the control character %q must be escaped", c)
		}
	}
	return l.unterminated()
}

func (l *lexer) unterminated() error {
	return l.fail(l.tok.at, "the string %s has no closing quote", quote(l.s[l.tok.at:]))
}

// escaped reads a string whose first escape is at i.
func (l *lexer) escaped(from, i int) error {
	b := make([]byte, 0, 64)
	for b = append(b, l.s[from:i]...); i < len(l.s); {
		switch c := l.s[i]; {
		case c == '"':
			l.tok.text, l.pos = string(b), i+1
			return nil
		case c < ' ':
			return l.fail(i, "the control character %q must be escaped", c)
		case c != '\\':
			b = append(b, c)
			i++
		default:
			r, n := unescape(l.s[i:])
			if n == 0 {
				if i+1 == len(l.s) {
					return l.unterminated()
				}
				return l.fail(i, "%s begins no escape of a JSON string", quote(l.s[i:min(i+6, len(l.s))]))
			}
			if r == 0 {
				return l.fail(i, "the character NUL is not allowed")
			}
			b = utf8.AppendRune(b, r)
			i += n
		}
	}
	return l.unterminated()
}

// unescape reads the escape at the beginning of s and says how long it is, 0
// for none. A surrogate pair is one escape; half of one is none.
func unescape(s string) (rune, int) {
	if len(s) < 2 {
		return 0, 0
	}
	if i := strings.IndexByte(`"\/bfnrt`, s[1]); i >= 0 {
		return rune("\"\\/\b\f\n\r\t"[i]), 2
	}
	r, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	low, ok := hex4(s[6:])
	if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
		return 0, 0
	}
	return r, 12
}

// hex4 reads \uXXXX at the beginning of s.
func hex4(s string) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for i := 2; i < 6; i++ {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// equalFold compares with a word in lower-case ASCII letters. It isn't
// strings.EqualFold, which takes the long s of "falſe" for an s.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i]|0x20 != lower[i] {
			return false
		}
	}
	return true
}

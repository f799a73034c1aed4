package schema

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold gives the form in which values that are not caseExact are compared:
// NFKC, then simple case folding, so that full-width and compatibility forms
// of a name are the same name while ß and ss, or the Turkish dotted and
// dotless i, stay apart. The database never folds: SQLite and PostgreSQL
// disagree about it, so the folded form is what they store and compare.
func Fold(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf {
			return foldUnicode(s)
		} else if 'A' <= c && c <= 'Z' {
			return foldASCII(s, i)
		}
	}
	return s
}

func foldASCII(s string, from int) string {
	b := []byte(s)
	for i := from; i < len(b); i++ {
		switch c := b[i]; {
		case c >= utf8.RuneSelf:
			return foldUnicode(s)
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func foldUnicode(s string) string {
	s = norm.NFKC.String(s)
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = utf8.AppendRune(b, foldRune(r))
	}
	// Folding can undo the composition that NFKC made.
	return norm.NFKC.String(string(b))
}

// foldRune picks one member of the rune's case orbit, the same for all of them:
// the lower case of the smallest rune if that belongs to the orbit (that of the
// Turkish İ doesn't), else the smallest rune.
func foldRune(r rune) rune {
	least := r
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		least = min(least, o)
	}
	lower := unicode.ToLower(least)
	if lower == r {
		return r
	}
	for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
		if o == lower {
			return lower
		}
	}
	return least
}

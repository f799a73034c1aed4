package expression

import (
	"strings"
	"unicode"

	"golang.org/x/text/language"
)

var caseFunctions = []Function{
	{Name: "PCase", Parameters: "source, wordSeparators", Meaning: "The first letter of each word in capitals, the others small. Words end at one of the separators; without them where .NET's ToTitleCase ends one, which is at blanks, hyphens, brackets and other punctuation but not at an apostrophe. Null stays null.", least: 1, most: 2, do: pCase},
	{Name: "ToLower", Parameters: "source, culture", Meaning: "In small letters. The culture is a name such as tr-TR; the invariant one without. Null stays null.", least: 1, most: 2,
		prepare: wanting(1, func(v any) error { _, err := turkic(v); return err }), do: cased(lower, unicode.TurkishCase.ToLower, 'i')},
	{Name: "ToUpper", Parameters: "source, culture", Meaning: "In capitals, letter by letter: ß stays. The culture as for ToLower. Null stays null.", least: 1, most: 2,
		prepare: wanting(1, func(v any) error { _, err := turkic(v); return err }), do: cased(upper, unicode.TurkishCase.ToUpper, 'I')},
}

func isMark(r rune) bool  { return unicode.Is(unicode.Mn, r) }
func isLatin(r rune) bool { return unicode.Is(unicode.Latin, r) }

// lower and upper are ToLowerInvariant and ToUpperInvariant of .NET: letter by
// letter, and the Turkish letters İ and ı stay as they are.
func lower(s string) string { return invariant(s, unicode.ToLower) }
func upper(s string) string { return invariant(s, unicode.ToUpper) }

func invariant(s string, to func(rune) rune) string {
	return strings.Map(func(r rune) rune {
		if r == 'İ' || r == 'ı' {
			return r
		}
		return to(r)
	}, s)
}

// turkic says whether a culture has the Turkish letters i: the only cultures in
// which .NET changes case in another way.
func turkic(culture any) (bool, error) {
	name, err := text(culture)
	if err != nil {
		return false, err
	}
	if name == nil || *name == "" {
		return false, nil
	}
	tag, err := language.Parse(*name)
	if err != nil {
		return false, failed("%s is no culture; write a name such as en-US or tr-TR", quoted(*name))
	}
	base, _ := tag.Base()
	return base.String() == "tr" || base.String() == "az", nil
}

// cased makes a function that changes case: by the invariant culture, or by
// Turkish. In other named cultures İ and ı become the plain letter.
func cased(plain func(string) string, turkish func(rune) rune, i rune) body {
	return func(_ *run, a arguments) (any, error) {
		s, err := a.text(0)
		if err != nil || s == nil {
			return nil, err
		}
		isTurkic, err := turkic(a.at(1))
		if err != nil {
			return nil, err
		}
		switch {
		case isTurkic:
			return strings.Map(turkish, *s), nil
		case empty(a.at(1)):
			return plain(*s), nil
		}
		return strings.Map(func(r rune) rune {
			if r == 'İ' && i == 'i' || r == 'ı' && i == 'I' {
				return i
			}
			return r
		}, plain(*s)), nil
	}
}

func pCase(_ *run, a arguments) (any, error) {
	s, err := a.text(0)
	if err != nil || s == nil {
		return nil, err
	}
	separators, err := a.plain(1)
	if err != nil {
		return nil, err
	}
	ends, begins := endsWord, unicode.IsLetter
	if a.at(1) != nil && separators != "" {
		ends = func(r rune) bool { return strings.ContainsRune(separators, r) }
		begins = func(rune) bool { return true }
	}
	inWord := false
	return strings.Map(func(r rune) rune {
		switch {
		case ends(r):
			inWord = false
		case !inWord && begins(r):
			inWord = true
			return unicode.ToTitle(r)
		}
		return r
	}, lower(*s)), nil
}

// endsWord says where TextInfo.ToTitleCase of .NET ends a word: at white space,
// controls, punctuation but for the apostrophe, and symbols. Digits and marks are
// a part of one.
func endsWord(r rune) bool {
	return r != '\'' && (unicode.IsSpace(r) || unicode.IsControl(r) || unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.Is(unicode.Cf, r))
}

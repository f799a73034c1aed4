package expression

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

var textFunctions = []Function{
	{Name: "Append", Parameters: "source, suffix", Meaning: "Both, one after the other. Null if the source is null.", least: 2, most: 2, do: appendText},
	{Name: "ConvertToBase64", Parameters: "source", Meaning: "Base64 of the text in UTF-16, little end first. Null stays null.", least: 1, most: 1, do: mapped(toBase64)},
	{Name: "ConvertToUTF8Hex", Parameters: "source", Meaning: "The bytes of the text in UTF-8, hexadecimal in capitals. Null stays null.", least: 1, most: 1, do: mapped(toHex)},
	{Name: "InStr", Parameters: "value1, value2, start, compareType", Meaning: "Where value2 first stands in value1, from 1, at or after start; 0 for nowhere. vbBinaryCompare, which is the default, looks at case, vbTextCompare doesn't. Null if one is null.", least: 2, most: 4,
		prepare: wanting(3, func(v any) error { _, err := caseless(v); return err }), do: inStr},
	{Name: "Left", Parameters: "string, numChars", Meaning: "The first characters; all for a negative number. Null gives \"\".", least: 2, most: 2, do: left},
	{Name: "Mid", Parameters: "source, start, length", Meaning: "That many characters from start, which counts from 1; fewer where the text ends. Null stays null.", least: 3, most: 3, do: mid},
	{Name: "NormalizeDiacritics", Parameters: "source", Meaning: "Latin letters without their marks: ä, å → a, ö → o, ç → c, ł → l, ı → i; æ → ae, ø and œ → oe, ß → ss. Other scripts stay. Null stays null.", least: 1, most: 1, do: mapped(withoutMarks)},
	{Name: "StripSpaces", Parameters: "source", Meaning: "Without its blanks, wherever they are; tabs and line breaks stay. Null stays null.", least: 1, most: 1,
		do: mapped(func(s string) (any, error) { return strings.ReplaceAll(s, " ", ""), nil })},
	{Name: "Trim", Parameters: "source", Meaning: "Without white space at both ends (a function of Entra Cloud Sync). Null stays null.", least: 1, most: 1,
		do: mapped(func(s string) (any, error) { return strings.TrimSpace(s), nil })},
	{Name: "Word", Parameters: "string, number, delimiters", Meaning: "That word, from 1; each of the delimiters ends one. \"\" if there is none, and for null.", least: 3, most: 3, do: word},
}

func appendText(_ *run, a arguments) (any, error) {
	s, err := a.text(0)
	if err != nil || s == nil {
		return nil, err
	}
	suffix, err := a.plain(1)
	return *s + suffix, err
}

func toBase64(s string) (any, error) {
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return base64.StdEncoding.EncodeToString(b), nil
}

func toHex(s string) (any, error) {
	return strings.ToUpper(hex.EncodeToString([]byte(s))), nil
}

// Values of vbBinaryCompare and vbTextCompare.
const (
	binaryCompare = 0
	textCompare   = 1
)

// caseless reads a compareType: vbBinaryCompare and vbTextCompare, which are 0
// and 1, or their names as text.
func caseless(v any) (bool, error) {
	switch v {
	case nil, binaryCompare, "vbBinaryCompare", "0":
		return false, nil
	case textCompare, "vbTextCompare", "1":
		return true, nil
	}
	return false, failed("compareType has to be vbBinaryCompare or vbTextCompare, not %s", shown(v))
}

func inStr(_ *run, a arguments) (any, error) {
	s, err := a.text(0)
	if err != nil || s == nil {
		return nil, err
	}
	part, err := a.text(1)
	if err != nil || part == nil {
		return nil, err
	}
	start := 1
	if a.at(2) != nil {
		if start, err = integer(a.at(2), "start"); err != nil {
			return nil, err
		}
	}
	if start < 1 {
		return nil, failed("start counts from 1")
	}
	fold, err := caseless(a.at(3))
	if err != nil {
		return nil, err
	}
	if fold {
		*s, *part = lower(*s), lower(*part)
	}
	if utf8.RuneCountInString(*s) < start {
		return 0, nil
	}
	from := cut(*s, start-1)
	found := strings.Index((*s)[from:], *part)
	if found < 0 {
		return 0, nil
	}
	return start + utf8.RuneCountInString((*s)[from:from+found]), nil
}

// cut is the byte where the characters after the first n begin.
func cut(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

func left(_ *run, a arguments) (any, error) {
	s, err := a.plain(0)
	if err != nil {
		return nil, err
	}
	n, err := integer(a.at(1), "numChars")
	if err != nil || n < 0 {
		return s, err
	}
	return s[:cut(s, n)], nil
}

func mid(_ *run, a arguments) (any, error) {
	s, err := a.text(0)
	if err != nil || s == nil {
		return nil, err
	}
	start, err := integer(a.at(1), "start")
	if err != nil {
		return nil, err
	}
	length, err := integer(a.at(2), "length")
	if err != nil {
		return nil, err
	}
	if start < 1 || length < 0 {
		return nil, failed("start counts from 1, and length isn't negative")
	}
	rest := (*s)[cut(*s, start-1):]
	return rest[:cut(rest, length)], nil
}

func word(_ *run, a arguments) (any, error) {
	s, err := a.plain(0)
	if err != nil {
		return nil, err
	}
	n, err := integer(a.at(1), "number")
	if err != nil {
		return nil, err
	}
	delimiters, err := a.plain(2)
	if err != nil {
		return nil, err
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(delimiters, r) })
	if n < 1 || n > len(words) {
		return "", nil
	}
	return words[n-1], nil
}

// plainLetters are those that no decomposition of Unicode gives.
var plainLetters = strings.NewReplacer(
	"æ", "ae", "Æ", "AE", "ø", "oe", "Ø", "OE", "œ", "oe", "Œ", "OE",
	"ß", "ss", "ẞ", "SS", "ł", "l", "Ł", "L", "ı", "i",
)

// withoutMarks drops the marks that follow a Latin letter in decomposed text, and
// leaves those of other scripts: й isn't и.
func withoutMarks(s string) (any, error) {
	var b strings.Builder
	latin := false
	for _, r := range norm.NFD.String(s) {
		if isMark(r) && latin {
			continue
		}
		if !isMark(r) {
			latin = isLatin(r)
		}
		b.WriteRune(r)
	}
	return plainLetters.Replace(norm.NFC.String(b.String())), nil
}

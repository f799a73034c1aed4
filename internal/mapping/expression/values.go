package expression

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Values of expressions are nil (null), bool, int, float64, string, date, []any,
// map[string]any, and the three below.

// omitted stands for an argument that was left empty between two commas.
type omitted struct{}

// ignored is what IgnoreFlowIfNullOrEmpty gives in place of nothing.
type ignored struct{}

// candidates is what SelectUniqueValue gives.
type candidates []string

// date is a DateTime of .NET: a time and what is known of its zone. As text it is
// in Entra's form, M/d/yyyy h:mm:ss tt, of the invariant culture.
type date struct {
	time.Time
	kind zoneKind
}

type zoneKind uint8

// The kinds of .NET's DateTime. Local is the zone of Entra's service: UTC.
const (
	unspecified zoneKind = iota
	utc
	local
)

const entraTime = "1/2/2006 3:04:05 PM"

// null makes nil of what is none, so that functions see one kind of nothing.
func null(v any) any {
	if _, ok := v.(omitted); ok {
		return nil
	}
	return v
}

// empty says whether a value is null or "", or a list or complex value that holds
// nothing else.
func empty(v any) bool {
	switch v := v.(type) {
	case nil, omitted, ignored:
		return true
	case string:
		return v == ""
	case []any:
		return !slices.ContainsFunc(v, func(e any) bool { return !empty(e) })
	case map[string]any:
		for _, e := range v {
			if !empty(e) {
				return false
			}
		}
		return true
	}
	return false
}

// Empty says whether a value of a [Record] or a [Result] is no value: null or an
// empty text, or a list or complex value that holds nothing else.
func Empty(v any) bool { return empty(v) }

// text gives a value as text, as CStr does; nil for null. It refuses lists and
// complex values.
func text(v any) (*string, error) {
	var s string
	switch v := v.(type) {
	case nil, omitted, ignored:
		return nil, nil
	case string:
		s = v
	case bool:
		s = "False"
		if v {
			s = "True"
		}
	case int:
		s = strconv.Itoa(v)
	case float64:
		s = strconv.FormatFloat(v, 'f', -1, 64)
		if math.Abs(v) >= 1e15 || v != 0 && math.Abs(v) < 1e-5 {
			s = strconv.FormatFloat(v, 'E', -1, 64)
		}
	case date:
		s = v.Format(entraTime)
	case []any:
		return nil, failed("a list where one value is wanted; take one by Item, or join them by Join")
	default:
		return nil, failed("a complex value where text is wanted; name an attribute of it, as in [name.givenName]")
	}
	return &s, nil
}

// numeric reads a number; false for what is none.
func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && decimal(v) && !math.IsInf(f, 0)
	}
	return 0, false
}

// decimal says whether text is a plain number, not hexadecimal, "Inf" or the
// like.
func decimal(s string) bool {
	return s != "" && strings.Trim(s, "0123456789.+-eE") == "" && strings.ContainsAny(s, "0123456789")
}

// integer reads a whole number; what says for what it is.
func integer(v any, what string) (int, error) {
	switch v := v.(type) {
	case int:
		return v, nil
	case string:
		if n, err := strconv.Atoi(v); err == nil {
			return n, nil
		}
	}
	if f, ok := numeric(v); ok && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return int(f), nil
	}
	return 0, failed("%s has to be a whole number, not %s", what, shown(v))
}

// truth reads a boolean: true and "True" in any case are true, and so is a number
// that isn't 0. Everything else is false.
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		if n, ok := numeric(v); ok {
			return n != 0
		}
		return strings.EqualFold(v, "true")
	case int, float64:
		n, _ := numeric(v)
		return n != 0
	}
	return false
}

// equal compares as Entra does, which has text only: 5 is "5" and true is "True".
// Text compares with its case; null is equal to null only. Lists and complex
// values are equal to nothing.
func equal(a, b any) bool {
	a, b = null(a), null(b)
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	_, aText := a.(string)
	_, bText := b.(string)
	if !aText || !bText {
		if x, ok := numeric(a); ok {
			if y, ok := numeric(b); ok {
				return x == y
			}
		}
	}
	_, aBool := a.(bool)
	_, bBool := b.(bool)
	s, err := text(a)
	t, err2 := text(b)
	if err != nil || err2 != nil || s == nil || t == nil {
		return false
	}
	if aBool || bBool {
		return strings.EqualFold(*s, *t)
	}
	return *s == *t
}

// compare orders two values: numbers and text that is a number as numbers, dates
// as dates, other text by its characters. It is false where one is null.
func compare(a, b any) (order int, ok bool, err error) {
	a, b = null(a), null(b)
	if a == nil || b == nil {
		return 0, false, nil
	}
	if x, ok := numeric(a); ok {
		if y, ok := numeric(b); ok {
			return ordered(x, y), true, nil
		}
	}
	if _, ok := a.(date); ok {
		return compareDates(a, b)
	}
	if _, ok := b.(date); ok {
		return compareDates(a, b)
	}
	s, err := text(a)
	if err != nil || s == nil {
		return 0, false, err
	}
	t, err := text(b)
	if err != nil || t == nil {
		return 0, false, err
	}
	return strings.Compare(*s, *t), true, nil
}

func compareDates(a, b any) (int, bool, error) {
	x, err := toDate(a)
	if err != nil || x == nil {
		return 0, false, err
	}
	y, err := toDate(b)
	if err != nil || y == nil {
		return 0, false, err
	}
	return x.Compare(y.Time), true, nil
}

func ordered(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// shown is a value for an error: at most 60 bytes of it.
func shown(v any) string {
	switch v := v.(type) {
	case nil, omitted, ignored:
		return "null"
	case []any:
		return "a list"
	case map[string]any:
		return "a complex value"
	default:
		s, err := text(v)
		if err != nil || s == nil {
			return "this"
		}
		return quoted(*s)
	}
}

func quoted(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}

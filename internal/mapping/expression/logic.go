package expression

import (
	"errors"
	"math"
	"strings"

	"github.com/expr-lang/expr/ast"
)

var logicFunctions = []Function{
	{Name: "BitAnd", Parameters: "value1, value2", Meaning: "The bits that both numbers have. Null if one is null.", least: 2, most: 2, do: bitAnd},
	{Name: "CBool", Parameters: "expression", Meaning: "True for true, \"True\" in any case and a number that isn't 0; else, and for null, False.", least: 1, most: 1,
		do: func(_ *run, a arguments) (any, error) { return truth(a.at(0)), nil }},
	{Name: "Coalesce", Parameters: "source1, source2, …, default", Meaning: "The first that isn't null; an empty text isn't null.", least: 1, most: -1, takesIgnored: true, do: coalesce},
	{Name: "CStr", Parameters: "value", Meaning: "A number, reference or boolean (\"True\", \"False\") as text. Null stays null.", least: 1, most: 1,
		do: mapped(func(s string) (any, error) { return s, nil })},
	{Name: "IIF", Parameters: "condition, valueIfTrue, valueIfFalse", Meaning: "One of two values; the other isn't worked out. The condition fails if an attribute that it reads, anywhere in it, is null or empty.", least: 3, most: 3,
		do: func(*run, arguments) (any, error) { return nil, errors.New("it is made into a condition") }},
	{Name: "IgnoreFlowIfNullOrEmpty", Parameters: "expression", Meaning: "The value; if it is null or empty the attribute is left as it is.", least: 1, most: 1, do: ignoreFlow},
	{Name: "IsNull", Parameters: "expression", Meaning: "Whether it is null: the attribute isn't there.", least: 1, most: 1,
		do: func(_ *run, a arguments) (any, error) { return a.at(0) == nil, nil }},
	{Name: "IsNullOrEmpty", Parameters: "expression", Meaning: "Whether it is null or an empty text, or a list that holds nothing else.", least: 1, most: 1,
		do: func(_ *run, a arguments) (any, error) { return empty(a.at(0)), nil }},
	{Name: "IsPresent", Parameters: "expression", Meaning: "The opposite of IsNullOrEmpty.", least: 1, most: 1,
		do: func(_ *run, a arguments) (any, error) { return !empty(a.at(0)), nil }},
	{Name: "IsString", Parameters: "expression", Meaning: "Whether it can be read as text: not null, no list and no complex value.", least: 1, most: 1, do: isString},
	{Name: "Not", Parameters: "source", Meaning: "False for what CBool makes True, else, and for null, True.", least: 1, most: 1,
		do: func(_ *run, a arguments) (any, error) { return !truth(a.at(0)), nil }},
	{Name: "Switch", Parameters: "source, default, key1, value1, …", Meaning: "The value of the first key that is the source, compared with its case; else the default. The key \"\" is for null and empty. All arguments are worked out.", least: 4, most: -1, takesIgnored: true, prepare: pairs, do: switchCase},
}

// operatorFunctions do what operators say; no expression can name them.
var operatorFunctions = []Function{
	{Name: "$eq", do: func(_ *run, a arguments) (any, error) { return equal(a[0], a[1]), nil }},
	{Name: "$ne", do: func(_ *run, a arguments) (any, error) { return !equal(a[0], a[1]), nil }},
	{Name: "$lt", do: ordering(func(n int) bool { return n < 0 })},
	{Name: "$le", do: ordering(func(n int) bool { return n <= 0 })},
	{Name: "$gt", do: ordering(func(n int) bool { return n > 0 })},
	{Name: "$ge", do: ordering(func(n int) bool { return n >= 0 })},
	{Name: "$add", do: add},
	{Name: "$contains", do: textually(strings.Contains)},
	{Name: "$startsWith", do: textually(strings.HasPrefix)},
	{Name: "$endsWith", do: textually(strings.HasSuffix)},
	{Name: "$minus", do: minus},
	{Name: "$member", do: member},
	{Name: "$not", do: func(_ *run, a arguments) (any, error) { return !truth(a.at(0)), nil }},
	{Name: "$truth", takesIgnored: true, do: func(_ *run, a arguments) (any, error) { return truth(a.at(0)), nil }},
	{Name: "$when", takesIgnored: true, do: when},
}

func bitAnd(_ *run, a arguments) (any, error) {
	if a.at(0) == nil || a.at(1) == nil {
		return nil, nil
	}
	x, err := integer(a.at(0), "value1")
	if err != nil {
		return nil, err
	}
	y, err := integer(a.at(1), "value2")
	return x & y, err
}

func coalesce(_ *run, a arguments) (any, error) {
	for _, v := range a {
		if _, left := v.(ignored); !left && null(v) != nil {
			return v, nil
		}
	}
	return nil, nil
}

func ignoreFlow(_ *run, a arguments) (any, error) {
	if empty(a.at(0)) {
		return ignored{}, nil
	}
	return a[0], nil
}

func isString(_ *run, a arguments) (any, error) {
	s, err := a.text(0)
	return err == nil && s != nil, nil
}

func pairs(given []ast.Node) error {
	if len(given)%2 != 0 {
		return failed("an even number of arguments is wanted: a source, a default, and pairs of a key and a value")
	}
	return nil
}

func switchCase(_ *run, a arguments) (any, error) {
	source := a.at(0)
	if _, left := source.(ignored); left {
		source = nil
	}
	if source == nil {
		source = ""
	}
	for i := 2; i+1 < len(a); i += 2 {
		if equal(source, a.at(i)) || source == "" && a.at(i) == nil {
			return a.at(i + 1), nil
		}
	}
	return a.at(1), nil
}

// when is the condition of an IIF: the condition, and the attributes that it
// reads.
func when(_ *run, a arguments) (any, error) {
	for _, v := range a[1:] {
		if empty(v) {
			return false, nil
		}
	}
	return truth(a.at(0)), nil
}

func ordering(holds func(int) bool) body {
	return func(_ *run, a arguments) (any, error) {
		order, ok, err := compare(a[0], a[1])
		return ok && holds(order), err
	}
}

func textually(holds func(s, part string) bool) body {
	return func(_ *run, a arguments) (any, error) {
		s, err := a.text(0)
		if err != nil || s == nil {
			return false, err
		}
		part, err := a.text(1)
		if err != nil || part == nil {
			return false, err
		}
		return holds(*s, *part), nil
	}
}

// add adds numbers and joins text; with null there is no sum.
func add(_ *run, a arguments) (any, error) {
	if a.at(0) == nil || a.at(1) == nil {
		return nil, nil
	}
	x, isInt := a[0].(int)
	y, both := a[1].(int)
	if sum := x + y; isInt && both && (sum > x) == (y > 0) {
		return sum, nil
	}
	_, xText := a[0].(string)
	_, yText := a[1].(string)
	f, xNumber := numeric(a[0])
	g, yNumber := numeric(a[1])
	if xNumber && yNumber && !xText && !yText {
		if sum := f + g; !math.IsInf(sum, 0) {
			return sum, nil
		}
		return nil, failed("the sum is too large")
	}
	s, err := a.plain(0)
	if err != nil {
		return nil, err
	}
	t, err := a.plain(1)
	return s + t, err
}

func minus(_ *run, a arguments) (any, error) {
	switch v := a.at(0).(type) {
	case nil:
		return nil, nil
	case int:
		return -v, nil
	}
	if f, ok := numeric(a[0]); ok {
		return whole(-f), nil
	}
	return nil, failed("- wants a number, not %s", shown(a[0]))
}

// member is .name of a complex value and [0] of a list; null for what isn't
// there.
func member(_ *run, a arguments) (any, error) {
	switch v := a.at(0).(type) {
	case map[string]any:
		name, err := a.plain(1)
		return v[strings.ToLower(name)], err
	case []any:
		if name, ok := a.at(1).(string); ok {
			all, _ := walk(v, []step{{name: strings.ToLower(name)}})
			return all, nil
		}
		i, err := integer(a.at(1), "the place in a list")
		if err != nil || i < 0 || i >= len(v) {
			return nil, err
		}
		return v[i], nil
	}
	return nil, nil
}

package mapping

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// coerce makes a value of the target's type of what a record or an expression
// gives: text of a number or boolean becomes one, and the reverse, one value
// becomes a list, and a list of one value that value. What is null or empty is
// nil. Everything else is checked as strictly as what a client sends.
func (f *flow) coerce(v any) (document.Value, error) {
	if expression.Empty(v) {
		return nil, nil
	}
	raw, err := f.raw(v)
	if err != nil || raw == nil {
		return nil, err
	}
	out, _, err := document.DecodeValue(f.leaf, raw, false, nil)
	return out, err
}

// raw writes a value as JSON of the target's type.
func (f *flow) raw(v any) (jsontext.Value, error) {
	if !f.leaf.MultiValued {
		return one(f.leaf, v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	b := jsontext.Value("[")
	for _, e := range list {
		if expression.Empty(e) {
			continue
		}
		raw, err := one(f.leaf, e)
		if err != nil {
			return nil, err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, raw...)
	}
	return append(b, ']'), nil
}

// one writes one value: of an attribute, or of a list's element.
func one(a *schema.Attribute, v any) (jsontext.Value, error) {
	if list, ok := v.([]any); ok {
		if len(list) != 1 {
			return nil, fmt.Errorf("%s has one value, and here are %d; take one by Item, or join them by Join", a.Path, len(list))
		}
		return one(a, list[0])
	}
	if expression.Empty(v) {
		return nil, nil
	}
	if o, ok := v.(map[string]any); ok {
		if a.Type != schema.Complex {
			return nil, fmt.Errorf("%s is no complex value, and here is one; name an attribute of it", a.Path)
		}
		return json.Marshal(o, json.Deterministic(true))
	}
	if a.Type == schema.Complex {
		value := a.Value()
		if value == nil {
			return nil, fmt.Errorf("%s is a complex value; fill its attributes, such as %s", a.Path, a.Subs[0].Path)
		}
		raw, err := one(value, v)
		return append(append(jsontext.Value(`{"value":`), raw...), '}'), err
	}
	return simple(a, v)
}

// simple writes a value that is neither a list nor complex.
func simple(a *schema.Attribute, v any) (jsontext.Value, error) {
	text, _ := expression.Text(v)
	text = strings.TrimSpace(text)
	switch a.Type {
	case schema.Boolean:
		if strings.EqualFold(text, "true") || strings.EqualFold(text, "false") {
			return jsontext.Value(strings.ToLower(text)), nil
		}
		return nil, misfit(a, text, "True or False; CBool makes one of a number")
	case schema.Integer, schema.Decimal:
		return number(a, v, text)
	case schema.DateTime:
		if at, ok := v.(time.Time); ok {
			text = at.UTC().Format(document.TimeFormat)
		}
		if _, err := document.ParseTime(text); err != nil {
			return nil, misfit(a, text, "a date and time as in 2026-01-31T09:00:00Z; CDate and FormatDateTime make one")
		}
		return document.AppendString(nil, text), nil
	}
	text, _ = expression.Text(v)
	return document.AppendString(nil, text), nil
}

// number writes what is a number, or the text of one.
func number(a *schema.Attribute, v any, text string) (jsontext.Value, error) {
	_, isBool := v.(bool)
	decimal := !isBool && strings.Trim(text, "0123456789.+-eE") == ""
	if n, err := strconv.ParseInt(text, 10, 64); decimal && err == nil {
		return strconv.AppendInt(nil, n, 10), nil
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case !decimal || err != nil:
	case a.Type == schema.Decimal:
		return strconv.AppendFloat(nil, f, 'g', -1, 64), nil
	case f == math.Trunc(f) && math.Abs(f) <= 1<<53:
		return strconv.AppendInt(nil, int64(f), 10), nil
	}
	return nil, misfit(a, text, map[schema.Type]string{schema.Integer: "a whole number", schema.Decimal: "a number"}[a.Type])
}

func misfit(a *schema.Attribute, text, want string) error {
	return fmt.Errorf("%s is %q; want %s", a.Path, document.Truncate(text, 60), want)
}

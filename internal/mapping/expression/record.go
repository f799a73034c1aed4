package expression

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Record is what a source says about one object: names with values. Names
// compare without case. The zero value says nothing. A Record doesn't change and
// is safe for concurrent use.
type Record struct{ fields map[string]any }

// Bounds of a record.
const (
	mostDepth  = 16
	mostValues = 10_000
	mostRecord = 1 << 20 // bytes of all names and texts
)

// NewRecord takes values as encoding/json gives them: nil, bool, float64,
// json.Number, string, []any, map[string]any, and besides int and []string. What
// it is given is copied. It refuses two names that differ in nothing but case,
// text that is no UTF-8, values of other types, and more than 1 MiB, 10,000 values
// or 16 levels.
func NewRecord(fields map[string]any) (Record, error) {
	n := &normalizer{}
	v, err := n.value(fields, "", 0)
	if err != nil {
		return Record{}, err
	}
	return Record{v.(map[string]any)}, nil
}

// Over gives the record that results where this one is said after an earlier
// one: what this one leaves out is as it was. An object is replaced attribute by
// attribute, a list as a whole.
func (r Record) Over(earlier Record) Record {
	return Record{over(r.fields, earlier.fields)}
}

func over(now, before map[string]any) map[string]any {
	merged := make(map[string]any, len(now)+len(before))
	for name, v := range before {
		merged[name] = v
	}
	for name, v := range now {
		inner, is := v.(map[string]any)
		old, was := before[name].(map[string]any)
		if is && was {
			v = over(inner, old)
		}
		merged[name] = v
	}
	return merged
}

// normalizer makes the values of a record the ones that expressions know.
type normalizer struct{ values, bytes int }

func (n *normalizer) value(v any, at string, depth int) (any, error) {
	n.values++
	if n.values > mostValues || depth > mostDepth || n.bytes > mostRecord {
		return nil, fmt.Errorf("the record is too large: at most %d values, %d levels and %d bytes", mostValues, mostDepth, mostRecord)
	}
	switch v := v.(type) {
	case nil, bool, int:
		return v, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s is no number", at)
		}
		return whole(v), nil
	case json.Number:
		return number(string(v), at)
	case string:
		return n.text(v, at)
	case []string:
		all := make([]any, len(v))
		for i, s := range v {
			all[i] = s
		}
		return n.list(all, at, depth)
	case []any:
		return n.list(v, at, depth)
	case map[string]any:
		return n.object(v, at, depth)
	}
	return nil, fmt.Errorf("%s is a %T, which no record holds", at, v)
}

func (n *normalizer) text(s, at string) (any, error) {
	if n.bytes += len(s); n.bytes > mostRecord {
		return nil, fmt.Errorf("the record is too large: more than %d bytes of text", mostRecord)
	}
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%s isn't UTF-8", at)
	}
	return s, nil
}

func (n *normalizer) list(list []any, at string, depth int) (any, error) {
	all := make([]any, 0, min(len(list), mostValues))
	for i, e := range list {
		v, err := n.value(e, at+"["+strconv.Itoa(i)+"]", depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

func (n *normalizer) object(o map[string]any, at string, depth int) (any, error) {
	all := make(map[string]any, min(len(o), mostValues))
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names) // the same error each time
	for _, name := range names {
		if _, err := n.text(name, "a name"); err != nil {
			return nil, err
		}
		key := strings.ToLower(strings.TrimSpace(name))
		if _, twice := all[key]; twice {
			return nil, fmt.Errorf("%.60q is there twice, in different case", cmp.Or(at+name, name))
		}
		v, err := n.value(o[name], at+name, depth+1)
		if err != nil {
			return nil, err
		}
		all[key] = v
	}
	return all, nil
}

// whole makes an int of a float that is one.
func whole(f float64) any {
	if f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return int(f)
	}
	return f
}

func number(s, at string) (any, error) {
	if n, err := strconv.Atoi(s); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%s is no number that can be read: %.60q", at, s)
	}
	return whole(f), nil
}

// Find gives an attribute's value; nil and true if the record says that there is
// none (null, or a list without such an element), nil and false if it says
// nothing about it. A heading that is the whole path comes before the attribute
// that the path leads to.
func (r Record) Find(p Path) (value any, said bool) {
	if v, ok := r.fields[p.text]; ok {
		return v, true
	}
	fields := r.fields
	if p.urn != "" {
		inner, ok := r.fields[p.urn]
		if !ok {
			return nil, false
		}
		if fields, ok = inner.(map[string]any); !ok {
			return nil, true
		}
	}
	return walk(fields, p.steps)
}

func walk(v any, steps []step) (any, bool) {
	if len(steps) == 0 {
		return v, true
	}
	switch v := v.(type) {
	case map[string]any:
		next, ok := v[steps[0].name]
		if !ok {
			return nil, false
		}
		if f := steps[0].filter; f != nil {
			next = f.first(next)
		}
		return walk(next, steps[1:])
	case []any:
		var all []any
		for _, e := range v {
			if inner, _ := walk(e, steps); inner != nil {
				all = append(all, inner)
			}
		}
		if all == nil {
			return nil, true
		}
		return all, true
	}
	return nil, true
}

// first finds the first element whose attribute is the condition's value,
// without regard to case.
func (c condition) first(v any) any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		o, _ := e.(map[string]any)
		has, err := text(o[c.name])
		if err == nil && has != nil && strings.EqualFold(*has, c.value) {
			return e
		}
	}
	return nil
}

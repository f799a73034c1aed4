package expression

import (
	"io"
	"strconv"
	"time"

	"github.com/expr-lang/expr"
)

// Bounds of an evaluation.
const (
	// MaxText is the longest text, in bytes, that an expression makes.
	MaxText = 64 << 10
	// MaxItems is how many values a list has that an expression makes.
	MaxItems = 1000
	// mostWork is what an evaluation may cost: a unit for each byte that a function
	// reads or makes, and for each step of a regular expression.
	mostWork = 32 << 20
)

// Environment is what an expression may read besides the record.
type Environment struct {
	// Now is the time that Now gives, and the date of a time without one.
	Now time.Time
	// Random is what Guid and RandomString draw from: crypto/rand's Reader, or
	// something that gives the same bytes each time. Where it is nil both fail.
	Random io.Reader
}

// Result is what an expression gives for a record.
type Result struct {
	// Value is nil (null), bool, int, float64, string, [time.Time] for a DateTime,
	// []any or map[string]any.
	Value any
	// Ignored says that IgnoreFlowIfNullOrEmpty leaves the attribute as it is;
	// Value is nil.
	Ignored bool
	// Candidates are the values of SelectUniqueValue, of which the first that
	// nobody has is to be taken; Value is nil.
	Candidates []string
}

// Text gives a value of a Result as an expression's CStr does: "True", and a
// DateTime in Entra's form. It is false for null, lists and complex values.
func Text(value any) (string, bool) {
	if at, ok := value.(time.Time); ok {
		value = date{Time: at}
	}
	s, err := text(value)
	if err != nil || s == nil {
		return "", false
	}
	return *s, true
}

// Evaluate works the expression out for a record. The error is an *[Error]: an
// argument that a function can't take, or a bound that was reached.
func (p *Program) Evaluate(record Record, in Environment) (Result, error) {
	variables := map[string]any{running: &run{in: in}, blank: omitted{}}
	for i, path := range p.translation.paths {
		variables[variable+strconv.Itoa(i)], _ = record.Find(path)
	}
	value, err := expr.Run(p.program, variables)
	if err != nil {
		return Result{}, p.translation.back(err)
	}
	switch v := value.(type) {
	case ignored:
		return Result{Ignored: true}, nil
	case candidates:
		return Result{Candidates: v}, nil
	case date:
		return Result{Value: v.UTC()}, nil
	}
	return Result{Value: plain(value)}, nil
}

// plain makes of a value one that callers know.
func plain(v any) any {
	switch v := v.(type) {
	case omitted, ignored:
		return nil
	case date:
		return v.UTC()
	case []any:
		all := make([]any, len(v))
		for i, e := range v {
			all[i] = plain(e)
		}
		return all
	}
	return v
}

// run is one evaluation.
type run struct {
	in   Environment
	work int
}

// spend counts work, and ends an evaluation that costs too much.
func (r *run) spend(units int) error {
	if r.work += units; r.work > mostWork {
		return failed("the expression is too much work for this record; make it shorter, or its patterns simpler")
	}
	return nil
}

// read counts what a function is given.
func (r *run) read(v any) error {
	switch v := v.(type) {
	case string:
		return r.spend(len(v))
	case []any:
		return r.spend(16 * len(v))
	}
	return nil
}

// keep checks what a function made against the bounds.
func (r *run) keep(v any) error {
	switch v := v.(type) {
	case string:
		if len(v) > MaxText {
			return failed("the text has %d bytes; at most %d are made", len(v), MaxText)
		}
		return r.spend(len(v))
	case []any:
		if len(v) > MaxItems {
			return failed("the list has %d values; at most %d are made", len(v), MaxItems)
		}
		return r.spend(16 * len(v))
	}
	return r.spend(1)
}

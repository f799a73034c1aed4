package mapping

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/document"
)

// Clause is a condition on one attribute of a record (row E007), after Entra's
// scoping filters (Microsoft, define-conditional-rules-for-provisioning-user-
// accounts). Text is compared with its case. Null and empty make every clause
// false but isNull. Of a list one value that fulfils it is enough; for ne and
// notRegex all have to.
type Clause struct {
	// Attribute is a path as in an expression, without its brackets; empty for
	// isMemberOf.
	Attribute string   `json:"attribute,omitzero"`
	Operator  Operator `json:"operator"`
	Value     string   `json:"value,omitzero"`
}

// Operator is the condition of a clause. Entra's names are read too.
type Operator string

// The operators.
const (
	Equals       Operator = "eq"         // EQUALS
	NotEquals    Operator = "ne"         // NOT EQUALS
	Contains     Operator = "co"         // INCLUDES
	StartsWith   Operator = "sw"         // –
	EndsWith     Operator = "ew"         // ENDS_WITH
	Greater      Operator = "gt"         // GREATER_THAN; numbers, or dates of ISO 8601
	GreaterEqual Operator = "ge"         // GREATER_THAN_OR_EQUALS
	Less         Operator = "lt"         // –
	LessEqual    Operator = "le"         // –
	Regex        Operator = "regex"      // REGEX MATCH; RE2, anywhere in the value
	NotRegex     Operator = "notRegex"   // NOT REGEX MATCH
	IsNull       Operator = "isNull"     // IS NULL
	IsNotNull    Operator = "isNotNull"  // IS NOT NULL
	IsTrue       Operator = "isTrue"     // IS TRUE
	IsFalse      Operator = "isFalse"    // IS FALSE
	IsMemberOf   Operator = "isMemberOf" // the value names a group
	IsBitSet     Operator = "isBitSet"   // &; one of the value's bits is set
	IsBitClear   Operator = "isBitClear" // !&
)

// operator is how an operator is written: whether it wants a value, and its
// names.
type operator struct {
	name    Operator
	unary   bool
	aliases []string // in capitals, with blanks for _
}

// operators are all that there are, with Entra's names.
func operators() []operator {
	return []operator{
		{Equals, false, []string{"EQUALS"}}, {NotEquals, false, []string{"NOT EQUALS"}},
		{Contains, false, []string{"INCLUDES"}}, {StartsWith, false, nil}, {EndsWith, false, []string{"ENDS WITH"}},
		{Greater, false, []string{"GREATER THAN"}}, {GreaterEqual, false, []string{"GREATER THAN OR EQUALS"}},
		{Less, false, nil}, {LessEqual, false, nil},
		{Regex, false, []string{"REGEX MATCH"}}, {NotRegex, false, []string{"NOT REGEX MATCH"}},
		{IsNull, true, []string{"IS NULL"}}, {IsNotNull, true, []string{"IS NOT NULL"}},
		{IsTrue, true, []string{"IS TRUE"}}, {IsFalse, true, []string{"IS FALSE"}},
		{IsMemberOf, false, []string{"ISMEMBEROF"}}, {IsBitSet, false, []string{"&"}}, {IsBitClear, false, []string{"!&"}},
	}
}

// find gives an operator by one of its names.
func (o Operator) find() (operator, error) {
	alias := strings.ToUpper(strings.ReplaceAll(string(o), "_", " "))
	var names []Operator
	for _, known := range operators() {
		if known.name == o || slices.Contains(known.aliases, alias) {
			return known, nil
		}
		names = append(names, known.name)
	}
	return operator{}, fmt.Errorf("%.40q is no operator; there are %s", string(o), strings.Trim(fmt.Sprint(names), "[]"))
}

// condition is a clause that is ready for use.
type condition struct {
	operator Operator
	path     expression.Path
	group    string // of isMemberOf
	holds    func(value any, text string) bool
}

// Bounds of what the patterns of a scope cost for a record: steps are
// instructions times bytes.
const (
	mostInstructions = 5000
	mostMatched      = 4096 // bytes; a longer value matches no pattern
)

// compile checks a clause; instructions counts what patterns cost.
func (c Clause) compile(instructions *int) (condition, error) {
	op, err := c.Operator.find()
	if err != nil {
		return condition{}, err
	}
	ready := condition{operator: op.name}
	switch {
	case op.unary && c.Value != "":
		return ready, fmt.Errorf("%s takes no value", op.name)
	case !op.unary && c.Value == "":
		return ready, fmt.Errorf("%s wants a value; for what is empty there are isNull and isNotNull", op.name)
	case len(c.Value) > mostText:
		return ready, fmt.Errorf("the value has %d bytes; at most %d are compared", len(c.Value), mostText)
	case op.name == IsMemberOf && c.Attribute != "":
		return ready, fmt.Errorf("%s has no attribute, only the group as its value", IsMemberOf)
	case op.name == IsMemberOf:
		ready.group = c.Value
		return ready, nil
	}
	ok := false
	if ready.path, ok = expression.ParsePath(c.Attribute); !ok {
		return ready, fmt.Errorf("%.80q is no attribute's name", c.Attribute)
	}
	ready.holds, err = c.test(op.name, instructions)
	return ready, err
}

// test makes the condition on one value.
func (c Clause) test(op Operator, instructions *int) (func(any, string) bool, error) {
	textual := map[Operator]func(s, value string) bool{
		Contains: strings.Contains, StartsWith: strings.HasPrefix, EndsWith: strings.HasSuffix,
	}
	switch op {
	case Equals:
		return func(v any, s string) bool { return c.equals(v, s) }, nil
	case NotEquals:
		return func(v any, s string) bool { return !c.equals(v, s) }, nil
	case Contains, StartsWith, EndsWith:
		return func(_ any, s string) bool { return textual[op](s, c.Value) }, nil
	case Regex, NotRegex:
		return c.pattern(op, instructions)
	case IsTrue, IsFalse:
		return func(_ any, s string) bool {
			return strings.EqualFold(s, map[bool]string{true: "true", false: "false"}[op == IsTrue])
		}, nil
	case Greater, GreaterEqual, Less, LessEqual:
		return c.ordering(op)
	case IsBitSet, IsBitClear:
		mask, err := strconv.ParseInt(c.Value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s wants a whole number, not %.40q", op, c.Value)
		}
		return func(_ any, s string) bool {
			n, err := strconv.ParseInt(s, 10, 64)
			return err == nil && (n&mask != 0) == (op == IsBitSet)
		}, nil
	}
	return func(any, string) bool { return true }, nil // isNull, isNotNull
}

// equals compares text; of a boolean the case doesn't matter.
func (c Clause) equals(v any, s string) bool {
	if _, ok := v.(bool); ok {
		return strings.EqualFold(s, c.Value)
	}
	return s == c.Value
}

func (c Clause) pattern(op Operator, instructions *int) (func(any, string) bool, error) {
	p, err := expression.ParsePattern(c.Value)
	if err != nil {
		return nil, err
	}
	if *instructions += p.Instructions(); *instructions > mostInstructions {
		return nil, fmt.Errorf("the patterns of the scope are too large together; make their repetitions smaller")
	}
	return func(_ any, s string) bool {
		return len(s) <= mostMatched && p.MatchString(s) == (op == Regex)
	}, nil
}

// ordering compares numbers or dates, whichever the clause's value is.
func (c Clause) ordering(op Operator) (func(any, string) bool, error) {
	holds := map[Operator]func(int) bool{
		Greater: func(n int) bool { return n > 0 }, GreaterEqual: func(n int) bool { return n >= 0 },
		Less: func(n int) bool { return n < 0 }, LessEqual: func(n int) bool { return n <= 0 },
	}[op]
	if number, ok := parseNumber(c.Value); ok {
		return func(_ any, s string) bool {
			n, ok := parseNumber(s)
			return ok && holds(n.Cmp(number))
		}, nil
	}
	at, err := document.ParseTime(c.Value)
	if err != nil {
		return nil, fmt.Errorf("%s wants a number, or a date as in 2026-01-31 or 2026-01-31T09:00:00Z, not %.40q", op, c.Value)
	}
	return func(_ any, s string) bool {
		t, err := document.ParseTime(s)
		return err == nil && holds(t.Compare(at))
	}, nil
}

// met says whether a record, and the groups that its object is in, fulfil the
// condition.
func (c condition) met(r expression.Record, groups []string) bool {
	if c.operator == IsMemberOf {
		return slices.Contains(groups, c.group)
	}
	value, _ := r.Find(c.path)
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	some, all := false, true
	for _, v := range list {
		text, ok := scalar(v)
		if !ok {
			continue
		}
		some = some || c.holds(v, text)
		all = all && c.holds(v, text)
	}
	present := slices.ContainsFunc(list, func(v any) bool { return !expression.Empty(v) })
	switch c.operator {
	case IsNull:
		return !present
	case IsNotNull:
		return present
	case NotEquals, NotRegex:
		return some && all
	}
	return some
}

// scalar gives a value as text; false for null, empty, lists and complex ones.
func scalar(v any) (string, bool) {
	s, ok := expression.Text(v)
	return s, ok && s != ""
}

var numberForm = regexp.MustCompile(`^[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?$`)

// parseNumber reads a decimal number exactly.
func parseNumber(s string) (*big.Rat, bool) {
	if !numberForm.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// scope is groups of conditions.
type scope [][]condition

func (s scope) met(r expression.Record, groups []string) bool {
	return len(s) == 0 || slices.ContainsFunc(s, func(all []condition) bool {
		return !slices.ContainsFunc(all, func(c condition) bool { return !c.met(r, groups) })
	})
}

func compileScope(groups [][]Clause, faults *Faults) (ready scope) {
	clauses, instructions := 0, 0
	for i, all := range groups {
		if len(all) == 0 {
			faults.add(fmt.Sprintf("scope[%d]", i), CodeRequired, "an empty group is fulfilled by everything; leave it out")
		}
		var group []condition
		for j, c := range all {
			clauses++
			one, err := c.compile(&instructions)
			if err != nil {
				faults.add(fmt.Sprintf("scope[%d][%d]", i, j), CodeClause, "%v", err)
			}
			group = append(group, one)
		}
		ready = append(ready, group)
	}
	if len(groups) > mostGroups || clauses > mostClauses {
		faults.add("scope", CodeTooMany, "%d groups and %d clauses; at most %d and %d are read", len(groups), clauses, mostGroups, mostClauses)
	}
	return ready
}

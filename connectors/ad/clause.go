package ad

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Clause is a condition on one attribute of the directory, after Entra's scoping
// filters. Text is compared with its case. An attribute without a value makes
// every clause false but IS NULL; of several values one that fulfils it is
// enough, and for NOT EQUALS and NOT REGEX MATCH all have to.
type Clause struct {
	Attribute string   `json:"attribute"`
	Operator  Operator `json:"operator"`
	Value     string   `json:"value,omitempty"`
}

// Operator is the condition of a clause.
type Operator string

// The operators.
const (
	Equals        Operator = "EQUALS"
	NotEquals     Operator = "NOT EQUALS"
	IsNull        Operator = "IS NULL"
	IsNotNull     Operator = "IS NOT NULL"
	RegexMatch    Operator = "REGEX MATCH"     // RE2, anywhere in the value
	NotRegexMatch Operator = "NOT REGEX MATCH" //
	Includes      Operator = "INCLUDES"        // the value as a part
	EndsWith      Operator = "ENDS WITH"
	IsTrue        Operator = "IS TRUE"
	IsFalse       Operator = "IS FALSE"
	GreaterThan   Operator = "GREATER THAN" // as whole numbers
	GreaterEqual  Operator = "GREATER THAN OR EQUALS"
	BitSet        Operator = "&" // one of the value's bits is set
	BitClear      Operator = "!&"
)

// operators that take a value, and those that don't.
var (
	withValue    = []Operator{Equals, NotEquals, RegexMatch, NotRegexMatch, Includes, EndsWith, GreaterThan, GreaterEqual, BitSet, BitClear}
	withoutValue = []Operator{IsNull, IsNotNull, IsTrue, IsFalse}
	numeric      = []Operator{GreaterThan, GreaterEqual, BitSet, BitClear}
)

// unscopable can't be in a clause: they are links, and change without the object.
var unscopable = []string{"member", "memberof", "manager", "directreports"}

func checkClauses(faults *faultList, at string, any [][]Clause) {
	count := 0
	for i, all := range any {
		if len(all) == 0 {
			faults.add(fmt.Sprintf("%s[%d]", at, i), "an empty list fulfils everything; leave it out")
		}
		for j, c := range all {
			count++
			if _, err := c.compile(); err != nil {
				faults.add(fmt.Sprintf("%s[%d][%d]", at, i, j), "%w", err)
			}
		}
	}
	if count > mostClauses {
		faults.add(at, "%d clauses, want at most %d", count, mostClauses)
	}
}

// condition says whether an attribute's values fulfil a clause.
type condition struct {
	attribute string // in small letters
	holds     func(values [][]byte) bool
}

// compile checks a clause and makes it ready to use.
func (c Clause) compile() (condition, error) {
	name := strings.ToLower(c.Attribute)
	switch {
	case !isAttribute(c.Attribute):
		return condition{}, fmt.Errorf("attribute %.60q is no attribute's name", c.Attribute)
	case slices.Contains(unscopable, name):
		return condition{}, fmt.Errorf("attribute %s is a link; use scope.groups for membership", c.Attribute)
	case slices.Contains(withoutValue, c.Operator) && c.Value != "":
		return condition{}, fmt.Errorf("operator %s takes no value", c.Operator)
	case !slices.Contains(withoutValue, c.Operator) && !slices.Contains(withValue, c.Operator):
		return condition{}, fmt.Errorf("operator %.60q, want one of %q", c.Operator, slices.Concat(withValue, withoutValue))
	case len(c.Value) > mostText:
		return condition{}, fmt.Errorf("a value of %d bytes, want at most %d", len(c.Value), mostText)
	}
	one, err := c.test()
	if err != nil {
		return condition{}, err
	}
	each := func(v []byte) bool { return one(string(v)) }
	holds := func(values [][]byte) bool { return slices.ContainsFunc(values, each) }
	switch c.Operator {
	case IsNull:
		holds = func(values [][]byte) bool { return len(values) == 0 }
	case NotEquals, NotRegexMatch:
		holds = func(values [][]byte) bool {
			return len(values) > 0 && !slices.ContainsFunc(values, func(v []byte) bool { return !each(v) })
		}
	}
	return condition{attribute: name, holds: holds}, nil
}

// test is the condition on one value.
func (c Clause) test() (func(string) bool, error) {
	var number int64
	if slices.Contains(numeric, c.Operator) {
		var err error
		if number, err = strconv.ParseInt(c.Value, 10, 64); err != nil {
			return nil, fmt.Errorf("operator %s wants a whole number, not %.60q", c.Operator, c.Value)
		}
	}
	compare := func(holds func(n int64) bool) func(string) bool {
		return func(v string) bool {
			n, err := strconv.ParseInt(v, 10, 64)
			return err == nil && holds(n)
		}
	}
	switch c.Operator {
	case Equals:
		return func(v string) bool { return v == c.Value }, nil
	case NotEquals:
		return func(v string) bool { return v != c.Value }, nil
	case RegexMatch, NotRegexMatch:
		expression, err := regexp.Compile(c.Value)
		if err != nil {
			return nil, fmt.Errorf("value: %w", err)
		}
		return func(v string) bool { return expression.MatchString(v) == (c.Operator == RegexMatch) }, nil
	case Includes:
		return func(v string) bool { return strings.Contains(v, c.Value) }, nil
	case EndsWith:
		return func(v string) bool { return strings.HasSuffix(v, c.Value) }, nil
	case IsTrue:
		return func(v string) bool { return v == "TRUE" }, nil
	case IsFalse:
		return func(v string) bool { return v == "FALSE" }, nil
	case GreaterThan:
		return compare(func(n int64) bool { return n > number }), nil
	case GreaterEqual:
		return compare(func(n int64) bool { return n >= number }), nil
	case BitSet:
		return compare(func(n int64) bool { return n&number != 0 }), nil
	case BitClear:
		return compare(func(n int64) bool { return n&number == 0 }), nil
	default: // IS NULL, IS NOT NULL
		return func(string) bool { return true }, nil
	}
}

// isAttribute says whether s is a name in a schema (RFC 4512 §2.5: descr).
func isAttribute(s string) bool { return attributeName.MatchString(s) }

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,255}$`)

// conditions are the clauses of one kind of object.
type conditions [][]condition

// compileClauses makes clauses ready that were checked.
func compileClauses(any [][]Clause) (conditions, error) {
	var ready conditions
	for _, all := range any {
		var list []condition
		for _, c := range all {
			one, err := c.compile()
			if err != nil {
				return nil, fmt.Errorf("ad: scope: %w", err)
			}
			list = append(list, one)
		}
		ready = append(ready, list)
	}
	return ready, nil
}

// hold says whether an object that is told whole fulfils them.
func (c conditions) hold(o values) bool {
	return len(c) == 0 || slices.ContainsFunc(c, func(all []condition) bool {
		return !slices.ContainsFunc(all, func(one condition) bool {
			v, _ := o.Values(one.attribute)
			return !one.holds(v)
		})
	})
}

// attributes are those that they look at.
func (c conditions) attributes() (names []string) {
	for _, all := range c {
		for _, one := range all {
			names = append(names, one.attribute)
		}
	}
	return names
}

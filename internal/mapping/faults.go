package mapping

import (
	"fmt"
	"strings"
)

// Fault is one thing that is wrong with rules.
type Fault struct {
	At      string `json:"at"` // "flows[3].expression"; empty for the whole
	Code    Code   `json:"code"`
	Message string `json:"message"` // what is wrong, and the way out
}

// Faults are all that is wrong with rules, in their order.
type Faults []Fault

// Error gives one line for each.
func (f Faults) Error() string {
	var lines []string
	for _, one := range f {
		if one.At != "" {
			one.Message = one.At + ": " + one.Message
		}
		lines = append(lines, one.Message)
	}
	return strings.Join(lines, "\n")
}

func (f *Faults) add(at string, code Code, format string, args ...any) {
	*f = append(*f, Fault{at, code, fmt.Sprintf(format, args...)})
}

// Problem is what kept a record, or an attribute of it, from being brought.
type Problem struct {
	Target   string // of the flow; empty if it is about the object
	Code     Code
	Sentence string // what is wrong, and the way out
	// Blocks says that the object can't be brought at all; otherwise the attribute
	// stays as it is, and the others are brought.
	Blocks bool
}

// Code is a kind of fault or problem.
type Code string

// The codes of faults; CodeValue and CodeRequired besides.
const (
	CodeSyntax            Code = "invalidSyntax"     // it is no JSON of rules
	CodeName              Code = "unknownName"       // rules have no such name
	CodeTooMany           Code = "tooMany"           // a bound is exceeded
	CodeAttribute         Code = "invalidTarget"     // there is no such attribute, or no source fills it
	CodeClause            Code = "invalidClause"     // the clause can't be judged
	CodeExpressionInvalid Code = "invalidExpression" // it isn't of the language
	CodeTwice             Code = "twice"             // it is there already
	CodeUnfit             Code = "unfit"             // it can't be used here
	CodeUnsupported       Code = "notSupported"      // the rules are right, and who keeps them can't do it
)

// The codes of problems.
const (
	CodeExpression Code = "expressionFailed" // a function can't take what it was given
	CodeValue      Code = "invalidValue"     // the value isn't one of the attribute
	CodeRequired   Code = "requiredMissing"  // an attribute that every object needs has no value
	CodeUnique     Code = "noUniqueValue"    // all values of SelectUniqueValue are taken
	CodeMatch      Code = "matchMissing"     // no match rule has a value
)

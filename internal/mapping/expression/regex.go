package expression

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// Bounds of a regular expression.
const (
	mostExpression   = 1024 // bytes
	mostInstructions = 2000 // of the compiled one
	mostGroups       = 32
	mostMatches      = 10_000 // in one text
)

// Pattern is a regular expression with what it costs. Its syntax is that of RE2,
// in which time is bounded: there are no references back and no looking around.
type Pattern struct {
	*regexp.Regexp
	instructions int
}

// ParsePattern compiles a regular expression of at most 1,024 bytes, as Entra
// writes them as far as RE2 knows them: (?<name>…) is a named group.
func ParsePattern(s string) (Pattern, error) {
	if len(s) > mostExpression {
		return Pattern{}, failed("the pattern has %d bytes; at most %d are read", len(s), mostExpression)
	}
	parsed, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return Pattern{}, failed("the pattern isn't one of RE2: %s", syntaxFault(err))
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > mostInstructions || parsed.MaxCap() > mostGroups {
		return Pattern{}, failed("the pattern is too large; make its repetitions smaller, or its groups fewer than %d", mostGroups)
	}
	compiled, err := regexp.Compile(s)
	if err != nil {
		return Pattern{}, failed("the pattern isn't one of RE2: %s", syntaxFault(err))
	}
	return Pattern{compiled, len(program.Inst)}, nil
}

// Instructions is how large the compiled expression is: matching it against a text
// takes at most that many steps for each byte.
func (p Pattern) Instructions() int { return p.instructions }

// syntaxFault says what RE2 doesn't know, and why not.
func syntaxFault(err error) string {
	var fault *syntax.Error
	if !errors.As(err, &fault) {
		return err.Error()
	}
	what := fault.Code.String() + " " + quoted(fault.Expr)
	if fault.Code == syntax.ErrInvalidPerlOp || fault.Code == syntax.ErrInvalidEscape {
		what += " (there are no references back and no looking ahead or behind)"
	}
	return what
}

// matches are those in a text, with their groups.
func (p Pattern) matches(s string) ([][]int, error) {
	all := p.FindAllStringSubmatchIndex(s, mostMatches+1)
	if len(all) > mostMatches {
		return nil, failed("the pattern matches more than %d times", mostMatches)
	}
	return all, nil
}

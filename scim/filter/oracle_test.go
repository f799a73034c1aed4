package filter_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
	"pgregory.net/rapid"
)

// The library's parser is the oracle. Where both take a filter they must yield
// the same tree; these are the filters on which they differ by intent.
var differences = []struct {
	name, in     string
	ours, theirs bool // who takes it
}{
	{"they refuse lower-case hexadecimal", `a eq "\u00e9"`, true, false},
	{"they don't decode, so take half a surrogate pair", `a eq "\uD83D"`, false, true},
	{"they take what is not UTF-8", "a eq \"\xff\"", false, true},
	{"they take an escaped NUL", `a eq "\u0000"`, false, true},
	{"they know two terms in a value filter", `e[a pr and b pr and c pr]`, true, false},
	{"they know no groups in a value filter", `e[(a pr or b pr) and c pr]`, true, false},
	{"they know no not behind and", `e[a pr and not (b pr)]`, true, false},
	{"they don't know Entra's value path", `e[a pr].b eq "x"`, true, false},
	{"they refuse $ inside a name (RFC 7643 §2.1)", `a$b pr`, true, false},
	{"they refuse _ in URNs", `urn:x_y:User:a pr`, true, false},
	{"they refuse Microsoft's http schemas", `http://schemas.microsoft.com/2.0/Group:a pr`, true, false},
	{"they refuse blanks at the ends", ` a pr `, true, false},
	{"they need no blank in a value filter", `e[a eq "x"and b eq "y"]`, false, true},
	{"they have no limit of depth", strings.Repeat("(", 33) + "a pr" + strings.Repeat(")", 33), false, true},
}

func TestDifferencesFromTheOracle(t *testing.T) {
	for _, d := range differences {
		if _, err := filter.Parse(d.in); (err == nil) != d.ours {
			t.Errorf("%s: we say %v of %s", d.name, err, d.in)
		}
		if _, err := ast.ParseFilter([]byte(d.in)); (err == nil) != d.theirs {
			t.Errorf("%s: they say %v of %s", d.name, err, d.in)
		}
	}
}

func TestOracleAgreesOnRFCExamples(t *testing.T) {
	for _, s := range rfcExamples {
		sameAsOracle(t, s)
	}
}

func TestOracleAgreesOnDrawnFilters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sameAsOracle(t, drawFilter(t, 2, drawSyntax))
	})
}

func TestOracleAgreesOnDrawnPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawName(t)
		if rapid.Bool().Draw(t, "bracket") {
			s += drawBrackets(t) + pick(t, "", ".value")
		}
		ours, err := filter.ParsePath(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		theirs, err := ast.ParsePath([]byte(s))
		if err != nil {
			t.Fatalf("%s: the oracle refuses: %v", s, err)
		}
		theirs.ValueExpression = decoded(theirs.ValueExpression)
		if !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("%s: ours %s, theirs %s", s, showPath(ours), showPath(theirs))
		}
	})
}

// Both must refuse what is not a filter, however little is wrong with it.
func TestOracleAgreesOnDamagedFilters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawFilter(t, 1, drawSyntax)
		i := rapid.IntRange(0, len(s)-1).Draw(t, "at")
		switch rapid.IntRange(0, 2).Draw(t, "damage") {
		case 0:
			s = s[:i] + s[i+1:]
		case 1:
			s = s[:i] + pick(t, ` `, `"`, `(`, `)`, `[`, `]`, `\`, `.`, `:`, `x`, `1`, `,`, ` and `) + s[i:]
		default:
			s = s[:i]
		}
		theirs, err := ast.ParseFilter([]byte(s))
		ours, refused := filter.Parse(s)
		switch {
		case err != nil && refused == nil && !ourExtra(s):
			t.Fatalf("only we take %s as %s", s, show(ours))
		case err == nil && refused != nil && !theirExtra(s):
			t.Fatalf("only they take %s, because %v", s, refused)
		case err == nil && refused == nil && !reflect.DeepEqual(ours, decoded(theirs)):
			t.Fatalf("%s: ours %s, theirs %s", s, show(ours), show(decoded(theirs)))
		}
	})
}

// ourExtra and theirExtra say whether a damaged filter can be one of the
// differences.
func ourExtra(s string) bool {
	return s != strings.TrimSpace(s) || strings.ContainsAny(s, "[\\_$")
}

func theirExtra(s string) bool { return !utf8.ValidString(s) || strings.ContainsAny(s, "[\\") }

// sameAsOracle fails unless both parsers take s and agree.
func sameAsOracle(t rapid.TB, s string) {
	t.Helper()
	ours, err := filter.Parse(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	theirs, err := ast.ParseFilter([]byte(s))
	if err != nil {
		t.Fatalf("%s: the oracle refuses: %v", s, err)
	}
	if theirs = decoded(theirs); !reflect.DeepEqual(ours, theirs) {
		t.Fatalf("%s: ours %s, theirs %s", s, show(ours), show(theirs))
	}
}

// decoded decodes the escapes that the library leaves in strings.
func decoded(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.LogicalExpression:
		return &ast.LogicalExpression{Left: decoded(e.Left), Right: decoded(e.Right), Operator: e.Operator}
	case *ast.NotExpression:
		return &ast.NotExpression{Expression: decoded(e.Expression)}
	case *ast.ValuePath:
		return &ast.ValuePath{AttributePath: e.AttributePath, ValueFilter: decoded(e.ValueFilter)}
	case *ast.AttributeExpression:
		c := *e
		if s, ok := e.CompareValue.(string); ok {
			var d string
			if json.Unmarshal([]byte(`"`+s+`"`), &d) == nil {
				c.CompareValue = d
			}
		}
		return &c
	}
	return e
}

// drawSyntax draws a term that both parsers take.
func drawSyntax(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "term") == 0 {
		return drawName(t) + drawBrackets(t)
	}
	return drawName(t) + drawOperation(t)
}

func drawBrackets(t *rapid.T) string {
	one := func() string { return drawName(t) + drawOperation(t) }
	switch rapid.IntRange(0, 2).Draw(t, "brackets") {
	case 0:
		return "[" + one() + "]"
	case 1:
		return "[" + one() + pick(t, " and ", " OR  ") + one() + "]"
	default:
		return pick(t, "[not (", "[NOT(", "[ not ( ") + one() + pick(t, ")]", " ) ]")
	}
}

func drawName(t *rapid.T) string {
	return pick(t, "", "", schemaURN, "URN:x:my-ext:1.0:") + pick(t, "a", "userName", "not", "and", "X-1_y", "pr", "eq") + pick(t, "", "", ".value", ".a-b", ".$ref")
}

const schemaURN = "urn:ietf:params:scim:schemas:core:2.0:User:"

func drawOperation(t *rapid.T) string {
	if rapid.IntRange(0, 4).Draw(t, "pr") == 0 {
		return pick(t, " pr", "  PR")
	}
	return " " + pick(t, "eq", "NE", "co", "Sw", "ew", "gT", "ge", "lt", "LE") + " " + pick(t,
		`"x"`, `""`, `"a b) and [c]"`, `"é😀"`, `"\"\\\/\n\u00E9"`, `"\uD83D\uDE00"`,
		"0", "-1", "12", "1.50", "-0.1e-2", "1E5", "true", "FALSE", "null", "Null")
}

package filter_test

import (
	"strings"
	"testing"

	scimerrors "github.com/elimity-com/scim/errors"
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
)

// rfcExamples are the filters of RFC 7644 §3.4.2.2, figure 2.
var rfcExamples = []string{
	`userName eq "bjensen"`,
	`name.familyName co "O'Malley"`,
	`userName sw "J"`,
	`urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"`,
	`title pr`,
	`meta.lastModified gt "2011-05-13T04:42:34Z"`,
	`meta.lastModified ge "2011-05-13T04:42:34Z"`,
	`meta.lastModified lt "2011-05-13T04:42:34Z"`,
	`meta.lastModified le "2011-05-13T04:42:34Z"`,
	`title pr and userType eq "Employee"`,
	`title pr or userType eq "Intern"`,
	`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`,
	`userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")`,
	`userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")`,
	`userType eq "Employee" and (emails.type eq "work")`,
	`userType eq "Employee" and emails[type eq "work" and value co "@example.com"]`,
	`emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]`,
}

func TestParseRFCExamples(t *testing.T) {
	for _, s := range rfcExamples {
		got := show(parse(t, s))
		want := strings.NewReplacer("not (", "not(", `(emails.type eq "work")`, `emails.type eq "work"`).Replace(s)
		if got != want {
			t.Errorf("%s\nparsed as %s", s, got)
		}
		if _, err := filter.Resolve(set.User, parse(t, s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestParse(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"and binds before or", `a pr or b pr and c pr or d pr`, `a pr or b pr and c pr or d pr`},
		{"a group overrides", `(a pr or b pr) and c pr`, `(a pr or b pr) and c pr`},
		{"a group on the right", `a pr and (b pr and c pr)`, `a pr and (b pr and c pr)`},
		{"a group that changes nothing", `((a pr) and ((b pr)))`, `a pr and b pr`},
		{"not takes its group only", `not (a pr) and b pr`, `not(a pr) and b pr`},
		{"not of not", `not (not (a pr))`, `not(not(a pr))`},
		{"not without a blank", `not(a pr)`, `not(a pr)`},
		{"keywords in any case", `A PR aNd NoT (b EQ TRUE) Or c Ne NuLL`, `A pr and not(b eq true) or c ne null`},
		{"attributes named like keywords", `not pr and and eq 1 or or pr`, `not pr and and eq 1 or or pr`},
		{"more blanks", `  a   eq   1   and  (  b pr  )  `, `a eq 1 and b pr`},
		{"blanks around brackets", `emails [ type eq "work" ]`, `emails[type eq "work"]`},

		{"nested value filter", `e[(a pr or not (b pr)) and c pr or d pr]`, `e[(a pr or not(b pr)) and c pr or d pr]`},
		{"Entra's value path", `emails[type eq "work"].value eq "x"`, `emails[type eq "work" and value eq "x"]`},
		{"Entra's value path with or", `emails[a pr or b pr].value pr`, `emails[(a pr or b pr) and value pr]`},
		{"Entra's value path among others", `not (e[a pr].b ne 1) and c pr`, `not(e[a pr and b ne 1]) and c pr`},
		{"Entra's value path with a blank", `emails[type eq "work"] .value ew "x"`, `emails[type eq "work" and value ew "x"]`},

		{"URN in any case", `URN:ietf:params:scim:schemas:core:2.0:user:name.familyName pr`, `URN:ietf:params:scim:schemas:core:2.0:user:name.familyName pr`},
		{"URN with hyphen, underscore and dots", `urn:x:my-ext_1.0:2.0:User:a.b pr`, `urn:x:my-ext_1.0:2.0:User:a.b pr`},
		{"Microsoft's group schema", `http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group:a pr`, `http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group:a pr`},
		{"extension alone", `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr`},
		{"$ref", `members.$ref eq "x" or members[$ref sw "y"]`, `members.$ref eq "x" or members[$ref sw "y"]`},
		{"name characters", `a-b_9.c-d_0 pr`, `a-b_9.c-d_0 pr`},

		{"integer", `a eq -12`, `a eq -12`},
		{"zero", `a eq 0`, `a eq 0`},
		{"decimal", `a eq -0.50`, `a eq -0.5`},
		{"exponent", `a eq 1E+2`, `a eq 100e0`},
		{"more than an int", `a eq 12345678901234567890`, `a eq 1.2345678901234567e+19`},
		{"literals", `a eq true or a eq false or a eq null`, `a eq true or a eq false or a eq null`},
		{"empty string", `a eq ""`, `a eq ""`},
	}
	for _, tt := range tests {
		if got := show(parse(t, tt.in)); got != tt.want {
			t.Errorf("%s: %s parsed as %s, want %s", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestParseTakesEveryOperator(t *testing.T) {
	for _, op := range []ast.CompareOperator{ast.EQ, ast.NE, ast.CO, ast.SW, ast.EW, ast.GT, ast.GE, ast.LT, ast.LE} {
		for _, spelling := range []string{string(op), strings.ToUpper(string(op))} {
			e, ok := parse(t, `a `+spelling+` "x"`).(*ast.AttributeExpression)
			if !ok || e.Operator != op {
				t.Errorf("%s parsed as %v", spelling, e)
			}
			want := `e[b pr and a ` + string(op) + ` "x"]`
			if got := show(parse(t, `e[b pr].a `+spelling+` "x"`)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
}

func TestParseDecodesStrings(t *testing.T) {
	tests := []struct{ in, want string }{
		{`plain`, "plain"},
		{`O'Malley & Søn`, "O'Malley & Søn"},
		{`\"\\\/\b\f\n\r\t`, "\"\\/\b\f\n\r\t"},
		{`a\"b`, `a"b`},
		{`\u00e9\u00C9`, "éÉ"},
		{`\ud83d\uDE00!`, "😀!"},
		{`\u0001`, "\x01"},
		{`\uFFFD`, "\uFFFD"},
		{`(a) [b] and`, "(a) [b] and"},
	}
	for _, tt := range tests {
		e, ok := parse(t, `userName eq "`+tt.in+`"`).(*ast.AttributeExpression)
		if !ok || e.CompareValue != tt.want {
			t.Errorf("%s decoded as %q, want %q", tt.in, e.CompareValue, tt.want)
		}
	}
}

func TestParseNumbersAreIntOrFloat64(t *testing.T) {
	for in, want := range map[string]any{
		"1": 1, "-1": -1, "-0": 0, "9007199254740993": 9007199254740993,
		"1.0": 1.0, "1e0": 1.0, "9223372036854775808": 9223372036854775808.0,
	} {
		e, ok := parse(t, "a eq "+in).(*ast.AttributeExpression)
		if !ok || e.CompareValue != want {
			t.Errorf("%s parsed as %T %v, want %T %v", in, e.CompareValue, e.CompareValue, want, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{``, `at character 1: an attribute name, "not" or "(" is expected, but the filter ends.`},
		{`   `, `at character 4: `},
		{`userName`, `at character 9: an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) is expected, but the filter ends.`},
		{`userName equals "x"`, `at character 10: an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) is expected, not "equals".`},
		{`userName "x"`, `at character 10: an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr) is expected, not the string "x".`},
		{`userName eq`, `at character 12: a value is expected, but the filter ends.`},
		{`userName eq )`, `at character 13: a value is expected, not ")".`},
		{`userName eq bjensen`, `at character 13: a string in double quotes, a number, true, false or null is expected, not "bjensen".`},
		{`userName eq 'bjensen'`, `at character 13: a string in double quotes,`},
		{`userName eq"x"`, `at character 12: a blank is expected before the value.`},
		{`userName eq "x"and title pr`, `at character 16: a blank is expected before "and".`},
		{`title pr and(title pr)`, `at character 13: a blank is expected after "and".`},
		{`title pr and`, `at character 13: an attribute name, "not" or "(" is expected, but the filter ends.`},
		{`title pr title pr`, `at character 10: "and", "or" or the end is expected, not "title".`},
		{`title pr "x"`, `at character 10: "and", "or" or the end is expected, not the string "x".`},
		{`(title pr`, `at character 10: "and", "or" or ")" is expected, but the filter ends.`},
		{`title pr)`, `at character 9: "and", "or" or the end is expected, not ")".`},
		{`()`, `at character 2: an attribute name, "not" or "(" is expected, not ")".`},
		{`emails[type pr`, `at character 15: "and", "or" or "]" is expected, but the filter ends.`},
		{`emails[]`, `at character 8: an attribute name, "not" or "(" is expected, not "]".`},
		{`emails[type[a pr]]`, `at character 12: an operator is expected, not "[".`},
		{`emails[type pr].value`, `at character 22: an operator (eq,`},
		{`emails[type pr]. eq 1`, `at character 16: "." is not a sub-attribute.`},
		{`emails[type pr].a.b eq 1`, `at character 16: ".a.b" is not a sub-attribute.`},
		{`not title pr`, `at character 5: an operator (eq,`},
		{`1a pr`, `at character 1: "1a" is not an attribute name.`},
		{`a.b.c pr`, `at character 1: "a.b.c" is not an attribute name.`},
		{`$ pr`, `at character 1: "$" is not an attribute name.`},
		{`$1 pr`, `at character 1: "$1" is not an attribute name.`},
		{`a. pr`, `at character 1: "a." is not an attribute name.`},
		{`.a pr`, `at character 1: ".a" is not an attribute name.`},
		{`urn:x: pr`, `at character 1: "urn:x:" is not an attribute name.`},
		{`:a pr`, `at character 1: "" is not the URN of a schema.`},
		{`urn::x:a pr`, `at character 1: "urn::x" is not the URN of a schema.`},
		{`urn:{x}:a pr`, `at character 1: "urn:{x}" is not the URN of a schema.`},
		{`naïve pr`, `at character 1: "naïve" is not an attribute name.`},
		{"title\tpr", `at character 1: "title\tpr" is not an attribute name.`},
		{`"x" eq title`, `at character 1: an attribute name, "not" or "(" is expected, not the string "x".`},
		{`a eq 01`, `at character 6: `},
		{`a eq +1`, `at character 6: `},
		{`a eq 1.`, `at character 6: `},
		{`a eq .5`, `at character 6: `},
		{`a eq 1e`, `at character 6: `},
		{`a eq -`, `at character 6: `},
		{`a eq 0x10`, `at character 6: `},
		{`a eq 1e400`, `at character 6: the number "1e400" is out of range.`},
		{"a eq fal\u017fe", `at character 6: `},
		{`a eq truex`, `at character 6: `},
		{`a eq "x`, `at character 6: the string "\"x" has no closing quote.`},
		{`a eq "x\`, `at character 6: the string "\"x\\" has no closing quote.`},
		{`a eq "x\"`, `at character 6: the string "\"x\\\"" has no closing quote.`},
		{`a eq "äöü\x"`, `at character 10: "\\x\"" begins no escape of a JSON string.`},
		{`a eq "\u12g4"`, `at character 7: "\\u12g4" begins no escape of a JSON string.`},
		{`a eq "\ud83d"`, `at character 7: "\\ud83d" begins no escape of a JSON string.`},
		{`a eq "\ude00\ud83d"`, `at character 7: "\\ude00" begins no escape of a JSON string.`},
		{"a eq \"x\ny\"", `at character 8: the control character '\n' must be escaped.`},
		{"a eq \"\\\"\ny\"", `at character 9: the control character '\n' must be escaped.`},
		{"a eq \"x\x00\"", `at character 8: the character NUL is not allowed.`},
		{`a eq "x\u0000"`, `at character 8: the character NUL is not allowed.`},
		{"a eq \"\uFFFDx\xff\"", `at character 9: the byte 0xff is not UTF-8.`},
		{"\xc3", `at character 1: the byte 0xc3 is not UTF-8.`},
	}
	for _, tt := range tests {
		e, err := filter.Parse(tt.in)
		if err == nil {
			t.Errorf("%q parsed as %s", tt.in, show(e))
			continue
		}
		refused := refusal(t, err)
		if refused.ScimType != scimerrors.ScimTypeInvalidFilter || !strings.Contains(refused.Detail, "The filter is not valid "+tt.want) {
			t.Errorf("%q: %s %q, want …%q…", tt.in, refused.ScimType, refused.Detail, tt.want)
		}
	}
}

func TestParseShortensTheTokenItNames(t *testing.T) {
	_, err := filter.Parse(strings.Repeat("ä", 1500) + " pr")
	if detail := refusal(t, err).Detail; len(detail) > 200 {
		t.Errorf("a detail of %d bytes: %s", len(detail), detail)
	}
}

func TestParseLimits(t *testing.T) {
	nest := func(open, close string, n int) string {
		return strings.Repeat(open, n) + "a pr" + strings.Repeat(close, n)
	}
	text := func(n int) string { return `a eq "` + strings.Repeat("x", n-len(`a eq ""`)) + `"` }
	chain := func(n int) string { return "a pr" + strings.Repeat(" or a pr", n-1) }
	tests := []struct{ name, under, over, want string }{
		{"length", text(4096), text(4097), "is 4097 bytes long; at most 4096 are allowed"},
		{"groups", nest("(", ")", 32), nest("(", ")", 33), `at character 33: "(" opens more than 32 levels`},
		{"negations", nest("not(", ")", 32), nest("not(", ")", 33), `at character 132: "(" opens more than 32 levels`},
		{"brackets", "e[" + nest("(", ")", 31) + "]", "e[" + nest("(", ")", 32) + "]", `at character 34: "(" opens more than 32 levels`},
		{"groups one after the other", strings.Repeat("(a pr) or ", 99) + "a pr", strings.Repeat("(", 3000), "opens more than 32 levels"},
		{"value paths one after the other", strings.Repeat("e[a pr] or ", 40) + "a pr", strings.Repeat("e[a pr].b pr or ", 40) + "a pr", "is one expression too many"},
		{"nodes", chain(100), chain(101), `"pr" is one expression too many, at most 200 are allowed`},
		{"negated nodes", chain(99) + " or not (a pr)", chain(100) + " or not (a pr)", "is one expression too many"},
	}
	for _, tt := range tests {
		if _, err := filter.Parse(tt.under); err != nil {
			t.Errorf("%s: just under the limit: %v", tt.name, err)
		}
		_, err := filter.Parse(tt.over)
		if err == nil {
			t.Errorf("%s: just over the limit is taken", tt.name)
			continue
		}
		refused := refusal(t, err)
		if refused.ScimType != scimerrors.ScimTypeInvalidFilter || !strings.Contains(refused.Detail, tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, refused.Detail, tt.want)
		}
	}
}

// repairing gives Options that make the named repairs, and how often each was.
func repairing(ids ...string) (filter.Options, map[string]int) {
	used := map[string]int{}
	return filter.Options{Repair: func(id string) bool {
		for _, allowed := range ids {
			if id == allowed {
				used[id]++
				return true
			}
		}
		return false
	}}, used
}

func TestParseWithUnquotedOperands(t *testing.T) {
	tests := []struct{ in, want string }{
		{`name.FamilyName eq Employee`, `name.FamilyName eq "Employee"`},
		{`meta.Created gt 2020-07-16T22:13:46Z`, `meta.Created gt "2020-07-16T22:13:46Z"`},
		{`(a eq b@x.io) and e[type eq work]`, `a eq "b@x.io" and e[type eq "work"]`},
		{`a eq 007 or a eq truex`, `a eq "007" or a eq "truex"`},
	}
	for _, tt := range tests {
		o, used := repairing(filter.RepairUnquotedOperand)
		e, err := filter.ParseWith(tt.in, o)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := show(e); got != tt.want || used[filter.RepairUnquotedOperand] == 0 {
			t.Errorf("%s parsed as %s, want %s; used %v", tt.in, got, tt.want, used)
		}
	}
	for _, in := range []string{`a eq 'x'`, `a eq x y`, "a eq x\ty", `a eq x\u0041`, `a eq x"y"`} {
		o, _ := repairing(filter.RepairUnquotedOperand)
		if e, err := filter.ParseWith(in, o); err == nil {
			t.Errorf("%q parsed as %s", in, show(e))
		}
	}
}

func TestParseLeavesCorrectFiltersUnrepaired(t *testing.T) {
	for _, s := range append([]string{`a eq true or b eq 1.5 or c eq null`}, rfcExamples...) {
		o, used := repairing(filter.RepairUnquotedOperand, filter.RepairTextBoolean, filter.RepairUnqualifiedEnterprise)
		e, err := filter.ParseWith(s, o)
		if err != nil || show(e) != show(parse(t, s)) || len(used) > 0 {
			t.Errorf("%s: %v, %v, used %v", s, show(e), err, used)
		}
	}
}

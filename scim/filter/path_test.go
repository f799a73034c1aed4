package filter_test

import (
	"strings"
	"testing"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

func TestParsePath(t *testing.T) {
	tests := []struct{ in, want string }{
		// RFC 7644 §3.5.2, the examples below figure 7.
		{`members`, `members`},
		{`name.familyName`, `name.familyName`},
		{`addresses[type eq "work"]`, `addresses[type eq "work"]`},
		{`members[value eq "2819c223-7f76-453a-919d-413861904646"]`, `members[value eq "2819c223-7f76-453a-919d-413861904646"]`},
		{`members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName`, `members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName`},

		{`emails[not (type eq "work") and (primary eq true or value pr)].value`, `emails[not(type eq "work") and (primary eq true or value pr)].value`},
		{`emails [ type eq "work" ] .value `, `emails[type eq "work"].value`},
		{`urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value`, `urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work"].value`},
		{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.$ref`},
	}
	for _, tt := range tests {
		p, err := filter.ParsePath(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := showPath(p); got != tt.want {
			t.Errorf("%s parsed as %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestParsePathOfAWholeExtension(t *testing.T) {
	for _, urn := range []string{schema.EnterpriseUserURN, strings.ToUpper(schema.WorkspaceUserURN)} {
		p, err := filter.ParsePath(urn)
		if err != nil {
			t.Fatal(err)
		}
		if a := set.User.Find(p.AttributePath); a == nil || !a.Extension || !strings.EqualFold(a.Name, urn) {
			t.Errorf("%s is found as %v", urn, a)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	const badPath, badFilter = scimerrors.ScimTypeInvalidPath, scimerrors.ScimTypeInvalidFilter
	tests := []struct {
		in       string
		scimType scimerrors.ScimType
		want     string
	}{
		{``, badPath, `at character 1: an attribute name is expected, but the path ends.`},
		{`[type eq "work"]`, badPath, `at character 1: an attribute name is expected, not "[".`},
		{`name.`, badPath, `at character 1: "name." is not an attribute name.`},
		{`/name/familyName`, badPath, `at character 1: "/name/familyName" is not an attribute name.`},
		{`name familyName`, badPath, `at character 6: the end is expected, not "familyName".`},
		{`name eq "x"`, badPath, `at character 6: the end is expected, not "eq".`},
		{`emails[type eq "work"]value`, badPath, `at character 23: the end is expected, not "value".`},
		{`emails[type eq "work"].`, badPath, `at character 23: "." is not a sub-attribute.`},
		{`emails[type eq "work"].value.x`, badPath, `".value.x" is not a sub-attribute.`},
		{`emails[type eq "work"].value eq "x"`, badPath, `at character 30: the end is expected, not "eq".`},
		{`emails[type eq "work"][value pr]`, badPath, `at character 23: the end is expected, not "[".`},
		{`emails[type eq "work"`, badPath, `at character 22: "and", "or" or "]" is expected, but the path ends.`},
		{"emails\x00", badPath, `NUL`},
		{"emails\xff", badPath, `0xff`},
		{strings.Repeat("x", 4097), badPath, `is 4097 bytes long`},

		{`emails[]`, badFilter, `at character 8: `},
		{`emails[type]`, badFilter, `at character 12: an operator (eq,`},
		{`emails[type eq]`, badFilter, `at character 15: a value is expected, not "]".`},
		{`emails[type eq work]`, badFilter, `at character 16: a string in double quotes,`},
		{`emails[type eq "work]`, badFilter, `has no closing quote`},
		{`emails[type eq "work")]`, badFilter, `at character 22: `},
		{`emails[type eq "work" value pr]`, badFilter, `at character 23: "and", "or" or "]" is expected, not "value".`},
		{`a[b[c pr]]`, badFilter, `at character 4: an operator is expected, not "[".`},
		{`a[` + strings.Repeat("(", 32), badFilter, `opens more than 32 levels`},
		{`a[b pr` + strings.Repeat(" and b pr", 100) + `]`, badFilter, `one expression too many`},
	}
	for _, tt := range tests {
		p, err := filter.ParsePath(tt.in)
		if err == nil {
			t.Errorf("%q parsed as %s", tt.in, showPath(p))
			continue
		}
		refused := refusal(t, err)
		if refused.ScimType != tt.scimType || !strings.HasPrefix(refused.Detail, "The path ") || !strings.Contains(refused.Detail, tt.want) {
			t.Errorf("%q: %s %q, want %s …%q…", tt.in, refused.ScimType, refused.Detail, tt.scimType, tt.want)
		}
	}
}

func TestParsePathWithUnquotedOperand(t *testing.T) {
	o, used := repairing(filter.RepairUnquotedOperand)
	p, err := filter.ParsePathWith(`emails[type eq work].value`, o)
	if err != nil || showPath(p) != `emails[type eq "work"].value` || used[filter.RepairUnquotedOperand] != 1 {
		t.Errorf("got %s, %v, used %v", showPath(p), err, used)
	}
}

func TestParseAttributePath(t *testing.T) {
	for _, in := range []string{`userName`, `name.familyName`, `groups.$ref`, schema.UserURN + `:emails.value`, schema.EnterpriseUserURN} {
		p, err := filter.ParseAttributePath(in)
		if err != nil || p.String() != in {
			t.Errorf("%s parsed as %s, %v", in, p, err)
		}
	}
	for _, in := range []string{``, `a b`, `a,b`, `a.b.c`, `emails[type eq "work"]`, `a pr`, `"a"`, "a\x00", strings.Repeat("x", 4097)} {
		p, err := filter.ParseAttributePath(in)
		if err == nil {
			t.Errorf("%q parsed as %s", in, p)
			continue
		}
		if refused := refusal(t, err); refused.ScimType != scimerrors.ScimTypeInvalidValue || !strings.HasPrefix(refused.Detail, "The attribute name ") {
			t.Errorf("%q: %v", in, refused)
		}
	}
}

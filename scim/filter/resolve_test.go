package filter_test

import (
	"strings"
	"testing"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

const ent, wsURN = schema.EnterpriseUserURN, schema.WorkspaceUserURN

// Text shows what a filter was resolved to, so these are its tests too.
func TestResolve(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"names in any case", `USERNAME eq "x"`, `userName eq "x"`},
		{"a name with the core URN", `URN:ietf:params:scim:schemas:core:2.0:USER:Name.FamilyName eq "x"`, `name.familyName eq "x"`},
		{"a name with an extension's URN", strings.ToLower(ent) + `:DEPARTMENT eq "x"`, ent + `:department eq "x"`},
		{"common attributes", `id eq "X" and externalid eq "Y" and META.created pr`, `id eq "X" and externalId eq "Y" and meta.created pr`},
		{"$ref", ent + `:manager.$REF pr`, ent + `:manager.$ref pr`},

		{"an operand in comparison form", `userName eq "BJENSEN"`, `userName eq "bjensen"`},
		{"an exact operand", `externalId co "aB"`, `externalId co "aB"`},
		{"a reference is exact", `profileUrl sw "HTTPS"`, `profileUrl sw "HTTPS"`},
		{"a folded form", "userName eq \"\u212Aelvin ＡＢ\"", `userName eq "kelvin ab"`},
		{"a date", `meta.lastModified gt "2026-01-31T10:00:00.5+01:00"`, `meta.lastModified gt "2026-01-31T09:00:00.5Z"`},
		{"a day", `meta.lastModified le "2026-01-31"`, `meta.lastModified le "2026-01-31T00:00:00Z"`},
		{"a boolean", `active ne FALSE`, `active ne false`},
		{"an integer", csvURN + `:level ge 7`, csvURN + `:level ge 7`},
		{"a decimal", csvURN + `:score lt 2.50 or ` + csvURN + `:score eq 3`, csvURN + `:score lt 2.5 or ` + csvURN + `:score eq 3`},
		{"a binary", `x509Certificates.value eq "AAEC"`, `x509Certificates.value eq "AAEC"`},
		{"escapes", `title eq "\u00e9\"\n"`, `title eq "é\"\n"`},

		{"a complex attribute is its value", `emails co "X"`, `emails.value co "x"`},
		{"a single complex attribute too", ent + `:manager eq "x1"`, ent + `:manager.value eq "x1"`},
		{"presence of a complex attribute", `emails pr and name pr`, `emails pr and name pr`},
		{"null", `emails eq null or title ne NULL`, `emails eq null or title ne null`},
		{"an extension's presence", ent + ` pr`, ent + ` pr`},

		{"chains become one", `title pr and (title pr and title pr) and (title pr or (title pr or title pr))`, `title pr and title pr and title pr and (title pr or title pr or title pr)`},
		{"not is kept", `not (not (title pr and nickName pr))`, `not (not (title pr and nickName pr))`},
		{"an element", `EMAILS[TYPE eq "Work" and not (primary eq true or value eq "X")]`, `emails[type eq "work" and not (primary eq true or value eq "x")]`},
		{"Entra's value path", `emails[type eq "work"].value eq "X"`, `emails[type eq "work" and value eq "x"]`},
		{"an exact sub-attribute of an element", `x509Certificates[value eq "AbC="]`, `x509Certificates[value eq "AbC="]`},
		{"brackets behind a single attribute of an extension", ent + `:manager[value eq "x1"]`, ent + `:manager pr and ` + ent + `:manager.value eq "x1"`},
		{"brackets behind a single complex attribute", `name[givenName pr or familyName pr]`, `name pr and (name.givenName pr or name.familyName pr)`},
	}
	for _, tt := range tests {
		e := resolve(t, tt.in)
		got := filter.Text(e)
		if got != tt.want {
			t.Errorf("%s: %s resolved to %s, want %s", tt.name, tt.in, got, tt.want)
		}
		if again := resolve(t, got); !cmp.Equal(e, again, sameAttribute) {
			t.Errorf("%s: %s resolved again to %s", tt.name, got, filter.Text(again))
		}
	}
}

var sameAttribute = cmp.Comparer(func(a, b *schema.Attribute) bool { return a == b })

func TestResolveFlattensChains(t *testing.T) {
	and, ok := resolve(t, `title pr and (title pr and title pr) and title pr`).(*filter.And)
	if !ok || len(and.Terms) != 4 {
		t.Errorf("got %v", and)
	}
}

func TestResolveMembersOfGroups(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{`id eq "G" and members eq "u"`, `id eq "G" and members.value eq "u"`},
		{`members[value eq "u" and type eq "USER"]`, `members[value eq "u" and type eq "user"]`},
	} {
		e, err := filter.Resolve(set.Group, parse(t, tt.in))
		if err != nil || filter.Text(e) != tt.want {
			t.Errorf("%s resolved to %s, %v", tt.in, filter.Text(e), err)
		}
	}
}

func TestResolveRefuses(t *testing.T) {
	const bad, secret = scimerrors.ScimTypeInvalidFilter, scimerrors.ScimTypeSensitive
	tests := []struct {
		in       string
		scimType scimerrors.ScimType
		want     string
	}{
		{`nope eq "x"`, bad, `The attribute "nope" is not known.`},
		{`name.nope eq "x"`, bad, `"name.nope"`},
		{`userName.value eq "x"`, bad, `"userName.value"`},
		{`urn:x:User:userName eq "x"`, bad, `"urn:x:User:userName"`},
		{`department eq "x"`, bad, `"department"`},
		{`manager eq "x"`, bad, `"manager"`},
		{`title pr and (title pr or not (nope pr))`, bad, `"nope"`},
		{`emails[nope eq "x"]`, bad, `The attribute "nope" inside emails is not known.`},
		{`emails[emails.type eq "x"]`, bad, `"emails.type" inside emails`},
		{`emails[` + schema.UserURN + `:type eq "x"]`, bad, ` inside emails`},
		{`emails[userName eq "x"]`, bad, `"userName" inside emails`},
		{`title[value eq "x"]`, bad, `"title" has no sub-attributes`},
		{`schemas[value eq "x"]`, bad, `"schemas" has no sub-attributes`},
		{ent + `[department eq "x"]`, bad, `has no sub-attributes`},

		{`active gt true`, bad, `The operator "gt" does not apply to "active", whose type is boolean.`},
		{`active co true`, bad, `"co" does not apply to "active"`},
		{`emails.primary le true`, bad, `"le" does not apply to "emails.primary"`},
		{`emails[primary sw true]`, bad, `"sw" does not apply to "emails.primary"`},
		{`emails gt "x"`, bad, `The operator "gt" does not apply to "emails", whose type is complex.`},
		{`name ge "x"`, bad, `name one of its sub-attributes`},
		{`name eq "x"`, bad, `The attribute "name" is complex; name one of its sub-attributes.`},
		{`meta eq "x"`, bad, `"meta" is complex`},
		{`addresses co "x"`, bad, `"addresses" is complex`},
		{`meta.created sw "2026"`, bad, `"sw" does not apply to "meta.created", whose type is dateTime`},
		{csvURN + `:level co 1`, bad, `"co" does not apply`},
		{`x509Certificates.value gt "A"`, bad, `whose type is binary`},
		{`x509Certificates co "A"`, bad, `whose type is binary`},
		{ent + ` eq "x"`, bad, `only pr applies to it`},
		{ent + ` eq null`, bad, `only pr applies to it`},
		{`title gt null`, bad, `Only eq, ne and pr apply to null, not "gt".`},

		{`active eq "true"`, bad, `The attribute "active" is compared with the string "true"; it must be true or false.`},
		{`active eq 1`, bad, `is compared with the number 1`},
		{`userName eq 5`, bad, `The attribute "userName" is compared with the number 5; it must be a string.`},
		{`userName eq 2.5`, bad, `the number 2.5`},
		{`userName eq true`, bad, `The attribute "userName" is compared with true; it must be a string.`},
		{`meta.created gt 5`, bad, `must be a date and time`},
		{`meta.created gt "yesterday"`, bad, `the string "yesterday"; it must be a date and time`},
		{`meta.created gt "9999-12-31T23:59:59-01:00"`, bad, `must be a date and time`},
		{csvURN + `:level eq "7"`, bad, `must be a number`},
		{csvURN + `:level eq true`, bad, `must be a number`},

		{`password eq "x"`, secret, `The attribute "password" is never returned`},
		{`password pr`, secret, `"password"`},
		{`title pr or not (PASSWORD sw "x")`, secret, `"PASSWORD"`},
		{`password eq null`, secret, `"password"`},
	}
	for _, tt := range tests {
		e, err := filter.Resolve(set.User, parse(t, tt.in))
		if err == nil {
			t.Errorf("%s resolved to %s", tt.in, filter.Text(e))
			continue
		}
		if refused := refusal(t, err); refused.ScimType != tt.scimType || !strings.Contains(refused.Detail, tt.want) {
			t.Errorf("%s: %s %q, want %s …%q…", tt.in, refused.ScimType, refused.Detail, tt.scimType, tt.want)
		}
	}
}

func TestResolveRefusesWhatIsInsideSomethingSensitive(t *testing.T) {
	secret := schema.Must().User
	secret.Root.Sub("emails").Returned = schema.ReturnedNever
	secret.Root.Sub("roles").Sub("value").Mutability = schema.WriteOnly
	for _, in := range []string{`emails.type eq "x"`, `emails pr`, `emails eq "x"`, `emails[type pr]`, `roles.value pr`, `roles[type pr and value eq "x"]`, `roles eq "x"`} {
		e, err := filter.Resolve(secret, parse(t, in))
		if err == nil {
			t.Errorf("%s resolved to %s", in, filter.Text(e))
		} else if refused := refusal(t, err); refused.ScimType != scimerrors.ScimTypeSensitive {
			t.Errorf("%s: %v", in, refused)
		}
	}
}

func TestResolveRefusesTreesThatNoParserYields(t *testing.T) {
	title := ast.AttributePath{AttributeName: "title"}
	emails := ast.AttributePath{AttributeName: "emails"}
	for _, e := range []ast.Expression{
		nil,
		&ast.AttributeExpression{AttributePath: title, Operator: "xx", CompareValue: "x"},
		&ast.AttributeExpression{AttributePath: title, Operator: ast.EQ, CompareValue: []string{"x"}},
		&ast.NotExpression{},
		&ast.LogicalExpression{Operator: ast.AND},
		&ast.ValuePath{AttributePath: emails, ValueFilter: &ast.ValuePath{AttributePath: emails}},
	} {
		if got, err := filter.Resolve(set.User, e); err == nil {
			t.Errorf("%v resolved to %s", e, filter.Text(got))
		} else {
			refusal(t, err)
		}
	}
}

func TestResolveWithRepairs(t *testing.T) {
	tests := []struct {
		in, id, want string
		uses         int
	}{
		{`active eq "True" and roles[primary eq "FALSE"]`, filter.RepairTextBoolean, `active eq true and roles[primary eq false]`, 2},
		{`manager eq "y" or department sw "T"`, filter.RepairUnqualifiedEnterprise, ent + `:manager.value eq "y" or ` + ent + `:department sw "t"`, 2},
		{`manager.displayName pr`, filter.RepairUnqualifiedEnterprise, ent + `:manager.displayName pr`, 1},
		{`externalId eq 12345`, filter.RepairUnquotedOperand, `externalId eq "12345"`, 1},
	}
	for _, tt := range tests {
		o, used := repairing(tt.id)
		e, err := filter.ResolveWith(set.User, parse(t, tt.in), o)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := filter.Text(e); got != tt.want || used[tt.id] != tt.uses {
			t.Errorf("%s resolved to %s with %v, want %s with %d", tt.in, got, used, tt.want, tt.uses)
		}
		if _, err := filter.Resolve(set.User, parse(t, tt.in)); err == nil {
			t.Errorf("%s is taken without the repair", tt.in)
		}
	}
	all, _ := repairing(filter.RepairUnquotedOperand, filter.RepairTextBoolean, filter.RepairUnqualifiedEnterprise)
	for _, in := range []string{`active eq "yes"`, `active eq ""`, `active eq 1`, `nope eq "x"`, `userName eq true`, `password eq 1`} {
		if e, err := filter.ResolveWith(set.User, parse(t, in), all); err == nil {
			t.Errorf("%s resolved to %s", in, filter.Text(e))
		}
	}
	if _, err := filter.ResolveWith(set.Group, parse(t, `manager eq "Y"`), all); err == nil {
		t.Error("a group has a manager")
	}
}

func TestResolveElement(t *testing.T) {
	tests := []struct{ attr, in, want string }{
		{`emails`, `type eq "Work" and value pr`, `emails.type eq "work" and emails.value pr`},
		{`emails`, `not (primary eq true)`, `not (emails.primary eq true)`},
		{`groups`, `value eq "x" or $ref eq "Y"`, `groups.value eq "x" or groups.$ref eq "Y"`},
		{`schemas`, `VALUE sw "URN"`, `schemas sw "urn"`},
	}
	for _, tt := range tests {
		e, err := filter.ResolveElement(attribute(t, tt.attr), parse(t, tt.in))
		if err != nil || filter.Text(e) != tt.want {
			t.Errorf("%s[%s] resolved to %s, %v, want %s", tt.attr, tt.in, filter.Text(e), err, tt.want)
		}
	}
	for _, tt := range []struct{ attr, in string }{
		{`emails`, `emails.type eq "x"`}, {`emails`, `userName eq "x"`}, {`emails`, `primary eq "True"`},
		{`schemas`, `type eq "x"`}, {`schemas`, `schemas eq "x"`}, {`schemas`, `value eq 1`},
	} {
		e, err := filter.ResolveElement(attribute(t, tt.attr), parse(t, tt.in))
		if err == nil {
			t.Errorf("%s[%s] resolved to %s", tt.attr, tt.in, filter.Text(e))
			continue
		}
		refusal(t, err)
	}
	o, used := repairing(filter.RepairTextBoolean)
	e, err := filter.ResolveElementWith(attribute(t, `roles`), parse(t, `primary eq "True"`), o)
	if err != nil || filter.Text(e) != `roles.primary eq true` || used[filter.RepairTextBoolean] != 1 {
		t.Errorf("got %s, %v, used %v", filter.Text(e), err, used)
	}
}

package filter_test

import (
	"testing"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		in   string
		want bool
	}{
		// Strings, by caseExact.
		{`userName eq "bjensen@EXAMPLE.com"`, true},
		{`userName eq "bjensen"`, false},
		{`externalId eq "Ab-1"`, true},
		{`externalId eq "ab-1"`, false},
		{`title eq "tour \"GUIDE\""`, true},
		{`userName co "SEN@ex"`, true}, {`externalId co "b-"`, true}, {`externalId co "B-"`, false},
		{`userName sw "bj"`, true}, {`userName sw "jensen"`, false},
		{`userName ew ".COM"`, true}, {`userName ew "jensen"`, false},
		{`userName sw ""`, true}, {`locale sw ""`, false},
		{`userType gt "EMPLOYED"`, true}, {`userType ge "employee"`, true}, {`userType gt "employee"`, false},
		{`userType lt "employeez"`, true}, {`userType le "EMPLOYEE"`, true}, {`userType lt "employee"`, false},
		{`nickName eq ""`, true}, {`nickName pr`, true},

		// Absent values fulfil ne and eq null, and nothing else.
		{`locale eq "x"`, false}, {`locale ne "x"`, true}, {`locale pr`, false},
		{`locale eq null`, true}, {`locale ne null`, false},
		{`locale co "x"`, false}, {`locale gt ""`, false}, {`locale le "x"`, false},
		{`title eq null`, false}, {`title ne null`, true}, {`title ne "x"`, true},
		{`name.middleName ne "x"`, true}, {`name.middleName pr`, false},
		{`roles ne "x"`, true}, {`roles.type ne "x"`, true}, {`roles eq null`, true},
		{`not (locale eq "x")`, true}, {`not (locale pr)`, true},

		// Other types.
		{`active eq true`, true}, {`active ne true`, false}, {`active eq false`, false}, {`active ne false`, true},
		{csvURN + `:remote eq true`, true}, {csvURN + `:level eq 7.0`, true}, {csvURN + `:level ne 7`, false},
		{csvURN + `:level gt 6`, true}, {csvURN + `:level gt 7`, false}, {csvURN + `:level ge 7`, true},
		{csvURN + `:level lt 10`, true}, {csvURN + `:level le 6`, false}, {csvURN + `:score eq 25e-1`, true},
		{wsURN + `:employeeHireDate eq "2026-03-01T08:00:00Z"`, true},
		{wsURN + `:employeeHireDate gt "2026-03-01T08:30:00+01:00"`, true},
		{wsURN + `:employeeHireDate lt "2026-03-01T08:00:00.001Z"`, true},
		{wsURN + `:employeeHireDate ge "2026-03-02"`, false},
		{wsURN + `:employeeLeaveDateTime lt "2999-01-01T00:00:00Z"`, false},
		{`x509Certificates.value eq "AAEC"`, true}, {`x509Certificates eq "aaec"`, false},

		// Several values: one is enough; ne is true when none is equal.
		{`emails eq "babs@jensen.org"`, true}, {`emails.type eq "home"`, true}, {`emails co "nobody"`, false},
		{`emails ne "babs@jensen.org"`, false}, {`emails ne "x"`, true}, {`emails.primary eq true`, true},
		{`emails.primary ne true`, false}, {`emails.display pr`, false}, {`emails.display eq null`, true},
		{`emails.type eq "work" and emails.value eq "babs@jensen.org"`, true},

		// Brackets: one element fulfils all of it.
		{`emails[type eq "work" and value eq "babs@jensen.org"]`, false},
		{`emails[type eq "HOME" and value ew "@JENSEN.ORG"]`, true},
		{`emails[type eq "work"].value ew "@example.com"`, true}, {`emails[type eq "work"].value ew "@jensen.org"`, false},
		{`emails[primary ne true]`, true}, {`emails[primary eq null and type eq "home"]`, true},
		{`emails[not (type eq "work" or type eq "home")]`, false},
		{`emails[display pr]`, false}, {`roles[value ne "x"]`, false}, {`not (roles[value eq "x"])`, true},
		{`name[familyName eq "jensen"]`, true}, {`name[familyName eq "jensen" and middleName pr]`, false},

		// Complex attributes and extensions.
		{`name pr`, true}, {`emails pr`, true}, {`roles pr`, false}, {`name eq null`, false},
		{ent + ` pr`, true}, {ent + `:department eq "tours"`, true}, {ent + `:manager eq "26118915"`, true},
		{ent + `:manager[value eq "26118915"]`, true}, {ent + `:costCenter pr`, false},

		// Logic.
		{`title pr and active eq true`, true}, {`title pr and locale pr`, false},
		{`locale pr or title pr`, true}, {`locale pr or roles pr`, false},
		{`title pr or locale pr and roles pr`, true}, {`(title pr or locale pr) and roles pr`, false},

		// Nothing is derived here.
		{`id pr`, false}, {`id ne "x"`, true}, {`meta.created lt "2999-01-01"`, false}, {`groups[value eq "x"]`, false},
	}
	o := decode(t, bjensen)
	for _, tt := range tests {
		if got := filter.Match(resolve(t, tt.in), o, nil); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestMatchDerivedAttributes(t *testing.T) {
	groups := attribute(t, "groups")
	element := func(value, kind string) *document.Object {
		o := &document.Object{}
		o.Set(groups.Sub("value"), value)
		o.Set(groups.Sub("type"), kind)
		return o
	}
	d := derived{
		attribute(t, "id"):           {"4f2A"},
		attribute(t, "schemas"):      {"urn:a", "urn:b"},
		attribute(t, "meta.created"): {"2026-01-31T09:00:00.000Z"},
		attribute(t, "meta"):         {&document.Object{}},
		groups:                       {element("g1", "direct"), element("g2", "indirect")},
		groups.Sub("value"):          {"g1", "g2"},
		groups.Sub("type"):           {"direct", "indirect"},
		// A value in the document must not hide the derived one.
		attribute(t, "externalId"): {"ignored"},
	}
	o := decode(t, bjensen)
	for _, tt := range []struct {
		in   string
		want bool
	}{
		{`id eq "4f2A"`, true}, {`id eq "4F2a"`, false}, {`id ne "x"`, true}, {`id pr`, true},
		{`externalId eq "Ab-1"`, true},
		{`schemas eq "URN:B"`, true}, {`schemas ne "urn:a"`, false}, {`schemas eq "urn:c"`, false},
		{`meta pr`, true}, {`meta.created ge "2026-01-31T10:00:00+01:00"`, true}, {`meta.lastModified pr`, false},
		{`groups eq "g2"`, true}, {`groups pr`, true}, {`groups.display eq null`, true},
		{`groups[value eq "g2" and type eq "indirect"]`, true}, {`groups[value eq "g2" and type eq "direct"]`, false},
	} {
		if got := filter.Match(resolve(t, tt.in), o, d); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestMatchOfNoDocument(t *testing.T) {
	for in, want := range map[string]bool{
		`userName pr`: false, `userName ne "x"`: true, `emails[value pr]`: false, `emails.value pr`: false, ent + `:manager pr`: false,
	} {
		if got := filter.Match(resolve(t, in), nil, nil); got != want {
			t.Errorf("%s: %v, want %v", in, got, want)
		}
	}
}

func TestMatchElement(t *testing.T) {
	emails, schemas := attribute(t, "emails"), attribute(t, "schemas")
	work := decode(t, bjensen).Get(emails).(document.List)[0]
	for in, want := range map[string]bool{
		`type eq "WORK"`: true, `type eq "home"`: false, `display pr`: false, `display ne "x"`: true,
		`primary eq true and value sw "bj"`: true, `not (primary eq true)`: false, `display eq null or value eq "x"`: true,
	} {
		e, err := filter.ResolveElement(emails, parse(t, in))
		if err != nil {
			t.Fatal(err)
		}
		if got := filter.MatchElement(e, work); got != want {
			t.Errorf("emails[%s]: %v, want %v", in, got, want)
		}
	}
	for in, want := range map[string]bool{
		`value eq "URN:A"`: true, `value ne "urn:a"`: false, `value pr`: true, `value eq null`: false, `value sw "x"`: false,
	} {
		e, err := filter.ResolveElement(schemas, parse(t, in))
		if err != nil {
			t.Fatal(err)
		}
		if got := filter.MatchElement(e, "urn:A"); got != want {
			t.Errorf("schemas[%s]: %v, want %v", in, got, want)
		}
	}
}

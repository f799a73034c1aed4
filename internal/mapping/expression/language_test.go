package expression

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestReferences(t *testing.T) {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	hold(t, map[string]any{
		"displayName": "Anna", "First name": "A", "2nd": "B", "x.y": "heading", "extension_0a_costCenter": "7",
		"name":     map[string]any{"givenName": "G", "familyName": nil},
		"emails":   []any{map[string]any{"type": "home", "value": "h@x"}, map[string]any{"type": "Work", "value": "w@x", "primary": true}},
		enterprise: map[string]any{"department": "IT", "manager": map[string]any{"value": "m1"}},
		"Count":    "c",
	}, []example{
		{`[displayName]`, "Anna"},
		{`[ DISPLAYNAME ]`, "Anna"},
		{`displayName`, "Anna"},
		{`[First name]`, "A"},
		{`[2nd]`, "B"},
		{`[x.y]`, "heading"},
		{`[extension_0a_costCenter]`, "7"},
		{`[name.givenName]`, "G"},
		{`name.givenName`, "G"},
		{`[name].givenName`, "G"},
		{`[name.familyName]`, nil},
		{`[name.middleName]`, nil},
		{`[displayName.x]`, nil},
		{`[emails[type eq "work"].value]`, "w@x"},
		{`emails[type eq "work"].value`, "w@x"},
		{`[emails[primary eq True].value]`, "w@x"},
		{`[emails[primary eq "True"].value]`, "w@x"},
		{`[emails[type eq "other"].value]`, nil},
		{`emails[0].value`, "h@x"},
		{`emails.value`, []any{"h@x", "w@x"}},
		{`[` + enterprise + `:department]`, "IT"},
		{`[` + enterprise + `:manager.value]`, "m1"},
		{`[` + enterprise + `:manager]["value"]`, "m1"},
		{`[urn:ietf:params:scim:schemas:core:2.0:User:displayName]`, "Anna"},
		{`[urn:example:absent:x]`, nil},
		{`[Count]`, "c"},
		{`Count([Count])`, 1},
		{`Append([displayName],displayName)`, "AnnaAnna"},
	})
}

func TestOperators(t *testing.T) {
	hold(t, map[string]any{"n": 5, "t": "5", "yes": true, "s": "abc", "when": "2026-01-31"}, []example{
		{`[n] = [t]`, true},
		{`[n] == 5.0`, true},
		{`"05" = "5"`, false},
		{`"a" = "A"`, false},
		{`"a" <> "A"`, true},
		{`[yes] = "True"`, true},
		{`[yes] = "true"`, true},
		{`[yes] = "1"`, false},
		{`[n] > 10`, false},
		{`[t] > 10`, false},
		{`[t] >= "5"`, true},
		{`"b" > "a"`, true},
		{`[n] < "x"`, true},
		{`[s] contains "b" and not ([s] startsWith "b")`, true},
		{`[s] endsWith "c" && [s] not contains "x"`, true},
		{`[yes] or [missing]`, true},
		{`[missing] || [no]`, false},
		{`!([yes])`, false},
		{`[yes]and[n]=5`, true},
		{`[n] = 5 ? "five" : "other"`, "five"},
		{`[missing] == nil ? "none" : "some"`, "none"},
		{`[missing] ?? [s]`, "abc"},
		{`1 + 2`, 3},
		{`[s] + "-" + [n]`, "abc-5"},
		{`1.5 + 1`, 2.5},
		{`-[n]`, -5},
		{`- "x"`, refusal("- wants a number")},
		{`9223372036854775807 + 1`, 9.223372036854775807e18},
		{`&HFF = 255`, true},
		{`True`, true},
		{`null`, nil},
		{`'it''s'`, refusal("no operator before this")},
		{`'it\'s'`, "it's"},
		{`"a\\b\"c"`, `a\b"c`},
		{"\"two\nlines\"", "two\nlines"},
		{`"[x]"`, "[x]"},
		{`("a")`, "a"},
		{`["a",["b"]][1][0]`, "b"},
		{`[]`, []any{}},
	})
}

func TestErrorsOfARecordHaveTheirPlace(t *testing.T) {
	p, err := Compile("Append(\"ä\",\n  Left([a], [b]))")
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Evaluate(record(t, map[string]any{"a": "x", "b": "y"}), fixed())
	var own *Error
	if !errors.As(err, &own) || own.Line != 2 || own.Column != 3 || own.Message != `Left: numChars has to be a whole number, not "y"` {
		t.Errorf("got %v", err)
	}
}

func TestRandomStringHasWhatIsWanted(t *testing.T) {
	p, err := Compile(`RandomString(10,2,2,2,1,"?,")`)
	if err != nil {
		t.Fatal(err)
	}
	in := fixed()
	seen := map[any]bool{}
	for range 200 {
		result, err := p.Evaluate(Record{}, in)
		if err != nil {
			t.Fatal(err)
		}
		s := result.Value.(string)
		for form, least := range map[string]int{`[0-9]`: 2, `[A-Z]`: 2, `[a-z]`: 1, `[^0-9A-Za-z]`: 2} {
			if n := len(regexp.MustCompile(form).FindAllString(s, -1)); n < least {
				t.Errorf("%q has %d of %s, want %d", s, n, form, least)
			}
		}
		if len(s) != 10 || strings.ContainsAny(s, "?,") || seen[s] {
			t.Errorf("got %q", s)
		}
		seen[s] = true
	}
	hold(t, nil, []example{
		{`Left(RandomString(6,3,0,0,3), 0)`, ""},
		{`RandomString(3,0,0,0,0,"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")`, refusal("leaves no characters")},
		{`RandomString(3,1,0,0,0,"0123456789")`, refusal("leaves none of a kind")},
		{`RandomString(257,0,0,0,0)`, refusal("1 to 256")},
	})
	for _, source := range []string{`Guid()`, `RandomString(6,3,0,0,3)`} {
		p, err := Compile(source)
		if err != nil || !p.Random() {
			t.Fatalf("%s: random is %v, %v", source, p.Random(), err)
		}
		for name, in := range map[string]Environment{"nothing": {}, "little": {Random: bytes.NewReader([]byte{1, 2})}, "stuck": {Random: stuck{}}} {
			if _, err := p.Evaluate(Record{}, in); err == nil && name != "stuck" {
				t.Errorf("%s out of %s", source, name)
			}
		}
	}
}

// stuck gives one byte, the one that a draw throws away, for ever.
type stuck struct{}

func (stuck) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 0xff
	}
	return len(b), nil
}

func TestGuidIsOfVersion4(t *testing.T) {
	got := outcome(`Guid()`, Record{})
	if s, ok := got.(string); !ok || !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(s) {
		t.Errorf("got %v", got)
	}
}

func TestWhatAnExpressionSaysOfItself(t *testing.T) {
	p, err := Compile(`Join(" ", [givenName], name.familyName, [GivenName], Redact([secret]))`)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, path := range p.Paths() {
		paths = append(paths, path.String())
	}
	if want := []string{"givenname", "name.familyname", "secret"}; !slices.Equal(paths, want) {
		t.Errorf("reads %q, want %q", paths, want)
	}
	if !p.Redacted() || p.Random() || p.Unique() {
		t.Errorf("redacted %v, random %v, unique %v", p.Redacted(), p.Random(), p.Unique())
	}
}

func TestFunctionsAreListedInOrder(t *testing.T) {
	seen := map[string]bool{}
	last := ""
	for _, f := range Functions() {
		if strings.ToLower(f.Name) < last {
			t.Errorf("%s comes after %s", f.Name, last)
		}
		last = strings.ToLower(f.Name)
		if seen[f.Name] || f.Meaning == "" || strings.HasPrefix(f.Name, "$") {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = true
	}
	// The functions of Microsoft's page, and Trim of Cloud Sync.
	for _, name := range strings.Fields(`Append AppRoleAssignmentsComplex AssertiveAppRoleAssignmentsComplex BitAnd CBool CDate Coalesce ConvertToBase64 ConvertToUTF8Hex
		Count CStr DateAdd DateDiff DateFromNum FormatDateTime Guid IgnoreFlowIfNullOrEmpty IIF InStr IsNull IsNullOrEmpty IsPresent IsString Item
		Join Left Mid NormalizeDiacritics Not Now NumFromDate PCase RandomString Redact RemoveDuplicates Replace SelectUniqueValue SingleAppRoleAssignment
		Split StripSpaces Switch ToLower ToUpper Trim Word`) {
		missing := slices.ContainsFunc(Missing(), func(f LeftOut) bool { return f.Name == name })
		if seen[name] == missing {
			t.Errorf("%s: here %v, left out %v", name, seen[name], missing)
		}
	}
}

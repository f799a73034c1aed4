package document

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/scim/schema"
)

var set = schema.Must()

func decode(t *testing.T, rt *schema.ResourceType, body string) *Decoded {
	t.Helper()
	d, err := Decode(rt, []byte(body), nil)
	if err != nil {
		t.Fatalf("decode %s: %v", body, err)
	}
	return d
}

func TestDecodeMakesCanonical(t *testing.T) {
	tests := []struct{ name, body, want string }{
		{"names in any case take the schema's spelling and order",
			`{"DISPLAYNAME":"A","Name":{"FAMILYNAME":"F","givenname":"G"},"username":"u"}`,
			`{"userName":"u","name":{"familyName":"F","givenName":"G"},"displayName":"A"}`},
		{"null, empty lists and empty objects are unassigned (RFC 7643 §2.5)",
			`{"userName":"u","title":null,"emails":[],"phoneNumbers":null,"name":{},"addresses":[{}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":null}}`,
			`{"userName":"u"}`},
		{"unknown attributes are ignored at every level",
			`{"userName":"u","department":"x","name":{"nick":"x","givenName":"G"},"emails":[{"value":"a@b","colour":"red"}]}`,
			`{"userName":"u","name":{"givenName":"G"},"emails":[{"value":"a@b"}]}`},
		{"readOnly attributes are ignored (RFC 7644 §3.3)",
			`{"userName":"u","id":"evil","meta":{"version":"W/\"9\""},"groups":[{"value":"g"}],"urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin":{"class":"manual"}}`,
			`{"userName":"u"}`},
		{"E022: a password is forgotten", `{"userName":"u","password":"secret"}`, `{"userName":"u"}`},
		{"E062: extension URNs in any case",
			`{"userName":"u","URN:IETF:params:scim:schemas:extension:Enterprise:2.0:user":{"Department":"D","manager":{"value":"m"}}}`,
			`{"userName":"u","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D","manager":{"value":"m"}}}`},
		{"values come back as they were sent",
			`{"userName":"u","phoneNumbers":[{"value":"+49 (0)30 / 123"}],"title":"\u00e4\u2028</script>\ud83d\ude00"}`,
			"{\"userName\":\"u\",\"title\":\"ä\u2028</script>😀\",\"phoneNumbers\":[{\"value\":\"+49 (0)30 / 123\"}]}"},
		{"the same element twice is one (RFC 7643 §2.4), be it primary",
			`{"userName":"u","emails":[{"value":"a","type":"work","primary":true},{"type":"work","PRIMARY":true,"value":"a"},{"value":"a"},{"value":"A"}],"roles":[{"value":"r"},{"value":"r","display":null}]}`,
			`{"userName":"u","emails":[{"value":"a","type":"work","primary":true},{"value":"a"},{"value":"A"}],"roles":[{"value":"r"}]}`},
		{"a reference is a URI or a relative one (RFC 7643 §2.3.7)",
			`{"userName":"u","profileUrl":"../a%20b;c?d#e","photos":[{"value":"https://[2001:db8::1]/"},{"value":"data:,x"},{"value":"urn:uuid:1"}]}`,
			`{"userName":"u","profileUrl":"../a%20b;c?d#e","photos":[{"value":"https://[2001:db8::1]/"},{"value":"data:,x"},{"value":"urn:uuid:1"}]}`},
		{"booleans stay booleans", `{"userName":"u","active":false,"emails":[{"value":"v","primary":true}]}`,
			`{"userName":"u","active":false,"emails":[{"value":"v","primary":true}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := decode(t, set.User, tt.body)
			if got := string(d.Object.AppendJSON(nil)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat(`{"x":`, 70) + "1" + strings.Repeat("}", 70)
	tests := []struct {
		name, body string
		want       scimerrors.ScimType
		mention    string
	}{
		{"malformed", `{"userName":`, scimerrors.ScimTypeInvalidSyntax, ""},
		{"empty", ``, scimerrors.ScimTypeInvalidSyntax, ""},
		{"an array", `[]`, scimerrors.ScimTypeInvalidSyntax, "object"},
		{"a string", `"x"`, scimerrors.ScimTypeInvalidSyntax, "object"},
		{"trailing garbage", `{"userName":"u"} x`, scimerrors.ScimTypeInvalidSyntax, ""},
		{"two values", `{"userName":"u"}{}`, scimerrors.ScimTypeInvalidSyntax, "follows"},
		{"the same name twice", `{"userName":"u","userName":"v"}`, scimerrors.ScimTypeInvalidSyntax, "twice"},
		{"names that differ in case only", `{"userName":"u","USERNAME":"v"}`, scimerrors.ScimTypeInvalidSyntax, "twice"},
		{"invalid UTF-8", "{\"userName\":\"\xff\"}", scimerrors.ScimTypeInvalidSyntax, ""},
		{"a lone surrogate", `{"userName":"\ud800"}`, scimerrors.ScimTypeInvalidSyntax, ""},
		{"NUL", `{"userName":"a\u0000b"}`, scimerrors.ScimTypeInvalidValue, "userName"},
		{"a number for a string", `{"userName":5}`, scimerrors.ScimTypeInvalidValue, "userName"},
		{"a string for a boolean", `{"userName":"u","active":"yes"}`, scimerrors.ScimTypeInvalidValue, "active"},
		{"an object for a list", `{"userName":"u","emails":{"value":"a"}}`, scimerrors.ScimTypeInvalidValue, "emails"},
		{"a list for a string", `{"userName":["u"]}`, scimerrors.ScimTypeInvalidValue, "userName"},
		{"a string for an object", `{"userName":"u","name":"x"}`, scimerrors.ScimTypeInvalidValue, "name"},
		{"a string for an extension", `{"userName":"u","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":"x"}`, scimerrors.ScimTypeInvalidValue, "enterprise"},
		{"a password that is no string", `{"userName":"u","password":1}`, scimerrors.ScimTypeInvalidValue, "password"},
		{"two primaries (RFC 7643 §2.4)", `{"userName":"u","emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, scimerrors.ScimTypeInvalidValue, "primary"},
		{"a date that is none", `{"userName":"u","urn:ietf:params:scim:schemas:extension:workspace:2.0:User":{"employeeHireDate":"soon"}}`, scimerrors.ScimTypeInvalidValue, "employeeHireDate"},
		{"binary that is no base64", `{"userName":"u","x509Certificates":[{"value":"!!"}]}`, scimerrors.ScimTypeInvalidValue, "x509Certificates"},
		{"a reference that is no URI", `{"userName":"u","profileUrl":"not a url"}`, scimerrors.ScimTypeInvalidValue, "profileUrl"},
		{"a reference in an element", `{"userName":"u","photos":[{"value":"http://[bad"}]}`, scimerrors.ScimTypeInvalidValue, "photos.value"},
		{"core attributes under their URN", `{"userName":"u","urn:ietf:params:scim:schemas:core:2.0:User":{"title":"t"}}`, scimerrors.ScimTypeInvalidSyntax, "core:2.0:User"},
		{"schemas that is no list", `{"userName":"u","schemas":"x"}`, scimerrors.ScimTypeInvalidSyntax, "schemas"},
		{"too deep", `{"userName":"u","x":` + deep + `}`, scimerrors.ScimTypeInvalidSyntax, "deep"},
		{"an indexed value that is too long", `{"userName":"` + strings.Repeat("a", MaxKey+1) + `"}`, scimerrors.ScimTypeInvalidValue, "longer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode(set.User, []byte(tt.body), nil)
			var se scimerrors.ScimError
			if !errors.As(err, &se) || se.ScimType != tt.want || se.Status != 400 || !strings.Contains(se.Detail, tt.mention) {
				t.Fatalf("got %#v, want %s mentioning %q", err, tt.want, tt.mention)
			}
		})
	}
}

func TestDecodeKeepsValuesJustUnderTheBounds(t *testing.T) {
	decode(t, set.User, `{"userName":"`+strings.Repeat("a", MaxKey)+`"}`)
	decode(t, set.User, `{"userName":"u","x":`+strings.Repeat("[", MaxDepth)+strings.Repeat("]", MaxDepth)+`}`)
}

func TestDecodeTellsWhatIsNotInTheDocument(t *testing.T) {
	d := decode(t, set.Group, `{"schemas":["a","b"],"displayName":"G","members":[{"value":"1"},{"value":"2","display":"x","$ref":null}],"externalId":null}`)
	if len(d.Members) != 2 || !d.HasMembers || !cmp.Equal(d.Schemas, []string{"a", "b"}) {
		t.Errorf("members %v, has %v, schemas %v", d.Members, d.HasMembers, d.Schemas)
	}
	if len(d.Cleared) != 1 || d.Cleared[0] != set.Group.ExternalID {
		t.Errorf("cleared %v, want externalId", d.Cleared)
	}
	if got := string(d.Object.AppendJSON(nil)); got != `{"displayName":"G"}` {
		t.Errorf("document %s", got)
	}
	if d := decode(t, set.Group, `{"displayName":"G"}`); d.HasMembers {
		t.Error("no members in the body, HasMembers is true")
	}
}

func TestDecodeCollectsCustomAttributesThatNobodyDeclared(t *testing.T) {
	const urn = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"
	d := decode(t, set.User, `{"userName":"u","`+urn+`":{"tag":"blue","count":3,"on":true,"none":null,"list":[1]},"urn:other:thing":{"a":"b"}}`)
	want := []schema.Custom{{URN: urn, Name: "tag", Type: schema.String}, {URN: urn, Name: "count", Type: schema.Decimal}, {URN: urn, Name: "on", Type: schema.Boolean}}
	if diff := cmp.Diff(want, d.Undeclared); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeNamesWhatTheSchemaDoesNotHave(t *testing.T) {
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	d := decode(t, set.User, `{"userName":"u","usrName":"x","organization":"","name":{"first":"A","givenName":"A"},"emails":[{"value":"a@b.c","kind":1}],
		"`+enterprise+`":{"team":true,"department":"IT"},"urn:other:thing":{"a":"b"},"none":null,"empty":[],"id":"1","meta":{}}`)
	want := []string{"usrName", "name.first", "emails.kind", enterprise + ":team", "urn:other:thing"}
	if diff := cmp.Diff(want, d.Unknown); diff != "" {
		t.Error(diff)
	}
	var many strings.Builder
	for i := range 2 * MaxUnknown {
		fmt.Fprintf(&many, `,"%s%d":1`, strings.Repeat("x", 1000), i)
	}
	d = decode(t, set.User, `{"userName":"u"`+many.String()+`}`)
	if len(d.Unknown) != MaxUnknown || len(d.Unknown[0]) > 300 {
		t.Errorf("%d names, the first of %d bytes", len(d.Unknown), len(d.Unknown[0]))
	}
}

func TestRequireNamesTheMissingAttribute(t *testing.T) {
	for body, rt := range map[string]*schema.ResourceType{`{"title":"x"}`: set.User, `{"externalId":"x"}`: set.Group} {
		err := Require(rt, decode(t, rt, body).Object)
		want := map[schema.Kind]string{schema.User: "userName", schema.Group: "displayName"}[rt.Kind]
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want one that names %s", body, err, want)
		}
	}
}

func TestEncodeListsTheSchemasOfTheDocument(t *testing.T) {
	d := decode(t, set.User, `{"userName":"u","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`)
	want := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User","urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin"],"userName":"u","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"D"}}`
	if got := string(Encode(set.User, d.Object)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestKeysFoldWhatIsNotCaseExact(t *testing.T) {
	d := decode(t, set.User, `{"userName":"U","externalId":"E","emails":[{"value":"A@B"},{"value":"a@b"},{"value":"C"}],"name":{"familyName":"ÄRGER"}}`)
	want := []Key{{1, "u"}, {2, "E"}, {4, "a@b"}, {4, "c"}, {5, "ärger"}}
	if diff := cmp.Diff(want, Keys(d.Object)); diff != "" {
		t.Error(diff)
	}
}

func TestParseTimeReadsWhatDirectoriesSend(t *testing.T) {
	for in, want := range map[string]string{
		"2026-01-31T09:00:00Z":         "2026-01-31T09:00:00.000Z",
		"2026-01-31T09:00:00.1234567Z": "2026-01-31T09:00:00.123Z",
		"2026-01-31T09:00:00+02:00":    "2026-01-31T07:00:00.000Z",
		"2026-01-31T09:00:00":          "2026-01-31T09:00:00.000Z",
		"2026-01-31":                   "2026-01-31T00:00:00.000Z",
		"2026-01-31T09:00:00.5-11:30":  "2026-01-31T20:30:00.500Z",
	} {
		got, err := ParseTime(in)
		if err != nil || got.Format(TimeFormat) != want {
			t.Errorf("%s: %s, %v, want %s", in, got.Format(TimeFormat), err, want)
		}
	}
	for _, in := range []string{"", "now", "2026-13-01T00:00:00Z", "2026-01-31 09:00", "31.01.2026"} {
		if got, err := ParseTime(in); err == nil {
			t.Errorf("%q was read as %s", in, got)
		}
	}
}

// A stored document that can't be read is no fault of the client that asks.
func TestStoredDocumentsThatCantBeReadAreNoClientsFault(t *testing.T) {
	for _, stored := range []string{`{"userName":5}`, `{"userName":`, `{"userName":"u","active":"yes"}`} {
		_, err := MustDecode(set.User, []byte(stored))
		if err == nil || errors.As(err, new(scimerrors.ScimError)) {
			t.Errorf("%s: %#v", stored, err)
		}
	}
	if o, err := MustDecode(set.User, []byte(`{"userName":"u","profileUrl":"not a url"}`)); err != nil || o.At(set.User.Root.Sub("profileUrl")) != "not a url" {
		t.Errorf("a link that was stored before links were checked: %v, %v", o, err)
	}
	_, err := MustDecode(set.User, []byte(`{"userName":"u","urn:ietf:params:scim:schemas:extension:Contoso:2.0:User":{"tag":"blue"}}`))
	if !errors.Is(err, ErrUndeclared) {
		t.Errorf("undeclared attribute: %v", err)
	}
}

func TestMemberWithoutAValueIsRefusedByItsPath(t *testing.T) {
	for _, element := range []string{`{}`, `null`, `{"value":null}`, `{"value":""}`, `{"display":"x"}`, `{"colour":"red"}`, `{"$ref":"https://x/Users/1"}`, `{"type":"User"}`} {
		_, err := Decode(set.Group, []byte(`{"displayName":"G","members":[{"value":"1"},`+element+`]}`), nil)
		var se scimerrors.ScimError
		if !errors.As(err, &se) || se.ScimType != scimerrors.ScimTypeInvalidValue || !strings.HasPrefix(se.Detail, "members[1].value ") {
			t.Errorf("%s: %v", element, err)
		}
	}
}

func TestValidReference(t *testing.T) {
	for _, s := range []string{
		"", "a", "a/b:c", "./a:b", "?", "#", "//", "//h", "http:", "http://", "ftp://u:p@h.example:21/a;type=i?b/?:@=c#d/?", "mailto:a@b.example", "urn:ietf:rfc:2141", "file:///etc",
		"tel:+1-816", "http://[::ffff:1.2.3.4]:/", "HTTP://EXAMPLE/%7e%2F", "news:comp.x(y)'*,;=!$&+", "http://h%C3%BC/",
	} {
		if !ValidReference(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{
		" ", "a b", "a\\b", "ü", "%", "%a", "%zz", "a#b#c", "a[b]", "?[", "#]", ":a", "1a:b", "a b:c", "http://[bad", "http://[1.2.3.4]/", "http://[::1]x/", "http://[::1%25a]/", "http://h:x/", "http://a@b@c/", "http://a b/",
		"\"", "<a>", "^", "`", "{a}", "|", "\x00", "\x7f", "http://%41/",
	} {
		if ValidReference(s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

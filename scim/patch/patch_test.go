package patch_test

import (
	"errors"
	"strings"
	"testing"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/patch"
	"github.com/workspace-scim/workspace/scim/schema"
)

const (
	enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	workspace  = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User"
)

// bjensen is the resource that the tests change.
const bjensen = `{"userName":"bjensen@example.com",` +
	`"name":{"formatted":"Barbara Jensen","familyName":"Jensen","givenName":"Barbara"},` +
	`"title":"Tour Guide","active":true,` +
	`"emails":[{"value":"b@work.example","type":"work","primary":true},{"value":"b@home.example","type":"home"}],` +
	`"addresses":[{"streetAddress":"100 Plaza","locality":"Hollywood","type":"work"}],` +
	`"` + enterprise + `":{"department":"Tours","manager":{"value":"26118915","$ref":"../Users/26118915"}}}`

// with is bjensen with each old part replaced by the new one.
func with(oldnew ...string) string {
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(bjensen, oldnew[i]) {
			panic("bjensen has no " + oldnew[i])
		}
	}
	return strings.NewReplacer(oldnew...).Replace(bjensen)
}

func message(ops ...string) []byte {
	return []byte(`{"schemas":["` + patch.MessageURN + `"],"Operations":[` + strings.Join(ops, ",") + `]}`)
}

func decode(t testing.TB, rt *schema.ResourceType, s string) *document.Object {
	t.Helper()
	o, err := document.MustDecode(rt, []byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// run applies a message strictly and gives the resource after it.
func run(t testing.TB, rt *schema.ResourceType, before string, body []byte, r patch.Repairs) (string, error) {
	t.Helper()
	o := decode(t, rt, before)
	p, err := patch.Parse(rt, body, r)
	if err == nil {
		err = p.Apply(o)
	}
	return string(o.AppendJSON(nil)), err
}

// is checks an error's scimType and a part of its detail, given as in
// "noTarget: no value".
func is(t testing.TB, err error, want string) {
	t.Helper()
	scimType, detail, _ := strings.Cut(want, ": ")
	var se scimerrors.ScimError
	if !errors.As(err, &se) || string(se.ScimType) != scimType || !strings.Contains(se.Detail, detail) {
		t.Errorf("got %v, want %s", err, want)
	}
}

const (
	workMail = `{"value":"b@work.example","type":"work","primary":true}`
	homeMail = `{"value":"b@home.example","type":"home"}`
	mails    = `"emails":[` + workMail + `,` + homeMail + `]`
	manager  = `"manager":{"value":"26118915","$ref":"../Users/26118915"}`
	street   = `"addresses":[{"streetAddress":"100 Plaza","locality":"Hollywood","type":"work"}]`
)

// TestStrict holds what RFC 7644 §3.5.2.1 to §3.5.2.3 say, without any repair.
func TestStrict(t *testing.T) {
	user := schema.Must().User
	for _, tt := range []struct{ name, op, want string }{
		// §3.5.2.1
		{"add sets a single value", `{"op":"add","path":"nickName","value":"Babs"}`, with(`"title"`, `"nickName":"Babs","title"`)},
		{"add replaces a single value", `{"op":"add","path":"title","value":"Chief"}`, with("Tour Guide", "Chief")},
		{"add of the value that is there", `{"op":"add","path":"title","value":"Tour Guide"}`, bjensen},
		{"add merges a complex value", `{"op":"add","path":"name","value":{"middleName":"J","givenName":"Babs"}}`, with(`"givenName":"Barbara"`, `"givenName":"Babs","middleName":"J"`)},
		{"add of a sub-attribute", `{"op":"add","path":"name.middleName","value":"J"}`, with(`"givenName":"Barbara"`, `"givenName":"Barbara","middleName":"J"`)},
		{"add appends elements", `{"op":"add","path":"emails","value":[{"value":"x@x.example","type":"other"}]}`, with(homeMail, homeMail+`,{"value":"x@x.example","type":"other"}`)},
		{"add of an element that is there", `{"op":"add","path":"emails","value":[` + homeMail + `]}`, bjensen},
		{"add of nothing", `{"op":"add","path":"emails","value":[]}`, bjensen},
		{"add of a primary element", `{"op":"add","path":"emails","value":[{"value":"x@x.example","primary":true}]}`, with(`"primary":true},`+homeMail, `"primary":false},`+homeMail+`,{"value":"x@x.example","primary":true}`)},
		{"add makes an element primary that is there", `{"op":"add","path":"emails","value":[{"value":"b@home.example","type":"home","primary":true}]}`, with(`"primary":true}`, `"primary":false}`, homeMail, `{"value":"b@home.example","type":"home","primary":true}`)},
		{"add to the matching elements", `{"op":"add","path":"emails[type eq \"home\"].display","value":"Home"}`, with(`{"value":"b@home.example",`, `{"value":"b@home.example","display":"Home",`)},
		{"add to an attribute of an extension", `{"op":"add","path":"` + enterprise + `:costCenter","value":"4130"}`, with(`"department"`, `"costCenter":"4130","department"`)},
		{"add to an extension", `{"op":"add","path":"` + enterprise + `","value":{"costCenter":"4130"}}`, with(`"department"`, `"costCenter":"4130","department"`)},
		{"add of an extension that has no value", `{"op":"add","path":"` + workspace + `:originSid","value":"S-1-5"}`, with(`Users/26118915"}}}`, `Users/26118915"}},"`+workspace+`":{"originSid":"S-1-5"}}`)},
		{"add without path", `{"op":"add","value":{"nickName":"Babs","emails":[{"value":"x@x.example"}],"` + enterprise + `":{"department":"Sales"}}}`, with(`"title"`, `"nickName":"Babs","title"`, homeMail, homeMail+`,{"value":"x@x.example"}`, "Tours", "Sales")},
		{"names in any case", `{"op":"add","path":"NAME.GivenName","value":"Babs"}`, with(`"givenName":"Barbara"`, `"givenName":"Babs"`)},
		{"a path with the core schema's URN", `{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User:title","value":"Chief"}`, with("Tour Guide", "Chief")},
		// §3.5.2.3
		{"replace of a single value", `{"op":"replace","path":"active","value":false}`, with(`"active":true`, `"active":false`)},
		{"replace of an absent value is an add", `{"op":"replace","path":"nickName","value":"Babs"}`, with(`"title"`, `"nickName":"Babs","title"`)},
		{"replace merges a complex value", `{"op":"replace","path":"name","value":{"givenName":"Babs"}}`, with(`"givenName":"Barbara"`, `"givenName":"Babs"`)},
		{"replace unassigns what is null in a complex value", `{"op":"replace","path":"name","value":{"formatted":null}}`, with(`"formatted":"Barbara Jensen",`, "")},
		{"replace of a list", `{"op":"replace","path":"emails","value":[{"value":"x@x.example"}]}`, with(mails, `"emails":[{"value":"x@x.example"}]`)},
		{"replace by a list that has an element twice", `{"op":"replace","path":"emails","value":[{"value":"x@x.example","type":"work"},{"type":"work","value":"x@x.example"}]}`, with(mails, `"emails":[{"value":"x@x.example","type":"work"}]`)},
		{"replace that makes elements equal", `{"op":"replace","path":"emails","value":[{"value":"x"},{"value":"x","type":"work"}]},{"op":"replace","path":"emails.type","value":"home"}`, with(mails, `"emails":[{"value":"x","type":"home"}]`)},
		{"replace by the empty list", `{"op":"replace","path":"emails","value":[]}`, with(mails+",", "")},
		{"replace of the matching elements", `{"op":"replace","path":"addresses[type eq \"work\"]","value":{"streetAddress":"911 Universal"}}`, with("100 Plaza", "911 Universal")},
		{"replace of a sub-attribute of the matching elements", `{"op":"replace","path":"addresses[type eq \"work\"].streetAddress","value":"911 Universal"}`, with("100 Plaza", "911 Universal")},
		{"replace of a sub-attribute of all elements", `{"op":"replace","path":"emails.display","value":"Mail"}`, with(`"b@work.example",`, `"b@work.example","display":"Mail",`, `"b@home.example",`, `"b@home.example","display":"Mail",`)},
		{"replace of a sub-attribute makes the first element", `{"op":"replace","path":"ims.value","value":"babs"}`, with(mails, mails+`,"ims":[{"value":"babs"}]`)},
		{"replace of primary takes it from the others", `{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}`, with(`"primary":true}`, `"primary":false}`, homeMail, `{"value":"b@home.example","type":"home","primary":true}`)},
		{"replace of a list takes over its primary", `{"op":"replace","path":"emails","value":[{"value":"x@x.example","primary":true}]}`, with(mails, `"emails":[{"value":"x@x.example","primary":true}]`)},
		{"replace of a reference takes the old $ref away", `{"op":"replace","path":"` + enterprise + `:manager","value":{"value":"7"}}`, with(manager, `"manager":{"value":"7"}`)},
		{"replace of a reference's value too", `{"op":"replace","path":"` + enterprise + `:manager.value","value":"7"}`, with(manager, `"manager":{"value":"7"}`)},
		{"replace by the same reference leaves $ref", `{"op":"replace","path":"` + enterprise + `:manager","value":{"value":"26118915"}}`, bjensen},
		{"replace of a reference with its $ref", `{"op":"replace","path":"` + enterprise + `:manager","value":{"$ref":"../Users/7","value":"7","displayName":"Boss"}}`, with("26118915", "7")},
		{"replace without path", `{"op":"replace","value":{"title":"Chief","name":{"givenName":"Babs"},"emails":[{"value":"x@x.example"}]}}`, with("Tour Guide", "Chief", `"givenName":"Barbara"`, `"givenName":"Babs"`, mails, `"emails":[{"value":"x@x.example"}]`)},
		{"without path, in the order sent", `{"op":"replace","value":{"title":"A","TITLE":"B"}}`, with("Tour Guide", "B")},
		{"without path, readOnly and unknown attributes", `{"op":"replace","value":{"id":"evil","meta":{"version":"1"},"schemas":["x"],"groups":[{"value":"g"}],"shoeSize":43,"urn:example:2.0:User":{"a":1}}}`, bjensen},
		{"a password is forgotten", `{"op":"replace","path":"password","value":"t0p"}`, bjensen},
		// §3.5.2.2
		{"remove of a single value", `{"op":"remove","path":"title"}`, with(`"title":"Tour Guide",`, "")},
		{"remove of an absent value", `{"op":"remove","path":"nickName"}`, bjensen},
		{"remove of a list", `{"op":"remove","path":"emails"}`, with(mails+",", "")},
		{"remove of an element", `{"op":"remove","path":"emails[type eq \"work\" and value ew \"work.example\"]"}`, with(workMail+",", "")},
		{"remove of the last element", `{"op":"remove","path":"addresses[type eq \"work\"]"}`, with(street+",", "")},
		{"remove of no element", `{"op":"remove","path":"emails[type eq \"fax\"]"}`, bjensen},
		{"remove of a sub-attribute of an element", `{"op":"remove","path":"addresses[type eq \"work\"].locality"}`, with(`"locality":"Hollywood",`, "")},
		{"remove of an element's value", `{"op":"remove","path":"emails[type eq \"work\"].value"}`, with(workMail+",", "")},
		{"remove of a sub-attribute of all elements", `{"op":"remove","path":"emails.type"}`, with(mails, `"emails":[{"value":"b@work.example","primary":true},{"value":"b@home.example"}]`)},
		{"remove of a sub-attribute", `{"op":"remove","path":"name.formatted"}`, with(`"formatted":"Barbara Jensen",`, "")},
		{"remove of a complex value", `{"op":"remove","path":"name"}`, with(`"name":{"formatted":"Barbara Jensen","familyName":"Jensen","givenName":"Barbara"},`, "")},
		{"remove of the last attribute of an extension", `{"op":"remove","path":"` + enterprise + `:manager"}`, with(","+manager, "")},
		{"remove of an extension", `{"op":"remove","path":"` + enterprise + `"}`, with(`,"`+enterprise+`":{"department":"Tours",`+manager+`}`, "")},
		{"remove of a password", `{"op":"remove","path":"password"}`, bjensen},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := run(t, user, bjensen, message(tt.op), nil)
			if err != nil || got != tt.want {
				t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
			}
			again, err := run(t, user, got, message(tt.op), nil)
			if err != nil || again != got {
				t.Errorf("a second time: got %s, %v\nwant %s", again, err, got)
			}
		})
	}
}

func TestStrictRefusals(t *testing.T) {
	user := schema.Must().User
	for _, tt := range []struct{ name, op, want string }{
		{"no op", `{"path":"title"}`, "invalidSyntax: Operations[0]: op is required"},
		{"unknown op", `{"op":"move","path":"title"}`, `invalidSyntax: not "move"`},
		{"an operation that is no object", `7`, "invalidSyntax: Operations[0]: An operation must be a JSON object"},
		{"a path that is no string", `{"op":"add","path":7,"value":1}`, "invalidPath: path must be a string"},
		{"op twice", `{"op":"add","OP":"remove","path":"title","value":"x"}`, "invalidSyntax: is there twice"},
		{"add without value", `{"op":"add","path":"title"}`, "invalidValue: The operation add needs a value"},
		{"replace without value", `{"op":"replace","path":"title"}`, "invalidValue: The operation replace needs a value"},
		{"add of null", `{"op":"add","path":"title","value":null}`, "invalidValue: title must not be null"},
		{"remove with a value", `{"op":"remove","path":"emails","value":[{"value":"b@home.example"}]}`, "invalidValue: A remove has no value"},
		{"remove without path", `{"op":"remove"}`, "noTarget: A remove needs a path"},
		{"remove with an empty path", `{"op":"remove","path":""}`, "noTarget: A remove needs a path"},
		{"a value without path that is no object", `{"op":"add","value":["x"]}`, "invalidValue: Without a path"},
		{"unknown attribute", `{"op":"add","path":"shoeSize","value":43}`, `invalidPath: "shoeSize" is not an attribute of a User`},
		{"unknown sub-attribute", `{"op":"add","path":"name.first","value":"B"}`, `invalidPath: "name.first"`},
		{"unknown sub-attribute of an element", `{"op":"add","path":"emails[type eq \"work\"].first","value":"B"}`, `invalidPath: emails has no sub-attribute "first"`},
		{"unknown attribute of an extension", `{"op":"add","path":"` + enterprise + `:shoeSize","value":43}`, "invalidPath: shoeSize"},
		{"an extension's attribute by its bare name", `{"op":"add","path":"department","value":"x"}`, "invalidPath: department"},
		{"a filter on one value", `{"op":"add","path":"name[givenName eq \"B\"].familyName","value":"x"}`, "invalidPath: name is not a list"},
		{"a broken path", `{"op":"add","path":"emails[","value":"x"}`, "invalid"},
		{"a broken filter", `{"op":"add","path":"emails[type xx \"work\"]","value":{}}`, "invalidFilter: "},
		{"a filter on an unknown sub-attribute", `{"op":"remove","path":"emails[size eq 4]"}`, "invalidFilter: size"},
		{"a wrong type", `{"op":"replace","path":"active","value":"yes"}`, "invalidValue: active must be a boolean, not a string"},
		{"a wrong type in a complex value", `{"op":"replace","path":"name","value":{"givenName":["B"]}}`, "invalidValue: name.givenName must be a string, not an array"},
		{"a wrong type in an element", `{"op":"add","path":"emails","value":[{"primary":"x"}]}`, "invalidValue: emails.primary must be a boolean"},
		{"a date that is none", `{"op":"add","path":"` + workspace + `:employeeHireDate","value":"soon"}`, "invalidValue: must be a date and time"},
		{"an object for a list", `{"op":"add","path":"emails","value":{"value":"x"}}`, "invalidValue: emails has several values"},
		{"a list for an element", `{"op":"replace","path":"emails[type eq \"work\"]","value":[{"value":"x"}]}`, "invalidValue: emails must be an object"},
		{"two primaries", `{"op":"add","path":"emails","value":[{"value":"x","primary":true},{"value":"y","primary":true}]}`, "invalidValue: emails has more than one primary"},
		{"primary for all elements", `{"op":"replace","path":"emails.primary","value":true}`, "invalidValue: emails would have more than one primary"},
		{"replace of no element", `{"op":"replace","path":"emails[type eq \"fax\"].value","value":"x"}`, "noTarget: Operations[0]: No value of emails"},
		{"add to no element", `{"op":"add","path":"emails[type eq \"fax\"].value","value":"x"}`, "noTarget: No value of emails"},
		{"id", `{"op":"replace","path":"id","value":"x"}`, "mutability: id is read-only"},
		{"meta", `{"op":"remove","path":"meta.version"}`, "mutability: meta.version is read-only"},
		{"schemas", `{"op":"add","path":"schemas","value":["x"]}`, "mutability: schemas is read-only"},
		{"groups", `{"op":"add","path":"groups","value":[{"value":"g"}]}`, "mutability: groups is read-only"},
		{"one of the groups", `{"op":"remove","path":"groups[value eq \"g\"]"}`, "mutability: groups is read-only"},
		{"the manager's name", `{"op":"replace","path":"` + enterprise + `:manager.displayName","value":"x"}`, "mutability: manager.displayName is read-only"},
		{"the origin", `{"op":"remove","path":"urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin"}`, "mutability: Origin is read-only"},
		{"a required attribute", `{"op":"remove","path":"userName"}`, "mutability: Operations[0]: userName is required"},
		{"a password of the wrong type", `{"op":"replace","path":"password","value":7}`, "invalidValue: password must be a string"},
		{"members of a user", `{"op":"add","path":"members","value":[{"value":"x"}]}`, "invalidPath: members"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := run(t, user, bjensen, message(tt.op), nil)
			if tt.want == "invalid" {
				if err == nil {
					t.Error("accepted")
				}
			} else {
				is(t, err, tt.want)
			}
			if got != bjensen {
				t.Errorf("the resource changed: %s", got)
			}
		})
	}
}

func TestAllOperationsOrNone(t *testing.T) {
	body := message(`{"op":"replace","path":"title","value":"Chief"}`, `{"op":"remove","path":"emails"}`,
		`{"op":"replace","path":"addresses[type eq \"home\"].locality","value":"x"}`)
	got, err := run(t, schema.Must().User, bjensen, body, nil)
	is(t, err, "noTarget: Operations[2]: ")
	if got != bjensen {
		t.Errorf("half of it was applied: %s", got)
	}
}

func TestOperationsSeeWhatTheOnesBeforeDid(t *testing.T) {
	body := message(`{"op":"remove","path":"emails"}`, `{"op":"add","path":"emails","value":[{"value":"x@x.example","type":"work"}]}`,
		`{"op":"replace","path":"emails[type eq \"work\"].value","value":"y@x.example"}`)
	got, err := run(t, schema.Must().User, bjensen, body, nil)
	if want := with(mails, `"emails":[{"value":"y@x.example","type":"work"}]`); err != nil || got != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

// A transaction that lost a race applies its Patch again, to another document.
func TestAPatchCanBeAppliedAgain(t *testing.T) {
	user := schema.Must().User
	p, err := patch.Parse(user, message(
		`{"op":"replace","path":"emails","value":[{"value":"x"}]}`, `{"op":"replace","path":"emails[value eq \"x\"].value","value":"X2"}`,
		`{"op":"add","path":"emails","value":[{"value":"y"}]}`, `{"op":"replace","path":"emails[value eq \"y\"].value","value":"Y2"}`), nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		o := decode(t, user, bjensen)
		if err := p.Apply(o); err != nil {
			t.Fatal(err)
		}
		if got, want := string(o.AppendJSON(nil)), with(mails, `"emails":[{"value":"X2"},{"value":"Y2"}]`); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

func TestApplyAsksForRequiredAttributes(t *testing.T) {
	_, err := run(t, schema.Must().Group, `{"externalId":"g"}`, message(`{"op":"add","path":"externalId","value":"h"}`), nil)
	is(t, err, "invalidValue: displayName is required")
}

package patch_test

import (
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/patch"
	"github.com/workspace-scim/workspace/scim/schema"
)

const contoso = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"

// TestCustomAttributes plays what the server does when Entra ID uses attributes
// that an administrator made up there: declare them, read the request again.
func TestCustomAttributes(t *testing.T) {
	body := message(`{"op":"add","path":"`+contoso+`:tag","value":"green"}`, `{"op":"add","path":"`+contoso+`:TAG","value":"blue"}`,
		`{"op":"replace","value":{"`+contoso+`:remote":true,"`+contoso+`":{"level":3}}}`,
		`{"op":"remove","path":"`+contoso+`:gone"}`, `{"op":"replace","path":"`+contoso+`:cleared","value":""}`)
	d, user := dialect.New(nil), schema.Must().User
	p, err := patch.Parse(user, body, d)
	if err != nil {
		t.Fatal(err)
	}
	want := []schema.Custom{{URN: contoso, Name: "tag", Type: schema.String}, {URN: contoso, Name: "remote", Type: schema.Boolean}, {URN: contoso, Name: "level", Type: schema.Decimal}}
	if !slices.Equal(p.Undeclared, want) {
		t.Fatalf("undeclared: got %v, want %v", p.Undeclared, want)
	}
	o := decode(t, user, bjensen)
	if err := p.Apply(o); err != nil || string(o.AppendJSON(nil)) != bjensen {
		t.Errorf("what is undeclared must not be applied: %s, %v", o.AppendJSON(nil), err)
	}

	declared := append(want, schema.Custom{URN: contoso, Name: "gone"}, schema.Custom{URN: contoso, Name: "cleared"})
	for i := range declared {
		declared[i].Index = schema.CustomIndex + i
	}
	set, err := schema.New(declared)
	if err != nil {
		t.Fatal(err)
	}
	got, err := run(t, set.User, bjensen, body, d.Without(dialect.CustomAttribute))
	if wanted := with(`26118915"}}}`, `26118915"}},"`+contoso+`":{"tag":"blue","remote":true,"level":3}}`); err != nil || got != wanted {
		t.Errorf("got %s, %v\nwant %s", got, err, wanted)
	}
}

func TestCustomAttributeThatStaysUnknown(t *testing.T) {
	_, err := patch.Parse(schema.Must().User, message(`{"op":"add","path":"`+contoso+`:tag","value":"green"}`), dialect.New(nil).Without(dialect.CustomAttribute))
	is(t, err, "invalidPath: is not an attribute of a User")
	_, err = patch.Parse(schema.Must().User, message(`{"op":"add","path":"`+contoso+`:tag","value":{"a":1}}`), dialect.New(nil))
	is(t, err, "invalidValue: is a custom attribute and must be a string, a number or a boolean")
}

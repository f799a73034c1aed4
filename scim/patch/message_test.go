package patch_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/patch"
	"github.com/workspace-scim/workspace/scim/schema"
)

func TestMessageRefusals(t *testing.T) {
	const urn = `"schemas":["` + patch.MessageURN + `"]`
	op := `{"op":"remove","path":"title"}`
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", ``, "invalidSyntax: The JSON ends too early"},
		{"half", `{"schemas":`, "invalidSyntax: not valid JSON"},
		{"no JSON", `Operations`, "invalidSyntax: not valid JSON"},
		{"no object", `[]`, "invalidSyntax: The body must be a JSON object"},
		{"something behind it", `{` + urn + `,"Operations":[` + op + `]} x`, "invalidSyntax: "},
		{"a second value behind it", `{` + urn + `,"Operations":[` + op + `]}{}`, "invalidSyntax: Something follows"},
		{"no Operations", `{` + urn + `}`, "invalidSyntax: Operations is required"},
		{"Operations null", `{` + urn + `,"Operations":null}`, "invalidSyntax: Operations must be a JSON array"},
		{"Operations that are no list", `{` + urn + `,"Operations":` + op + `}`, "invalidSyntax: Operations must be a JSON array"},
		{"no operation", `{` + urn + `,"Operations":[]}`, "invalidSyntax: at least one operation"},
		{"Operations twice", `{` + urn + `,"Operations":[` + op + `],"operations":[` + op + `]}`, "invalidSyntax: \"operations\" is there twice"},
		{"the same name twice", `{` + urn + `,"Operations":[` + op + `],"Operations":[` + op + `]}`, "invalidSyntax: the same name twice"},
		{"schemas that are no list", `{"schemas":"` + patch.MessageURN + `","Operations":[` + op + `]}`, "invalidSyntax: schemas must be a JSON array"},
		{"schemas that are no strings", `{"schemas":[1],"Operations":[` + op + `]}`, "invalidSyntax: schemas must be a list of URNs"},
		{"another message", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + op + `]}`, "invalidValue: schemas must list"},
		{"no UTF-8", `{` + urn + `,"Operations":[{"op":"add","path":"title","value":"` + "\xff" + `"}]}`, "invalidSyntax: "},
		{"NUL in a value", `{` + urn + `,"Operations":[{"op":"add","path":"title","value":"\u0000"}]}`, "invalidValue: title contains the character NUL"},
		{"too deep where it is ignored", `{` + urn + `,"x":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `,"Operations":[` + op + `]}`, "invalidSyntax: nested more than 64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := patch.Parse(schema.Must().User, []byte(tt.body), dialect.New(nil))
			is(t, err, tt.want)
		})
	}
}

func TestNamesOfTheMessageInAnyCase(t *testing.T) {
	body := []byte(`{"Schemas":["` + patch.MessageURN + `"],"operations":[{"OP":"replace","Path":"title","VALUE":"Chief","name":"x"}],"extra":{}}`)
	got, err := run(t, schema.Must().User, bjensen, body, nil)
	if want := with("Tour Guide", "Chief"); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestAThousandOperations(t *testing.T) {
	ops := make([]string, patch.MaxOperations)
	for i := range ops {
		ops[i] = `{"op":"replace","path":"title","value":"Chief"}`
	}
	got, err := run(t, schema.Must().User, bjensen, message(ops...), nil)
	if want := with("Tour Guide", "Chief"); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	_, err = patch.Parse(schema.Must().User, message(append(ops, ops[0])...), nil)
	isTooLarge(t, err)
}

// A request with few bytes must not cost much: here each of a thousand
// operations looks at each of twenty thousand elements.
func TestLongListsTimesManyOperationsAreBounded(t *testing.T) {
	user := schema.Must().User
	o := decode(t, user, bjensen)
	list := make(document.List, 20_000)
	for i := range list {
		e := &document.Object{}
		e.Set(user.Root.Sub("emails").Sub("type"), "home")
		list[i] = e
	}
	o.Set(user.Root.Sub("emails"), list)
	ops := make([]string, patch.MaxOperations)
	for i := range ops {
		ops[i] = `{"op":"replace","path":"emails[type eq \"home\"].display","value":"x"}`
	}
	p, err := patch.Parse(user, message(ops...), nil)
	if err != nil {
		t.Fatal(err)
	}
	isTooLarge(t, p.Apply(o))
}

func isTooLarge(t *testing.T, err error) {
	t.Helper()
	var se scimerrors.ScimError
	if !errors.As(err, &se) || se.Status != http.StatusRequestEntityTooLarge || se.Detail == "" {
		t.Errorf("got %v, want 413 with a detail", err)
	}
}

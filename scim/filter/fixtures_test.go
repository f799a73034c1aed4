package filter_test

import (
	"errors"
	"testing"

	scimerrors "github.com/elimity-com/scim/errors"
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

const csvURN = "urn:ietf:params:scim:schemas:extension:csv:2.0:User"

// set has what the standard schemas lack: numbers, and a boolean beside active.
var set = func() *schema.Set {
	s, err := schema.New([]schema.Custom{
		{URN: csvURN, Name: "level", Type: schema.Integer, Index: schema.CustomIndex},
		{URN: csvURN, Name: "score", Type: schema.Decimal, Index: schema.CustomIndex + 1},
		{URN: csvURN, Name: "remote", Type: schema.Boolean, Index: schema.CustomIndex + 2},
	})
	if err != nil {
		panic(err)
	}
	return s
}()

// bjensen is a user with something of every kind.
const bjensen = `{
	"userName": "BJensen@Example.com", "externalId": "Ab-1", "title": "Tour \"Guide\"", "userType": "Employee",
	"name": {"familyName": "Jensen", "givenName": "Barbara"}, "active": true, "nickName": "",
	"emails": [
		{"value": "bjensen@example.com", "type": "work", "primary": true},
		{"value": "Babs@Jensen.org", "type": "home"}
	],
	"x509Certificates": [{"value": "AAEC"}],
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
		"department": "Tours", "employeeNumber": "701984", "manager": {"value": "26118915"}
	},
	"urn:ietf:params:scim:schemas:extension:workspace:2.0:User": {"employeeHireDate": "2026-03-01T09:00:00+01:00"},
	"urn:ietf:params:scim:schemas:extension:csv:2.0:User": {"level": 7, "score": 2.5, "remote": true}
}`

// derived is a Derived by attribute.
type derived map[*schema.Attribute][]document.Value

func (d derived) Values(a *schema.Attribute) []document.Value { return d[a] }

func parse(t testing.TB, s string) ast.Expression {
	t.Helper()
	e, err := filter.Parse(s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return e
}

func resolve(t testing.TB, s string) filter.Expr {
	t.Helper()
	e, err := filter.Resolve(set.User, parse(t, s))
	if err != nil {
		t.Fatalf("Resolve(%q): %v", s, err)
	}
	return e
}

// refusal gives the SCIM error in err and fails if there is none, or if its
// status is not the scimType's.
func refusal(t testing.TB, err error) scimerrors.ScimError {
	t.Helper()
	var refused scimerrors.ScimError
	if !errors.As(err, &refused) {
		t.Fatalf("error %v is no SCIM error", err)
	}
	status := 400
	if refused.ScimType == scimerrors.ScimTypeSensitive {
		status = 403
	}
	if refused.Status != status {
		t.Errorf("status %d with %s, want %d", refused.Status, refused.ScimType, status)
	}
	return refused
}

func decode(t testing.TB, body string) *document.Object {
	t.Helper()
	d, err := document.Decode(set.User, []byte(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Object
}

// attribute finds an attribute of users by its name.
func attribute(t testing.TB, name string) *schema.Attribute {
	t.Helper()
	p, err := filter.ParseAttributePath(name)
	if err != nil {
		t.Fatal(err)
	}
	a := set.User.Find(p)
	if a == nil {
		t.Fatalf("users have no attribute %s", name)
	}
	return a
}

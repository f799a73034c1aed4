package dialect_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/patch"
	"github.com/workspace-scim/workspace/scim/schema"
)

// The kinds of requests that the tests send.
const (
	patchUser  = "PATCH /Users/{id}"
	patchGroup = "PATCH /Groups/{id}"
	postUser   = "POST /Users"
	postGroup  = "POST /Groups"
	findUsers  = "GET /Users?filter="
	rawQuery   = "GET ?"
	postSearch = "POST /.search"
)

const (
	lena = `{"externalId":"lena","userName":"lena@contoso.example",` +
		`"name":{"familyName":"Marchetti","givenName":"Lena"},"displayName":"Lena Marchetti","active":true,` +
		`"emails":[{"value":"lena@mail.contoso.example","type":"work","primary":true}],` +
		`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Archive"}}`
	pilots = `{"displayName":"Harbour Pilots"}`
)

// contoso is the schema of a tenant that has declared two custom attributes.
func contoso(t testing.TB) *schema.Set {
	t.Helper()
	const urn = "urn:ietf:params:scim:schemas:extension:contoso:2.0:User"
	s, err := schema.New([]schema.Custom{
		{URN: urn, Name: "level", Type: schema.Integer, Index: schema.CustomIndex},
		{URN: urn, Name: "quota", Type: schema.Decimal, Index: schema.CustomIndex + 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// exchange reads a request and gives, as text, what it was understood as. d may
// be nil.
func exchange(s *schema.Set, request, body string, d *dialect.Dialect) (string, error) {
	switch request {
	case patchUser:
		return applied(s.User, lena, body, d)
	case patchGroup:
		return applied(s.Group, pilots, body, d)
	case postUser:
		return decoded(s.User, body, d)
	case postGroup:
		return decoded(s.Group, body, d)
	case findUsers:
		e, err := filter.ParseWith(body, filter.Options{Repair: d.Repair})
		if err != nil {
			return "", err
		}
		r, err := filter.ResolveWith(s.User, e, filter.Options{Repair: d.Repair})
		if err != nil {
			return "", err
		}
		return filter.Text(r), nil
	case rawQuery:
		v, err := d.Query(body)
		return fmt.Sprint(v), err
	case postSearch:
		v, err := d.Search([]byte(body))
		return fmt.Sprint(v), err
	}
	return "", fmt.Errorf("unknown request %q", request)
}

func applied(t *schema.ResourceType, before, body string, d *dialect.Dialect) (string, error) {
	o, err := document.MustDecode(t, []byte(before))
	if err != nil {
		return "", err
	}
	p, err := patch.Parse(t, []byte(body), d)
	if err != nil {
		return "", err
	}
	if err := p.Apply(o); err != nil {
		return "", err
	}
	out := string(o.AppendJSON(nil))
	for _, m := range p.Members {
		out += " " + memberText(m)
	}
	for _, c := range p.Undeclared {
		out += fmt.Sprintf(" declare %s:%s %s", c.URN, c.Name, c.Type)
	}
	return out, nil
}

func memberText(m patch.MemberOp) string {
	switch {
	case m.Add != nil:
		return fmt.Sprint("add", m.Add)
	case m.Remove != nil:
		return fmt.Sprint("remove", m.Remove)
	case m.Replace != nil:
		return fmt.Sprint("replace", m.Replace)
	case m.RemoveAll:
		return "remove all"
	}
	return "remove where " + filter.Text(m.RemoveWhere)
}

func decoded(t *schema.ResourceType, body string, d *dialect.Dialect) (string, error) {
	in, err := document.Decode(t, []byte(body), d)
	if err != nil {
		return "", err
	}
	if err := d.Schemas(t, in.Schemas); err != nil {
		return "", err
	}
	if err := document.Require(t, in.Object); err != nil {
		return "", err
	}
	out := string(in.Object.AppendJSON(nil))
	if in.HasMembers {
		out += " members " + string(document.AppendValue(nil, in.Members))
	}
	return out, nil
}

// operation makes a PATCH body of operations as a client writes them.
func operation(ops ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(ops, ",") + `]}`
}

// check compares an answer with what a test wants: a result, or an error if
// wanted begins with its scimType and a colon, followed by a part of the detail.
func check(t *testing.T, reading, got string, err error, want string) {
	t.Helper()
	scimType, detail, isErr := strings.Cut(want, ": ")
	isErr = isErr && !strings.ContainsAny(scimType, "{[ ")
	if err == nil {
		if isErr || got != want {
			t.Errorf("%s:\n got %s\nwant %s", reading, got, want)
		}
		return
	}
	var se scimerrors.ScimError
	if !errors.As(err, &se) {
		t.Fatalf("%s: %v is no SCIM error", reading, err)
	}
	if !isErr || string(se.ScimType) != scimType || !strings.Contains(se.Detail, detail) {
		t.Errorf("%s: got %v, want %s", reading, err, want)
	}
}

func TestRepairs(t *testing.T) {
	s := contoso(t)
	for _, tt := range sent {
		t.Run(tt.repair+"/"+tt.name, func(t *testing.T) {
			counted := map[string]int{}
			d := dialect.New(func(id string) { counted[id]++ })
			got, err := exchange(s, tt.request, tt.body, d)
			check(t, "repaired", got, err, tt.want)
			if counted[tt.repair] != 1 {
				t.Errorf("%s counted %d times, want once", tt.repair, counted[tt.repair])
			}
			delete(counted, tt.repair)
			for id := range counted {
				if !slices.Contains(tt.with, id) {
					t.Errorf("%s fired too", id)
				}
			}
			got, err = exchange(s, tt.request, tt.body, dialect.New(nil).Without(tt.repair))
			check(t, "strict", got, err, tt.strict)
		})
	}
}

func TestRepairsLeaveAloneWhatTheyDoNotMend(t *testing.T) {
	s := contoso(t)
	for _, tt := range untouched {
		t.Run(tt.repair+"/"+tt.name, func(t *testing.T) {
			counted := map[string]int{}
			got, err := exchange(s, tt.request, tt.body, dialect.New(func(id string) { counted[id]++ }))
			check(t, "repaired", got, err, tt.want)
			if counted[tt.repair] != 0 {
				t.Errorf("%s fired", tt.repair)
			}
		})
	}
}

// TestCorrectRequestsNeedNoRepair sends what clients write correctly: each
// reading understands the same, and no repair fires.
func TestCorrectRequestsNeedNoRepair(t *testing.T) {
	s := contoso(t)
	for _, tt := range correct {
		t.Run(tt.name, func(t *testing.T) {
			d := dialect.New(func(id string) { t.Errorf("%s fired", id) })
			got, err := exchange(s, tt.request, tt.body, d)
			check(t, "repaired", got, err, tt.want)
			got, err = exchange(s, tt.request, tt.body, nil)
			check(t, "strict", got, err, tt.want)
		})
	}
}

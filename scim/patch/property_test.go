package patch_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/patch"
	"github.com/workspace-scim/workspace/scim/schema"
	"pgregory.net/rapid"
)

// affected maps the paths of the generator to the attribute that they change.
var affected = map[string]string{
	"title": "title", "active": "active", "name": "name", "name.givenName": "name",
	"emails": "emails", `emails[type eq "work"]`: "emails", `emails[type eq "home"].value`: "emails", "emails.display": "emails",
	`phoneNumbers[type eq "mobile"].value`: "phoneNumbers", `emails[type eq "home"].primary`: "emails",
	enterprise + ":department": enterprise, enterprise + ":manager": enterprise, enterprise: enterprise,
}

var paths = slices.Sorted(maps.Keys(affected))

// values gives JSON that fits the path.
func values(p string) *rapid.Generator[string] {
	word := rapid.SampledFrom([]string{`"a"`, `"b"`, `""`, `"Ünï \"q\""`, "null"})
	flag := rapid.SampledFrom([]string{"true", "false", `"True"`, "null"})
	element := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(`{"value":%s,"type":%s}`, word.Draw(t, "value"), rapid.SampledFrom([]string{`"work"`, `"home"`, "null"}).Draw(t, "type"))
	})
	switch p {
	case "active", `emails[type eq "home"].primary`:
		return flag
	case "name":
		return rapid.Map(word, func(w string) string { return `{"givenName":` + w + `,"middleName":"M"}` })
	case "emails":
		return rapid.Map(rapid.SliceOfN(element, 0, 3), func(l []string) string { return "[" + strings.Join(l, ",") + "]" })
	case `emails[type eq "work"]`:
		return rapid.Map(word, func(w string) string { return `{"value":` + w + `}` })
	case enterprise:
		return rapid.Map(word, func(w string) string { return `{"department":` + w + `,"manager":"m"}` })
	}
	return word
}

func operations() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		p := rapid.SampledFrom(paths).Draw(t, "path")
		op := rapid.SampledFrom([]string{"add", "replace", "remove"}).Draw(t, "op")
		if op == "remove" {
			return fmt.Sprintf(`{"op":"remove","path":%q}`, p)
		}
		return fmt.Sprintf(`{"op":%q,"path":%q,"value":%s}`, op, p, values(p).Draw(t, "value"))
	})
}

func TestProperties(t *testing.T) {
	user := schema.Must().User
	before := decode(t, user, bjensen)
	rapid.Check(t, func(t *rapid.T) {
		ops := rapid.SliceOfN(operations(), 1, 5).Draw(t, "operations")
		o := before.Clone()
		p, err := patch.Parse(user, message(ops...), dialect.New(nil))
		if err == nil {
			err = p.Apply(o)
		}
		if err != nil {
			if !document.Equal(o, before) {
				t.Fatalf("an error, %v, and yet it changed to %s", err, o.AppendJSON(nil))
			}
			return
		}
		valid(t, user, o)
		touched := map[string]bool{}
		for _, op := range ops {
			touched[attributeOf(t, op)] = true
		}
		for _, a := range user.Root.Subs {
			if !touched[a.Name] && !document.Equal(o.Get(a), before.Get(a)) {
				t.Fatalf("%s changed to %v", a.Path, o.Get(a))
			}
		}
	})
}

// One operation carried out twice leaves what carrying it out once does, so a
// client can repeat a request whose answer it missed.
func TestRepeatingAnOperationChangesNothing(t *testing.T) {
	user := schema.Must().User
	before := decode(t, user, bjensen)
	rapid.Check(t, func(t *rapid.T) {
		o := before.Clone()
		for _, first := range rapid.SliceOfN(operations(), 0, 2).Draw(t, "history") {
			if p, err := patch.Parse(user, message(first), dialect.New(nil)); err == nil {
				_ = p.Apply(o) // what is refused changes nothing
			}
		}
		p, err := patch.Parse(user, message(operations().Draw(t, "operation")), dialect.New(nil))
		if err != nil || p.Apply(o) != nil {
			return
		}
		once := o.Clone()
		if err := p.Apply(o); err != nil || !document.Equal(o, once) {
			t.Fatalf("once %s\ntwice %s, %v", once.AppendJSON(nil), o.AppendJSON(nil), err)
		}
	})
}

func attributeOf(t *rapid.T, op string) string {
	for p, a := range affected {
		if strings.Contains(op, fmt.Sprintf(`"path":%q`, p)) {
			return a
		}
	}
	t.Fatalf("no attribute for %s", op)
	return ""
}

type fataler interface{ Fatalf(string, ...any) }

// valid says that a document is one that the codec would have made: it comes
// back as itself, and it has what is required.
func valid(t fataler, rt *schema.ResourceType, o *document.Object) {
	encoded := o.AppendJSON(nil)
	d, err := document.Decode(rt, encoded, nil)
	if err != nil {
		t.Fatalf("%s does not decode: %v", encoded, err)
		return
	}
	if !document.Equal(d.Object, o) || len(d.Undeclared) > 0 || d.HasMembers {
		t.Fatalf("%s comes back as %s", encoded, d.Object.AppendJSON(nil))
	}
	if err := document.Require(rt, o); err != nil {
		t.Fatalf("%s: %v", encoded, err)
	}
}

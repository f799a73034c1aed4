package patch_test

import (
	"testing"

	"github.com/workspace-scim/workspace/scim/dialect"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/patch"
	"github.com/workspace-scim/workspace/scim/schema"
)

// FuzzPatch sends any body: it is applied as a whole and leaves a valid
// resource, or it is refused and changes nothing.
func FuzzPatch(f *testing.F) {
	set := schema.Must()
	types := map[bool]*schema.ResourceType{false: set.User, true: set.Group}
	before := map[bool]*document.Object{false: decode(f, set.User, bjensen), true: decode(f, set.Group, `{"displayName":"Pilots"}`)}
	f.Fuzz(func(t *testing.T, body []byte, group, strict bool) {
		var r patch.Repairs
		if !strict {
			r = dialect.New(nil)
		}
		o := before[group].Clone()
		p, err := patch.Parse(types[group], body, r)
		if err == nil {
			err = p.Apply(o)
		}
		if err != nil {
			if !document.Equal(o, before[group]) {
				t.Fatalf("refused, %v, and yet changed to %s", err, o.AppendJSON(nil))
			}
			return
		}
		valid(t, types[group], o)
		for _, m := range p.Members {
			for _, id := range append(append(m.Add, m.Remove...), m.Replace...) {
				if id == "" {
					t.Fatalf("an empty member id in %+v", m)
				}
			}
		}
	})
}

package document

import (
	"encoding/json"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"pgregory.net/rapid"
)

// object draws a random document of the attributes of parent.
func object(t *rapid.T, parent *schema.Attribute) *Object {
	o := &Object{}
	for _, a := range rapid.SliceOfDistinct(rapid.SampledFrom(parent.Subs), rapid.ID[*schema.Attribute]).Draw(t, "attributes") {
		if a.Backing != schema.InDocument || a.Returned == schema.ReturnedNever || a.Mutability == schema.ReadOnly {
			continue
		}
		if !a.MultiValued {
			o.Set(a, value(t, a))
			continue
		}
		var l List
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			v := value(t, a)
			if e, ok := v.(*Object); ok {
				e.Set(a.Sub("primary"), nil) // at most one may be
				if e.Empty() {
					continue
				}
			}
			l = append(l, v)
		}
		o.Set(a, distinct(l))
	}
	return o
}

func value(t *rapid.T, a *schema.Attribute) Value {
	switch a.Type {
	case schema.Complex:
		return object(t, a)
	case schema.Boolean:
		return rapid.Bool().Draw(t, "bool")
	case schema.DateTime:
		return "2026-01-31T09:00:00Z"
	case schema.Binary:
		return "AAECAw=="
	case schema.Reference:
		return rapid.SampledFrom([]string{"", "a", "/a%20b", "../Users/1", "https://[::1]:8/?a#b"}).Draw(t, "reference")
	}
	return rapid.StringMatching(`[^\x00]{1,20}`).Draw(t, "string")
}

func TestDecodeUndoesEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := object(t, set.User.Root)
		b := Encode(set.User, o)
		if !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
		d, err := Decode(set.User, b, nil)
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if !Equal(o, d.Object) {
			t.Fatalf("%s came back as %s", o.AppendJSON(nil), d.Object.AppendJSON(nil))
		}
	})
}

func TestCloneIsEqualAndApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := object(t, set.User.Root)
		before := string(o.AppendJSON(nil))
		c := o.Clone()
		if !Equal(o, c) {
			t.Fatal("the clone differs")
		}
		for _, a := range []string{"givenName", "familyName"} {
			c.SetAt(set.User.Root.Sub("name").Sub(a), "changed")
		}
		c.SetAt(set.User.Anchor, "changed")
		for _, f := range c.Fields() {
			if l, ok := f.Value.(List); ok {
				if e, ok := l[0].(*Object); ok && f.Attr.Sub("display") != nil {
					e.Set(f.Attr.Sub("display"), "changed")
				}
			}
		}
		if got := string(o.AppendJSON(nil)); got != before {
			t.Fatalf("changing the clone changed %s into %s", before, got)
		}
	})
}

func TestSetAtMakesAndRemovesTheObjectsInBetween(t *testing.T) {
	var o Object
	dept := set.User.Root.Sub(schema.EnterpriseUserURN).Sub("department")
	manager := set.User.Manager.Value()
	o.SetAt(dept, "D")
	o.SetAt(manager, "m")
	if o.At(dept) != "D" || o.At(manager) != "m" {
		t.Fatalf("%s", o.AppendJSON(nil))
	}
	o.SetAt(dept, nil)
	o.SetAt(manager, nil)
	if !o.Empty() {
		t.Errorf("left: %s", o.AppendJSON(nil))
	}
	o.SetAt(dept, nil)
	if !o.Empty() {
		t.Errorf("unsetting made %s", o.AppendJSON(nil))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"u","emails":[{"value":"a","type":"work","primary":true}],"active":true}`))
	f.Add([]byte(`{"userName":"u","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"x"}}}`))
	f.Add([]byte(`{"userName":"\ud800","x":[[[[1e999]]]]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Decode(set.User, b, nil)
		if err != nil {
			return
		}
		again, err := Decode(set.User, Encode(set.User, d.Object), nil)
		if err != nil || !Equal(d.Object, again.Object) {
			t.Fatalf("%q: canonical form %s: %v", b, d.Object.AppendJSON(nil), err)
		}
	})
}

package directory

import (
	"encoding/json"
	"slices"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// wish is an attribute that a source wants to become another, and whose change
// destroys something: active, or one that says who somebody is. A value of nil
// clears it.
type wish struct {
	attr  *schema.Attribute
	value document.Value
}

// wishes are those of one resource, each attribute once, in the order of
// delicate.
type wishes []wish

// delicate are the attributes that are guarded.
func delicate(t *schema.ResourceType) []*schema.Attribute {
	return slices.DeleteFunc([]*schema.Attribute{t.Active, t.UserName, t.ExternalID, t.Anchor}, func(a *schema.Attribute) bool { return a == nil })
}

// destroyed gives what of a change from old to doc destroys something.
func destroyed(t *schema.ResourceType, old, doc *document.Object) wishes {
	var out wishes
	for _, a := range delicate(t) {
		was, is := old.Text(a), doc.Text(a)
		lost := was != "" && was != is
		switch a {
		case t.Active:
			lost = old.Get(a) != false && doc.Get(a) == false
		case t.UserName:
			lost = lost && renamed(t, old, doc)
		}
		if lost {
			out = append(out, wish{a, doc.At(a)})
		}
	}
	return out
}

// toll is what granting the wishes destroys.
func (l wishes) toll(t *schema.ResourceType) (out reconcile.Toll) {
	for _, c := range l {
		if c.attr == t.Active {
			out.Disables = 1
		} else {
			out.IdentityChanges = 1
		}
	}
	return out
}

// without gives the wishes that aren't among others, with the same value.
func (l wishes) without(others wishes) wishes {
	return slices.DeleteFunc(slices.Clone(l), func(c wish) bool {
		return slices.ContainsFunc(others, func(o wish) bool { return o.attr == c.attr && document.Equal(o.value, c.value) })
	})
}

// undo gives doc with the wished attributes as they are in old.
func (l wishes) undo(old, doc *document.Object) *document.Object {
	out := doc.Clone()
	for _, c := range l {
		out.SetAt(c.attr, old.At(c.attr))
	}
	return out
}

// grant gives old with the wishes granted.
func (l wishes) grant(old *document.Object) *document.Object {
	if len(l) == 0 {
		return old
	}
	out := old.Clone()
	for _, c := range l {
		out.SetAt(c.attr, c.value)
	}
	return out
}

// encode writes the wishes as a JSON object by path, nil for none; an attribute
// that is cleared is null.
func (l wishes) encode() []byte {
	if len(l) == 0 {
		return nil
	}
	fields := map[string]any{}
	for _, c := range l {
		fields[c.attr.Path] = c.value
	}
	b, err := json.Marshal(fields) // texts and booleans always marshal
	if err != nil {
		return nil
	}
	return b
}

// readWishes reads what encode wrote.
func readWishes(t *schema.ResourceType, b []byte) wishes {
	var fields map[string]any
	if len(b) == 0 || json.Unmarshal(b, &fields) != nil {
		return nil
	}
	var out wishes
	for _, a := range delicate(t) {
		if v, ok := fields[a.Path]; ok {
			out = append(out, wish{a, v})
		}
	}
	return out
}

// waiting are the wishes of a resource that wait.
func (s *subject) waiting() wishes {
	if s.held == nil {
		return nil
	}
	return readWishes(s.t, s.held.Attributes)
}

// asserted is what the source asserts of a resource of which old holds: with
// what waits.
func (s *subject) asserted(old *document.Object) *document.Object { return s.waiting().grant(old) }

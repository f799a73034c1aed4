package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// A record of an upload says what it names and nothing else: what it leaves out,
// and what is empty in it, stays as it is (Microsoft's FAQ of API-driven inbound
// provisioning). Only the policy clearOmitted makes it mean more.

// dropEmpty takes out of a document what is empty: texts without a character, and
// elements of lists that say nothing but their type.
func dropEmpty(o *document.Object) {
	for _, f := range slices.Clone(o.Fields()) {
		switch v := f.Value.(type) {
		case string:
			if v == "" {
				o.Set(f.Attr, nil)
			}
		case *document.Object:
			dropEmpty(v)
			o.Set(f.Attr, v) // which unsets one that is empty
		case document.List:
			o.Set(f.Attr, document.List(slices.DeleteFunc(v, emptyElement)))
		}
	}
}

func emptyElement(v document.Value) bool {
	o, complex := v.(*document.Object)
	if !complex {
		return v == ""
	}
	dropEmpty(o)
	for _, f := range o.Fields() {
		switch f.Attr.Name {
		case "type", "primary", "display":
		default:
			return false
		}
	}
	return true
}

// merge puts what a record says into a document. Of a complex attribute the parts
// that it names, of a list the elements of the types that it names: the type is
// the key there, as in Entra's own mappings. A reference is replaced as a whole.
func merge(doc, said *document.Object) {
	for _, f := range said.Fields() {
		switch v := f.Value.(type) {
		case document.List:
			old, _ := doc.Get(f.Attr).(document.List)
			doc.Set(f.Attr, mergeList(f.Attr, old, v))
		case *document.Object:
			inner, _ := doc.Get(f.Attr).(*document.Object)
			if inner == nil || isReference(f.Attr) {
				doc.Set(f.Attr, v.Clone())
				continue
			}
			inner = inner.Clone()
			merge(inner, v)
			doc.Set(f.Attr, inner)
		default:
			doc.Set(f.Attr, v)
		}
	}
}

// isReference says that an attribute is a whole, as the manager is.
func isReference(a *schema.Attribute) bool { return a.Value() != nil && a.Sub("$ref") != nil }

// mergeList gives the old elements, those of the types that a record names in
// its place. One for one they are merged; else the record's are all there is of
// their type.
func mergeList(a *schema.Attribute, old, said document.List) document.List {
	typ := a.Sub("type")
	if typ == nil {
		return cloneList(said)
	}
	of := func(v document.Value) string {
		o, _ := v.(*document.Object)
		text, _ := o.Get(typ).(string)
		return typ.Key(text)
	}
	named, had := map[string][]document.Value{}, map[string]int{}
	for _, v := range said {
		named[of(v)] = append(named[of(v)], v)
	}
	for _, v := range old {
		had[of(v)]++
	}
	var out document.List
	placed := map[string]bool{}
	place := func(key string) {
		if !placed[key] {
			placed[key] = true
			out = append(out, cloneList(named[key])...)
		}
	}
	for _, v := range old {
		switch key := of(v); {
		case named[key] == nil:
			out = append(out, secondary(a, v, said))
		case len(named[key]) == 1 && had[key] == 1:
			one := v.(*document.Object).Clone()
			merge(one, named[key][0].(*document.Object))
			out, placed[key] = append(out, one), true
		default:
			place(key)
		}
	}
	for _, v := range said {
		place(of(v))
	}
	return out
}

// secondary gives an element that stays, which isn't the primary one if the
// record names another (RFC 7643 §2.4).
func secondary(a *schema.Attribute, v document.Value, said document.List) document.Value {
	primary := a.Sub("primary")
	taken := primary != nil && slices.ContainsFunc(said, func(s document.Value) bool { return s.(*document.Object).Get(primary) == true })
	o, _ := v.(*document.Object)
	if !taken || o.Get(primary) != true {
		return v
	}
	o = o.Clone()
	o.Set(primary, nil)
	return o
}

func cloneList(l []document.Value) document.List {
	return document.CloneValue(document.List(l)).(document.List)
}

// clearOmitted takes out of a document what a record leaves out, as far as it has
// a single value, and isn't what says who the user is or whether it is active.
func clearOmitted(t *schema.ResourceType, doc, said *document.Object) {
	for _, a := range t.Root.Subs {
		clearBelow(t, a, doc, said)
	}
}

func clearBelow(t *schema.ResourceType, a *schema.Attribute, doc, said *document.Object) {
	switch {
	case a.MultiValued, a.Mutability == schema.ReadOnly, a.Backing != schema.InDocument, identifies(t, a):
	case a.Type == schema.Complex && !isReference(a):
		for _, sub := range a.Subs {
			clearBelow(t, sub, doc, said)
		}
	case said.At(a) == nil:
		doc.SetAt(a, nil)
	}
}

func identifies(t *schema.ResourceType, a *schema.Attribute) bool {
	return a == t.ExternalID || a == t.UserName || a == t.Active || a == t.Anchor || a.URN == schema.WorkspaceUserURN && (a.Name == "originSid" || a.Name == "originDomain")
}

package directory

import (
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// decide judges what a resource of our own is to become, beyond what its schema
// says, and fills its readOnly attributes in. old is the document as it was, nil
// for a new resource; doc may be changed.
func (w *Writer) decide(t *schema.ResourceType, old, doc *document.Object) error {
	if !t.Administered {
		return nil
	}
	keepReadOnly(t, old, doc)
	if t.Kind == schema.Order && old == nil {
		if err := w.lockRecipient(t, doc); err != nil {
			return err
		}
	}
	for _, p := range pointers(t) {
		once(p.attr, doc)
		if err := w.point(p, old, doc); err != nil {
			return err
		}
	}
	switch t.Kind {
	case schema.Order:
		return w.decideOrder(t, old, doc)
	case schema.Item:
		return w.decideItem(t, old, doc)
	}
	return nil
}

// follow does what follows from a write of a resource, once its row is written.
// old is the document as it was, nil for a new resource; doc as it is, nil for
// one that is deleted.
func (w *Writer) follow(s *subject, old, doc *document.Object) error {
	switch s.t.Kind {
	case schema.Order:
		return w.followOrder(s, old, doc)
	case schema.Item:
		return w.followItem(s, old, doc)
	}
	return nil
}

// keepReadOnly takes over what no client can send, and a PUT therefore leaves
// out (RFC 7644 §3.5.1).
func keepReadOnly(t *schema.ResourceType, old, doc *document.Object) {
	for _, a := range t.Root.Subs {
		if a.Mutability == schema.ReadOnly && a.Backing == schema.InDocument {
			doc.Set(a, old.Get(a))
		}
	}
}

// pointer is an attribute that names resources by their ids.
type pointer struct {
	attr *schema.Attribute
	kind schema.Kind
}

func pointers(t *schema.ResourceType) []pointer {
	a := t.Root.Sub
	switch t.Kind {
	case schema.Product:
		return []pointer{{a("groups"), schema.Group}, {a("items"), schema.Item}, {a("alternatives"), schema.Product}}
	case schema.Order:
		return []pointer{{a("product"), schema.Product}, {a("recipient"), schema.User}}
	case schema.Item:
		return []pointer{{a("group"), schema.Group}}
	}
	return nil
}

// once leaves of the elements that name the same resource the first: a client
// that adds one again doesn't know its display.
func once(a *schema.Attribute, doc *document.Object) {
	named, ok := doc.Get(a).(document.List)
	if !ok {
		return
	}
	seen := map[any]bool{}
	var out document.List
	for _, e := range named {
		o, ok := e.(*document.Object)
		if id := o.Get(a.Value()); ok && id != nil && !seen[id] {
			seen[id] = true
			out = append(out, o)
		}
	}
	doc.Set(a, out)
}

// maxPointers bounds what one attribute names.
const maxPointers = 200

// point checks what an attribute names anew and notes its name. What was named
// before stays, even if it is gone by now: the rules say what follows from it.
func (w *Writer) point(p pointer, old, doc *document.Object) error {
	value, display := p.attr.Sub("value"), p.attr.Sub("display")
	known := map[any]document.Value{}
	for _, o := range objects(old.Get(p.attr)) {
		known[o.Get(value)] = o.Get(display)
	}
	named := objects(doc.Get(p.attr))
	if len(named) > maxPointers {
		return &Violation{Rule: RuleTooMany, Attribute: p.attr.Path, Detail: "It names more than 200 resources.", Way: "Split it."}
	}
	var fresh []string
	for _, o := range named {
		id, _ := o.Get(value).(string)
		if name, ok := known[id]; ok {
			o.Set(display, name)
		} else {
			fresh = append(fresh, id)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	found, err := w.lookUp(fresh)
	if err != nil {
		return err
	}
	for _, o := range named {
		id, _ := o.Get(value).(string)
		if _, ok := known[id]; ok {
			continue
		}
		ref, ok := found[id]
		if !ok || !visible(ref, p.kind) {
			return &Violation{
				Rule: RuleUnknownMember, Attribute: p.attr.Path + ".value",
				Detail: "There is no " + kindNames[p.kind] + " with the id " + quoteID(id) + ".", Way: "Create it first, or name another one.",
			}
		}
		o.Set(display, ref.Display)
	}
	return nil
}

// objects gives the complex values of an attribute, single- or multi-valued.
func objects(v document.Value) []*document.Object {
	switch v := v.(type) {
	case *document.Object:
		return []*document.Object{v}
	case document.List:
		out := make([]*document.Object, 0, len(v))
		for _, e := range v {
			if o, ok := e.(*document.Object); ok {
				out = append(out, o)
			}
		}
		return out
	}
	return nil
}

// visible says whether a reference still leads somewhere.
func visible(r store.Ref, kind schema.Kind) bool { return r.Kind == kind && r.State.Visible() }

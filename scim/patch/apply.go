package patch

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// maxWork bounds what one request may cost: visits of list elements, less than a
// second's worth. Long lists times many operations would cost more.
const maxWork = 3_000_000

// Apply carries the operations out, in order, on a document of the very
// *schema.ResourceType that Parse was given. It applies all or, with an error,
// none of them, and may be called for several documents. The error is a scimerrors.ScimError: noTarget
// for a value filter that nothing matches, invalidValue for a resource that
// would lack a required attribute, 413 for too much work.
func (p *Patch) Apply(o *document.Object) error {
	w := &work{repairs: p.repairs, doc: o.Clone()}
	for _, c := range p.changes {
		if err := c.apply(w); err != nil {
			return inOperation(c.operation, err)
		}
	}
	if err := document.Require(p.t, w.doc); err != nil {
		return err
	}
	w.doc.Dedupe()
	*o = *w.doc
	return nil
}

// change is one effect and the operation that it comes from.
type change struct {
	operation int
	effect
}

// effect is what a change does to a document: setValue, mergeValue,
// addElements, removeElements or editElements.
type effect interface{ apply(w *work) error }

// work is a document that is being changed.
type work struct {
	repairs Repairs
	doc     *document.Object
	spent   int
}

func (w *work) spend(n int) error {
	if w.spent += n; w.spent > maxWork {
		return tooLarge("The request has too many operations for lists of this length.")
	}
	return nil
}

func (w *work) repair(id string) bool { return w.repairs != nil && w.repairs.Repair(id) }

// list gives the elements of a multi-valued attribute.
func (w *work) list(a *schema.Attribute) document.List {
	l, _ := w.doc.At(a).(document.List)
	return l
}

// setValue sets an attribute as a whole; a nil value unassigns it.
type setValue struct {
	attr  *schema.Attribute
	value document.Value
}

func (c setValue) apply(w *work) error {
	// A Patch may be applied again, so its values are not given away.
	w.doc.SetAt(c.attr, document.CloneValue(c.value))
	return nil
}

// mergeValue sets sub-attributes of a single-valued complex attribute and
// leaves the others.
type mergeValue struct {
	attr   *schema.Attribute
	fields []document.Field
}

func (c mergeValue) apply(w *work) error {
	o, _ := w.doc.At(c.attr).(*document.Object)
	if o == nil {
		o = &document.Object{}
	}
	newMerge(c.attr, c.fields).into(o)
	w.doc.SetAt(c.attr, o)
	return nil
}

// merge sets sub-attributes in complex values of one attribute.
type merge struct {
	fields []document.Field
	// value and ref are set where a $ref goes with the value that it refers to,
	// because the fields give no other.
	value, ref *schema.Attribute
}

func newMerge(a *schema.Attribute, fields []document.Field) merge {
	m := merge{fields, a.Value(), a.Sub("$ref")}
	if slices.ContainsFunc(fields, func(f document.Field) bool { return f.Attr == m.ref }) {
		m.ref = nil
	}
	return m
}

func (m merge) into(o *document.Object) {
	before := o.Get(m.value)
	for _, f := range m.fields {
		o.Set(f.Attr, document.CloneValue(f.Value))
	}
	if m.ref != nil && !document.Equal(before, o.Get(m.value)) {
		o.Set(m.ref, nil)
	}
}

// weight is what a filter costs for one element.
func weight(e filter.Expr) int {
	n := 1
	switch e := e.(type) {
	case *filter.And:
		for _, t := range e.Terms {
			n += weight(t)
		}
	case *filter.Or:
		for _, t := range e.Terms {
			n += weight(t)
		}
	case *filter.Not:
		n += weight(e.Term)
	}
	return n
}

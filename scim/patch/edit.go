package patch

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
)

// editElements changes or drops the elements that a target selects.
type editElements struct {
	target
	fields []document.Field
	drop   bool
}

func (c editElements) apply(w *work) error {
	list := w.list(c.attr)
	if err := w.spend(len(list) * weight(c.where)); err != nil {
		return err
	}
	set := newMerge(c.attr, c.fields)
	kept, edited := make(document.List, 0, len(list)), document.List{}
	for _, e := range list {
		o, _ := e.(*document.Object)
		if c.where != nil && !filter.MatchElement(c.where, e) {
			kept = append(kept, e)
			continue
		}
		edited = append(edited, e)
		if c.drop {
			continue
		}
		if set.into(o); !c.emptied(o) {
			kept = append(kept, e)
		}
	}
	if len(edited) == 0 {
		return c.create(w, list)
	}
	if err := c.primary(kept, edited); err != nil {
		return err
	}
	w.doc.SetAt(c.attr, kept)
	return nil
}

// create makes an element where none is selected, unless there is nothing to
// set in it.
func (c editElements) create(w *work, list document.List) error {
	if !slices.ContainsFunc(c.fields, func(f document.Field) bool { return f.Value != nil }) {
		return nil
	}
	o := &document.Object{}
	if c.where != nil {
		// RFC 7644 §3.5.2.3: a filter without a match is noTarget.
		if c.seed == nil || !w.repair(RepairCreateTypedElement) {
			return noTarget("No value of %s matches the filter.", c.attr.Path)
		}
		o = c.seed.Clone()
	}
	newMerge(c.attr, c.fields).into(o)
	list = append(list, o)
	if err := c.primary(list, list[len(list)-1:]); err != nil {
		return err
	}
	w.doc.SetAt(c.attr, list)
	return nil
}

// emptied says whether the change left no more of an element than its labels.
func (c editElements) emptied(o *document.Object) bool {
	if !slices.ContainsFunc(c.fields, func(f document.Field) bool { return f.Value == nil }) {
		return false
	}
	for _, f := range o.Fields() {
		if f.Attr != c.attr.Sub("type") && f.Attr != c.attr.Sub("primary") {
			return false
		}
	}
	return true
}

// primary sees to it that one element at most is primary (RFC 7643 §2.4): the
// one that the change made so.
func (c editElements) primary(list, edited document.List) error {
	primary := c.attr.Sub("primary")
	i := -1
	for _, e := range edited {
		o, ok := e.(*document.Object)
		if !ok || primary == nil || o.Get(primary) != true {
			continue
		}
		if i >= 0 {
			return invalidValue("%s would have more than one primary value.", c.attr.Path)
		}
		i = slices.IndexFunc(list, func(v document.Value) bool { return v == e })
	}
	if i >= 0 {
		onlyPrimary(primary, list, i)
	}
	return nil
}

package patch

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// addElements adds to a multi-valued attribute what is not there yet.
type addElements struct {
	attr *schema.Attribute
	list document.List
}

func (c addElements) apply(w *work) error {
	list := w.list(c.attr)
	primary := c.attr.Sub("primary")
	for _, v := range c.list {
		if err := w.spend(len(list)); err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(e document.Value) bool { return sameButPrimary(primary, e, v) })
		if i < 0 {
			i = len(list)
			list = append(list, document.CloneValue(v))
		}
		takePrimary(primary, list, i, v)
	}
	w.doc.SetAt(c.attr, list)
	return nil
}

// sameButPrimary says whether two elements are equal, whatever they say of
// primary.
func sameButPrimary(primary *schema.Attribute, a, b document.Value) bool {
	x, ok := a.(*document.Object)
	y, both := b.(*document.Object)
	if !ok || !both {
		return document.Equal(a, b)
	}
	return within(primary, x, y) && within(primary, y, x)
}

// within says whether y has each field of x but primary, with the same value.
func within(primary *schema.Attribute, x, y *document.Object) bool {
	for _, f := range x.Fields() {
		if f.Attr != primary && !document.Equal(f.Value, y.Get(f.Attr)) {
			return false
		}
	}
	return true
}

// takePrimary gives list[i] the primary that v has; true is taken from the
// others (RFC 7644 §3.5.2).
func takePrimary(primary *schema.Attribute, list document.List, i int, v document.Value) {
	o, ok := v.(*document.Object)
	if !ok || primary == nil || o.Get(primary) == nil {
		return
	}
	if e, ok := list[i].(*document.Object); ok {
		e.Set(primary, o.Get(primary))
	}
	if o.Get(primary) == true {
		onlyPrimary(primary, list, i)
	}
}

// onlyPrimary makes the elements other than list[i] not primary.
func onlyPrimary(primary *schema.Attribute, list document.List, i int) {
	for j, v := range list {
		if e, ok := v.(*document.Object); ok && j != i && e.Get(primary) == true {
			e.Set(primary, false)
		}
	}
}

// removeElements removes the elements that a list names.
type removeElements struct {
	attr *schema.Attribute
	list document.List
}

func (c removeElements) apply(w *work) error {
	list := w.list(c.attr)
	if err := w.spend(len(list) * len(c.list)); err != nil {
		return err
	}
	kept := slices.DeleteFunc(slices.Clone(list), func(e document.Value) bool {
		return slices.ContainsFunc(c.list, func(v document.Value) bool { return names(c.attr, v, e) })
	})
	w.doc.SetAt(c.attr, kept)
	return nil
}

// names says whether v, as a client sends it to remove an element, means e:
// each sub-attribute that it gives is equal, but for those that only describe.
func names(a *schema.Attribute, v, e document.Value) bool {
	x, ok := v.(*document.Object)
	y, both := e.(*document.Object)
	if !ok || !both {
		return document.Equal(v, e)
	}
	asked := 0
	for _, f := range x.Fields() {
		switch f.Attr {
		case a.Sub("primary"), a.Sub("display"), a.Sub("$ref"):
			continue
		}
		asked++
		if !sameValue(f.Attr, f.Value, y.Get(f.Attr)) {
			return false
		}
	}
	return asked > 0
}

func sameValue(a *schema.Attribute, v, w document.Value) bool {
	s, ok := v.(string)
	t, both := w.(string)
	if ok && both {
		return a.Key(s) == a.Key(t)
	}
	return document.Equal(v, w)
}

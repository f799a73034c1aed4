package mapping

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// list puts together the values of all flows of a list, in their order, each
// once (row E008). What a flow leaves as it is, by IgnoreFlowIfNullOrEmpty, as
// applied once, or because of a problem, is taken from what is asserted now: a
// list is asserted as a whole.
func (a *application) list(u unit) (v document.Value, keep, ok bool) {
	b := &builder{list: u.attribute}
	if a.in.Current != nil {
		b.current, _ = a.in.Current.At(u.attribute).(document.List)
	}
	kept := 0
	for _, f := range u.flows {
		v, keep, ok := a.value(f)
		if keep || !ok {
			kept++
			if f.by == nil {
				return nil, true, true
			}
			v = b.now(f)
		}
		b.put(f, v)
	}
	if kept == len(u.flows) {
		return nil, true, true
	}
	return a.settle(u, b)
}

// settle checks the list as a whole.
func (a *application) settle(u unit, b *builder) (v document.Value, keep, ok bool) {
	all := b.distinct()
	if len(all) == 0 {
		return nil, false, true
	}
	v, _, err := document.DecodeValue(u.attribute, document.AppendValue(nil, all), false, nil)
	if err != nil {
		a.problem(u.flows[0], Problem{Code: CodeValue, Sentence: detail(err)})
		return nil, false, false
	}
	return v, false, true
}

// builder collects the elements of a list.
type builder struct {
	list    *schema.Attribute
	current document.List
	all     document.List
}

// is says whether an element is the one that a flow means.
func is(f *flow, e document.Value) bool {
	o, ok := e.(*document.Object)
	if !ok {
		return false
	}
	has, text := o.Get(f.by).(string)
	if want, ok := f.is.(string); ok {
		return text && f.by.Key(has) == f.by.Key(want)
	}
	return o.Get(f.by) == f.is
}

// now is what the source asserts now at a flow's target.
func (b *builder) now(f *flow) document.Value {
	for _, e := range b.current {
		if is(f, e) {
			return document.CloneValue(e.(*document.Object).Get(f.leaf))
		}
	}
	return nil
}

// put adds a flow's value: to its element, which is made if it isn't there yet,
// or to the list.
func (b *builder) put(f *flow, v document.Value) {
	switch {
	case v == nil:
	case f.by == nil:
		// The elements may be the rules' own, and get more attributes below.
		list, _ := document.CloneValue(v).(document.List)
		b.all = append(b.all, list...)
	default:
		i := slices.IndexFunc(b.all, func(e document.Value) bool { return is(f, e) })
		if i < 0 {
			i = len(b.all)
			o := &document.Object{}
			o.Set(f.by, f.is)
			b.all = append(b.all, o)
		}
		b.all[i].(*document.Object).Set(f.leaf, v)
	}
}

// distinct drops what is there already, by the attribute's own comparison, so
// without case where it isn't caseExact (row E093): an element with the value and
// the type of an earlier one, and one without a type whose value an earlier one
// has.
func (b *builder) distinct() document.List {
	var all document.List
	values, pairs := map[string]bool{}, map[[2]string]bool{}
	for _, e := range b.all {
		value, kind, ok := b.key(e)
		if ok {
			if pairs[[2]string{value, kind}] || kind == "" && values[value] {
				continue
			}
			values[value], pairs[[2]string{value, kind}] = true, true
		}
		all = append(all, e)
	}
	return all
}

// key is what an element is compared by; false if it has no value.
func (b *builder) key(e document.Value) (value, kind string, ok bool) {
	o, complex := e.(*document.Object)
	if !complex {
		s, ok := e.(string)
		return b.list.Key(s), "", ok
	}
	v := b.list.Value()
	if v == nil {
		return "", "", false
	}
	s, ok := o.Get(v).(string)
	if t := b.list.Sub("type"); t != nil {
		kind, _ = o.Get(t).(string)
		kind = t.Key(kind)
	}
	return v.Key(s), kind, ok
}

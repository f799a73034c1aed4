package scim

import (
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// projection is what `attributes` and `excludedAttributes` ask for (RFC 7644
// §3.9). Nil means the default: everything that is returned by default. Names
// that are no attribute are ignored, as unknown attributes are.
type projection struct {
	include map[*schema.Attribute]bool // nil: the default set
	exclude map[*schema.Attribute]bool
}

// newProjection reads the two parameters; each is a comma-separated list and
// may be repeated.
func newProjection(t *schema.ResourceType, include, exclude []string) *projection {
	p := &projection{}
	if names := splitNames(include); len(names) > 0 {
		p.include = find(t, names)
	}
	p.exclude = find(t, splitNames(exclude))
	if p.include == nil && len(p.exclude) == 0 {
		return nil
	}
	return p
}

// without leaves an attribute out, whatever is asked for.
func (p *projection) without(a *schema.Attribute) *projection {
	if p == nil {
		p = &projection{}
	}
	if p.exclude == nil {
		p.exclude = map[*schema.Attribute]bool{}
	}
	p.exclude[a] = true
	return p
}

func splitNames(lists []string) []string {
	var out []string
	for _, l := range lists {
		for name := range strings.SplitSeq(l, ",") {
			if name = strings.TrimSpace(name); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

func find(t *schema.ResourceType, names []string) map[*schema.Attribute]bool {
	m := map[*schema.Attribute]bool{}
	for _, name := range names {
		// Microsoft's collection asks for emails[type eq "work"]: the attribute.
		name, _, _ = strings.Cut(name, "[")
		p, err := filter.ParseAttributePath(name)
		if err != nil {
			continue
		}
		if a := t.Find(p); a != nil {
			m[a] = true
		}
	}
	return m
}

// wants says whether any part of a top-level attribute, or of an attribute
// below it, is part of the answer.
func (p *projection) wants(a *schema.Attribute) bool {
	switch {
	case a == nil || a.Returned == schema.ReturnedNever:
		return false
	case a.Returned == schema.ReturnedAlways:
		return true
	case p == nil:
		return a.Returned == schema.ReturnedDefault
	}
	for up := a; up != nil; up = up.Parent {
		if p.exclude[up] {
			return false
		}
	}
	if p.include == nil {
		return a.Returned == schema.ReturnedDefault
	}
	for up := a; up != nil; up = up.Parent {
		if p.include[up] {
			return true
		}
	}
	return p.includesBelow(a)
}

func (p *projection) includesBelow(a *schema.Attribute) bool {
	for _, s := range a.Subs {
		if p.include[s] || p.includesBelow(s) {
			return true
		}
	}
	return false
}

// apply gives the part of a document that is asked for.
func (p *projection) apply(o *document.Object) *document.Object {
	out := &document.Object{}
	for _, f := range o.Fields() {
		if p.wants(f.Attr) {
			out.Set(f.Attr, p.value(f.Attr, f.Value))
		}
	}
	return out
}

func (p *projection) value(a *schema.Attribute, v document.Value) document.Value {
	if len(a.Subs) == 0 {
		return v
	}
	switch v := v.(type) {
	case *document.Object:
		return p.apply(v)
	case document.List:
		out := make(document.List, 0, len(v))
		for _, e := range v {
			if o, ok := e.(*document.Object); ok {
				if o = p.apply(o); o.Empty() {
					continue
				}
				e = o
			}
			out = append(out, e)
		}
		return out
	}
	return v
}

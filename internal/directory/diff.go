package directory

import (
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// diff gives, as JSON objects keyed by attribute path, what changed between two
// documents: the values before and after. An attribute without a value is left
// out. Both are nil when nothing changed.
func diff(t *schema.ResourceType, a, b *document.Object) (before, after []byte) {
	d := differ{}
	d.compare(t.Root, a, b)
	return d.before.end(), d.after.end()
}

func diffDocs(t *schema.ResourceType, a, b []byte) (before, after []byte, err error) {
	x, err := document.MustDecode(t, a)
	if err != nil {
		return nil, nil, err
	}
	y, err := document.MustDecode(t, b)
	if err != nil {
		return nil, nil, err
	}
	before, after = diff(t, x, y)
	return before, after, nil
}

type differ struct{ before, after jsonObject }

func (d *differ) compare(parent *schema.Attribute, a, b *document.Object) {
	for _, attr := range parent.Subs {
		x, y := a.Get(attr), b.Get(attr)
		if x == nil && y == nil {
			continue
		}
		if attr.Extension {
			xo, _ := x.(*document.Object)
			yo, _ := y.(*document.Object)
			d.compare(attr, xo, yo)
			continue
		}
		if document.Equal(x, y) {
			continue
		}
		d.before.add(attr.Path, x)
		d.after.add(attr.Path, y)
	}
}

type jsonObject struct{ b []byte }

func (o *jsonObject) add(key string, v document.Value) {
	if v == nil {
		return
	}
	if o.b == nil {
		o.b = append(o.b, '{')
	} else {
		o.b = append(o.b, ',')
	}
	o.b = append(document.AppendString(o.b, key), ':')
	o.b = document.AppendValue(o.b, v)
}

func (o *jsonObject) end() []byte {
	if o.b == nil {
		return nil
	}
	return append(o.b, '}')
}

// idList gives {"key":["id",…]}, nil for no ids.
func idList(key string, ids []string) []byte {
	if len(ids) == 0 {
		return nil
	}
	l := make(document.List, len(ids))
	for i, id := range ids {
		l[i] = id
	}
	var o jsonObject
	o.add(key, l)
	return o.end()
}

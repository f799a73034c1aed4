package document

import (
	"cmp"
	"slices"

	"github.com/workspace-scim/workspace/scim/schema"
)

// Key is one row of the index: an indexed attribute and one of its values in
// comparison form.
type Key struct {
	Attr int // schema.Attribute.Index
	Text string
}

// Keys gives the index rows of a document, sorted, each once.
func Keys(o *Object) []Key {
	keys := appendKeys(nil, o)
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Attr, b.Attr), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(keys)
}

func appendKeys(keys []Key, o *Object) []Key {
	for _, f := range o.Fields() {
		keys = appendValueKeys(keys, f.Attr, f.Value)
	}
	return keys
}

func appendValueKeys(keys []Key, a *schema.Attribute, v Value) []Key {
	switch v := v.(type) {
	case *Object:
		return appendKeys(keys, v)
	case List:
		for _, e := range v {
			keys = appendValueKeys(keys, a, e)
		}
	case string:
		if a.Index != 0 {
			keys = append(keys, Key{a.Index, a.Key(v)})
		}
	}
	return keys
}

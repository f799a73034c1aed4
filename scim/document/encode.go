package document

import (
	"github.com/workspace-scim/workspace/scim/schema"
)

// Encode gives the stored form of a document: its canonical JSON, which begins
// with schemas, the URNs of the core schema, of the extensions that the
// document has and of Origin, which every resource has when it is read.
func Encode(t *schema.ResourceType, o *Object) []byte {
	b := make([]byte, 0, 1024)
	b = append(b, `{"schemas":["`...)
	b = append(b, t.URN...)
	for _, e := range t.Extensions {
		if e == t.Origin || o.Get(e) != nil {
			b = append(b, `","`...)
			b = append(b, e.Name...)
		}
	}
	b = append(b, `"]`...)
	for _, f := range o.Fields() {
		b = append(b, ',')
		b = append(b, f.Attr.Quoted()...)
		b = AppendValue(b, f.Value)
	}
	return append(b, '}')
}

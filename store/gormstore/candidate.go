package gormstore

import (
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// candidate is a resource whose document has to be read to judge it.
type candidate struct {
	t      *schema.ResourceType
	object *document.Object
	facts  []bool
}

var _ filter.Derived = (*candidate)(nil)

// Values implements filter.Derived. Of the attributes outside the document only
// schemas is judged here: RFC 7643 §3 has it list the schemas in use.
func (x *candidate) Values(a *schema.Attribute) []document.Value {
	if a != x.t.Schemas {
		return nil
	}
	urns := []document.Value{x.t.URN}
	for _, e := range x.t.Extensions {
		if e == x.t.Origin || x.object.Get(e) != nil {
			urns = append(urns, e.URN)
		}
	}
	return urns
}

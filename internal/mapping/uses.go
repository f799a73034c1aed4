package mapping

import (
	"fmt"
	"slices"

	"github.com/workspace-scim/workspace/scim/schema"
)

// Use is what a flow asks of who keeps the rules and carries them out.
type Use struct {
	At     string // "flows[3]"
	Target string // in the schema's spelling
	// Attribute is what the target is, or is in: a list for an attribute of an
	// element.
	Attribute *schema.Attribute
	// Match is the place of the target among the match rules, -1 if it is none.
	Match int
	// Unique says that SelectUniqueValue asks who has a value.
	Unique bool
	// Redacted says that no log may show the value.
	Redacted bool
}

// Uses are those of all flows, in their order.
func (m *Mapping) Uses() []Use {
	all := make([]Use, len(m.flows))
	for i, f := range m.flows {
		all[i] = Use{
			At: fmt.Sprintf("flows[%d]", i), Target: f.path, Attribute: f.unit, Match: slices.Index(m.match, f),
			Unique: f.program != nil && f.program.Unique(), Redacted: f.program != nil && f.program.Redacted(),
		}
	}
	return all
}

// ClearsOmitted says that a record is all that there is.
func (m *Mapping) ClearsOmitted() bool { return m.clear }

// AsksGroups says that the scope asks for the groups of an object.
func (m *Mapping) AsksGroups() bool {
	return slices.ContainsFunc(m.scope, func(all []condition) bool {
		return slices.ContainsFunc(all, func(c condition) bool { return c.operator == IsMemberOf })
	})
}

package dialect

import (
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Schemas checks the URNs that the body of a resource lists (RFC 7643 §3): the
// one of the core schema must be there, others must be extensions of the type,
// or of the form of custom ones. An extension that the body uses and doesn't
// list is not held against it: Entra ID never lists custom ones. The error is a
// scimerrors.ScimError of type invalidValue.
func (d *Dialect) Schemas(t *schema.ResourceType, listed []string) error {
	if len(listed) == 0 {
		if d.Repair(SchemasAbsent) {
			return nil
		}
		return invalidValue("schemas is required and must list %s.", t.URN)
	}
	core := false
	for _, urn := range listed {
		known := canonicalURN(t, urn)
		if known == "" && !d.Repair(UnknownSchemaURN) {
			return invalidValue("schemas lists %q, which is no schema of a %s.", document.Truncate(urn, 100), t.Name)
		}
		if known != "" && known != urn && !d.Repair(SchemasCase) {
			return invalidValue("schemas lists %q; it is spelled %s.", urn, known)
		}
		core = core || known == t.URN
	}
	if !core {
		return invalidValue("schemas must list %s.", t.URN)
	}
	return nil
}

// canonicalURN gives the spelling of a schema's URN, "" for one that resources
// of the type don't have.
func canonicalURN(t *schema.ResourceType, urn string) string {
	if strings.EqualFold(urn, t.URN) {
		return t.URN
	}
	if a := t.Root.Sub(urn); a != nil && a.Extension {
		return a.Name
	}
	if t.Kind == schema.User && schema.CustomURN(urn) {
		return urn
	}
	return ""
}

package patch

import "github.com/workspace-scim/workspace/scim/document"

// Repairs mends what clients send though the RFC forbids it. scim/dialect
// implements it and describes each repair.
type Repairs interface {
	document.Repairer
	// Repair is called with a repair's id when a request can only be accepted
	// by it, and returns whether it may be; a call that returns true is one use.
	Repair(id string) bool
}

// The repairs that PATCH asks for, besides those of scim/filter and
// scim/document.
const (
	RepairSchemasAbsent         = "schemas-absent"
	RepairSchemasCase           = "schemas-case"
	RepairOpCase                = "op-case"
	RepairNullClears            = "null-clears"
	RepairDottedKey             = "dotted-key"
	RepairURNKey                = "urn-key"
	RepairFilteredKey           = "filtered-key"
	RepairRemoveWithValue       = "remove-with-value"
	RepairCreateTypedElement    = "create-typed-element"
	RepairCustomAttribute       = "custom-attribute"
	RepairUnqualifiedEnterprise = "unqualified-enterprise"
)

package patch

import "github.com/workspace-scim/workspace/scim/document"

// Repairs mends what clients send though the RFC forbids it. scim/dialect
// implements it and describes each repair.
type Repairs interface {
	document.Repairer
}

// The repairs that PATCH asks for, besides those of scim/filter and
// scim/document.
const (
	RepairSchemasAbsent         = "schemas-absent"
	RepairSchemasCase           = "schemas-case"
	RepairOpCase                = "op-case"
	RepairNullClears            = "null-clears"
	RepairDottedKey             = "dotted-key"
	RepairURNKey                = document.RepairURNKey
	RepairFilteredKey           = "filtered-key"
	RepairRemoveWithValue       = "remove-with-value"
	RepairCreateTypedElement    = "create-typed-element"
	RepairCustomAttribute       = "custom-attribute"
	RepairUnqualifiedEnterprise = "unqualified-enterprise"
)

package mapping

import "github.com/go-json-experiment/json/jsontext"

// Rules are how the records of one source become resources of one type, as an
// administrator edits them and a source keeps them.
type Rules struct {
	// Scope says which records are brought: those that fulfil all clauses of one of
	// the groups, or all if there are none. At most 20 groups and 100 clauses.
	Scope [][]Clause `json:"scope,omitzero"`
	// Match are targets of flows, at most 8, by whose values the resource is looked
	// for, in this order: the first that finds something ends the search.
	Match []string `json:"match,omitzero"`
	// Flows fill attributes, in this order. At most 256.
	Flows []Flow `json:"flows"`
	// ClearOmitted takes a record for all that there is: what it leaves out is
	// cleared. Otherwise what is left out stays as it is.
	ClearOmitted bool `json:"clearOmitted,omitzero"`
}

// Flow fills one attribute, or adds to one that is a list.
type Flow struct {
	// Target is an attribute of the schema: "userName", "name.familyName",
	// "urn:…:2.0:User:department", or an attribute of a list's element:
	// `emails[type eq "work"].value`. A list may have several flows, whose values
	// come in their order; elsewhere each target has one.
	Target string `json:"target"`
	Kind   Kind   `json:"kind"`
	// Source is the record's attribute that a direct flow brings: a path as in an
	// expression, without its brackets.
	Source string `json:"source,omitzero"`
	// Expression is what an expression flow works out (docs/mapping.md).
	Expression string `json:"expression,omitzero"`
	// Value is what a constant flow gives, in the target's JSON type.
	Value jsontext.Value `json:"value,omitzero"`
	// Default comes in place of no value, in the target's JSON type, when the
	// resource is created and at no other time (Entra's "default value if null").
	Default jsontext.Value `json:"default,omitzero"`
	// Null says what becomes of the attribute when there is no value.
	Null Null `json:"null,omitzero"`
	// Apply says when.
	Apply Apply `json:"apply,omitzero"`
}

// Kind is where a flow's value comes from.
type Kind string

// The kinds of flows.
const (
	Direct     Kind = "direct"
	Constant   Kind = "constant"
	Expression Kind = "expression"
)

// Null is what no value means: null in the record, an empty text, or a result
// that is either.
type Null string

const (
	// Clear, which is the default, takes the source's value away; another source
	// may have one.
	Clear Null = "clear"
	// Authoritative says that there is no value: no other source's counts.
	Authoritative Null = "authoritative"
	// Ignore leaves the attribute as it is.
	Ignore Null = "ignore"
)

// Apply is when a flow is applied.
type Apply string

const (
	// Always is the default.
	Always Apply = "always"
	// Once is only when the resource is created.
	Once Apply = "once"
)

// Bounds of rules.
const (
	// MaxRules is how long rules may be as JSON, in bytes.
	MaxRules    = 256 << 10
	mostGroups  = 20
	mostClauses = 100
	mostMatches = 8
	mostFlows   = 256
	mostValue   = 64 << 10 // bytes of a constant or a default
	mostText    = 4096     // bytes of a clause's value
)

package store

import (
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Query asks for a page of resources of one type. It pages either by Offset or,
// when After is set, by position.
type Query struct {
	View View
	Type *schema.ResourceType
	// Filter is nil for all.
	Filter filter.Expr
	// SortBy is a simple attribute, or nil for the order of creation. Resources
	// without a value come last, first when Descending (RFC 7644 §3.4.2.3);
	// ties are in the order of creation.
	SortBy     *schema.Attribute
	Descending bool
	// Offset is how many matches to pass over; Limit how many to give at most,
	// 0 for none (the total is wanted only).
	Offset int
	Limit  int
	// After continues behind a position, nil to begin.
	After *Position
	// NoDoc says that Record.Doc isn't needed, Groups that Record.Groups is.
	NoDoc  bool
	Groups bool
	// MaxScan bounds the rows that are looked at where no index serves; 0 means
	// the store's default. Beyond it List answers ErrTooMany.
	MaxScan int
}

// Position is the place of a resource in the order of a query.
type Position struct {
	Key   string // its sort key; "" and Null for the order of creation
	Null  bool   // it has no sort value
	RID   int64
	Index int // how many matches stood before and at this position when it was read
}

// Page tells about the page that List gave.
type Page struct {
	Total int       // matches, regardless of the page
	Count int       // resources given
	Next  *Position // where the next page begins; nil when this was the last
}

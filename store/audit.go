package store

import "github.com/workspace-scim/workspace/scim/schema"

// AuditReader reads what is stored as it stands, so that it can be held against
// itself. All of it belongs into one View.
type AuditReader interface {
	// Walk gives resources of a tenant in any state behind an id, "" to begin, in
	// the order of the ids' bytes, with all their links, ended ones included, in
	// the order of their source ids. Groups are nil.
	Walk(tenant int64, after string, limit int) ([]Loaded, error)
	// MemberRows calls row for each membership that any source of the tenant ever
	// asserted of a group and hasn't ended, in the order of the sources' ids, then
	// of the members' rids.
	MemberRows(tenant, group int64, row func(MemberRow) error) error
	// IndexRows calls row for each index row of a tenant, in no particular order.
	IndexRows(tenant int64, row func(IndexRow) error) error
	// Tallies gives how many resources the views of a tenant show, by source and
	// kind.
	Tallies(tenant int64) ([]Tally, error)
	// StrayLinks gives live links of the tenant's sources to no resource of it.
	StrayLinks(tenant int64, limit int) ([]Link, error)
	// SchemaVersion is the number of the last migration that the database had; 0
	// if it knows none.
	SchemaVersion() (int64, error)
}

// MemberRow is one stored membership, whatever became of the member.
type MemberRow struct {
	Source int64
	Member int64     // rid
	ID     string    // the member's, "" if the tenant has no such resource
	State  State     // the member's
	Link   LinkState // of the source to the member; 0 if it has none
}

// IndexRow is one stored index row.
type IndexRow struct {
	Attr int
	Key  string
	RID  int64
	View int64 // 0: of the resolved document, else of the source's own
}

// Tally is how many resources of a kind a view shows: as it was counted on the
// way, and as it is.
type Tally struct {
	Source  int64 // 0: the resolved view
	Kind    schema.Kind
	Counter int64
	Rows    int64
}

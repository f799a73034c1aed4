package store

import "time"

// GrantReason is why a subject has a target.
type GrantReason string

// The reasons of grants (docs/model.md). That a source asserts a membership is a
// reason too; those are the members of groups, and no rows of their own.
const (
	GrantOrder          GrantReason = "order"
	GrantManual         GrantReason = "manual"
	GrantWorkflow       GrantReason = "workflow"
	GrantReconciliation GrantReason = "reconciliation"
)

// Grant is one reason for which a subject, a user or group, has a target, a
// group or item. The subject has it while one reason lives; who ends one ends no
// other.
type Grant struct {
	Tenant  int64
	Target  int64 // rid
	Subject int64 // rid
	Reason  GrantReason
	Cause   int64 // rid of the order, 0 for none
	Since   time.Time
}

// GrantQuery asks for grants. One of Target, Subject and Cause, at least, should
// be said: otherwise it is all of the tenant's.
type GrantQuery struct {
	Tenant  int64
	Target  int64 // 0 for all, as with those below
	Subject int64 //
	// Subjects, if any, are the only ones asked for.
	Subjects []int64
	Cause    int64       //
	Reason   GrantReason // "" for all
	After    *Grant      // the last one seen, by Target, Subject, Reason and Cause; nil to begin
	Limit    int
}

// GrantReader reads grants.
type GrantReader interface {
	// Grants gives grants in the order of Target, Subject, Reason (by its bytes)
	// and Cause.
	Grants(q GrantQuery) ([]Grant, error)
	// Holdings gives what subjects have, as grants and as members of groups, in
	// the order of Target and Subject, behind After and at most Limit.
	Holdings(q HoldingQuery) ([]Holding, error)
	// CountHoldings counts them all; After and Limit don't matter.
	CountHoldings(q HoldingQuery) (int, error)
}

// GrantWriter writes grants.
type GrantWriter interface {
	// PutGrants grants a target to subjects for one reason and cause, and gives
	// the subjects that hadn't it for that, ascending; the others keep theirs as
	// it is. The target's row is locked until the transaction ends: ErrNotFound if
	// it is another tenant's. Subjects of another tenant are left out. The cost
	// follows the subjects.
	PutGrants(g Grant, subjects []int64) (added []int64, err error)
	// EndGrants takes a target from subjects, as far as they had it for that
	// reason and cause, and gives those, ascending.
	EndGrants(g Grant, subjects []int64) (ended []int64, err error)
	// ForgetGrants removes all grants of which a resource is the target, the
	// subject or the cause.
	ForgetGrants(tenant, rid int64) error
}

// Holding is that a visible subject has a visible target, with all the reasons.
type Holding struct {
	Target, Subject int64 // rids
	// Member says that the target is a group whose authority asserts the subject
	// as a member; Authority is that source's id.
	Member    bool
	Authority int64
	Grants    []Grant // in the order of Reason and Cause
}

// HoldingQuery asks for holdings.
type HoldingQuery struct {
	Tenant          int64
	Target, Subject int64 // rids, 0 for all
	After           HoldingKey
	Limit           int
}

// HoldingKey is a place in the order of holdings; zero is the beginning.
type HoldingKey struct{ Target, Subject int64 }

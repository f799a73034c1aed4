package store

import (
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
)

// Assignee is a resource as far as assigning it to an item asks.
type Assignee struct {
	RID     int64
	ID      string
	Kind    schema.Kind
	Display string
	// Visible says that the resolved view shows it.
	Visible bool
	// Online says that an Entra source has a live link to it.
	Online bool
}

// Holder is for what reasons a subject has an item.
type Holder struct {
	RID        int64
	Reconciled bool // because of the members of a group
	Manual     bool // by hand
	Other      bool // an order's or a workflow's
}

// ItemReader reads what items are compared by.
type ItemReader interface {
	// MembersAfter gives the members that a source asserts of a group, visible or
	// not, whose rids are behind one, in the order of their rids and at most limit.
	MembersAfter(tenant, group, source, after int64, limit int) ([]Assignee, error)
	// Assignees gives resources of the tenant by their rids, in their order; those
	// of another tenant are left out.
	Assignees(tenant int64, rids []int64) ([]Assignee, error)
	// HoldersAfter gives who has an item and whose rid is behind one, in the order
	// of their rids and at most limit.
	HoldersAfter(tenant, item, after int64, limit int) ([]Holder, error)
	// Holders gives those of some subjects that have an item, in the order of
	// their rids.
	Holders(tenant, item int64, subjects []int64) ([]Holder, error)
}

// JobReconcile is the job that keeps items in sync with their groups.
const JobReconcile = "reconcile"

// Job is work that a tenant has done again and again.
type Job struct {
	Tenant   int64
	Kind     string // JobReconcile
	Enabled  bool
	Interval time.Duration
	NextAt   time.Time // when it is due; zero: not yet said
	LastRun  string    // the id of the run that it began last, "" for none
}

// JobReader reads jobs.
type JobReader interface {
	// Job gets a job; ErrNotFound for one that was never written.
	Job(tenant int64, kind string) (Job, error)
	// Jobs gives a tenant's jobs in the order of their kinds.
	Jobs(tenant int64) ([]Job, error)
	// DueJobs gives the enabled jobs of all tenants that are due at a time, the
	// longest due first and at most limit.
	DueJobs(at time.Time, limit int) ([]Job, error)
	// WaitingRuns gives the runs of a kind, of any tenant, that are queued or
	// running, the oldest first and at most limit.
	WaitingRuns(kind string, limit int) ([]Run, error)
}

// JobWriter writes jobs.
type JobWriter interface {
	// LockJob is Job, and locks its row until the transaction ends.
	LockJob(tenant int64, kind string) (Job, error)
	// PutJob writes a job, new or not.
	PutJob(j Job) error
}

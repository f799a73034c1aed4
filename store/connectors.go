package store

import "time"

// What the server keeps for connectors that pull: programs that read a
// directory, speak SCIM to us and hold no state of their own. It stands in the
// same database as what they wrote, so a restored backup moves both.

// Lease is the right of one holder to write a partition of a source.
type Lease struct {
	Source    int64
	Partition string
	// Holder is the id of an agent, or the name that an embedded connector
	// gives itself; "" for nobody.
	Holder string
	// Token grows whenever the holder changes, and never shrinks or repeats: a
	// write that carries an older one is of a holder that was overtaken. 0
	// before the first.
	Token int64
	// Run is the public id of the run that goes on under the lease, "" for none.
	Run        string
	AcquiredAt time.Time
	RenewedAt  time.Time
	ExpiresAt  time.Time
	// ReadAt is the database's clock when the lease was read; only filled, never
	// written. Servers that share a database agree on it.
	ReadAt time.Time
}

// Checkpoint is the opaque position of a connector in a partition's changes: a
// DirSync cookie, a delta link.
type Checkpoint struct {
	Tenant    int64
	Source    int64
	Partition string
	Version   int64 // counts up from 1
	Data      []byte
	Token     int64 // that of the lease under which it was saved
	SavedAt   time.Time
}

// Configuration is one version of what a source is told to do. It is never
// changed: an older one comes back as a new version.
type Configuration struct {
	Tenant    int64
	Source    int64
	Version   int64 // counts up from 1
	Document  []byte
	Hash      []byte // SHA-256 of Document, which is canonical JSON
	By        string // who wrote it
	CreatedAt time.Time
}

// RunState is the state of a run.
type RunState string

// The states of a run. Queued, running, held and approved ones can still change.
const (
	RunQueued    RunState = "queued" // nobody works on it yet
	RunRunning   RunState = "running"
	RunHeld      RunState = "held"     // over a limit; a person has to decide
	RunApproved  RunState = "approved" // the person said yes to its plan
	RunRejected  RunState = "rejected"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
	RunAbandoned RunState = "abandoned" // its holder is gone and nobody went on
)

// Open says whether a run can still change.
func (s RunState) Open() bool {
	return s == RunQueued || s == RunRunning || s == RunHeld || s == RunApproved
}

// Run is one pass of a connector over a partition.
type Run struct {
	ID        int64 // grows with the start
	Tenant    int64
	Source    int64
	PublicID  string
	Kind      string // full, delta, preview, verify, resync, reconcile, undo, push, upload
	State     RunState
	Partition string
	Holder    string // who works on it
	Token     int64  // that of the lease
	Phase     string
	Done      int64 // objects
	Total     int64 // objects; 0 while unknown
	Counts    RunCounts
	Detail    string // a sentence: why it failed, was held or rejected
	DecidedBy string // who approved, rejected or cancelled it
	StartedAt time.Time
	UpdatedAt time.Time
	EndedAt   time.Time // zero while open
	NextAt    time.Time // when the next run is due; zero if nobody said
	PlanHash  []byte    // SHA-256 of the plan, nil without one
	PlanSize  int64     // bytes
	Version   int64     // counts up from 1
}

// RunCounts are the objects of a run by what became of them (row H046).
type RunCounts struct {
	Created   int64            `json:"created"`
	Updated   int64            `json:"updated"`
	Disabled  int64            `json:"disabled"`
	Deleted   int64            `json:"deleted"`
	Unchanged int64            `json:"unchanged"`
	Failed    int64            `json:"failed"`
	Skipped   map[string]int64 `json:"skipped,omitempty"` // by reason code

	// Those of pushes.
	MembershipRemovals int64 `json:"membershipRemovals,omitempty"`
	IdentityChanges    int64 `json:"identityChanges,omitempty"`
	LostGrants         int64 `json:"lostGrants,omitempty"`
	Held               int64 `json:"held,omitempty"` // requests that wait, or waited

	// Reconcile is what a reconciliation compared, nil for other runs.
	Reconcile *ReconcileCounts `json:"reconcile,omitempty"`
}

// ReconcileCounts are what came of comparing the users of items with the members
// of their groups.
type ReconcileCounts struct {
	Items       int64 `json:"items"` // that were compared to their end
	InBoth      int64 `json:"inBoth"`
	OnlyInGroup int64 `json:"onlyInGroup"`
	OnlyInItem  int64 `json:"onlyInItem"`
	Added       int64 `json:"added"`
	Removed     int64 `json:"removed"`
	// Item and After are how far it is: the rid of the item that is compared, and
	// that of the last user who was.
	Item  int64 `json:"item,omitempty"`
	After int64 `json:"after,omitempty"`
}

// RunQuery asks for runs, the newest first.
type RunQuery struct {
	Tenant int64
	Source int64    // 0 for all
	State  RunState // "" for all
	Before int64    // ID of the last one seen, 0 to begin
	Limit  int
}

// Problem is what is wrong with one object of a source (row H047). Several
// problems of an object differ by their code.
type Problem struct {
	Tenant  int64
	Source  int64
	Anchor  string
	Code    string
	Kind    string // user, group, …
	Display string
	Detail  string
	Retry   string // what happens next: retrying, waiting, givenUp
	Run     string // the public id of the run that saw it last
	FirstAt time.Time
	LastAt  time.Time
	Count   int64 // how often it was seen
}

// Agent is a program that runs connectors of a source on another machine.
type Agent struct {
	Tenant     int64
	Source     int64
	PublicID   string
	Name       string // the host's
	EnrolledAt time.Time
	RevokedAt  time.Time // zero: not revoked
	AgentReport
	SeenAt time.Time // the last heartbeat; zero: none yet
	// Acknowledged is the number of the last command that it has carried out.
	Acknowledged int64
}

// AgentReport is what an agent tells of itself in a heartbeat.
type AgentReport struct {
	Version   string
	OS        string
	State     string
	Hash      []byte // of the configuration that it works by, nil for none
	StartedAt time.Time
	CoLocated bool // it runs on the server's machine
}

// SourceHealth is how a source is doing that connectors bring, or of which
// something waits that it pushed.
type SourceHealth struct {
	Tenant, Source string // the tenant's slug and the source's name
	// SucceededAt is when the last run ended that succeeded, NextAt when the one
	// after it is due; zero for never, and where nobody said. Of several partitions
	// they are those of the one that is furthest behind, among those whose leases were
	// renewed in the ten minutes up to the last renewal of any.
	SucceededAt, NextAt time.Time
	Held                int // runs that wait for a person
	Problems            int // at most MaxCountedProblems
	Agents              int // heard of lately, revoked ones not counted
	// PushOnly says that no connector brings the source, so only Held tells.
	PushOnly bool
}

// MaxCountedProblems is up to where the problems of a source are counted.
const MaxCountedProblems = 10_000

// Command is something that the agents of a source are to do.
type Command struct {
	ID        int64
	Tenant    int64
	Source    int64
	Agent     string // the id of one agent, "" for all of the source
	Name      string
	By        string
	CreatedAt time.Time
}

// Pending is what the last write of a source in staging about one object would
// have changed (row E011).
type Pending struct {
	Tenant  int64
	Source  int64
	Key     string // names the object: its id here, or what the source calls it
	Changes []byte // JSON: the events that the write would have told
	Hash    []byte // SHA-256 of Changes without what differs between repetitions
	At      time.Time
}

// ConnectorReader reads what is kept for connectors.
type ConnectorReader interface {
	// Lease gets a lease, ErrNotFound if there never was one. Inside an Update
	// nobody can take it over until the transaction ends, while others read it.
	Lease(source int64, partition string) (Lease, error)
	// Leases gives the leases of a source in the order of their partitions,
	// ended ones included.
	Leases(source int64) ([]Lease, error)
	// Checkpoint gets a checkpoint; ErrNotFound if none was saved. Inside an
	// Update its row is locked.
	Checkpoint(source int64, partition string) (Checkpoint, error)
	// Configuration gets a version of a source's configuration, the newest one
	// for 0; ErrNotFound if there is none.
	Configuration(source, version int64) (Configuration, error)
	// Configurations gives versions less than before, 0 for all, the newest
	// first.
	Configurations(source, before int64, limit int) ([]Configuration, error)
	// Run gets a run of the tenant by its public id. Inside an Update its row is
	// locked.
	Run(tenant int64, publicID string) (Run, error)
	Runs(q RunQuery) ([]Run, error)
	// PlanPart gives the part of a run's plan that stands at a position, from 0;
	// ErrNotFound behind the last one.
	PlanPart(run int64, position int) ([]byte, error)
	// Problems gives a source's problems behind (anchor, code), in that order.
	Problems(source int64, anchor, code string, limit int) ([]Problem, error)
	// ProblemsOf gives the problems of some objects of a source, in that order.
	ProblemsOf(source int64, anchors []string) ([]Problem, error)
	// Agent gets an agent of the tenant. Inside an Update its row is locked.
	Agent(tenant int64, publicID string) (Agent, error)
	// Agents gives a tenant's agents in the order of their ids, of one source
	// unless it is 0, revoked ones included.
	Agents(tenant, source int64) ([]Agent, error)
	// WorkingAgents counts the agents of a source that aren't revoked, don't say
	// that they are paused, and were heard of after a time.
	WorkingAgents(tenant, source int64, after time.Time) (int, error)
	// SourceHealth gives how sources are doing, in the order of their ids: those of
	// all tenants that aren't disabled and are of kind ad, or had a lease, or have an
	// agent that isn't revoked, or of whose pushes something waits. Agents count that were heard of after a time. It
	// costs some look-ups for each source, however many runs there were.
	SourceHealth(heardAfter time.Time, limit int) ([]SourceHealth, error)
	// Commands gives the commands to an agent of a source behind a number,
	// oldest first.
	Commands(source int64, agent string, after int64, limit int) ([]Command, error)
	// Pending gives what a source would have changed behind a key, in the order
	// of the keys' bytes.
	Pending(source int64, after string, limit int) ([]Pending, error)
	// PendingHashes calls row with the Hash of all that is pending, in the same
	// order.
	PendingHashes(source int64, row func(hash []byte) error) error
}

// ConnectorWriter writes what is kept for connectors.
type ConnectorWriter interface {
	// LockSource makes Updates that lock the same source wait for each other.
	LockSource(source int64) error
	// LockLease gets a lease to change it, made if need be, with Token 0 and
	// nobody's. It is locked until the transaction ends.
	LockLease(source int64, partition string) (Lease, error)
	// PutLease writes every field of a lease that LockLease gave.
	PutLease(l Lease) error
	// EndLeases ends the leases of a source that a holder has, or all of them
	// for "", without a successor. Their tokens grow.
	EndLeases(source int64, holder string) error
	// PutCheckpoint saves a checkpoint over the version before it, or the first
	// one where c.Version is 1; ErrExists if there is another one already.
	PutCheckpoint(c Checkpoint) error
	// DeleteCheckpoints forgets the checkpoints of a source.
	DeleteCheckpoints(source int64) error
	// InsertConfiguration adds a version; ErrExists if it is there.
	InsertConfiguration(c Configuration) error
	// InsertRun sets r.ID and removes the source's oldest runs, other than open
	// ones, so that keep are left besides; 0 removes none.
	InsertRun(r *Run, keep int) error
	// UpdateRun writes every field but ID, Tenant, Source, PublicID, Kind,
	// Partition and StartedAt.
	UpdateRun(r Run) error
	// PutPlanPart adds a part to an upload of a run's plan. It isn't the run's
	// plan before KeepPlan, which forgets other uploads.
	PutPlanPart(run, upload int64, position int, data []byte) error
	KeepPlan(run, upload int64) error
	// DeletePlans forgets the plans of runs, of at most limit, that ended before
	// t and says how many they were. Their hashes and sizes stay.
	DeletePlans(before time.Time, limit int) (int, error)
	// PutProblem records a problem or counts it up: then FirstAt stays.
	PutProblem(p Problem) error
	// ClearProblems forgets all problems of an object.
	ClearProblems(source int64, anchor string) error
	InsertAgent(a Agent) error
	// UpdateAgent writes RevokedAt, SeenAt, Acknowledged and the report.
	UpdateAgent(a Agent) error
	// DeleteRevokedAgents forgets the agents of all tenants that were revoked
	// before a time.
	DeleteRevokedAgents(before time.Time) error
	// InsertCommand sets c.ID and removes the source's oldest commands, so that
	// keep are left.
	InsertCommand(c *Command, keep int) error
	// PutPending replaces what is pending for a key.
	PutPending(p Pending) error
	// DeletePending forgets what is pending for a key, or all of a source for "".
	DeletePending(source int64, key string) error
	// SpendToken revokes a token that isn't revoked yet; ErrNotFound if it is
	// already, so of many that spend one at the same time one does.
	SpendToken(tenant, id int64, at time.Time) error
}

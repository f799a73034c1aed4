package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Facts of state that callers ask for with errors.Is.
var (
	// ErrNotFound: no such record in this tenant, or none that the view shows.
	ErrNotFound = errors.New("not found")
	// ErrExists: the record would break a unique key. Nothing was written by
	// the call; the rest of the transaction stands.
	ErrExists = errors.New("exists already")
	// ErrStale: tenants, sources or tokens have changed since the stamp that
	// Reader.Expect was given. Nothing was written.
	ErrStale = errors.New("changed in the meantime")
	// ErrUnavailable: the database can't be reached, is locked by another
	// process or is full; trying again later can help. Nothing was written.
	ErrUnavailable = errors.New("database unavailable")
	// ErrUncertain: the connection broke while a transaction was being
	// committed. Whether it was, only reading can tell. It is an
	// ErrUnavailable.
	ErrUncertain = fmt.Errorf("outcome of the commit unknown: %w", ErrUnavailable)
	// ErrTooMany: a query would have to look at more rows than Query.MaxScan.
	ErrTooMany = errors.New("too many rows to look at")
	// ErrUnfilterable: the query's filter asks for a sub-attribute of members,
	// groups or Origin that can't be filtered.
	ErrUnfilterable = errors.New("attribute can't be filtered")
	// ErrUnsupported: the backend can't do this; the text says what to use.
	ErrUnsupported = errors.New("not supported by this database")
)

// Store is a database. All methods are safe for concurrent use.
type Store interface {
	// View runs fn on one consistent snapshot. Records that fn gets must not
	// be used after it returned only where a method says so.
	View(ctx context.Context, fn func(Reader) error) error
	// Look runs fn like View, but each method of the Reader reads a snapshot of
	// its own. It is for a fn that calls one, and saves the round trips around
	// a transaction.
	Look(ctx context.Context, fn func(Reader) error) error
	// Update runs fn in one transaction and commits what it wrote durably when
	// fn returns nil; on an error nothing is kept and the error is returned as
	// it is. Until it ends, what fn read of a resource and its links stays as
	// it was, and what it looked up by unique key, externalId, anchor or parked
	// reference and didn't find stays absent, whatever other Updates do. List,
	// Members and Groups give what was there at the time. fn may run more than
	// once, so it must have no effect but through its Tx and must set what it
	// returns afresh on each run. It should be quick: on SQLite writers share
	// one transaction and one fsync.
	Update(ctx context.Context, fn func(Tx) error) error
	// Backup writes a consistent copy of the database to a new file.
	// PostgreSQL answers ErrUnsupported: use pg_dump.
	Backup(ctx context.Context, file string) error
	// Ping says whether a read and, as far as can be told cheaply, a write
	// would work now.
	Ping(ctx context.Context) error
	Close() error
}

// View says whose world a query shows.
type View struct {
	Tenant int64
	Source int64 // 0: the resolved view
}

// Reader reads. Tenant ids in arguments are never optional: a record of another
// tenant is ErrNotFound.
type Reader interface {
	ControlReader
	ConnectorReader
	GrantReader
	ItemReader
	JobReader
	AuditReader
	PushReader
	UploadReader
	SealReader
	StreamReader
	MappingReader
	RequestReader

	// Expect says that all that is read and written holds only if no tenant,
	// source or token has changed since the stamp was that of a Principal: if
	// one has, the call, or what is called next, or else the transaction ends
	// in ErrStale. New tokens and sources, and uses of tokens, are no changes.
	Expect(stamp int64) error

	// Record gets a resource as the view shows it, with its groups if asked
	// for; ErrNotFound if the view doesn't show it. Inside an Update the
	// resource's row is locked until the transaction ends.
	Record(v View, kind schema.Kind, id string, groups bool) (Record, error)
	// Resource gets the resolved resource in any state. Inside an Update its
	// row is locked until the transaction ends.
	Resource(tenant, rid int64) (Resource, error)
	// Refs finds resources of any kind and state by their ids, in no particular
	// order; ids that never existed are left out. Ref.Link is the state of the
	// link of the view's source. Inside an Update the rows are locked against
	// being deleted.
	Refs(v View, ids []string) ([]Ref, error)
	// Resources finds resources of any kind and state by their ids, in the order of
	// their rids; ids that never existed are left out. Inside an Update the rows
	// are locked until the transaction ends.
	Resources(tenant int64, ids []string) ([]Resource, error)
	// IDs gives the ids of resources of the tenant by their rids.
	IDs(tenant int64, rids []int64) (map[int64]string, error)
	// FindUnique finds the resource that holds a unique key (a user's folded
	// userName). Inside an Update its row is locked.
	FindUnique(tenant int64, kind schema.Kind, key string) (Resource, error)
	// FindExternalID finds a source's link by externalId, which is unique among
	// the links of a source and kind, ended ones included.
	FindExternalID(source int64, kind schema.Kind, externalID string) (Link, error)
	// FindAnchor finds the links of all sources of the tenant with this anchor,
	// ended ones included, in the order of their source ids.
	FindAnchor(tenant int64, kind schema.Kind, anchor string) ([]Link, error)
	// Links gives all links of a resource, ended ones included, in the order of
	// their source ids, with their documents where they have their own.
	Links(rid int64) ([]Link, error)

	// List gives a page of resources. row is called once per resource in the
	// order of the query; the Record is valid during the call only. If row
	// returns an error, List stops and returns it.
	List(q Query, row func(*Record) error) (Page, error)
	// Members calls row for each member of a group, in the order of their rids.
	// In the resolved view those are the members that the group's authority
	// asserts and that are themselves visible.
	Members(v View, group int64, row func(Member) error) error
	// Groups gives the groups of several resources, direct and by nesting, each
	// group once per resource, direct before indirect, then in the order of the
	// groups' rids.
	Groups(v View, rids []int64) (map[int64][]Membership, error)
	// Referrers gives the rids of the resources, of any kind and view of the
	// tenant, that have an index row (attr, key) in any document.
	Referrers(tenant int64, attr int, key string) ([]int64, error)
	// ReferrersOf gives the rids, ascending, of the resources whose resolved
	// documents name, in an index row of attr, one of these resources by its id,
	// and have for each of also a row with one of its keys.
	ReferrersOf(tenant int64, attr int, rids []int64, also ...KeyIn) ([]int64, error)
	// Presences counts the tenant's visible users by the sources that they are in.
	// The cost is one look at each user; what comes back is few.
	Presences(tenant int64) ([]Presence, error)
	// Parked gives what waits for a reference to arrive. Inside an Update the
	// rows of the resources that refer are locked until the transaction ends.
	Parked(source int64, ref string) ([]Parked, error)
	// ParkedMembers gives the references, sorted by their bytes, of the members
	// that a group waits for on behalf of a source. Inside an Update they stay
	// as they are only if the group's row is locked.
	ParkedMembers(source, group int64) ([]string, error)
	// Conflicts gives conflicts of a tenant, the newest first.
	Conflicts(q ConflictQuery) ([]Conflict, error)
	// Conflict gets a conflict of the tenant. Inside an Update its row is
	// locked until the transaction ends.
	Conflict(tenant, id int64) (Conflict, error)
	// Events calls row for the tenant's events after a sequence number, oldest
	// first, and never skips one that a slower transaction commits later.
	Events(tenant, after int64, limit int, row func(Event) error) error
	// FindEvents calls row for events of a tenant that fit, in the order of the
	// query, and says where the next page begins: 0 after the last one. It looks
	// at EventScan events at most, so a page may be short, or empty, and not be
	// the last.
	FindEvents(q EventQuery, row func(Event) error) (next int64, err error)
	// Asserting gives the sources of the tenant that assert a member of a group,
	// itself and not by nesting, in the order of their ids.
	Asserting(tenant, group, member int64) ([]int64, error)
	// Expired gives resources in the state whose StateAt is before t, in any
	// tenant, at most limit.
	Expired(state State, before time.Time, limit int) ([]Resource, error)
}

// Tx reads and writes.
type Tx interface {
	Reader
	ControlWriter
	ConnectorWriter
	GrantWriter
	JobWriter
	PushWriter
	UploadWriter
	SealWriter
	StreamWriter
	MappingWriter
	RequestWriter

	// Load gets a resource in any state with all its links, ended ones
	// included, in the order of their source ids, and with its groups in the
	// view if asked for. Its row is locked until the transaction ends.
	Load(v View, kind schema.Kind, id string, groups bool) (Loaded, error)
	// Foresee announces resources that are likely to be created: what
	// FindExternalID, FindAnchor, FindUnique and Parked will be asked about
	// them is found out at once, where that saves round trips. It changes no
	// answer.
	Foresee(all []Identity) error

	// Savepoint runs fn; if it returns an error, what fn wrote is undone and
	// the error returned, and the transaction goes on. To undo may take that the
	// whole Update runs again.
	Savepoint(fn func() error) error
	// Awaited says whether other Updates wait for this one to end, as far as the
	// store can tell: then long work in parts had better end with this part. Where
	// Updates go on side by side it says no.
	Awaited() bool

	// InsertResource inserts r with its index rows and sets r.RID. ErrExists if
	// the unique key is taken.
	InsertResource(r *Resource) error
	// UpdateResource writes every field of r; before is the record as it was
	// read, with Keys, so that only the difference in index rows is written.
	// ErrExists if the unique key is taken.
	UpdateResource(before, r *Resource) error
	// PutLink inserts (before nil) or updates a link with its document and index
	// rows. ErrExists if its externalId or anchor belongs to another link of
	// the source.
	PutLink(before, l *Link) error
	// ChangeMembers adds and removes members of a group on behalf of a source.
	// Adding a present member and removing an absent one change nothing
	// (RFC 7644 §3.5.2.1); a member named in both is removed. It returns those
	// that really changed. The cost follows the arguments, not the group.
	ChangeMembers(tenant, group, source int64, add, remove []int64) (added, removed []int64, err error)
	// ReplaceMembers makes the source's members of a group exactly these.
	ReplaceMembers(tenant, group, source int64, members []int64) (added, removed []int64, err error)
	// EndMemberships removes a resource from all groups, as far as the source
	// asserted it, and returns the groups.
	EndMemberships(source, member int64) (groups []int64, err error)
	// Touch sets version+1 and ModifiedAt of a resource, of a source's link to
	// it, or of both, without reading the document.
	Touch(rid, source int64, resource, link bool, at time.Time) error

	// Ever says whether the tenant has, or once had, visible resources of a kind
	// that is administered. After a call that added members it asks the database
	// nothing.
	Ever(tenant int64, kind schema.Kind) (bool, error)

	// Park remembers a reference that can't be resolved yet; doing so twice
	// changes nothing. Unpark forgets it.
	Park(p Parked) error
	Unpark(p Parked) error
	// PutConflict records a conflict, or counts it up if one that stands, with
	// the same source, resource and externalId, is there: then c becomes it,
	// with the newer reason and document.
	PutConflict(c *Conflict) error
	// DecideConflict writes Decision, DecidedBy and DecidedAt.
	DecideConflict(c Conflict) error
	// AppendEvents appends events in order and sets their Seq.
	AppendEvents(events []Event) error
}

// State is the state of a resource.
type State int

// The states of a resource (law 9). Live and Orphaned are visible in the
// resolved view and hold their unique key; the others are not and do not.
const (
	// Live: at least one live link.
	Live State = 1
	// Orphaned: no link left; disabled, waiting for the grace time to pass.
	Orphaned State = 2
	// Held: asserted by one source only, and in conflict with another resource;
	// visible to that source only, until a person decides.
	Held State = 3
	// Deleted: soft-deleted; visible to nobody, can be revived.
	Deleted State = 4
	// Purged: only the id is left, so that it is never given again.
	Purged State = 5
)

// Visible says whether the resolved view shows resources in this state.
func (s State) Visible() bool { return s == Live || s == Orphaned }

// Resource is a user, a group or a resource of our own with its resolved document.
type Resource struct {
	RID       int64
	Tenant    int64
	Kind      schema.Kind
	ID        string // UUID; never changes nor is reused
	UniqueKey string // "" for none
	Display   string // displayName or userName as written, for references
	Authority int64  // the source whose values win
	// Chosen is the source that an administrator declared the authority, 0 for
	// none. It is the authority while it has a live link.
	Chosen    int64
	Class     string
	State     State
	StateAt   time.Time
	Version   int64
	CreatedAt time.Time
	// ModifiedAt has microseconds.
	ModifiedAt time.Time
	Doc        []byte
	// Keys are the index rows of Doc; only read from arguments, never filled.
	Keys []document.Key
}

// Record is a resource as a view shows it: Doc, Version, CreatedAt and
// ModifiedAt are the link's in a source's view.
type Record struct {
	Resource
	// Presence are the sources with a live link, ascending.
	Presence []int64
	// Groups are those that the resource is in, as Reader.Groups gives them;
	// nil unless asked for.
	Groups []Membership
}

// Loaded is a resource with what is asserted about it.
type Loaded struct {
	Resource
	Links  []Link
	Groups []Membership
	// Held says that something of what the view's source asked for it waits.
	Held bool
}

// Identity is by what a resource that a source asserts may be known already;
// "" for what it has not.
type Identity struct {
	Tenant     int64
	Source     int64
	Kind       schema.Kind
	ExternalID string
	Anchor     string
	UniqueKey  string
}

// LinkState is the state of a link.
type LinkState int

// The states of a link (docs/model.md).
const (
	Linked       LinkState = 1
	LinkParked   LinkState = 2 // the source may see it, the resolved view may not
	LinkEnded    LinkState = 3 // the source deleted the resource
	LinkConflict LinkState = 4 // a person has to decide
)

// Live says whether the source sees the resource.
func (s LinkState) Live() bool { return s == Linked || s == LinkParked }

// Link is what one source asserted about one resource.
type Link struct {
	RID        int64
	Tenant     int64
	Kind       schema.Kind
	Source     int64
	ExternalID string // "" for none
	Anchor     string // "" for none
	State      LinkState
	Version    int64
	CreatedAt  time.Time
	ModifiedAt time.Time
	// Own says that the link has a document of its own in Doc; otherwise the
	// source asserts what the resource's document says.
	Own  bool
	Doc  []byte
	Keys []document.Key // index rows of Doc; only read from arguments
}

// Ref is what a reference to a resource needs.
type Ref struct {
	RID     int64
	ID      string
	Kind    schema.Kind
	Display string
	State   State
	Link    LinkState // of the view's source; 0 if it has none, or in the resolved view
}

// KeyIn asks for an index row of an attribute with one of several keys.
type KeyIn struct {
	Attr int // schema.Attribute.Index
	Keys []string
}

// Presence is how many users are in exactly these sources.
type Presence struct {
	// Sources are those with a linked link whose own document doesn't say
	// active:false, ascending.
	Sources []int64
	Active  bool
	Users   int64
}

// Member is one member of a group.
type Member struct {
	RID     int64
	ID      string
	Kind    schema.Kind
	Display string
}

// Membership is one group of a resource.
type Membership struct {
	RID     int64
	ID      string
	Display string
	Direct  bool
}

// ParkedKind says what a parked reference is for.
type ParkedKind string

// The kinds of parked references.
const (
	ParkedManager ParkedKind = "manager"
	ParkedMember  ParkedKind = "member"
	// ParkedUpload is a manager that an upload named: besides what ParkedManager
	// does, the source's own document gets the id of who arrives.
	ParkedUpload ParkedKind = "uploadedManager"
)

// Parked is a reference by externalId or anchor whose target has not arrived:
// RID is the resource that refers (the report, the group).
type Parked struct {
	Tenant int64
	Source int64
	Ref    string
	Kind   ParkedKind
	RID    int64
}

// Decision is what a person decided about a conflict; "" is nothing yet.
type Decision string

// The decisions about a conflict. One that isn't decided, or is kept apart,
// stands: what comes again counts on it.
const (
	Adopt     Decision = "adopt"     // the two are one: the source is linked to the resource
	KeepApart Decision = "keepApart" // they are two: what the source asks for stays refused
)

// Conflict is an assertion that a person has to decide about (law 3, W008).
type Conflict struct {
	ID         int64
	Tenant     int64
	Source     int64
	Kind       schema.Kind
	RID        int64 // the resource that holds what the source asked for
	ExternalID string
	Reason     string // a reason code, e.g. manualAccount, nameTaken
	Doc        []byte // what the source asserted
	FirstAt    time.Time
	LastAt     time.Time
	Count      int64
	Decision   Decision
	DecidedBy  string
	DecidedAt  time.Time // zero until it is decided
}

// Open says whether nobody has decided yet.
func (c Conflict) Open() bool { return c.Decision == "" }

// Stands says whether what comes again counts on the conflict.
func (c Conflict) Stands() bool { return c.Decision != Adopt }

// Event is one entry of the append-only log (law 6). Before and After are JSON
// objects of the attributes that changed, nil for none.
type Event struct {
	Seq        int64     `json:"seq"`
	Tenant     int64     `json:"-"`
	Time       time.Time `json:"time"`
	Txn        string    `json:"txn"`           // the request id
	Run        string    `json:"run,omitempty"` // the id of the connector's run, "" for none
	Actor      string    `json:"actor"`         // token prefix or "cli"
	Source     int64     `json:"-"`
	Type       string    `json:"type"`    // e.g. user.created
	Outcome    string    `json:"outcome"` // applied, notAuthoritative, skipped, refused, held, …
	Reason     string    `json:"reason,omitempty"`
	Detail     string    `json:"detail,omitempty"`
	Subject    string    `json:"subject,omitempty"` // the resource's id
	SubjectRID int64     `json:"-"`
	Before     []byte    `json:"-"`
	After      []byte    `json:"-"`
}

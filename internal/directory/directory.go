// Package directory is the core: it makes true what a source asserts. Every
// call is one transaction: read, decide, write, tell. The decisions themselves
// are pure functions in internal/reconcile; the storage is behind package
// store; how a request looks on the wire is the business of package scim.
//
// A write by a source lands in that source's link, raw. The resolved resource
// is worked out from all links at once (docs/model.md), and one event tells what
// changed, in the same transaction. A source reads and writes its own view, an
// admin token the resolved one.
package directory

import (
	"crypto/cipher"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Clock tells the time of everything that is written down.
type Clock interface{ Now() time.Time }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

// Options are the choices of a Directory. The zero value works.
type Options struct {
	// Clock is the system's if nil. Then leases are judged by the database's,
	// on which all servers agree; otherwise by this one too.
	Clock Clock
	// Logger discards if nil.
	Logger *slog.Logger
	// Grace is how long a user without any link stays disabled before it is
	// soft-deleted; 30 days if 0 (law 9).
	Grace time.Duration
	// Retention is how long a soft-deleted resource can be revived before only
	// its id is left; 90 days if 0.
	Retention time.Duration
	// Features are the names of the features that are on for the tenants that
	// weren't told otherwise.
	Features []string
	// Repaired is told the id of each repair of form that reading an uploaded
	// record took, at most once a record; nil for nobody.
	Repaired func(id string)
	// SecretKey, of SecretKeyLength bytes, seals the secrets that have to be read
	// again; without it they are stored as they are (decision 0014).
	SecretKey []byte
}

// Directory is the core. It is safe for concurrent use, and holds no state that
// another process on the same database would miss: what it caches can't change.
type Directory struct {
	store     store.Store
	clock     Clock
	log       *slog.Logger
	newID     func() string
	grace     time.Duration
	retention time.Duration
	features  map[string]bool
	repaired  func(id string)
	requests  chan struct{} // holds a signal when requests came, see RequestsArrived
	uploads   chan struct{} // holds a signal when records came, see UploadsArrived
	sealing   sealing
	// sharedClock says that leases are judged by the database's clock.
	sharedClock bool

	mu      sync.RWMutex
	schemas map[schemaKey]*schema.Set
	sources map[int64]store.Source // by id; kind, public id and name never change

	own *schema.Set // for resources of our own and groups, which have no custom attributes

	sealer cipher.AEAD // nil without a secret key

	use   uses       // when tokens were last used
	known principals // who they speak for
}

type schemaKey struct {
	tenant  int64
	version int
}

// New makes a Directory on a store.
func New(s store.Store, o Options) *Directory {
	d := &Directory{
		store: s, clock: o.Clock, log: o.Logger, grace: o.Grace, retention: o.Retention, repaired: o.Repaired,
		newID:    newID,
		features: map[string]bool{},
		sealer:   newSealer(o.SecretKey),
		own:      schema.Must(),
		schemas:  map[schemaKey]*schema.Set{},
		sources:  map[int64]store.Source{},
		uploads:  make(chan struct{}, 1),
		requests: make(chan struct{}, 1),
	}
	if d.clock == nil {
		d.clock, d.sharedClock = systemClock{}, true
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	for _, name := range o.Features {
		d.features[name] = true
	}
	if d.grace == 0 {
		d.grace = 30 * 24 * time.Hour
	}
	if d.retention == 0 {
		d.retention = 90 * 24 * time.Hour
	}
	return d
}

// newID makes the id of a resource: a UUIDv7, so that ids of one time stand
// together in the index (a random one costs a third of the write rate).
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// Now is the time of the core's clock.
func (d *Directory) Now() time.Time { return d.now() }

// now is the time of a write, to the microsecond, which is what is stored.
func (d *Directory) now() time.Time { return d.clock.Now().UTC().Truncate(time.Microsecond) }

package store

import "time"

// Delivery is how the events of a stream reach who wants them.
type Delivery string

// The ways of delivery.
const (
	DeliveryPoll Delivery = "poll" // they are fetched (RFC 8936)
	DeliveryPush Delivery = "push" // they are sent (RFC 8935)
)

// Stream is who wants which security events, and how far it got. What it gets is
// worked out from the log of events, behind Position.
type Stream struct {
	ID          int64
	Tenant      int64
	Source      int64 // whose it is; 0 for the tenant's administrators
	PublicID    string
	Description string
	Delivery    Delivery
	// Subjects limits it to what is about resources that this source has links
	// to; 0 for no limit.
	Subjects int64
	Issuer   string
	Audience []string // at least one
	Events   []string // the event URIs that are wanted, sorted
	// Endpoint is where a push goes, and Authorization the value of that header as
	// it is kept at rest, nil for none.
	Endpoint      string
	Authorization []byte
	Paused        bool
	Reason        string // why it is paused, for people; "" for no reason
	CreatedBy     string
	CreatedAt     time.Time
	StreamState
}

// StreamState is how far a stream got.
type StreamState struct {
	// Position: the stream is done with all events up to this number.
	Position int64
	// Acked are the numbers behind Position that are done, ascending.
	Acked []int64
	// DeliveredAt is when something was acknowledged last, zero for never.
	DeliveredAt time.Time
	// Refused counts the events that the receiver had errors with.
	Refused int64
	// LastError says what went wrong last, and LastErrorAt when; both are zero if
	// nothing did.
	LastError   string
	LastErrorAt time.Time
	// Of a push: Failures is how many attempts in a row failed, FailingSince when
	// the first of them did, zero for none; NextAt is when the next one is due.
	Failures     int
	FailingSince time.Time
	NextAt       time.Time
	// Holder is who sends at the moment, until HolderUntil.
	Holder      string
	HolderUntil time.Time
}

// SigningKey is a key with which events are, or were, signed. All tenants of a
// deployment share them.
type SigningKey struct {
	ID        string // the kid
	Public    []byte // a JWK (RFC 7517), JSON
	Private   []byte // as it is kept at rest; nil once the key signs nothing more
	CreatedAt time.Time
	RetiredAt time.Time // when the next one took over; zero before that
}

// StreamReader reads streams and what they are made of.
type StreamReader interface {
	// Stream gets a stream of the tenant by its public id. Inside an Update its row
	// is locked until the transaction ends.
	Stream(tenant int64, id string) (Stream, error)
	// Streams gives streams of a tenant behind an ID, 0 to begin, in the order of
	// their IDs; those of one source only unless that is 0.
	Streams(tenant, source, after int64, limit int) ([]Stream, error)
	// PushStreams gives the streams of all tenants that are pushed and not paused,
	// in the order of their IDs; those of disabled sources left out, and those of
	// sources of tenants whose hybrid sync is off.
	PushStreams() ([]Stream, error)
	// LastEvent is the number of a tenant's last event below which none can come
	// any more, 0 for none. Events behind it come with greater numbers.
	LastEvent(tenant int64) (int64, error)
	// LinksTo gives the links of a source to some resources, ended ones included,
	// in the order of the rids and without their documents.
	LinksTo(source int64, rids []int64) ([]Link, error)
	// SigningKeys gives the keys, the newest first.
	SigningKeys() ([]SigningKey, error)
}

// StreamWriter writes streams.
type StreamWriter interface {
	// InsertStream sets s.ID.
	InsertStream(s *Stream) error
	// UpdateStream writes every field but ID, Tenant, Source, PublicID, Delivery,
	// CreatedBy and CreatedAt.
	UpdateStream(s Stream) error
	// DeleteStream forgets a stream.
	DeleteStream(id int64) error
	// LockSigningKeys makes others that lock them wait until the transaction ends.
	LockSigningKeys() error
	// PutSigningKey inserts a key, or writes Private and RetiredAt of one that is
	// there.
	PutSigningKey(k SigningKey) error
	// DeleteSigningKey forgets a key.
	DeleteSigningKey(id string) error
}

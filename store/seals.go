package store

import "time"

// Seal closes a part of the log of a tenant: its hash is of the seal before it,
// of each event since, and of itself, so that nothing of what is sealed can be
// changed, left out or put in without one of the hashes being wrong. What is
// hashed internal/directory/seals.go says.
type Seal struct {
	Tenant   int64
	Seq      int64 // of the last event that it covers
	Prev     int64 // Seq of the seal before it, 0 for none
	Events   int64 // that it covers
	Hash     []byte
	SealedAt time.Time
}

// SealReader reads seals.
type SealReader interface {
	// Seals gives seals of a tenant behind a Seq, 0 to begin, in the order of Seq.
	Seals(tenant, after int64, limit int) ([]Seal, error)
	// LastSeal gives the seal with the greatest Seq; ErrNotFound if there is none.
	LastSeal(tenant int64) (Seal, error)
	// SealedEvents calls row for events of a tenant behind a number and up to
	// another one, which a seal covers: unlike Events it doesn't ask whether older
	// ones may still come.
	SealedEvents(tenant, after, upTo int64, limit int, row func(Event) error) error
	// NewestEvent is the number of the newest event of all tenants that is seen, 0
	// for none; older ones may still come.
	NewestEvent() (int64, error)
}

// SealWriter writes seals, which are never changed.
type SealWriter interface {
	// InsertSeal adds a seal; ErrExists if the tenant has one with its Seq or its
	// Prev.
	InsertSeal(s Seal) error
}

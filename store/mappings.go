package store

import "time"

// A source may have rules of its own by which uploaded records become users. What
// it says is kept as it says it, so that changed rules can be worked out anew.

// Mapping is a version of the rules of a source.
type Mapping struct {
	Tenant int64
	Source int64
	Number int64 // 1, 2, … of the source
	// Document is the rules in their canonical form; nil where this version took
	// them away.
	Document  []byte
	Version   string // SHA-256 of Document in hex, "" without one
	By        string // token prefix or "cli"
	CreatedAt time.Time
}

// Raw is what a source with rules said of one person, all of its records one over
// the other.
type Raw struct {
	ID     int64 // grows with the first record
	Tenant int64
	Source int64
	// RID is the user that it is about, 0 while there is none: out of scope from
	// the beginning, or refused.
	RID int64
	// Key is what it is recognized by where its user can't be found.
	Key     string
	Data    []byte // a JSON object
	Rules   int64  // the Number of the rules that were applied last
	InScope bool   // by those rules
	At      time.Time
}

// MappingReader reads rules, and what they are applied to.
type MappingReader interface {
	// Mapping gets a version of a source's rules, the last one for 0.
	Mapping(source, number int64) (Mapping, error)
	// Mappings gives versions less than before, 0 for all, the newest first.
	Mappings(source, before int64, limit int) ([]Mapping, error)
	// RawOf gets what a source said of a user.
	RawOf(source, rid int64) (Raw, error)
	// RawsByKey gives what a source said of whom one of the keys stands for, at most
	// limit, in the order of their ids.
	RawsByKey(source int64, keys []string, limit int) ([]Raw, error)
	// Raws gives what a source said behind an id, in the order of their ids.
	Raws(source, after int64, limit int) ([]Raw, error)
}

// MappingWriter writes rules, and what they are applied to.
type MappingWriter interface {
	// InsertMapping adds a version; ErrExists if it is there.
	InsertMapping(m Mapping) error
	// PutRaw writes every field but ID, Tenant and Source, or inserts where ID is 0.
	// Of a user a source has one: who writes sees to it.
	PutRaw(r Raw) error
	// DeleteRaw forgets one.
	DeleteRaw(id int64) error
	// ForgetRaws forgets what all sources said of a user, ForgetSaid what a source
	// said of anybody.
	ForgetRaws(tenant, rid int64) error
	ForgetSaid(source int64) error
}

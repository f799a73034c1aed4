package store

import "time"

// EventScan is how many events FindEvents looks at, at most, for one page.
const EventScan = 20_000

// EventSlack is how much earlier or later than in the order of the numbers the
// time of an event may stand: the numbers are those of the transactions, the
// times those of the servers that wrote. FindEvents finds an event by its time
// if the clocks of all that share a database agree to within this.
const EventSlack = 5 * time.Minute

// EventQuery asks for events of a tenant; the zero value of each field but
// Tenant and Limit asks for nothing.
type EventQuery struct {
	Tenant  int64
	Subject string // the id of what they are about, of any kind
	Run     string
	Source  int64
	Type    string // as in user.created, or the part before the dot with it: user.
	Outcome string
	Since   time.Time // from then on
	Until   time.Time // before then
	// Oldest gives the oldest first, and never passes over one that a slower
	// transaction commits later. Otherwise the newest are first, of all that are
	// there.
	Oldest bool
	// From continues behind a sequence number, 0 to begin.
	From  int64
	Limit int
}

// Fits says whether an event is one that the query asks for, wherever a page
// begins.
func (q EventQuery) Fits(e Event) bool {
	kind := q.Type != "" && q.Type[len(q.Type)-1] == '.'
	return e.Tenant == q.Tenant &&
		(q.Subject == "" || e.Subject == q.Subject) &&
		(q.Run == "" || e.Run == q.Run) &&
		(q.Source == 0 || e.Source == q.Source) &&
		(q.Type == "" || e.Type == q.Type || kind && len(e.Type) > len(q.Type) && e.Type[:len(q.Type)] == q.Type) &&
		(q.Outcome == "" || e.Outcome == q.Outcome) &&
		(q.Since.IsZero() || !e.Time.Before(q.Since)) &&
		(q.Until.IsZero() || e.Time.Before(q.Until))
}

// ConflictQuery asks for conflicts of a tenant; the zero value of each field but
// Tenant and Limit asks for nothing.
type ConflictQuery struct {
	Tenant     int64
	Source     int64
	Open       bool   // those that nobody has decided
	Decided    bool   // those that somebody has
	RID        int64  // those about a resource
	ExternalID string // with Source: those about what the source calls so
	Before     int64  // ID of the last one seen, 0 to begin
	Limit      int
}

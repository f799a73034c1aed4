package store

import "time"

// Request is a request of a client that is carried out later (RFC 9967 §2.5.1).
type Request struct {
	// ID grows with acceptance; of one source the requests are carried out in its
	// order.
	ID     int64
	Tenant int64
	Source int64 // the actor's; the tenant's workspace source for an administrator
	Admin  bool
	Actor  string // the prefix of the token that sent it
	Txn    string // unique; what the client was told (Set-Txn)
	Method string
	// Endpoint is that of a resource type, or /Bulk; Target the id of a resource,
	// "" for none.
	Endpoint   string
	Target     string
	Query      string // as it was sent
	IfMatch    string // the header, "" for none
	Base       string // the endpoint's URL, with which links begin
	Body       []byte // nil without one, and once it is settled
	AcceptedAt time.Time
	SettledAt  time.Time // zero while it waits
	// Result is what became of it: a JSON array with an operation of a bulk
	// response for each that was asked for (RFC 7644 §3.7.3); nil while it waits.
	Result []byte
}

// Waits says whether it is still to be carried out.
func (r Request) Waits() bool { return r.SettledAt.IsZero() }

// RequestReader reads requests.
type RequestReader interface {
	// Request gets a request of the tenant by its Txn.
	Request(tenant int64, txn string) (Request, error)
	// WaitingRequests gives the sources, of any tenant, that have requests to be
	// carried out, in the order of their ids.
	WaitingRequests() ([]int64, error)
	// CountRequests says how many requests of a source wait, counted up to a limit.
	CountRequests(source int64, limit int) (int, error)
}

// RequestWriter writes requests.
type RequestWriter interface {
	// InsertRequest adds a request that waits, and sets r.ID. ErrExists if the Txn
	// is taken.
	InsertRequest(r *Request) error
	// ClaimRequests makes the transaction, until it ends, the only one that works on
	// the requests of a source, and gives the Txn of the one to be carried out next.
	// It waits for nobody: "" if none is to be carried out, or if another
	// transaction works on them. Who inserts requests is not kept waiting.
	ClaimRequests(source int64) (next string, err error)
	// SettleRequest writes SettledAt and Result, and forgets Body.
	SettleRequest(r Request) error
	// DeleteRequests forgets requests that were settled before t, of all tenants
	// and at most limit, and says how many they were.
	DeleteRequests(before time.Time, limit int) (int, error)
}

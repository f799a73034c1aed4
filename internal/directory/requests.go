package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/store"
)

const (
	// MaxRequests is how many requests of a source wait at most.
	MaxRequests = 100
	// keepRequests is how long what became of a request can be read.
	keepRequests = 24 * time.Hour
	requestSweep = 500
)

// Facts about requests that are carried out later.
var (
	// ErrTooManyRequests: the source has MaxRequests waiting. Nothing was kept.
	ErrTooManyRequests = errors.New("too many requests wait")
	// ErrTaken: another process carries out a request of the source, or has carried
	// this one out. Nothing was done.
	ErrTaken = errors.New("request taken by another process")
)

// eventRequestDone is the type of the events that tell of what became of a request.
const eventRequestDone = "request.completed"

// Outcome is what became of one operation of a request.
type Outcome struct {
	Path      string // of the resource below the endpoint, or of its type
	Subject   string // the id of the resource, "" for none
	Operation []byte // an operation of a bulk response (RFC 7644 §3.7.3), JSON
}

// AcceptRequest keeps a request of the actor to be carried out later, whose
// Method, Endpoint, Target, Query, IfMatch, Base and Body q has, and gives its
// Txn. Requests of one source are carried out in the order of their acceptance.
func (d *Directory) AcceptRequest(ctx context.Context, a Actor, q store.Request) (txn string, err error) {
	q.Tenant, q.Source, q.Admin, q.Actor = a.Tenant.ID, a.Source.ID, a.Admin, a.Token
	q.Txn, q.AcceptedAt = d.newID(), d.now()
	q.Body = WithoutPasswords(q.Body)
	err = d.store.Update(ctx, func(tx store.Tx) error {
		if err := a.expect(tx); err != nil {
			return err
		}
		waiting, err := tx.CountRequests(q.Source, MaxRequests)
		if err != nil {
			return err
		}
		if waiting == MaxRequests {
			return ErrTooManyRequests
		}
		kept := q
		return tx.InsertRequest(&kept)
	})
	if err != nil {
		return "", err
	}
	select {
	case d.requests <- struct{}{}:
	default: // somebody will look anyway
	}
	return q.Txn, nil
}

// RequestsArrived gives a signal when there may be requests to carry out.
func (d *Directory) RequestsArrived() <-chan struct{} { return d.requests }

// Request gets a request by its Txn: the sender's own only.
func (d *Directory) Request(ctx context.Context, a Actor, txn string) (q store.Request, err error) {
	err = d.store.Look(ctx, func(r store.Reader) (err error) {
		q, err = r.Request(a.Tenant.ID, txn)
		return err
	})
	if err == nil && (q.Admin != a.Admin || q.Source != a.Source.ID) {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Request{}, err
	}
	return q, nil
}

// WaitingRequests gives the sources, of any tenant, that have requests to be carried
// out.
func (d *Directory) WaitingRequests(ctx context.Context) (sources []int64, err error) {
	err = d.store.Look(ctx, func(r store.Reader) (err error) {
		sources, err = r.WaitingRequests()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("requests: %w", err)
	}
	return sources, nil
}

// WaitingRequest is a request that is to be carried out.
type WaitingRequest struct {
	store.Request
	Actor Actor
	// Refused says why its sender may not have it carried out, nil if it may.
	Refused error
}

// NextRequest gives the request of a source that is to be carried out next, with who
// sent it. It keeps nobody else from it: Claim does. ErrTaken if none waits, or
// another process carries one out.
func (d *Directory) NextRequest(ctx context.Context, source int64) (q WaitingRequest, err error) {
	var p store.Principal
	// The body may be large: it is read only if nobody else works on the source.
	err = d.store.Update(ctx, func(tx store.Tx) error {
		txn, err := tx.ClaimRequests(source)
		if err != nil {
			return err
		}
		if txn == "" {
			return ErrTaken
		}
		if p, err = tx.Speaker(source); err != nil {
			return err
		}
		q.Request, err = tx.Request(p.Tenant.ID, txn)
		return err
	})
	if err != nil {
		return WaitingRequest{}, err
	}
	q.Actor = NewActor(p, q.Txn)
	q.Actor.Admin, q.Actor.Token, q.Actor.Stamp = q.Admin, q.Request.Actor, p.Stamp
	q.Refused = mayAct(p, d.now())
	if q.Refused == nil && q.Actor.staging() {
		q.Refused = &Violation{
			Rule: RuleSourceDisabled, Detail: "The source was put into staging after the request was accepted. Nothing was changed.", Way: "Send it again when the source is active.",
		}
	}
	return q, nil
}

// Claim makes the transaction the one that carries out a request that NextRequest
// gave, and no other of its source goes on meanwhile. ErrTaken if another process
// has been quicker; it waits for nobody.
func (w *Writer) Claim(q store.Request) error {
	next, err := w.tx.ClaimRequests(q.Source)
	if err == nil && next != q.Txn {
		err = ErrTaken
	}
	return err
}

// Settle writes what became of a claimed request in the transaction that carries
// it out, so it is settled exactly if it took effect; and tells of it. numbered
// says that the operations are those of a bulk request, whose events are told
// apart by their index (RFC 9967 §2.5.1.2).
func (w *Writer) Settle(q store.Request, outcomes []Outcome, numbered bool) error {
	operations := make([]json.RawMessage, len(outcomes))
	for i, o := range outcomes {
		operations[i] = o.Operation
		after, err := json.Marshal(map[string]any{"path": o.Path, "operation": operations[i]})
		if err != nil {
			return fmt.Errorf("request %s: %w", q.Txn, err)
		}
		e := w.event(eventRequestDone, nil)
		e.Subject, e.After = o.Subject, after
		if numbered {
			e.Txn = q.Txn + ":" + strconv.Itoa(i)
		}
	}
	var err error
	if q.Result, err = json.Marshal(operations); err != nil {
		return fmt.Errorf("request %s: %w", q.Txn, err)
	}
	q.SettledAt = w.now
	return w.tx.SettleRequest(q)
}

// SettleRequest settles a request that could not be carried out, unless another
// process has taken it.
func (d *Directory) SettleRequest(ctx context.Context, q WaitingRequest, outcomes []Outcome, numbered bool) error {
	err := d.store.Update(ctx, func(tx store.Tx) error {
		w := &Writer{d: d, tx: tx, actor: q.Actor, now: d.now()}
		if err := w.Claim(q.Request); err != nil {
			return err
		}
		if err := w.Settle(q.Request, outcomes, numbered); err != nil {
			return err
		}
		return tx.AppendEvents(w.events)
	})
	if errors.Is(err, ErrTaken) {
		return nil
	}
	return err
}

// SweepRequests forgets what became of requests a day ago.
func (d *Directory) SweepRequests(ctx context.Context) error {
	for more := true; more; {
		err := d.store.Update(ctx, func(tx store.Tx) error {
			n, err := tx.DeleteRequests(d.now().Add(-keepRequests), requestSweep)
			more = n == requestSweep
			return err
		})
		if err != nil {
			return fmt.Errorf("old requests: %w", err)
		}
	}
	return nil
}

package directory

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/workspace-scim/workspace/store"
)

// Events calls fn for a tenant's events behind the sequence number after, the
// oldest first and at most limit of them, and never passes over one that a
// slower transaction commits later. To follow the log, call again with the Seq
// of the last one. An unknown tenant is store.ErrNotFound; what fn returns ends
// the call and is returned.
func (d *Directory) Events(ctx context.Context, tenant string, after int64, limit int, fn func(store.Event) error) error {
	return d.store.View(ctx, func(r store.Reader) error {
		t, err := tenantOf(r, tenant)
		if err != nil {
			return err
		}
		return r.Events(t.ID, after, limit, fn)
	})
}

// controlEvent is an event about a tenant, a source or a token. The subject is
// the tenant's slug, the source's public id or the token's prefix; before and
// after are marshalled as JSON objects, nil for none.
type controlEvent struct {
	tenant  int64
	source  int64 // 0 for none
	by      string
	txn     string // the request's id; "" for one of its own
	run     string // the connector's run that it is about, "" for none
	typ     string
	subject string
	before  any
	after   any
}

// tell appends the event to the transaction of the change that it tells of.
func (d *Directory) tell(tx store.Tx, c controlEvent) error {
	before, err := jsonOrNil(c.before)
	if err != nil {
		return fmt.Errorf("event %s: %w", c.typ, err)
	}
	after, err := jsonOrNil(c.after)
	if err != nil {
		return fmt.Errorf("event %s: %w", c.typ, err)
	}
	if c.txn == "" {
		c.txn = d.newID()
	}
	return tx.AppendEvents([]store.Event{{
		Tenant: c.tenant, Time: d.now(), Txn: c.txn, Run: c.run, Actor: c.by, Source: c.source,
		Type: c.typ, Outcome: OutcomeApplied, Subject: c.subject, Before: before, After: after,
	}})
}

func jsonOrNil(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	return json.Marshal(v)
}

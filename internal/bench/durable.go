package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"github.com/workspace-scim/workspace/store/gormstore"
)

// durable is the floor of a create: a copy of a server's database that this
// process writes the same rows to.
type durable struct {
	store  store.Store
	tenant store.Tenant
	source store.Source
	user   *schema.ResourceType
	next   int // number of the next person
}

func openDurable(ctx context.Context, url string) (*durable, error) {
	st, err := gormstore.Open(ctx, gormstore.Config{URL: url, Logger: slog.New(slog.DiscardHandler), Exclusive: true})
	if err != nil {
		return nil, err
	}
	d := &durable{store: st, user: schema.Must().User, next: newcomers}
	err = st.View(ctx, func(r store.Reader) (err error) {
		if d.tenant, err = r.Tenant(tenantName); err != nil {
			return err
		}
		d.source, err = r.Source(d.tenant.ID, sourceName)
		return err
	})
	return d, err
}

func (d *durable) close() error { return d.store.Close() }

// row is what a create writes.
type row struct {
	resource store.Resource
	link     store.Link
	event    store.Event
}

// rowsPerSecond is how many users are prepared for each second: more than are
// written.
const rowsPerSecond = 30_000

// creates makes the side that writes users. The rows are prepared here, so that
// a round measures nothing but writing.
func (d *durable) creates(ctx context.Context, round time.Duration) (side, error) {
	rows := make([]row, int(rowsPerSecond*round.Seconds())+1)
	for i := range rows {
		var err error
		if rows[i], err = d.row(d.next + i); err != nil {
			return side{}, err
		}
	}
	d.next += len(rows)
	var taken atomic.Int64
	return side{step: func(*client) error {
		i := taken.Add(1) - 1
		if i >= int64(len(rows)) {
			return errEnough
		}
		return d.write(ctx, rows[i])
	}}, nil
}

func (d *durable) row(number int) (row, error) {
	p := personOf(number)
	in, err := document.Decode(d.user, p.appendBody(nil), nil)
	if err != nil {
		return row{}, fmt.Errorf("the made-up user: %w", err)
	}
	now := time.Now()
	r := store.Resource{
		Tenant: d.tenant.ID, Kind: schema.User, ID: uuid.Must(uuid.NewV7()).String(),
		UniqueKey: schema.Fold(p.userName()), Display: in.Object.Text(d.user.DisplayName),
		Authority: d.source.ID, Class: reconcile.ClassCloudOnly, State: store.Live, StateAt: now,
		Version: 1, CreatedAt: now, ModifiedAt: now,
		Doc: document.Encode(d.user, in.Object), Keys: document.Keys(in.Object),
	}
	return row{
		resource: r,
		link: store.Link{
			Tenant: r.Tenant, Kind: r.Kind, Source: d.source.ID, ExternalID: p.externalID(),
			State: store.Linked, Version: 1, CreatedAt: now, ModifiedAt: now,
		},
		event: store.Event{
			Tenant: r.Tenant, Time: now, Txn: uuid.NewString(), Actor: "bench", Source: d.source.ID,
			Type: "user.created", Outcome: directory.OutcomeApplied, Subject: r.ID, After: r.Doc,
		},
	}, nil
}

func (d *durable) write(ctx context.Context, row row) error {
	return d.store.Update(ctx, func(tx store.Tx) error {
		r, l, e := row.resource, row.link, row.event
		if err := tx.InsertResource(&r); err != nil {
			return err
		}
		l.RID, e.SubjectRID = r.RID, r.RID
		if err := tx.PutLink(nil, &l); err != nil {
			return err
		}
		return tx.AppendEvents([]store.Event{e})
	})
}

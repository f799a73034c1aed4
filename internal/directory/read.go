package directory

import (
	"context"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Reading is one consistent look at the directory through the eyes of an actor.
type Reading struct {
	d     *Directory
	r     store.Reader
	actor Actor
}

// Read runs fn on one snapshot. The Reading must not be used after it returned.
func (d *Directory) Read(ctx context.Context, a Actor, fn func(*Reading) error) error {
	return d.store.View(ctx, func(r store.Reader) error {
		if err := a.expect(r); err != nil {
			return err
		}
		return fn(&Reading{d: d, r: r, actor: a})
	})
}

// Look runs fn like Read, for a fn that reads one thing: what it reads besides
// may be newer. It saves the database round trips.
func (d *Directory) Look(ctx context.Context, a Actor, fn func(*Reading) error) error {
	return d.store.Look(ctx, func(r store.Reader) error {
		if err := a.expect(r); err != nil {
			return err
		}
		return fn(&Reading{d: d, r: r, actor: a})
	})
}

// Get gets a resource as the actor sees it, with its groups if asked for;
// store.ErrNotFound if it sees none.
func (r *Reading) Get(t *schema.ResourceType, id string, groups bool) (store.Record, error) {
	return r.r.Record(r.actor.View(), t.Kind, id, groups)
}

// List gives a page of resources in the order of the query, whose View is the
// actor's, whatever it says. See store.Reader.List; row must not read.
func (r *Reading) List(q store.Query, row func(*store.Record) error) (store.Page, error) {
	q.View = r.actor.View()
	return r.r.List(q, row)
}

// Members calls row for each member of a group that the actor sees, in the
// order in which they were created.
func (r *Reading) Members(group int64, row func(store.Member) error) error {
	return r.r.Members(r.actor.View(), group, row)
}

// Source names a source of the actor's tenant.
func (r *Reading) Source(id int64) (store.Source, error) {
	return r.d.SourceInfo(r.r, r.actor.Tenant.ID, id)
}

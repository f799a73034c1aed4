package directory

import (
	"context"
	"fmt"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Schema gives the resource types and schemas of a tenant: the standard ones
// and its custom attributes, as of t.SchemaVersion. It is compiled once.
func (d *Directory) Schema(ctx context.Context, t store.Tenant) (*schema.Set, error) {
	key := schemaKey{t.ID, t.SchemaVersion}
	d.mu.RLock()
	set := d.schemas[key]
	d.mu.RUnlock()
	if set != nil {
		return set, nil
	}
	var custom []schema.Custom
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		custom, err = r.CustomAttributes(t.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("directory: schema of %s: %w", t.Slug, err)
	}
	// A version stands for exactly so many attributes, so a set that is read
	// while another request declares one is not cached under the older version.
	set, err = schema.New(custom)
	if err != nil {
		return nil, fmt.Errorf("directory: schema of %s: %w", t.Slug, err)
	}
	if len(custom) == t.SchemaVersion {
		d.mu.Lock()
		d.schemas[key] = set
		delete(d.schemas, schemaKey{t.ID, t.SchemaVersion - 1})
		d.mu.Unlock()
	}
	return set, nil
}

// DeclareAttributes adds custom attributes to a tenant (row E095) and gives the
// tenant as it is then. Declaring one twice changes nothing.
func (d *Directory) DeclareAttributes(ctx context.Context, a Actor, attrs []schema.Custom) (store.Tenant, error) {
	var tenant store.Tenant
	err := d.store.Update(ctx, func(tx store.Tx) error {
		var events []store.Event
		before := a.Tenant.SchemaVersion
		for _, c := range attrs {
			if err := tx.DeclareAttribute(a.Tenant.ID, &c); err != nil {
				return err
			}
		}
		var err error
		if tenant, err = tx.Tenant(a.Tenant.Slug); err != nil {
			return err
		}
		if tenant.SchemaVersion == before {
			return nil
		}
		for _, c := range attrs {
			events = append(events, store.Event{
				Tenant: a.Tenant.ID, Time: d.now(), Txn: a.Txn, Actor: a.Token, Source: a.Source.ID,
				Type: "attribute.declared", Outcome: "applied", Detail: c.URN + ":" + c.Name,
			})
		}
		return tx.AppendEvents(events)
	})
	if err != nil {
		return store.Tenant{}, fmt.Errorf("directory: declare attributes: %w", err)
	}
	return tenant, nil
}

// SourceInfo gives a source of the tenant by its id, for naming it. What it
// gives may have older policies and mode than the database.
func (d *Directory) SourceInfo(r store.Reader, tenant, id int64) (store.Source, error) {
	d.mu.RLock()
	s, ok := d.sources[id]
	d.mu.RUnlock()
	if ok && s.Tenant == tenant {
		return s, nil
	}
	all, err := r.Sources(tenant)
	if err != nil {
		return store.Source{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range all {
		d.sources[s.ID] = s
	}
	if s, ok := d.sources[id]; ok && s.Tenant == tenant {
		return s, nil
	}
	return store.Source{}, store.ErrNotFound
}

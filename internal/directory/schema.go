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

// DeclareAttributes adds custom attributes to a tenant, for its administrator
// (row E095). Declaring one that is there again changes nothing; with another
// type, or by a name that isn't of the form, it is a Violation.
func (d *Directory) DeclareAttributes(ctx context.Context, a Actor, attrs []schema.Custom) error {
	set, err := d.Schema(ctx, a.Tenant)
	if err != nil {
		return err
	}
	for _, c := range attrs {
		if !schema.CustomURN(c.URN) || !schema.ValidName(c.Name) {
			return invalid(c.URN+":"+c.Name, "It is no name for a custom attribute.", "Use urn:ietf:params:scim:schemas:extension:NAME:2.0:User:ATTRIBUTE.")
		}
		extension := set.User.Root.Sub(c.URN)
		if extension == nil {
			continue
		}
		if known := extension.Sub(c.Name); known != nil && known.Type != c.Type {
			return invalid(known.Path, "It is there with the type "+known.Type.String()+", and a type is for good.", "Declare another one.")
		}
	}
	_, err = d.Write(ctx, a, false, func(w *Writer) error {
		_, err := w.Declare(attrs)
		return err
	})
	return err
}

// Provisional gives a tenant's schemas, and their version, as they will be when
// these attributes are declared. Nothing is kept.
func (d *Directory) Provisional(ctx context.Context, a Actor, attrs []schema.Custom) (set *schema.Set, version int, err error) {
	_, err = d.Write(ctx, a, true, func(w *Writer) (err error) {
		if version, err = w.Declare(attrs); err != nil {
			return err
		}
		custom, err := w.tx.CustomAttributes(a.Tenant.ID)
		if err != nil {
			return err
		}
		set, err = schema.New(custom)
		return err
	})
	return set, version, err
}

// Declare adds custom attributes to the tenant and gives the version of its
// schemas that has them.
func (w *Writer) Declare(attrs []schema.Custom) (version int, err error) {
	tenant, err := w.tx.Tenant(w.actor.Tenant.Slug)
	if err != nil {
		return 0, err
	}
	for _, c := range attrs {
		before := tenant.SchemaVersion
		if err := w.tx.DeclareAttribute(tenant.ID, &c); err != nil {
			return 0, fmt.Errorf("directory: declare %s:%s: %w", c.URN, c.Name, err)
		}
		if tenant, err = w.tx.Tenant(tenant.Slug); err != nil {
			return 0, err
		}
		if tenant.SchemaVersion > before {
			w.event("attribute.declared", nil).Detail = c.URN + ":" + c.Name
		}
	}
	return tenant.SchemaVersion, nil
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

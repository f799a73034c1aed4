package storetest

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func tenantChecks() []check {
	return []check{
		{"an empty store has no tenants", noTenants},
		{"a created tenant reads back whole", tenantReadsBack},
		{"a created tenant has an active workspace source", tenantHasWorkspaceSource},
		{"a taken slug is ErrExists and writes nothing", tenantSlugTaken},
		{"an update writes all but id, slug and creation", tenantUpdate},
		{"an update of an unknown tenant is ErrNotFound", tenantUpdateUnknown},
		{"an unknown slug is ErrNotFound", tenantUnknown},
	}
}

func tenantOf(w *world, slug string) store.Tenant {
	w.Helper()
	return read(w, func(r store.Reader) (store.Tenant, error) { return r.Tenant(slug) })
}

func allTenants(w *world) []store.Tenant {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Tenant, error) { return r.Tenants() })
}

// noTenants must come first: the checks of a subject share a store.
func noTenants(t *testing.T, s store.Store) {
	w := &world{tb: t, s: s}
	equal(w, "tenants of a fresh store", allTenants(w), []store.Tenant{})
}

func tenantReadsBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	want := newTenant()
	want.Domains, want.SyncEnabled, want.SchemaVersion = []string{"contoso.com", "fabrikam.example"}, true, 7
	w.update(func(tx store.Tx) error { return tx.CreateTenant(&want, uuid.NewString()) })
	if want.ID == 0 {
		t.Error("CreateTenant left the ID at 0")
	}
	equal(w, "tenant", tenantOf(w, want.Slug), want)
	var listed []store.Tenant
	for _, each := range allTenants(w) {
		if each.ID == want.ID {
			listed = append(listed, each)
		}
	}
	equal(w, "tenant in the list", listed, []store.Tenant{want})
}

func tenantHasWorkspaceSource(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	tenant, public := newTenant(), uuid.NewString()
	w.update(func(tx store.Tx) error { return tx.CreateTenant(&tenant, public) })
	got := read(w, func(r store.Reader) ([]store.Source, error) { return r.Sources(tenant.ID) })
	want := []store.Source{{Tenant: tenant.ID, PublicID: public, Kind: store.SourceWorkspace, Mode: store.ModeActive}}
	if len(got) != 1 || got[0].ID == 0 || got[0].Name == "" {
		t.Fatalf("sources of a new tenant: %+v", got)
	}
	got[0].ID, got[0].Name, got[0].CreatedAt = 0, "", want[0].CreatedAt
	equal(w, "workspace source", got, want)
}

func tenantSlugTaken(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	first, second, third := newTenant(), newTenant(), newTenant()
	second.Slug = first.Slug
	public := uuid.NewString()
	w.update(func(tx store.Tx) error {
		return errors.Join(
			tx.CreateTenant(&first, uuid.NewString()),
			expect(tx.CreateTenant(&second, public), store.ErrExists),
			tx.CreateTenant(&third, uuid.NewString()),
		)
	})
	equal(w, "the first tenant", tenantOf(w, first.Slug), first)
	equal(w, "the tenant after the refused one", tenantOf(w, third.Slug), third)
	_, err := tryRead(w, func(r store.Reader) (store.Source, error) { return r.SourceByPublicID(public) })
	w.is(err, store.ErrNotFound)
}

func tenantUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	before := newTenant()
	before.Domains = []string{"contoso.com"}
	w.update(func(tx store.Tx) error { return tx.CreateTenant(&before, uuid.NewString()) })

	after := before
	after.Slug, after.CreatedAt = "other-"+before.Slug, at(9)
	after.DisplayName, after.Domains, after.SyncEnabled, after.SchemaVersion = "Fabrikam", []string{"a.example", "b.example"}, true, 3
	w.update(func(tx store.Tx) error { return tx.UpdateTenant(&after) })
	want := after
	want.Slug, want.CreatedAt = before.Slug, before.CreatedAt
	equal(w, "updated tenant", tenantOf(w, before.Slug), want)

	cleared := store.Tenant{ID: before.ID}
	w.update(func(tx store.Tx) error { return tx.UpdateTenant(&cleared) })
	equal(w, "cleared tenant", tenantOf(w, before.Slug), store.Tenant{ID: before.ID, Slug: before.Slug, CreatedAt: before.CreatedAt})
}

func tenantUpdateUnknown(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.is(s.Update(t.Context(), func(tx store.Tx) error { return tx.UpdateTenant(&store.Tenant{ID: 1 << 40}) }), store.ErrNotFound)
}

func tenantUnknown(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, slug := range []string{"", "nobody", "%", "' OR '1'='1"} {
		_, err := tryRead(w, func(r store.Reader) (store.Tenant, error) { return r.Tenant(slug) })
		w.is(err, store.ErrNotFound)
	}
}

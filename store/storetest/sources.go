package storetest

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func sourceChecks() []check {
	return []check{
		{"a created source reads back whole, in three ways", sourceReadsBack},
		{"sources come in the order of their ids", sourcesInOrder},
		{"a taken name or directory domain is ErrExists", sourceNameTaken},
		{"another tenant may use the same name and domain", sourceNameElsewhere},
		{"a taken public id is ErrExists in any tenant", sourcePublicIDTaken},
		{"an update writes display name, mode and policies only", sourceUpdate},
		{"an update of an unknown source is ErrNotFound", sourceUpdateUnknown},
		{"an unknown source is ErrNotFound", sourceUnknown},
	}
}

func sourceOf(w *world, tenant int64, name string) store.Source {
	w.Helper()
	return read(w, func(r store.Reader) (store.Source, error) { return r.Source(tenant, name) })
}

func sourceReadsBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	want := newSource(w.tenant, store.SourceEntra, "entra")
	want.DirectoryDomain, want.DisplayName, want.Mode = "corp.contoso.com", "Contoso", store.ModeDisabled
	want.Policies = store.Policies{
		Names: "derive", Park: true, AnyDisables: true, RequireVerifiedDomain: true, MatchUserName: true, KnownAttributesOnly: true,
	}
	w.update(func(tx store.Tx) error { return tx.CreateSource(&want) })
	if want.ID == 0 {
		t.Error("CreateSource left the ID at 0")
	}
	equal(w, "source by name", sourceOf(w, w.tenant, "entra"), want)
	equal(w, "source by public id", read(w, func(r store.Reader) (store.Source, error) { return r.SourceByPublicID(want.PublicID) }), want)
	all := read(w, func(r store.Reader) ([]store.Source, error) { return r.Sources(w.tenant) })
	equal(w, "last source of the tenant", all[len(all)-1], want)
}

func sourcesInOrder(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	z, a := newSource(w.tenant, store.SourceAPI, "z"), newSource(w.tenant, store.SourcePeer, "a")
	w.update(func(tx store.Tx) error { return errors.Join(tx.CreateSource(&z), tx.CreateSource(&a)) })
	var ids []int64
	for _, src := range read(w, func(r store.Reader) ([]store.Source, error) { return r.Sources(w.tenant) }) {
		ids = append(ids, src.ID)
	}
	equal(w, "ids", ids, sorted([]int64{w.manual, w.ad, w.hr, z.ID, a.ID}))
}

func sourceNameTaken(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	first := newSource(w.tenant, store.SourceAD, "corp")
	first.DirectoryDomain = "corp.contoso.com"
	sameName := newSource(w.tenant, store.SourceAPI, "corp")
	sameDomain := newSource(w.tenant, store.SourceAPI, "other")
	sameDomain.DirectoryDomain = first.DirectoryDomain
	last := newSource(w.tenant, store.SourceAPI, "last")
	w.update(func(tx store.Tx) error {
		return errors.Join(
			tx.CreateSource(&first),
			expect(tx.CreateSource(&sameName), store.ErrExists),
			expect(tx.CreateSource(&sameDomain), store.ErrExists),
			tx.CreateSource(&last),
		)
	})
	equal(w, "the first", sourceOf(w, w.tenant, "corp"), first)
	equal(w, "the one after the refused", sourceOf(w, w.tenant, "last"), last)
	_, err := tryRead(w, func(r store.Reader) (store.Source, error) { return r.Source(w.tenant, "other") })
	w.is(err, store.ErrNotFound)
}

func sourceNameElsewhere(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	here, there := newSource(w.tenant, store.SourceAD, "corp"), newSource(other.tenant, store.SourceAD, "corp")
	here.DirectoryDomain, there.DirectoryDomain = "corp.contoso.com", "corp.contoso.com"
	w.update(func(tx store.Tx) error { return errors.Join(tx.CreateSource(&here), tx.CreateSource(&there)) })
	equal(w, "here", sourceOf(w, w.tenant, "corp"), here)
	equal(w, "there", sourceOf(w, other.tenant, "corp"), there)
}

func sourcePublicIDTaken(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	first, second := newSource(w.tenant, store.SourceAD, "first"), newSource(other.tenant, store.SourceAD, "second")
	second.PublicID = first.PublicID
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.CreateSource(&first), expect(tx.CreateSource(&second), store.ErrExists))
	})
	equal(w, "source by public id", read(w, func(r store.Reader) (store.Source, error) { return r.SourceByPublicID(first.PublicID) }), first)
}

func sourceUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	before := newSource(w.tenant, store.SourceAPI, "payroll")
	w.update(func(tx store.Tx) error { return tx.CreateSource(&before) })
	after := before
	after.DisplayName, after.Mode, after.Policies = "Pay roll", store.ModeStaging, store.Policies{Names: "require", Park: true}
	want := after
	after.Name, after.Kind, after.DirectoryDomain, after.PublicID, after.CreatedAt = "x", store.SourceAD, "x", uuid.NewString(), at(5)
	w.update(func(tx store.Tx) error { return tx.UpdateSource(&after) })
	equal(w, "updated source", sourceOf(w, w.tenant, "payroll"), want)

	cleared := before
	w.update(func(tx store.Tx) error { return tx.UpdateSource(&cleared) })
	equal(w, "source with default policies", sourceOf(w, w.tenant, "payroll"), before)
}

func sourceUpdateUnknown(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	foreign := newSource(other.tenant, store.SourceAD, "ad")
	foreign.ID = w.ad
	foreign.Mode = store.ModeDisabled
	unknown := newSource(w.tenant, store.SourceAD, "ad")
	unknown.ID = 1 << 40
	for _, src := range []store.Source{foreign, unknown} {
		w.is(s.Update(t.Context(), func(tx store.Tx) error { return tx.UpdateSource(&src) }), store.ErrNotFound)
	}
	if got := sourceOf(w, w.tenant, "ad").Mode; got != store.ModeActive {
		t.Errorf("another tenant's update made the mode %q", got)
	}
}

func sourceUnknown(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	_, err := tryRead(w, func(r store.Reader) (store.Source, error) { return r.Source(w.tenant, "nobody") })
	w.is(err, store.ErrNotFound)
	_, err = tryRead(w, func(r store.Reader) (store.Source, error) { return r.SourceByPublicID(uuid.NewString()) })
	w.is(err, store.ErrNotFound)
	none := read(w, func(r store.Reader) ([]store.Source, error) { return r.Sources(1 << 40) })
	equal(w, "sources of an unknown tenant", none, []store.Source{})
}

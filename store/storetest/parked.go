package storetest

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func parkedChecks() []check {
	return []check{
		{"what is parked is found by its source and reference", parkedFound},
		{"parking twice changes nothing", parkedTwice},
		{"unparking forgets exactly one", parkedForgotten},
		{"a group's parked members are found by its source", parkedMembers},
		{"who waits no longer isn't found by what arrives at the same time", parkedNoLonger},
		{"a reference to what only something of another kind is named waits", parkedBeside},
	}
}

func parked(w *world, source int64, ref string) []store.Parked {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Parked, error) {
		all, err := r.Parked(source, ref)
		slices.SortFunc(all, func(a, b store.Parked) int { return cmp.Or(cmp.Compare(a.RID, b.RID), cmp.Compare(a.Kind, b.Kind)) })
		return all, err
	})
}

// parkedWorld parks three references to E-9 and two others.
func parkedWorld(t *testing.T, s store.Store) (w *world, waiting []store.Parked) {
	w = newWorld(t, s)
	anna, g := w.user(w.ad, "anna", ""), w.group(w.ad, "Sales", "")
	park := func(source int64, ref string, kind store.ParkedKind, r store.Resource) store.Parked {
		t.Helper()
		p := store.Parked{Tenant: w.tenant, Source: source, Ref: ref, Kind: kind, RID: r.RID}
		w.update(func(tx store.Tx) error { return tx.Park(p) })
		return p
	}
	waiting = []store.Parked{
		park(w.hr, "E-9", store.ParkedManager, anna),
		park(w.hr, "E-9", store.ParkedMember, anna),
		park(w.hr, "E-9", store.ParkedMember, g),
	}
	park(w.hr, "e-9", store.ParkedManager, anna)
	park(w.ad, "E-9", store.ParkedManager, g)
	return w, waiting
}

// A group is named as the reference is, and nothing has an anchor of that name:
// that was looked for, and stays so.
func parkedBeside(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, g := w.user(w.ad, "anna", ""), w.group(w.ad, "boss", "")
	p := store.Parked{Tenant: w.tenant, Source: w.ad, Ref: g.ID, Kind: store.ParkedManager, RID: anna.RID}
	w.update(func(tx store.Tx) error {
		links, err := tx.Links(g.RID)
		if err != nil {
			return err
		}
		named := links[0]
		named.ExternalID = p.Ref
		return tx.PutLink(&links[0], &named)
	})
	w.update(func(tx store.Tx) error {
		if _, err := tx.FindAnchor(w.tenant, schema.Group, p.Ref); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		return tx.Park(p)
	})
	equal(w, "what waits", parked(w, w.ad, p.Ref), []store.Parked{p})
}

func parkedFound(t *testing.T, s store.Store) {
	w, waiting := parkedWorld(t, s)
	equal(w, "parked", parked(w, w.hr, "E-9"), waiting)
	equal(w, "parked by another reference", len(parked(w, w.hr, "e-9")), 1)
	equal(w, "parked by another source", len(parked(w, w.ad, "E-9")), 1)
	for _, ref := range []string{"", "E-", "%", "E_9"} {
		equal(w, "parked as "+ref, parked(w, w.hr, ref), nil)
	}
}

func parkedTwice(t *testing.T, s store.Store) {
	w, waiting := parkedWorld(t, s)
	w.update(func(tx store.Tx) error { return errors.Join(tx.Park(waiting[0]), tx.Park(waiting[0])) })
	equal(w, "parked", parked(w, w.hr, "E-9"), waiting)
}

func parkedForgotten(t *testing.T, s store.Store) {
	w, waiting := parkedWorld(t, s)
	w.update(func(tx store.Tx) error { return errors.Join(tx.Unpark(waiting[1]), tx.Unpark(waiting[1])) })
	equal(w, "parked", parked(w, w.hr, "E-9"), []store.Parked{waiting[0], waiting[2]})
	equal(w, "parked by another source", len(parked(w, w.ad, "E-9")), 1)
}

func parkedMembers(t *testing.T, s store.Store) {
	w, waiting := parkedWorld(t, s)
	g := waiting[2].RID
	for _, ref := range []string{"É", "a", "B", "Z"} {
		w.update(func(tx store.Tx) error {
			return tx.Park(store.Parked{Tenant: w.tenant, Source: w.hr, Ref: ref, Kind: store.ParkedMember, RID: g})
		})
	}
	members := func(source, group int64) []string {
		return read(w, func(r store.Reader) ([]string, error) { return r.ParkedMembers(source, group) })
	}
	equal(w, "members", members(w.hr, g), []string{"B", "E-9", "Z", "a", "É"})
	equal(w, "members of another source", members(w.ad, g), nil)
	equal(w, "members of another resource", members(w.hr, waiting[1].RID), []string{"E-9"})
	w.update(func(tx store.Tx) error { return tx.Unpark(waiting[2]) })
	equal(w, "members after one left", members(w.hr, g), []string{"B", "Z", "a", "É"})
}

// parkedNoLonger lets a group stop waiting while what it waited for arrives: in
// either order it isn't a member afterwards.
func parkedNoLonger(t *testing.T, s store.Store) {
	w, waiting := parkedWorld(t, s)
	member, g := waiting[0].RID, waiting[2]
	w.race(func(i int, tx store.Tx, arrived func()) error {
		if i == 0 { // the group's members are replaced by none
			_, err := tx.Resource(w.tenant, g.RID)
			_, _, e := tx.ReplaceMembers(w.tenant, g.RID, w.hr, nil)
			err = errors.Join(err, tx.Unpark(g), e)
			_, e = tx.ParkedMembers(w.hr, g.RID)
			arrived()
			return errors.Join(err, e)
		}
		all, err := tx.Parked(w.hr, g.Ref)
		arrived()
		if err != nil || !slices.Contains(all, g) {
			return err
		}
		_, _, err = tx.ChangeMembers(w.tenant, g.RID, w.hr, []int64{member}, nil)
		return errors.Join(err, tx.Unpark(g))
	})
	equal(w, "members", w.members(w.hr, g.RID), nil)
}

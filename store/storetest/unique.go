package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func uniqueChecks() []check {
	return []check{
		{"a unique key finds its holder", uniqueFinds},
		{"a taken key is ErrExists, writes nothing and leaves the transaction usable", uniqueTakenOnInsert},
		{"an update to a taken key is ErrExists and writes nothing", uniqueTakenOnUpdate},
		{"invisible resources neither hold nor need their key", uniqueStates},
		{"a key that was given up is free in the same transaction", uniqueHandOver},
		{"two resources trade their keys through a third", uniqueSwap},
		{"no key is no conflict", uniqueNone},
		{"a key is held per tenant and kind", uniqueScope},
		{"an id is never given twice", idTwice},
	}
}

func findUnique(w *world, kind schema.Kind, key string) (store.Resource, error) {
	w.Helper()
	return tryRead(w, func(r store.Reader) (store.Resource, error) { return r.FindUnique(w.tenant, kind, key) })
}

// holds says that want, or nobody for the zero Resource, holds the key.
func (w *world) holds(key string, want store.Resource) {
	w.Helper()
	got, err := findUnique(w, schema.User, key)
	if want.RID == 0 {
		w.is(err, store.ErrNotFound)
		return
	}
	if err != nil {
		w.Fatalf("holder of %q: %v", key, err)
	}
	equal(w, fmt.Sprintf("rid of the holder of %q", key), got.RID, want.RID)
}

func uniqueFinds(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "Anna@Contoso.com", `{"title":"Boss"}`)
	got, err := findUnique(w, schema.User, "anna@contoso.com")
	if err != nil {
		t.Fatal(err)
	}
	equal(w, "holder", got, bare(anna))
	// The key is compared as it is: folding is the caller's.
	for _, key := range []string{"Anna@Contoso.com", "anna", "", "%", "anna@contoso.com "} {
		w.holds(key, store.Resource{})
	}
}

func uniqueTakenOnInsert(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	first := w.user(w.ad, "anna", "")
	second := w.newUser(w.hr, "ANNA", `{"displayName":"Impostor"}`)
	third := w.newUser(w.hr, "bertha", "")
	w.update(func(tx store.Tx) error {
		return errors.Join(expect(tx.InsertResource(&second), store.ErrExists), tx.InsertResource(&third))
	})
	w.holds("anna", first)
	w.holds("bertha", third)
	w.finds("all users", w.users(0), "anna", "bertha")
	w.finds("users that only the refused one matches", w.where(w.users(0), `displayName eq "impostor"`))
	w.refers(w.set.User.DisplayName.Index, "impostor")
}

func uniqueTakenOnUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha := w.user(w.ad, "anna", ""), w.user(w.ad, "bertha", `{"title":"Clerk"}`)
	impostor := w.newUser(w.ad, "anna", `{"displayName":"Impostor"}`)
	impostor.RID, impostor.ID = bertha.RID, bertha.ID
	w.update(func(tx store.Tx) error {
		return errors.Join(expect(tx.UpdateResource(&bertha, &impostor), store.ErrExists), tx.Touch(anna.RID, 0, true, false, at(1)))
	})
	equal(w, "the refused", w.resource(bertha.RID), bare(bertha))
	equal(w, "version of the touched", w.resource(anna.RID).Version, int64(2))
	w.refers(w.set.User.DisplayName.Index, "impostor")
	w.refers(w.set.User.UserName.Index, "bertha", bertha)
}

func uniqueStates(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, state := range []store.State{store.Held, store.Deleted, store.Purged} {
		w.inState(state, "anna")
		w.holds("anna", store.Resource{})
	}
	orphan := w.inState(store.Orphaned, "anna")
	w.holds("anna", orphan)

	deleted := w.inState(store.Deleted, "ANNA")
	revive := func(r *store.Resource) { r.State = store.Live }
	w.is(s.Update(t.Context(), func(tx store.Tx) error { return w.changeIn(tx, deleted.RID, revive) }), store.ErrExists)
	w.change(orphan.RID, func(r *store.Resource) { r.State = store.Deleted })
	w.holds("anna", store.Resource{})
	w.change(deleted.RID, revive)
	w.holds("anna", deleted)
}

func uniqueHandOver(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	old := w.user(w.ad, "anna", "")
	young := w.newUser(w.ad, "anna", "")
	w.update(func(tx store.Tx) error {
		if err := w.changeIn(tx, old.RID, func(r *store.Resource) { r.UniqueKey = "anna.old" }); err != nil {
			return err
		}
		return tx.InsertResource(&young)
	})
	w.holds("anna", young)
	w.holds("anna.old", old)
}

func uniqueSwap(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	a, b := w.user(w.ad, "a", ""), w.user(w.ad, "b", "")
	rename := func(tx store.Tx, r store.Resource, key string) error {
		return w.changeIn(tx, r.RID, func(r *store.Resource) { r.UniqueKey = key })
	}
	w.update(func(tx store.Tx) error {
		return errors.Join(rename(tx, a, "c"), rename(tx, b, "a"), rename(tx, a, "b"))
	})
	w.holds("a", b)
	w.holds("b", a)
	w.holds("c", store.Resource{})
}

func uniqueNone(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	a, b := w.newGroup(w.ad, "Sales", ""), w.newGroup(w.ad, "Sales", "")
	w.put(&a, &b)
	_, err := findUnique(w, schema.Group, "")
	w.is(err, store.ErrNotFound)
	w.finds("groups", w.groupsQuery(0), "Sales", "Sales")
}

func uniqueScope(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, foreign := w.user(w.ad, "anna", ""), other.user(other.ad, "anna", "")
	g := w.newGroup(w.ad, "anna", "")
	g.UniqueKey = "anna"
	w.put(&g)
	w.holds("anna", anna)
	other.holds("anna", foreign)
	got, err := findUnique(w, schema.Group, "anna")
	w.is(err, nil)
	equal(w, "group", got, bare(g))
}

func idTwice(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i, state := range []store.State{store.Live, store.Purged} {
		first := w.inState(state, fmt.Sprint("first", i))
		second := w.newUser(w.ad, fmt.Sprint("second", i), "")
		second.ID = first.ID
		w.is(s.Update(t.Context(), func(tx store.Tx) error { return tx.InsertResource(&second) }), store.ErrExists)
	}
}

package storetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func linkChecks() []check {
	return []check{
		{"a link reads back whole", linkReadsBack},
		{"links come in the order of their sources, ended ones included", linksInOrder},
		{"an update writes every field", linkUpdate},
		{"a link is found by externalId, in any state", linkByExternalID},
		{"links are found by anchor across the sources of a tenant", linksByAnchor},
		{"a taken externalId or anchor is ErrExists and writes nothing", linkTaken},
		{"no externalId and no anchor is no conflict", linkWithout},
		{"a second link of the source is ErrExists", linkTwice},
		{"an externalId that was given up is free in the same transaction", linkHandOver},
	}
}

func findExternalID(w *world, source int64, kind schema.Kind, externalID string) (store.Link, error) {
	w.Helper()
	return tryRead(w, func(r store.Reader) (store.Link, error) { return r.FindExternalID(source, kind, externalID) })
}

func findAnchor(w *world, kind schema.Kind, anchor string) []store.Link {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Link, error) { return r.FindAnchor(w.tenant, kind, anchor) })
}

func linkReadsBack(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", "")
	want := w.link(w.hr, anna, func(l *store.Link) {
		l.ExternalID, l.Anchor, l.State, l.Version = "E-1", "AAECAw==", store.LinkParked, 9
		l.CreatedAt, l.ModifiedAt = at(3), at(4)
		w.own(l, `{"userName":"anna.a","title":"Boss"}`)
	})
	equal(w, "links", w.links(anna.RID), []store.Link{newLink(w.ad, anna), bareLink(want)})
	none := w.links(anna.RID + 1<<40)
	equal(w, "links of an unknown resource", none, []store.Link{})
}

func linksInOrder(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	r := w.newUser(w.hr, "anna", "")
	w.put(&r)
	ended := w.link(w.manual, r, func(l *store.Link) { l.State = store.LinkEnded })
	conflict := w.link(w.ad, r, func(l *store.Link) { l.State = store.LinkConflict })
	want := []store.Link{ended, conflict, newLink(w.hr, r)}
	equal(w, "links", w.links(r.RID), want)
}

func linkUpdate(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", "")
	before := w.link(w.hr, anna, func(l *store.Link) { l.ExternalID, l.Anchor = "E-1", "A-1" })
	after := before
	after.ExternalID, after.Anchor, after.State, after.Version = "E-2", "A-2", store.LinkConflict, 5
	after.CreatedAt, after.ModifiedAt = at(1), at(2)
	w.own(&after, `{"userName":"anna"}`)
	w.update(func(tx store.Tx) error { return tx.PutLink(&before, &after) })
	equal(w, "with a document", w.links(anna.RID)[1], bareLink(after))

	cleared := newLink(w.hr, anna)
	w.update(func(tx store.Tx) error { return tx.PutLink(&after, &cleared) })
	equal(w, "cleared", w.links(anna.RID)[1], cleared)
	for _, id := range []string{"E-1", "E-2"} {
		_, err := findExternalID(w, w.hr, schema.User, id)
		w.is(err, store.ErrNotFound)
	}
	equal(w, "links by a former anchor", findAnchor(w, schema.User, "A-2"), []store.Link{})
}

func linkByExternalID(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", "")
	for i, state := range []store.LinkState{store.Linked, store.LinkParked, store.LinkEnded, store.LinkConflict} {
		r := w.user(w.ad, fmt.Sprint("u", i), "")
		want := w.link(w.hr, r, func(l *store.Link) {
			l.ExternalID, l.State = fmt.Sprint("E-", i), state
			w.own(l, `{"userName":"x"}`)
		})
		got, err := findExternalID(w, w.hr, schema.User, want.ExternalID)
		w.is(err, nil)
		equal(w, fmt.Sprint("link in state ", state), got, bareLink(want))
	}
	w.link(w.hr, anna, func(l *store.Link) { l.ExternalID = "Case" })
	for _, id := range []string{"case", "CASE", "", "Case ", "Cas", "%", "C_se"} {
		_, err := findExternalID(w, w.hr, schema.User, id)
		w.is(err, store.ErrNotFound)
	}
	_, err := findExternalID(w, w.ad, schema.User, "Case")
	w.is(err, store.ErrNotFound)
	_, err = findExternalID(w, w.hr, schema.Group, "Case")
	w.is(err, store.ErrNotFound)
}

func linksByAnchor(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anchor := func(l *store.Link) { l.Anchor = "AAECAw==" }
	ended := func(l *store.Link) { l.Anchor, l.State = "AAECAw==", store.LinkEnded }
	r := w.newUser(w.manual, "anna", "")
	w.put(&r)
	ofHR := w.link(w.hr, r, ended)
	ofAD := w.link(w.ad, r, anchor)
	foreign := other.newUser(other.manual, "anna", "")
	other.put(&foreign)
	other.link(other.ad, foreign, anchor)
	equal(w, "links", findAnchor(w, schema.User, "AAECAw=="), []store.Link{ofAD, ofHR})
	for _, a := range []string{"aaecaw==", "", "AAECAw"} {
		equal(w, "links by "+a, findAnchor(w, schema.User, a), []store.Link{})
	}
	equal(w, "links of groups", findAnchor(w, schema.Group, "AAECAw=="), []store.Link{})
}

func linkTaken(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha, carl := w.user(w.ad, "anna", ""), w.user(w.ad, "bertha", ""), w.user(w.ad, "carl", "")
	holder := w.link(w.hr, anna, func(l *store.Link) { l.ExternalID, l.Anchor, l.State = "E-1", "A-1", store.LinkEnded })
	sameID, sameAnchor, free := newLink(w.hr, bertha), newLink(w.hr, bertha), newLink(w.hr, bertha)
	sameID.ExternalID, sameAnchor.Anchor = "E-1", "A-1"
	w.own(&sameID, `{"displayName":"Impostor"}`)
	elsewhere := newLink(w.manual, bertha)
	elsewhere.ExternalID, elsewhere.Anchor = "E-1", "A-1"
	before := w.link(w.hr, carl, func(l *store.Link) { l.ExternalID = "E-3" })
	renamed := before
	renamed.ExternalID = "E-1"
	w.update(func(tx store.Tx) error {
		return errors.Join(
			expect(tx.PutLink(nil, &sameID), store.ErrExists),
			expect(tx.PutLink(nil, &sameAnchor), store.ErrExists),
			expect(tx.PutLink(&before, &renamed), store.ErrExists),
			tx.PutLink(nil, &free),
			tx.PutLink(nil, &elsewhere),
		)
	})
	got, err := findExternalID(w, w.hr, schema.User, "E-1")
	w.is(err, nil)
	equal(w, "holder", got, holder)
	equal(w, "links of the refused", w.links(bertha.RID), []store.Link{elsewhere, newLink(w.ad, bertha), free})
	equal(w, "link of the renamed", w.links(carl.RID)[1], before)
	w.refers(w.set.User.DisplayName.Index, "impostor")
}

func linkWithout(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i := range 3 {
		w.link(w.hr, w.user(w.ad, fmt.Sprint("u", i), ""), nil)
	}
	w.finds("users of the source", w.users(w.hr), "u0", "u1", "u2")
}

func linkTwice(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", "")
	again := newLink(w.ad, anna)
	again.Version = 7
	w.is(s.Update(t.Context(), func(tx store.Tx) error { return tx.PutLink(nil, &again) }), store.ErrExists)
	equal(w, "links", w.links(anna.RID), []store.Link{newLink(w.ad, anna)})
}

func linkHandOver(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna, bertha := w.user(w.ad, "anna", ""), w.user(w.ad, "bertha", "")
	before := w.link(w.hr, anna, func(l *store.Link) { l.ExternalID, l.Anchor = "E-1", "A-1" })
	after, next := before, newLink(w.hr, bertha)
	after.ExternalID, after.Anchor, after.State = "", "", store.LinkEnded
	next.ExternalID, next.Anchor = "E-1", "A-1"
	w.update(func(tx store.Tx) error { return errors.Join(tx.PutLink(&before, &after), tx.PutLink(nil, &next)) })
	got, err := findExternalID(w, w.hr, schema.User, "E-1")
	w.is(err, nil)
	equal(w, "new holder", got, next)
}

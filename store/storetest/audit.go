package storetest

import (
	"cmp"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func auditChecks() []check {
	return []check{
		{"a walk passes everything in any state, with its links, and nothing of other tenants", walkAll},
		{"membership rows come with what became of the member", memberRows},
		{"index rows are those of the documents", indexRowsRead},
		{"tallies count what each view shows", talliesCount},
		{"what is linked is not stray", linksStray},
	}
}

func walkAll(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	other.user(other.ad, "foreign", "")
	anna, sales := w.user(w.ad, "anna", ""), w.group(w.ad, "sales", "")
	own := w.link(w.hr, anna, func(l *store.Link) { w.own(l, `{"userName":"anna.a"}`) })
	ended := w.link(w.manual, anna, func(l *store.Link) { l.State = store.LinkEnded })
	gone := w.inState(store.Purged, "berta")
	want := []store.Loaded{
		{Resource: anna, Links: []store.Link{ended, newLink(w.ad, anna), bareLink(own)}},
		{Resource: sales, Links: []store.Link{newLink(w.ad, sales)}}, {Resource: gone},
	}
	for i := range want {
		want[i].Keys = nil
	}
	slices.SortFunc(want, func(a, b store.Loaded) int { return cmp.Compare(a.ID, b.ID) })
	var got []store.Loaded
	for after := ""; ; after = got[len(got)-1].ID {
		page := read(w, func(r store.Reader) ([]store.Loaded, error) { return r.Walk(w.tenant, after, 2) })
		if got = append(got, page...); len(page) < 2 {
			break
		}
	}
	equal(w, "all", got, want)
}

func memberRows(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	g, anna, berta := w.group(w.ad, "g", ""), w.user(w.ad, "anna", ""), w.inState(store.Deleted, "berta")
	w.changeMembers(g, w.hr, []int64{anna.RID}, nil)
	w.changeMembers(g, w.ad, []int64{anna.RID, berta.RID}, nil)
	list := func(tenant int64) []store.MemberRow {
		return read(w, func(r store.Reader) (all []store.MemberRow, err error) {
			err = r.MemberRows(tenant, g.RID, func(m store.MemberRow) error { all = append(all, m); return nil })
			return all, err
		})
	}
	equal(w, "rows", list(w.tenant), []store.MemberRow{
		{Source: w.ad, Member: anna.RID, ID: anna.ID, State: store.Live, Link: store.Linked},
		{Source: w.ad, Member: berta.RID, ID: berta.ID, State: store.Deleted},
		{Source: w.hr, Member: anna.RID, ID: anna.ID, State: store.Live},
	})
	equal(w, "another tenant's", list(w.tenant+1), nil)
}

func indexRowsRead(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	other.user(other.ad, "foreign", "")
	anna := w.user(w.ad, "anna", `{"title":"Boss"}`)
	l := w.link(w.hr, anna, func(l *store.Link) { w.own(l, `{"userName":"anna.a"}`) })
	var want []store.IndexRow
	for _, k := range anna.Keys {
		want = append(want, store.IndexRow{Attr: k.Attr, Key: k.Text, RID: anna.RID})
	}
	for _, k := range l.Keys {
		want = append(want, store.IndexRow{Attr: k.Attr, Key: k.Text, RID: anna.RID, View: w.hr})
	}
	got := read(w, func(r store.Reader) (all []store.IndexRow, err error) {
		err = r.IndexRows(w.tenant, func(x store.IndexRow) error { all = append(all, x); return nil })
		byPlace(all)
		return all, err
	})
	byPlace(want)
	equal(w, "rows", got, want)
}

func byPlace(all []store.IndexRow) {
	slices.SortFunc(all, func(a, b store.IndexRow) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.Attr, b.Attr), cmp.Compare(a.Key, b.Key))
	})
}

func talliesCount(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	other.user(other.ad, "foreign", "")
	anna, _, _ := w.user(w.ad, "anna", ""), w.user(w.ad, "berta", ""), w.group(w.hr, "g", "")
	w.link(w.hr, anna, nil)
	w.changeLink(w.ad, anna.RID, func(l *store.Link) { l.State = store.LinkEnded })
	got := read(w, func(r store.Reader) ([]store.Tally, error) { return r.Tallies(w.tenant) })
	equal(w, "tallies", got, []store.Tally{
		{Kind: schema.User, Counter: 2, Rows: 2}, {Kind: schema.Group, Counter: 1, Rows: 1}, {Source: w.ad, Kind: schema.User, Counter: 1, Rows: 1},
		{Source: w.hr, Kind: schema.User, Counter: 1, Rows: 1}, {Source: w.hr, Kind: schema.Group, Counter: 1, Rows: 1},
	})
}

func linksStray(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.user(w.ad, "anna", "")
	equal(w, "strays", read(w, func(r store.Reader) ([]store.Link, error) { return r.StrayLinks(w.tenant, 9) }), nil)
}

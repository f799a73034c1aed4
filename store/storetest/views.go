package storetest

import (
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func viewChecks() []check {
	return []check{
		{"the resolved view shows live and orphaned resources only", viewResolved},
		{"a source sees what it has a live link to, whatever the state", viewSource},
		{"a resource comes and goes with its state", viewStateChanges},
		{"a resource comes and goes with the state of the link", viewLinkChanges},
		{"a source sees its own document, version and times", viewOwnDocument},
		{"a source without a document of its own sees the resolved one", viewSharedDocument},
		{"a document of one source shows in no other view", viewIsolation},
		{"a document of its own comes and goes", viewOwnComesAndGoes},
		{"presence names the sources with a live link", viewPresence},
		{"a record stays valid after the view that read it", viewRecordStays},
	}
}

// sees says whether a view shows a resource, by itself and in lists.
func (w *world) sees(source int64, r store.Resource, want bool) {
	w.Helper()
	_, err := w.tryRecord(source, r)
	if want {
		w.is(err, nil)
	} else {
		w.is(err, store.ErrNotFound)
	}
	q := w.users(source)
	if r.Kind == schema.Group {
		q = w.groupsQuery(source)
	}
	listed := false
	for _, each := range w.list(q).Records {
		listed = listed || each.RID == r.RID
	}
	if listed != want {
		w.Errorf("%s in the list of source %d: %v, want %v", r.Display, source, listed, want)
	}
}

func viewResolved(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for state := store.Live; state <= store.Purged; state++ {
		w.sees(0, w.inState(state, fmt.Sprint("u", state)), state == store.Live || state == store.Orphaned)
	}
	w.finds("users", w.users(0), "u1", "u2")
}

func viewSource(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for state := store.LinkState(0); state <= store.LinkConflict; state++ {
		anna := w.user(w.ad, fmt.Sprint("u", state), "")
		if state != 0 {
			w.link(w.hr, anna, func(l *store.Link) { l.State = state })
		}
		w.sees(w.hr, anna, state == store.Linked || state == store.LinkParked)
		w.sees(w.ad, anna, true)
		w.sees(w.manual, anna, false)
		w.sees(0, anna, true)
	}
	held := w.newUser(w.ad, "held", "")
	held.State = store.Held
	w.put(&held)
	w.sees(w.ad, held, true)
	w.sees(w.hr, held, false)
	w.sees(0, held, false)
}

func viewStateChanges(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for from := store.Live; from <= store.Purged; from++ {
		for to := store.Live; to <= store.Purged; to++ {
			r := w.inState(from, fmt.Sprint("u", from, to))
			w.change(r.RID, func(r *store.Resource) { r.State = to })
			w.sees(0, r, to.Visible())
		}
	}
}

func viewLinkChanges(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for from := store.Linked; from <= store.LinkConflict; from++ {
		for to := store.Linked; to <= store.LinkConflict; to++ {
			r := w.user(w.ad, fmt.Sprint("u", from, to), "")
			w.link(w.hr, r, func(l *store.Link) { l.State = from })
			w.changeLink(w.hr, r.RID, func(l *store.Link) { l.State = to })
			w.sees(w.hr, r, to.Live())
		}
	}
}

func viewOwnDocument(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", `{"title":"Resolved"}`)
	own := w.link(w.hr, anna, func(l *store.Link) {
		l.Version, l.CreatedAt, l.ModifiedAt = 5, at(3), at(7)
		w.own(l, `{"userName":"a.hr","title":"Own"}`)
	})
	want := store.Record{Resource: bare(anna), Presence: []int64{w.ad, w.hr}}
	equal(w, "resolved", w.record(0, anna), want)
	want.Doc, want.Version, want.CreatedAt, want.ModifiedAt = own.Doc, 5, at(3), at(7)
	equal(w, "in the source's view", w.record(w.hr, anna), want)
	equal(w, "in the source's list", w.list(w.users(w.hr)).Records, []store.Record{want})
}

func viewSharedDocument(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.newUser(w.ad, "anna", `{"title":"Resolved"}`)
	anna.Version, anna.CreatedAt, anna.ModifiedAt = 12, at(10), at(20)
	w.put(&anna)
	want := store.Record{Resource: bare(anna), Presence: []int64{w.ad}}
	want.Version, want.CreatedAt, want.ModifiedAt = 1, at(0), at(0)
	equal(w, "in the source's view", w.record(w.ad, anna), want)
	equal(w, "in the source's list", w.list(w.users(w.ad)).Records, []store.Record{want})

	w.change(anna.RID, func(r *store.Resource) { r.Doc = []byte(`{"userName":"anna","title":"Changed"}`) })
	equal(w, "after a change", string(w.record(w.ad, anna).Doc), `{"userName":"anna","title":"Changed"}`)
}

func viewIsolation(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", `{"displayName":"Anna","title":"Resolved"}`)
	w.link(w.hr, anna, func(l *store.Link) { w.own(l, `{"userName":"secret","displayName":"Secret","title":"Secret"}`) })
	w.link(w.manual, anna, func(l *store.Link) { w.own(l, `{"userName":"other","displayName":"Other","title":"Other"}`) })
	for _, view := range []struct {
		source       int64
		user, others []string
	}{
		{0, []string{"anna", "Anna", "Resolved"}, []string{"secret", "other"}},
		{w.ad, []string{"anna", "Anna", "Resolved"}, []string{"secret", "other"}},
		{w.hr, []string{"secret", "Secret", "Secret"}, []string{"anna", "other", "resolved"}},
		{w.manual, []string{"other", "Other", "Other"}, []string{"anna", "secret", "resolved"}},
	} {
		doc := fmt.Sprintf(`{"userName":%q,"displayName":%q,"title":%q}`, view.user[0], view.user[1], view.user[2])
		equal(w, "document", string(w.record(view.source, anna).Doc), doc)
		for i, attr := range []string{"userName", "displayName", "title"} {
			w.finds("by its own "+attr, w.where(w.users(view.source), fmt.Sprintf(`%s eq %q`, attr, view.user[i])), "anna")
			for _, other := range view.others {
				w.finds("by a foreign "+attr, w.where(w.users(view.source), fmt.Sprintf(`%s eq %q`, attr, other)))
				w.finds("but for a foreign "+attr, w.where(w.users(view.source), fmt.Sprintf(`%s ne %q`, attr, other)), "anna")
			}
		}
	}
}

func viewOwnComesAndGoes(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", `{"displayName":"Anna"}`)
	w.link(w.hr, anna, nil)
	byName := func(name string) store.Query { return w.where(w.users(w.hr), fmt.Sprintf(`displayName eq %q`, name)) }
	shows := func(step, want string) {
		t.Helper()
		for _, name := range []string{"Anna", "Own", "Other"} {
			if name == want {
				w.finds(step+", by "+name, byName(name), "anna")
			} else {
				w.finds(step+", by "+name, byName(name))
			}
		}
	}
	shows("without", "Anna")
	w.changeLink(w.hr, anna.RID, func(l *store.Link) { w.own(l, `{"displayName":"Own"}`) })
	shows("with", "Own")
	w.changeLink(w.hr, anna.RID, func(l *store.Link) { w.own(l, `{"displayName":"Other"}`) })
	shows("with another", "Other")
	w.changeLink(w.hr, anna.RID, func(l *store.Link) { l.Own, l.Doc, l.Keys = false, nil, nil })
	shows("without again", "Anna")
}

func viewPresence(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.newUser(w.hr, "anna", "")
	w.put(&anna)
	w.link(w.manual, anna, func(l *store.Link) { l.State = store.LinkEnded })
	w.link(w.ad, anna, func(l *store.Link) { l.State = store.LinkParked })
	nobody := w.inState(store.Orphaned, "bertha")
	for _, source := range []int64{0, w.ad, w.hr} {
		equal(w, "presence", w.record(source, anna).Presence, []int64{w.ad, w.hr})
		equal(w, "presence in a list", w.list(w.users(source)).Records[0].Presence, []int64{w.ad, w.hr})
	}
	equal(w, "presence of an orphan", w.record(0, nobody).Presence, []int64{})

	w.changeLink(w.hr, anna.RID, func(l *store.Link) { l.State = store.LinkConflict })
	w.changeLink(w.manual, anna.RID, func(l *store.Link) { l.State = store.Linked })
	equal(w, "presence after a change", w.record(0, anna).Presence, []int64{w.manual, w.ad})
}

func viewRecordStays(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	a, b := w.user(w.ad, "a", `{"title":"first"}`), w.user(w.ad, "b", `{"title":"later"}`)
	var kept store.Record
	w.view(func(r store.Reader) (err error) {
		if kept, err = r.Record(w.as(0), a.Kind, a.ID, false); err != nil {
			return err
		}
		_, err = r.Record(w.as(0), b.Kind, b.ID, false)
		return err
	})
	w.record(0, b)
	equal(w, "kept record", kept, store.Record{Resource: bare(a), Presence: []int64{w.ad}})
}

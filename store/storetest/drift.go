package storetest

import (
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Paging while resources come and go between the pages.
func driftChecks() []check {
	return []check{
		{"by position nothing is skipped or given twice while others come and go", driftPages},
		{"a position whose resource is gone still continues behind it", driftGone},
		{"an offset counts what matches now, whatever was read before", driftOffset},
		{"a position survives the change of everything before it", driftBefore},
	}
}

func driftPages(t *testing.T, s store.Store) {
	for _, sort := range []string{"", "displayName", "title"} {
		for _, descending := range []bool{false, true} {
			if sort != "" || !descending {
				driftThrough(t, s, sort, descending)
			}
		}
	}
}

// driftThrough pages through 40 residents while guests with names in between
// are inserted, and some of them deleted, after each page.
func driftThrough(t *testing.T, s store.Store, sort string, descending bool) {
	w := newWorld(t, s)
	named := func(i int) string { return fmt.Sprintf(`{"displayName":"n%03d","title":"n%03d"}`, i, i) }
	var residents []string
	var put []*store.Resource
	for i := range 40 {
		name := fmt.Sprintf("r%02d", i)
		residents = append(residents, name)
		r := w.newUser(w.ad, name, named(i*37%40*10))
		if i%8 == 7 {
			r = w.newUser(w.ad, name, "")
		}
		put = append(put, &r)
	}
	w.put(put...)
	q := w.users(0)
	q.Limit = 7
	if sort != "" {
		q.SortBy, q.Descending = w.attr(sort), descending
	}
	seen := map[string]int{}
	var guests []store.Resource
	for page := 0; ; page++ {
		got := w.list(q)
		for _, name := range got.displays() {
			seen[name]++
		}
		if got.Page.Next == nil {
			break
		}
		if q.After = got.Page.Next; page > 60 {
			t.Fatal("the pages don't end")
		}
		if page < 10 {
			guests = append(guests,
				w.user(w.ad, fmt.Sprintf("g%d-low", page), named(page)),
				w.user(w.ad, fmt.Sprintf("g%d-mid", page), named(page*41+3)),
				w.user(w.ad, fmt.Sprintf("g%d-none", page), ""))
			w.change(guests[page].RID, func(r *store.Resource) { r.State = store.Deleted })
		}
	}
	for _, name := range residents {
		if seen[name] != 1 {
			t.Errorf("sorted by %q (descending: %v), %s came %d times", sort, descending, name, seen[name])
		}
		delete(seen, name)
	}
	for name, n := range seen {
		if n > 1 {
			t.Errorf("sorted by %q (descending: %v), the guest %s came %d times", sort, descending, name, n)
		}
	}
}

func driftGone(t *testing.T, s store.Store) {
	for _, sort := range []string{"", "userName", "title"} {
		w := newWorld(t, s)
		var all []store.Resource
		for i := range 6 {
			all = append(all, w.user(w.ad, fmt.Sprint("u", i), fmt.Sprintf(`{"title":"t%d"}`, i)))
		}
		q := w.users(0)
		q.Limit = 2
		if sort != "" {
			q.SortBy = w.attr(sort)
		}
		first := w.list(q)
		for _, i := range []int{0, 1, 2} {
			w.change(all[i].RID, func(r *store.Resource) { r.State = store.Deleted })
		}
		q.After = first.Page.Next
		next := w.list(q)
		equal(w, "next page", next.displays(), []string{"u3", "u4"})
		equal(w, "total", next.Page.Total, 3)
		q.After = next.Page.Next
		last := w.list(q)
		equal(w, "last page", last.displays(), []string{"u5"})
		if last.Page.Next != nil {
			t.Errorf("sorted by %q: a page after the last", sort)
		}
	}
}

// By offset a client may be given one twice or miss one, but the same request
// gets the same answer from each server, whatever that server answered before.
func driftOffset(t *testing.T, s store.Store) {
	for _, sort := range []string{"", "userName", "title"} {
		w := newWorld(t, s)
		p := w.people("a", "b", "c", "d", "e", "f")
		for _, q := range []store.Query{w.users(0), w.users(w.ad), w.where(w.users(0), `userName ge "a"`), w.where(w.users(0), `title eq null`)} {
			if sort != "" {
				q.SortBy = w.attr(sort)
			}
			q.Limit = 2
			equal(w, "first page", w.list(q).displays(), []string{"a", "b"})
			w.change(p[0].RID, func(r *store.Resource) { r.State = store.Deleted })
			w.changeLink(w.ad, p[0].RID, func(l *store.Link) { l.State = store.LinkEnded })
			late := w.user(w.ad, "late", "")
			q.Offset = 2
			equal(w, "second page of what is there now", w.list(q).displays(), []string{"d", "e"})
			w.change(late.RID, func(r *store.Resource) { r.State, r.UniqueKey = store.Deleted, "" })
			w.changeLink(w.ad, late.RID, func(l *store.Link) { l.State = store.LinkEnded })
			w.change(p[0].RID, func(r *store.Resource) { r.State = store.Live })
			w.changeLink(w.ad, p[0].RID, func(l *store.Link) { l.State = store.Linked })
		}
	}
}

func driftBefore(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var all []store.Resource
	for i := range 6 {
		all = append(all, w.user(w.ad, fmt.Sprint("u", i), fmt.Sprintf(`{"displayName":"d%d"}`, i)))
	}
	q := w.users(0)
	q.Limit, q.SortBy = 3, w.set.User.DisplayName
	first := w.list(q)
	equal(w, "first page", first.displays(), []string{"u0", "u1", "u2"})
	// Renamed behind the position: it comes again, at its new place.
	w.change(all[1].RID, func(r *store.Resource) { r.Doc = renamed(w, "u1", "d9") })
	w.change(all[2].RID, func(r *store.Resource) { r.Doc = renamed(w, "u2", "a") })
	q.After, q.Limit = first.Page.Next, 10
	equal(w, "the rest", w.list(q).displays(), []string{"u3", "u4", "u5", "u1"})
}

func renamed(w *world, userName, displayName string) []byte {
	o := w.object(schema.User, "")
	o.SetAt(w.set.User.UserName, userName)
	o.SetAt(w.set.User.DisplayName, displayName)
	return o.AppendJSON(nil)
}

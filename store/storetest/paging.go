package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func pageChecks() []check {
	return []check{
		{"pages of every size make up the whole, by offset and by position", pagesMakeWhole},
		{"a limit of 0 gives the total only", pageOfNothing},
		{"an offset behind the end gives the total only", pageBehindEnd},
		{"an empty result has no next page", pageEmpty},
		{"NoDoc changes nothing but the document", pageNoDoc},
		{"an error of row stops the list and is returned", pageRowError},
		{"a deep page needs no scan budget", pageDeep},
	}
}

// wantPages reads a query in pages of the given size, by offset or by position,
// and says that they make up what is expected.
func (w *world) wantPages(what string, q store.Query, size int, byPosition bool, want []string) {
	w.Helper()
	q.Limit = size
	got := []string{}
	for {
		var page listed
		w.view(func(r store.Reader) (err error) {
			page, err = listIn(r, q)
			return err
		})
		got = append(got, page.displays()...)
		if err := pageFits(page, q, len(got), len(want)); err != nil {
			w.Fatalf("%s in pages of %d (by position: %v), after %d: %v", what, size, byPosition, len(got), err)
		}
		if page.Page.Next == nil || len(got) > len(want) {
			break
		}
		if byPosition {
			q.Offset, q.After = 0, page.Page.Next
		} else {
			q.Offset = len(got)
		}
	}
	equal(w, fmt.Sprintf("%s in pages of %d (by position: %v)", what, size, byPosition), got, want)
}

// pageFits judges what a page says about itself: read resources had come when
// it ended, of all that match.
func pageFits(l listed, q store.Query, read, all int) error {
	p := l.Page
	switch {
	case p.Total != all:
		return fmt.Errorf("total %d, want %d", p.Total, all)
	case p.Count != len(l.Records):
		return fmt.Errorf("count %d, but %d resources came", p.Count, len(l.Records))
	case p.Count != min(q.Limit, all-(read-p.Count)):
		return fmt.Errorf("%d resources, want a full page or the rest", p.Count)
	case read >= all && p.Next != nil:
		return errors.New("a next page, though all were given")
	case read < all && p.Next == nil:
		return errors.New("no next page, though some are left")
	case p.Next != nil && p.Next.Index != read:
		return fmt.Errorf("the next position is behind %d, want %d", p.Next.Index, read)
	case p.Next != nil && p.Next.RID != l.Records[len(l.Records)-1].RID:
		return errors.New("the next position isn't behind the last resource")
	}
	return nil
}

func pagesMakeWhole(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var put []*store.Resource
	for i := range 23 {
		doc := fmt.Sprintf(`{"displayName":"d%d","title":"t%d"}`, i*7%5, i*3%4)
		if i%6 == 5 {
			doc = ""
		}
		r := w.newUser(w.ad, fmt.Sprintf("u%02d", i), doc)
		put = append(put, &r)
	}
	w.put(put...)
	base := w.users(0)
	sortedBy := func(q store.Query, path string, descending bool) store.Query {
		q.SortBy, q.Descending = w.attr(path), descending
		return q
	}
	for what, q := range map[string]store.Query{
		"all":                          base,
		"a source's":                   w.users(w.ad),
		"by an index":                  sortedBy(base, "displayName", false),
		"by an index, descending":      sortedBy(base, "displayName", true),
		"without an index":             sortedBy(base, "title", false),
		"without an index, descending": sortedBy(w.users(w.ad), "title", true),
		"filtered by an index":         w.where(base, `displayName eq "d1" or displayName eq "d2"`),
		"filtered by a scan":           w.where(base, `title ne "t2"`),
		"both":                         sortedBy(w.where(base, `title ne "t2"`), "displayName", true),
		"both by one scan":             sortedBy(w.where(base, `title gt "t0"`), "title", false),
	} {
		q.Limit = 1000
		all := w.list(q)
		want := all.displays()
		if unique := slices.Compact(slices.Sorted(slices.Values(want))); len(unique) != len(want) || len(want) < 5 {
			t.Fatalf("%s: %q", what, want)
		}
		for _, size := range []int{1, 2, 5, len(want) - 1, len(want), len(want) + 1} {
			w.wantPages(what, q, size, false, want)
			w.wantPages(what, q, size, true, want)
		}
	}
}

func pageOfNothing(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i := range 3 {
		w.user(w.ad, fmt.Sprint("u", i), `{"title":"x"}`)
	}
	for _, f := range []string{"", `title eq "x"`, `userName eq "u1"`, `userName eq "nobody"`} {
		q := w.users(0)
		want := 3
		if f != "" {
			q = w.where(q, f)
			want = len(w.list(q).Records)
		}
		q.Limit = 0
		got := w.list(q)
		equal(w, "page of nothing, filter "+f, got, listed{Page: store.Page{Total: want}})
	}
}

func pageBehindEnd(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i := range 3 {
		w.user(w.ad, fmt.Sprint("u", i), `{"title":"x"}`)
	}
	for _, offset := range []int{3, 4, 1 << 31} {
		for _, q := range []store.Query{w.users(0), w.users(w.ad), w.where(w.users(0), `title eq "x"`)} {
			q.Offset = offset
			equal(w, fmt.Sprint("page at ", offset), w.list(q), listed{Page: store.Page{Total: 3}})
		}
	}
}

func pageEmpty(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, f := range []string{`userName eq "nobody"`, `title eq "nothing"`, `userName pr`} {
		equal(w, f, w.list(w.where(w.users(0), f)), listed{})
	}
	equal(w, "no filter", w.list(w.users(0)), listed{})
}

func pageNoDoc(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	anna := w.user(w.ad, "anna", `{"title":"x"}`)
	w.link(w.hr, anna, func(l *store.Link) {
		l.Version = 4
		w.own(l, `{"title":"x"}`)
	})
	for _, source := range []int64{0, w.ad, w.hr} {
		for _, q := range []store.Query{w.users(source), w.where(w.users(source), `title eq "x"`)} {
			with := w.list(q)
			q.NoDoc = true
			without := w.list(q)
			for _, l := range []listed{with, without} {
				l.Records[0].Doc = nil
			}
			equal(w, "without documents", without, with)
		}
	}
}

func pageRowError(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i := range 5 {
		w.user(w.ad, fmt.Sprint("u", i), `{"title":"x"}`)
	}
	enough := errors.New("enough")
	for _, q := range []store.Query{w.users(0), w.where(w.users(0), `title eq "x"`), w.where(w.users(w.ad), `userName sw "u"`)} {
		rows := 0
		err := s.View(t.Context(), func(r store.Reader) error {
			_, err := r.List(q, func(*store.Record) error {
				if rows++; rows == 2 {
					return enough
				}
				return nil
			})
			return err
		})
		if !errors.Is(err, enough) || rows != 2 {
			t.Errorf("error %v after %d rows, want %v after 2", err, rows, enough)
		}
	}
	// The transaction goes on.
	w.update(func(tx store.Tx) error {
		_, err := tx.List(w.users(0), func(*store.Record) error { return enough })
		if err := expect(err, enough); err != nil {
			return err
		}
		r := w.newUser(w.ad, "after", "")
		return tx.InsertResource(&r)
	})
	equal(w, "total", w.list(w.users(0)).Page.Total, 6)
}

func pageDeep(t *testing.T, s store.Store) {
	w := scanWorld(t, s)
	q := w.users(0)
	q.MaxScan, q.Limit, q.Offset = 5, 3, 40
	q.SortBy = w.set.User.UserName
	equal(w, "page", w.list(q).displays(), []string{"u40", "u41", "u42"})
}

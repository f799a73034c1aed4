package storetest

import (
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func scanChecks() []check {
	return []check{
		{"a filter without an index is bounded by MaxScan", scanBounded},
		{"what an index serves is not", scanIndexed},
	}
}

func scanWorld(t *testing.T, s store.Store) *world {
	w := newWorld(t, s)
	var put []*store.Resource
	for i := range 50 {
		r := w.newUser(w.ad, fmt.Sprintf("u%02d", i), fmt.Sprintf(`{"title":"t%02d","displayName":"d%02d","emails":[{"value":"e%02d@x.example"}]}`, i, i, i))
		put = append(put, &r)
	}
	w.put(put...)
	// Rows of others don't count.
	newWorld(t, s).user(0, "bystander", `{"title":"t01"}`)
	return w
}

func scanBounded(t *testing.T, s store.Store) {
	w := scanWorld(t, s)
	for _, source := range []int64{0, w.ad} {
		q := w.where(w.users(source), `title eq "t07"`)
		for _, enough := range []int{0, 50, 1000} {
			q.MaxScan = enough
			w.finds(fmt.Sprint("with MaxScan ", enough), q, "u07")
		}
		q.MaxScan = 10
		_, err := tryRead(w, func(r store.Reader) (listed, error) { return listIn(r, q) })
		w.is(err, store.ErrTooMany)
	}
}

func scanIndexed(t *testing.T, s store.Store) {
	w := scanWorld(t, s)
	for _, source := range []int64{0, w.ad} {
		for _, f := range []string{
			`userName eq "u07"`, `displayName eq "d07"`, `emails.value eq "e07@x.example"`,
			`userName eq "u07" and title eq "t07"`, `emails[value eq "e07@x.example" and type ne "work"]`,
			`userName sw "u07"`,
		} {
			q := w.where(w.users(source), f)
			q.MaxScan = 10
			w.finds(f, q, "u07")
		}
		q := w.users(source)
		q.MaxScan, q.Limit = 10, 5
		got := w.list(q)
		equal(w, "total without a filter", got.Page.Total, 50)
		equal(w, "page without a filter", got.displays(), []string{"u00", "u01", "u02", "u03", "u04"})
	}
}

package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func sortChecks() []check {
	return []check{
		{"without sortBy the order is that of creation", sortCreation},
		{"each type of attribute sorts by its values", sortTypes},
		{"ties stay in the order of creation, also descending", sortTies},
		{"several values sort by the primary, else the first", sortSeveral},
		{"a view sorts by its own values", sortViews},
		{"sorting combines with filters", sortFiltered},
	}
}

func (w *world) attr(path ...string) *schema.Attribute {
	w.Helper()
	a := w.set.User.Root
	for _, name := range path {
		if a = a.Sub(name); a == nil {
			w.Fatalf("this suite names an unknown attribute: %q", path)
		}
	}
	return a
}

func sortCreation(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i, name := range []string{"c", "a", "b"} {
		r := w.newUser(w.ad, name, "")
		r.CreatedAt = at(-i) // the order is that of insertion, whatever the clock said
		w.put(&r)
	}
	w.finds("users", w.users(0), "c", "a", "b")
	w.finds("users of a source", w.users(w.ad), "c", "a", "b")
}

func sortTypes(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.user(w.ad, "c", "")
	w.user(w.ad, "B", fmt.Sprintf(`{"displayName":"b","externalId":"b","title":"x10","active":true,"name":{"familyName":"É"},%q:{"employeeHireDate":"2026-03-01T10:00:00+02:00"},%q:{"employeeNumber":"10"}}`, schema.WorkspaceUserURN, schema.EnterpriseUserURN))
	w.user(w.ad, "a", fmt.Sprintf(`{"displayName":"C","externalId":"C","title":"X9","active":false,"name":{"familyName":"z"},%q:{"employeeHireDate":"2026-03-01T09:00:00Z"},%q:{"employeeNumber":"9"}}`, schema.WorkspaceUserURN, schema.EnterpriseUserURN))
	for _, tt := range []struct {
		by   *schema.Attribute
		want []string
	}{
		{w.set.User.UserName, []string{"a", "B", "c"}},
		{w.set.User.DisplayName, []string{"B", "a", "c"}},
		{w.set.User.ExternalID, []string{"a", "B", "c"}}, // caseExact, so C is before b
		{w.attr("title"), []string{"B", "a", "c"}},
		{w.set.User.Active, []string{"a", "B", "c"}},
		{w.attr("name", "familyName"), []string{"a", "B", "c"}},
		{w.attr(schema.WorkspaceUserURN, "employeeHireDate"), []string{"B", "a", "c"}},
		{w.attr(schema.EnterpriseUserURN, "employeeNumber"), []string{"B", "a", "c"}},
	} {
		for _, source := range []int64{0, w.ad} {
			q := w.users(source)
			q.SortBy = tt.by
			w.finds("by "+tt.by.Path, q, tt.want...)
			q.Descending = true
			slices.Reverse(tt.want)
			w.finds("descending by "+tt.by.Path, q, tt.want...)
			slices.Reverse(tt.want)
		}
	}
}

func sortTies(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i, doc := range []string{`{"title":"b"}`, "", `{"title":"a"}`, `{"title":"B"}`, "", `{"title":"A"}`} {
		w.user(w.ad, fmt.Sprint("u", i), doc)
	}
	q := w.users(0)
	q.SortBy = w.attr("title")
	w.finds("ascending", q, "u2", "u5", "u0", "u3", "u1", "u4")
	q.Descending = true
	w.finds("descending", q, "u1", "u4", "u0", "u3", "u2", "u5")
}

// RFC 7644 §3.4.2.3: a multi-valued attribute sorts by its primary value, or
// else by the first. Each resource comes once, however many values it has.
func sortSeveral(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.user(w.ad, "first", `{"emails":[{"value":"m@x"},{"value":"a@x"},{"value":"z@x"}]}`)
	w.user(w.ad, "primary", `{"emails":[{"value":"z@x"},{"value":"B@x","primary":true}]}`)
	w.user(w.ad, "none", "")
	w.user(w.ad, "single", `{"emails":[{"value":"k@x"}]}`)
	q := w.users(0)
	q.SortBy = w.attr("emails", "value")
	w.finds("ascending", q, "primary", "single", "first", "none")
	q.Descending = true
	w.finds("descending", q, "none", "first", "single", "primary")
}

func sortViews(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	a, b := w.newUser(w.ad, "a", `{"displayName":"a"}`), w.newUser(w.ad, "b", `{"displayName":"b"}`)
	a.ModifiedAt, b.ModifiedAt = at(1), at(2)
	w.put(&a, &b)
	w.link(w.hr, a, func(l *store.Link) {
		l.ModifiedAt = at(9)
		w.own(l, `{"displayName":"z"}`)
	})
	w.link(w.hr, b, func(l *store.Link) { l.ModifiedAt = at(8) })
	for _, by := range []*schema.Attribute{w.set.User.DisplayName, w.set.User.Meta.Sub("lastModified")} {
		resolved, own := w.users(0), w.users(w.hr)
		resolved.SortBy, own.SortBy = by, by
		w.finds("resolved, by "+by.Path, resolved, "a", "b")
		w.finds("a source's, by "+by.Path, own, "b", "a")
	}
	q := w.users(0)
	q.SortBy = w.set.User.ID
	want := []string{"a", "b"}
	if a.ID > b.ID {
		want = []string{"b", "a"}
	}
	w.finds("by id", q, want...)
}

func sortFiltered(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, name := range []string{"d", "a", "c", "b"} {
		w.user(w.ad, name, fmt.Sprintf(`{"displayName":%q,"title":"x","emails":[{"value":"%s@x.example"},{"value":"info@x.example"}]}`, name, name))
	}
	for _, f := range []string{`title eq "x"`, `emails.value eq "info@x.example"`, `displayName pr`, `emails.value ew "x.example"`} {
		q := w.where(w.users(0), f)
		q.SortBy = w.set.User.DisplayName
		w.finds(f, q, "a", "b", "c", "d")
		q.Descending, q.SortBy = true, w.set.User.UserName
		w.finds(f+" descending", q, "d", "c", "b", "a")
	}
}

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
		{"numbers, dates and booleans of custom attributes sort as such", sortCustom},
		{"equal numbers are ties, however they are written", sortEqualNumbers},
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

func sortCustom(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for name, custom := range map[string]struct {
		typ    schema.Type
		values []string // as they should come
	}{
		"rate":  {schema.Decimal, []string{"-1e3", "-10", "-2.5", "-0.5", "0", "0.25", "2", "10", "1.5e1", "123456789012"}},
		"count": {schema.Integer, []string{"-10", "-9", "0", "9", "10", "100"}},
		"flag":  {schema.Boolean, []string{"false", "true"}},
		"since": {schema.DateTime, []string{`"1899-12-31T00:00:00Z"`, `"1970-01-01"`, `"2026-03-01T10:00:00+02:00"`, `"2026-03-01T08:30:00Z"`, `"2026-03-01T08:30:00.0005Z"`, `"9999-12-31"`}},
	} {
		set, err := schema.New([]schema.Custom{declare(w, schema.Custom{URN: customURN, Name: name, Type: custom.typ})})
		w.is(err, nil)
		other := newWorld(t, s)
		other.set = set
		other.user(other.ad, "none", "")
		for i := range custom.values { // the middle first
			v := custom.values[(i+len(custom.values)/2)%len(custom.values)]
			r := other.newUser(other.ad, name+v, fmt.Sprintf(`{%q:{%q:%s}}`, customURN, name, v))
			r.Display = v
			other.put(&r)
		}
		q := other.users(other.ad)
		q.SortBy = other.attr(customURN, name)
		other.finds("by "+name, q, append(slices.Clone(custom.values), "none")...)
		q.Descending = true
		backwards := append([]string{"none"}, custom.values...)
		slices.Reverse(backwards[1:])
		other.finds("descending by "+name, q, backwards...)
		other.wantPages("by "+name, q, 2, true, backwards)
	}
}

// Equal numbers are written in many ways; as ties they are in the order of
// creation.
func sortEqualNumbers(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	set, err := schema.New([]schema.Custom{declare(w, schema.Custom{URN: customURN, Name: "rate", Type: schema.Decimal})})
	w.is(err, nil)
	w.set = set
	for i, v := range []string{"0", "-0", "1.50", "0.0", "-0e5", "15e-1", "1.5"} {
		w.user(w.ad, fmt.Sprint("u", i), fmt.Sprintf(`{%q:{"rate":%s}}`, customURN, v))
	}
	q := w.users(0)
	q.SortBy = w.attr(customURN, "rate")
	w.finds("ascending", q, "u0", "u1", "u3", "u4", "u2", "u5", "u6")
	q.Descending = true
	w.finds("descending", q, "u2", "u5", "u6", "u0", "u1", "u3", "u4")
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

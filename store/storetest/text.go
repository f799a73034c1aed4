package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func textChecks() []check {
	return []check{
		{"what differs in case only is one userName, ß and Turkish i are their own", textFolding},
		{"hostile values come back as they were", textRoundTrip},
		{"every operator takes hostile values literally", textOperators},
		{"what no text can hold is found nowhere", textImpossible},
		{"sorting is bytewise by the folded form", textSorting},
		{"an empty string is a value, and not none", textEmpty},
	}
}

// hostile are values at which databases, SQL texts, LIKE patterns, collations
// and JSON columns differ or break. NUL isn't among them: the codec refuses it.
func hostile() []string {
	return []string{
		"a", "A", "aa", "ab", "b", "B", "Z", "z", "_", "a_b", "a%b", "%", "%%", "a\\b", "\\", `\%`, `a"b`, "'", "''", "O'Brien",
		"'; DROP TABLE resources; --", "$1", "?", ":x", "@p1", "NULL", "null", "true", "0", "1e3", "{}", "[]", "--", "/*", "\\x41", "\\u0000",
		" ", "a ", " a", "a\t", "a\n", "a\r\n", "\x01", "\x1f", "\x7f", "a\x7f", "\u0080", "\u00bf", "é", "e\u0301", "Å", "å", "A\u030a", "ÅA", "Ä", "ß", "ẞ", "SS", "ss", "straße",
		"I", "i", "İ", "ı", "Σ", "ς", "σ", "ǆ", "ﬁ", "fi", "Ａ", "K", "k", "\u212a", "\u00a0", "\u200b", "\u2028", "\ufeff",
		"\ud7ff", "\ue000", "\uffff", "\U0010ffff", "a\U0010ffff", "😀", "😀😀", "👨‍👩‍👧", "🇩🇪", "中文", "日本", "ไทย", "العربية",
	}
}

func textFolding(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i, tt := range []struct {
		a, b string
		same bool
	}{
		{"Anna", "ANNA", true}, {"Åke", "åke", true}, {"A\u030ake", "åke", true}, {"ΣΊΣΥΦΟΣ", "σίσυφος", true},
		{"STRAẞE", "straße", true}, {"straße", "strasse", false}, {"İstanbul", "istanbul", false}, {"ısparta", "isparta", false},
		{"résumé", "resume", false}, {"anna", "anna ", false}, {"an_a", "anna", false}, {"a%", "anna", false}, {"ｆｕｌｌ", "full", true},
		{"😀", "😁", false}, {"😀A", "😀a", true}, {"admin", "\u0430dmin", false},
	} {
		other := newWorld(t, s)
		first := other.user(other.ad, tt.a, "")
		second := other.newUser(other.ad, tt.b, "")
		err := s.Update(t.Context(), func(tx store.Tx) error { return tx.InsertResource(&second) })
		if tt.same {
			other.is(err, store.ErrExists)
			second = first
		} else {
			other.is(err, nil)
		}
		other.holds(schema.Fold(tt.b), second)
		want := []string{}
		if tt.same {
			want = append(want, tt.a)
		} else {
			want = append(want, tt.b)
		}
		other.finds(fmt.Sprintf("pair %d by %q", i, tt.b), other.where(other.users(0), fmt.Sprintf(`userName eq "%s"`, tt.b)), want...)
	}
	w.finds("users of a bystander", w.users(0))
}

func textRoundTrip(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i, v := range hostile() {
		r := w.newGroup(w.ad, v, "")
		r.UniqueKey, r.Class = fmt.Sprint(i, v), v
		w.put(&r)
		l := w.link(w.hr, r, func(l *store.Link) { l.ExternalID, l.Anchor = v, v })
		equal(w, fmt.Sprintf("resource called %q", v), w.resource(r.RID), bare(r))
		got, err := findExternalID(w, w.hr, schema.Group, v)
		w.is(err, nil)
		equal(w, fmt.Sprintf("link by externalId %q", v), got, l)
		equal(w, fmt.Sprintf("links by anchor %q", v), findAnchor(w, schema.Group, v), []store.Link{l})
		holder, err := findUnique(w, schema.Group, r.UniqueKey)
		w.is(err, nil)
		equal(w, fmt.Sprintf("holder of %q", r.UniqueKey), holder.RID, r.RID)
	}
}

// hostileUsers makes a user for each hostile value, which it has in an indexed
// attribute without case, an indexed one with case, and one without an index.
func hostileUsers(w *world) []store.Resource {
	var all []store.Resource
	var put []*store.Resource
	for i, v := range hostile() {
		o := w.object(schema.User, "")
		o.SetAt(w.set.User.DisplayName, v)
		o.SetAt(w.set.User.ExternalID, v)
		o.SetAt(w.set.User.Root.Sub("title"), v)
		r := w.newUser(w.ad, fmt.Sprint("u", i), string(o.AppendJSON(nil)))
		r.Display = v
		all = append(all, r)
	}
	for i := range all {
		put = append(put, &all[i])
	}
	w.put(put...)
	return all
}

func textOperators(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	hostileUsers(w)
	operators := map[ast.CompareOperator]func(value, operand string) bool{
		ast.EQ: func(v, o string) bool { return v == o },
		ast.NE: func(v, o string) bool { return v != o },
		ast.CO: strings.Contains,
		ast.SW: strings.HasPrefix,
		ast.EW: strings.HasSuffix,
		ast.GT: func(v, o string) bool { return v > o },
		ast.GE: func(v, o string) bool { return v >= o },
		ast.LT: func(v, o string) bool { return v < o },
		ast.LE: func(v, o string) bool { return v <= o },
	}
	operands := append(hostile(), "", "a\x00", "\x00b")
	for i, a := range []*schema.Attribute{w.set.User.DisplayName, w.set.User.ExternalID, w.attr("title")} {
		w.view(func(r store.Reader) error {
			for op, holds := range operators {
				for j, operand := range operands {
					if i > 0 && j%3 != i {
						continue // a third is enough to tell that the others go the same way
					}
					if err := w.compares(r, &filter.Compare{Attr: a, Op: op, Text: a.Key(operand)}, holds); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
}

// compares says that a comparison finds those of hostileUsers whose value, in
// comparison form, holds beside the operand.
func (w *world) compares(r store.Reader, c *filter.Compare, holds func(value, operand string) bool) error {
	q := w.users(0)
	q.NoDoc, q.Filter = true, c
	got, err := listIn(r, q)
	if err != nil {
		return fmt.Errorf("%s %s %q: %w", c.Attr.Path, c.Op, c.Text, err)
	}
	var want []string
	for _, v := range hostile() {
		if holds(c.Attr.Key(v), c.Text) {
			want = append(want, v)
		}
	}
	if !slices.Equal(got.displays(), want) || got.Page.Total != len(want) {
		return fmt.Errorf("%s %s %q gives %d: %q, want %d: %q", c.Attr.Path, c.Op, c.Text, got.Page.Total, got.displays(), len(want), want)
	}
	return nil
}

// The codec keeps NUL and broken UTF-8 out of documents, but a client may ask
// for them anywhere. PostgreSQL refuses them even as something to look for.
func textImpossible(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.link(w.hr, w.user(w.ad, "a", `{"externalId":"a","title":"a"}`), func(l *store.Link) { l.ExternalID, l.Anchor = "a", "a" })
	for _, text := range []string{"a\x00", "\x00", "a\xff", "\xc3", "\xed\xa0\x80"} {
		lookups := map[string]func(store.Reader) error{
			"Tenant":           func(r store.Reader) error { _, err := r.Tenant(text); return err },
			"Source":           func(r store.Reader) error { _, err := r.Source(w.tenant, text); return err },
			"SourceByPublicID": func(r store.Reader) error { _, err := r.SourceByPublicID(text); return err },
			"Record":           func(r store.Reader) error { _, err := r.Record(w.as(0), schema.User, text, false); return err },
			"FindUnique":       func(r store.Reader) error { _, err := r.FindUnique(w.tenant, schema.User, text); return err },
			"FindExternalID":   func(r store.Reader) error { _, err := r.FindExternalID(w.hr, schema.User, text); return err },
		}
		for name, fn := range lookups {
			if _, err := tryRead(w, func(r store.Reader) (int, error) { return 0, fn(r) }); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s of %q: %v, want %v", name, text, err, store.ErrNotFound)
			}
		}
		equal(w, "anchors", findAnchor(w, schema.User, text), nil)
		equal(w, "refs", w.refs(0, text), nil)
		equal(w, "parked", parked(w, w.hr, text), nil)
		w.refers(w.set.User.DisplayName.Index, text)
		for _, attr := range []string{"userName", "externalId", "title", "id"} {
			q := w.users(0)
			q.Filter = &filter.Compare{Attr: w.attr(attr), Op: ast.EQ, Text: text}
			w.finds(fmt.Sprintf("%s eq %q", attr, text), q)
		}
	}
}

func textSorting(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	all := hostileUsers(w)
	for _, a := range []*schema.Attribute{w.set.User.DisplayName, w.set.User.ExternalID, w.set.User.Root.Sub("title")} {
		for _, descending := range []bool{false, true} {
			want := slices.Clone(all)
			slices.SortStableFunc(want, func(x, y store.Resource) int {
				c := cmp.Compare(a.Key(x.Display), a.Key(y.Display))
				if descending {
					return -c
				}
				return c
			})
			q := w.users(0)
			q.SortBy, q.Descending = a, descending
			equal(w, "users by "+a.Path, w.list(q).displays(), listed{Records: records(want)}.displays())
		}
	}
}

func records(resources []store.Resource) []store.Record {
	out := make([]store.Record, len(resources))
	for i := range resources {
		out[i].Resource = resources[i]
	}
	return out
}

func textEmpty(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.user(w.ad, "empty", `{"displayName":"","title":"","emails":[{"value":""}]}`)
	w.user(w.ad, "none", "")
	for _, attr := range []string{"displayName", "title", "emails.value"} {
		for f, want := range map[string][]string{
			`%s eq ""`:         {"empty"},
			`%s ne ""`:         {"none"},
			`%s pr`:            {"empty"},
			`not (%s pr)`:      {"none"},
			`%s eq null`:       {"none"},
			`%s ne null`:       {"empty"},
			`%s sw ""`:         {"empty"},
			`%s co ""`:         {"empty"},
			`%s ew ""`:         {"empty"},
			`%s ge ""`:         {"empty"},
			`%s gt ""`:         {},
			`not (%s gt "")`:   {"empty", "none"},
			`not (%s eq null)`: {"empty"},
		} {
			text := fmt.Sprintf(f, attr)
			w.finds(text, w.where(w.users(0), text), want...)
		}
	}
	q := w.users(0)
	q.SortBy = w.set.User.Root.Sub("title")
	w.finds("sorted, none last", q, "empty", "none")
	q.Descending = true
	w.finds("sorted descending, none first", q, "none", "empty")
}

package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func indexChecks() []check {
	return []check{
		{"an index row leads to its resource, of any kind and state", indexReferrers},
		{"rows of a source's own document count, a resource once", indexOwnDocuments},
		{"an update writes the difference of the rows", indexDifference},
		{"a link's update writes the difference of the rows", indexLinkDifference},
		{"a key of 2,048 bytes is kept, found and sorted", indexLongKey},
		{"a document has 40,000 index rows", indexManyRows},
	}
}

// refers says that exactly these resources have an index row.
func (w *world) refers(attr int, key string, want ...store.Resource) {
	w.Helper()
	got := read(w, func(r store.Reader) ([]int64, error) {
		found, err := r.Referrers(w.tenant, attr, key)
		return sorted(found), err
	})
	equal(w, fmt.Sprintf("resources with the index row (%d, %.40q)", attr, key), got, sorted(rids(want...)))
}

func (w *world) manager() *schema.Attribute { return w.set.User.Manager.Value() }

func managedBy(id string) string {
	return fmt.Sprintf(`{%q:{"manager":{"value":%q}}}`, schema.EnterpriseUserURN, id)
}

func indexReferrers(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	attr := w.manager().Index
	var want []store.Resource
	for state := store.Live; state <= store.Purged; state++ {
		r := w.newUser(w.ad, fmt.Sprint("u", state), managedBy("Boss-1"))
		r.State = state
		w.put(&r)
		want = append(want, r)
	}
	g := w.newGroup(w.ad, "Sales", "")
	g.Keys = append(g.Keys, document.Key{Attr: attr, Text: "boss-1"})
	w.put(&g)
	w.refers(attr, "boss-1", append(want, g)...)
	for _, key := range []string{"Boss-1", "boss", "boss-1 ", "", "%", "boss_1"} {
		w.refers(attr, key)
	}
	w.refers(attr+1, "boss-1")
}

func indexOwnDocuments(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	attr := w.manager().Index
	anna, bertha := w.user(w.ad, "anna", managedBy("boss")), w.user(w.ad, "bertha", "")
	w.link(w.hr, anna, func(l *store.Link) { w.own(l, managedBy("boss")) })
	w.link(w.hr, bertha, func(l *store.Link) {
		l.State = store.LinkEnded
		w.own(l, managedBy("boss"))
	})
	w.refers(attr, "boss", anna, bertha)
}

func indexDifference(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	email := w.set.User.Root.Sub("emails").Value().Index
	emails := func(values ...string) string {
		list := make([]string, len(values))
		for i, v := range values {
			list[i] = fmt.Sprintf(`{"value":%q}`, v)
		}
		return `{"userName":"anna","emails":[` + strings.Join(list, ",") + `]}`
	}
	anna := w.user(w.ad, "anna", emails("a@x.example", "B@x.example"))
	has := func(key string, want bool) {
		t.Helper()
		q := w.where(w.users(0), fmt.Sprintf(`emails.value eq %q`, key))
		if want {
			w.refers(email, key, anna)
			w.finds("by "+key, q, "anna")
		} else {
			w.refers(email, key)
			w.finds("by "+key, q)
		}
	}
	has("a@x.example", true)
	has("b@x.example", true)
	w.change(anna.RID, func(r *store.Resource) { r.Doc = []byte(emails("b@x.example", "c@x.example")) })
	has("a@x.example", false)
	has("b@x.example", true)
	has("c@x.example", true)
	w.change(anna.RID, func(r *store.Resource) { r.Doc = []byte(`{"userName":"anna"}`) })
	has("b@x.example", false)
	has("c@x.example", false)
	w.change(anna.RID, func(r *store.Resource) { r.Doc = []byte(emails("a@x.example")) })
	has("a@x.example", true)
}

func indexLinkDifference(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	attr := w.manager().Index
	anna := w.user(w.ad, "anna", managedBy("resolved"))
	w.link(w.hr, anna, func(l *store.Link) { w.own(l, managedBy("first")) })
	w.changeLink(w.hr, anna.RID, func(l *store.Link) { w.own(l, managedBy("second")) })
	w.refers(attr, "first")
	w.refers(attr, "second", anna)
	w.changeLink(w.hr, anna.RID, func(l *store.Link) { l.Own, l.Doc, l.Keys = false, nil, nil })
	w.refers(attr, "second")
	w.refers(attr, "resolved", anna)
}

// A PostgreSQL B-tree row holds a third of a page, compressed where it can be;
// so the keys here are such as can't.
func indexLongKey(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for i, key := range []string{noise("abcdefghijklmnopqrstuvwxyz0123456789", document.MaxKey), noise("åäöéüßñþ", document.MaxKey/2), noise("😀🎉🚀🐘🦫🌍", document.MaxKey/4)} {
		if len(key) != document.MaxKey {
			t.Fatalf("key of %d bytes", len(key))
		}
		name := fmt.Sprint("u", i)
		r := w.newUser(w.ad, key, fmt.Sprintf(`{"displayName":%q,"externalId":%q}`, key, key))
		r.Display = name
		w.put(&r)
		w.link(w.hr, r, func(l *store.Link) { l.ExternalID, l.Anchor = key, key })
		w.holds(key, r)
		w.refers(w.set.User.DisplayName.Index, key, r)
		w.refers(w.set.User.DisplayName.Index, strings.TrimSuffix(key, key[len(key)-4:]))
		w.finds("by a long name", w.where(w.users(0), fmt.Sprintf(`displayName eq %q`, key)), name)
		w.finds("by its beginning", w.where(w.users(0), fmt.Sprintf(`externalId sw %q`, key[:len(key)-4])), name)
		got, err := findExternalID(w, w.hr, schema.User, key)
		w.is(err, nil)
		equal(w, "externalId", got.ExternalID, key)
		equal(w, "by anchor", len(findAnchor(w, schema.User, key)), 1)
	}
	q := w.users(0)
	q.SortBy = w.set.User.DisplayName
	equal(w, "number of sorted", len(w.list(q).Records), 3)
}

// noise gives n characters of an alphabet in an order without a pattern.
func noise(alphabet string, n int) string {
	letters := []rune(alphabet)
	var b strings.Builder
	for x := uint32(1); n > 0; n-- {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b.WriteRune(letters[x%uint32(len(letters))])
	}
	return b.String()
}

// 40,000 is about what the largest body (1 MiB) can hold, and more rows than
// one statement takes parameters.
func indexManyRows(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	r := w.newUser(w.ad, "anna", "")
	email := w.attr("emails", "value").Index
	for i := range 40_000 {
		r.Keys = append(r.Keys, document.Key{Attr: email, Text: fmt.Sprintf("%05d@x.example", i)})
	}
	w.put(&r)
	bystander := w.user(w.ad, "bertha", `{"emails":[{"value":"00007@x.example"}]}`)
	w.refers(email, "00007@x.example", r, bystander)
	w.refers(email, "39999@x.example", r)
	fewer := r
	fewer.Keys = r.Keys[:1]
	w.update(func(tx store.Tx) error { return tx.UpdateResource(&r, &fewer) })
	w.refers(email, "39999@x.example")
	w.refers(email, "00007@x.example", bystander)
}

package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

func queryChecks() []check {
	return []check{
		{"any filter, sort and page gives what the oracle says, in every view", queriesAgree},
	}
}

// population is a drawn set of users, as they were written.
type population struct {
	*world
	users []store.Resource
	docs  []*document.Object
	links [][]link
}

type link struct {
	store.Link
	doc *document.Object // nil where the source has none of its own
}

// queriesAgree is the law of queries: whatever the documents, the filter, the
// order, the pages and the view, List gives exactly the resources that a plain
// reading of the filter finds, in that order, with an exact total.
func queriesAgree(t *testing.T, s store.Store) {
	g, err := newGenerator()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := g.populate(t, s)
		ids := []string{""}
		for _, u := range p.users {
			ids = append(ids, u.ID)
		}
		for range 3 {
			q := store.Query{Type: g.set.User, NoDoc: rapid.Bool().Draw(t, "NoDoc")}
			if rapid.IntRange(0, 9).Draw(t, "filtered") > 0 {
				q.Filter = g.expr(t, ids)
			}
			if rapid.Bool().Draw(t, "sorted") {
				q.SortBy = one(t, "sortBy", append([]*schema.Attribute{g.id, g.created, g.modified, g.set.User.UserName}, g.scalar...))
				q.Descending = rapid.Bool().Draw(t, "descending")
			}
			size := rapid.IntRange(1, 8).Draw(t, "page size")
			for _, source := range []int64{0, p.ad, p.hr} {
				p.agrees(q, source, size)
			}
		}
	})
}

// agrees compares one query in one view with the oracle.
func (p population) agrees(q store.Query, source int64, size int) {
	p.Helper()
	q.View = p.as(source)
	var found []seen
	for i := range p.users {
		if u, ok := p.seenBy(source, i); ok && (q.Filter == nil || matches(q.Filter, u)) {
			found = append(found, u)
		}
	}
	sortSeen(found, q.SortBy, q.Descending)
	want := []string{}
	for _, u := range found {
		i := slices.IndexFunc(p.users, func(r store.Resource) bool { return r.RID == u.rid })
		want = append(want, p.users[i].Display)
	}
	// Nothing in this text may vary between runs of the same draws, or rapid
	// takes them for different failures and doesn't shrink.
	what := map[int64]string{0: "resolved view", p.ad: "the AD's view", p.hr: "the HR tool's view"}[source]
	if q.Filter != nil {
		what += ", filter " + filter.Text(q.Filter)
	}
	if q.SortBy != nil {
		what += ", sorted by " + q.SortBy.Path
	}
	p.wantPages(what, q, 100, false, want)
	p.wantPages(what, q, size, false, want)
	p.wantPages(what, q, size, true, want)
}

// seenBy gives user i as a view should show it; false if it shouldn't.
func (p population) seenBy(source int64, i int) (seen, bool) {
	r := p.users[i]
	u := seen{rid: r.RID, id: r.ID, created: r.CreatedAt, modified: r.ModifiedAt, doc: p.docs[i]}
	if source == 0 {
		return u, r.State.Visible()
	}
	for _, l := range p.links[i] {
		if l.Source == source && l.State.Live() {
			u.created, u.modified = l.CreatedAt, l.ModifiedAt
			if l.Own {
				u.doc = l.doc
			}
			return u, true
		}
	}
	return u, false
}

// populate draws and inserts up to 20 users with links of two sources.
func (g *generator) populate(t *rapid.T, s store.Store) population {
	p := population{world: newWorld(t, s)}
	p.set = g.set
	for i := range rapid.IntRange(0, 20).Draw(t, "users") {
		r, o := g.user(t, p.world, i)
		p.users, p.docs = append(p.users, r), append(p.docs, o)
		var links []link
		for _, source := range []int64{p.ad, p.hr} {
			if rapid.IntRange(0, 3).Draw(t, "linked") > 0 {
				links = append(links, g.link(t, source, r))
			}
		}
		p.links = append(p.links, links)
	}
	p.update(func(tx store.Tx) error {
		for i := range p.users {
			if err := tx.InsertResource(&p.users[i]); err != nil {
				return err
			}
			for j := range p.links[i] {
				p.links[i][j].RID = p.users[i].RID
				if err := tx.PutLink(nil, &p.links[i][j].Link); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return p
}

func (g *generator) user(t *rapid.T, w *world, i int) (store.Resource, *document.Object) {
	o, name := g.object(t), fmt.Sprint("u", i)
	o.Set(g.set.User.UserName, name)
	r := w.newResource(schema.User, w.ad, name, o)
	r.ID, r.UniqueKey = uuid.NewString(), name
	r.State = rapid.SampledFrom([]store.State{store.Live, store.Live, store.Live, store.Live, store.Orphaned, store.Held, store.Deleted}).Draw(t, "state")
	r.CreatedAt, r.ModifiedAt = at(rapid.IntRange(0, 5).Draw(t, "created")), at(rapid.IntRange(0, 5).Draw(t, "modified"))
	return r, o
}

func (g *generator) link(t *rapid.T, source int64, r store.Resource) link {
	l := link{Link: newLink(source, r)}
	l.State = rapid.SampledFrom([]store.LinkState{store.Linked, store.Linked, store.Linked, store.LinkParked, store.LinkEnded, store.LinkConflict}).Draw(t, "link")
	if r.State == store.Orphaned || r.State == store.Deleted {
		l.State = store.LinkEnded // by definition
	}
	l.CreatedAt, l.ModifiedAt = at(rapid.IntRange(0, 5).Draw(t, "created")), at(rapid.IntRange(0, 5).Draw(t, "modified"))
	if rapid.Bool().Draw(t, "own document") {
		l.doc = g.object(t)
		l.Own, l.Doc, l.Keys = true, l.doc.AppendJSON(nil), document.Keys(l.doc)
	}
	return l
}

package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/store"
)

// as gives the view of a source, the resolved view for 0.
func (w *world) as(source int64) store.View { return store.View{Tenant: w.tenant, Source: source} }

func (w *world) resource(rid int64) store.Resource {
	w.Helper()
	return read(w, func(r store.Reader) (store.Resource, error) { return r.Resource(w.tenant, rid) })
}

func (w *world) record(source int64, r store.Resource) store.Record {
	w.Helper()
	rec, err := w.tryRecord(source, r)
	if err != nil {
		w.Fatalf("record of %s in the view of source %d: %v", r.Display, source, err)
	}
	return rec
}

func (w *world) tryRecord(source int64, r store.Resource) (store.Record, error) {
	w.Helper()
	return tryRead(w, func(rd store.Reader) (store.Record, error) { return rd.Record(w.as(source), r.Kind, r.ID, false) })
}

// links gives the links of a resource, which Load gives with it.
func (w *world) links(rid int64) []store.Link {
	w.Helper()
	links := read(w, func(r store.Reader) ([]store.Link, error) { return r.Links(rid) })
	w.update(func(tx store.Tx) error {
		want, err := tx.Resource(w.tenant, rid)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, source := range []int64{0, w.ad} {
			if err := w.loads(tx, w.as(source), want, links); err != nil {
				return err
			}
		}
		return nil
	})
	return links
}

// loads says that Load gives a resource with its links and groups.
func (w *world) loads(tx store.Tx, v store.View, r store.Resource, links []store.Link) error {
	groups, err := tx.Groups(v, []int64{r.RID})
	if err != nil {
		return err
	}
	for _, asked := range []bool{true, false} {
		got, err := tx.Load(v, r.Kind, r.ID, asked)
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		want := store.Loaded{Resource: r, Links: links}
		if asked {
			want.Groups = groups[r.RID]
		}
		if diff := cmp.Diff(want, got, loosely); diff != "" {
			return fmt.Errorf("what Load gives is something else (-want +got):\n%s", diff)
		}
	}
	return nil
}

// users is a query for users in the view of a source.
func (w *world) users(source int64) store.Query {
	return store.Query{View: w.as(source), Type: w.set.User, Limit: 1000}
}

// groupsQuery is a query for groups in the view of a source.
func (w *world) groupsQuery(source int64) store.Query {
	return store.Query{View: w.as(source), Type: w.set.Group, Limit: 1000}
}

// where adds a filter, written as a client writes it, to a query.
func (w *world) where(q store.Query, text string) store.Query {
	w.Helper()
	ast, err := filter.Parse(text)
	if err != nil {
		w.Fatalf("a filter of this suite is broken: %s: %v", text, err)
	}
	if q.Filter, err = filter.Resolve(q.Type, ast); err != nil {
		w.Fatalf("a filter of this suite doesn't resolve: %s: %v", text, err)
	}
	return q
}

// listed is a page with its resources.
type listed struct {
	Records []store.Record
	Page    store.Page
}

func (l listed) displays() []string {
	out := []string{}
	for _, r := range l.Records {
		out = append(out, r.Display)
	}
	return out
}

func listIn(r store.Reader, q store.Query) (listed, error) {
	var out listed
	page, err := r.List(q, func(rec *store.Record) error {
		kept := *rec
		kept.Doc, kept.Presence = slices.Clone(rec.Doc), slices.Clone(rec.Presence)
		out.Records = append(out.Records, kept)
		return nil
	})
	out.Page = page
	return out, err
}

// list gives a page. A page that isn't full tells the total by its length.
func (w *world) list(q store.Query) listed {
	w.Helper()
	l := read(w, func(r store.Reader) (listed, error) { return listIn(r, q) })
	if n := len(l.Records); q.After == nil && q.Offset == 0 && n < q.Limit && l.Page.Total != n {
		w.Errorf("a total of %d, but %d resources came", l.Page.Total, n)
	}
	return l
}

// finds says which resources, by their display, a query should give, in order.
func (w *world) finds(what string, q store.Query, want ...string) {
	w.Helper()
	got := w.list(q)
	equal(w, what, got.displays(), want)
	equal(w, "total of "+what, got.Page.Total, len(want))
}

func (w *world) members(source, group int64) []string {
	w.Helper()
	return read(w, func(r store.Reader) ([]string, error) {
		var out []string
		err := r.Members(w.as(source), group, func(m store.Member) error {
			out = append(out, m.Display)
			return nil
		})
		return out, err
	})
}

// sorted copies a list and sorts it; for lists whose order is not promised.
func sorted(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return ids
}

func rids(resources ...store.Resource) []int64 {
	var out []int64
	for _, r := range resources {
		out = append(out, r.RID)
	}
	return out
}

// bare is what the store gives back of a resource: everything but its Keys.
func bare(r store.Resource) store.Resource {
	r.Keys = nil
	return r
}

func bareLink(l store.Link) store.Link {
	l.Keys = nil
	return l
}

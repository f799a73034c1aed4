package scim

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// list answers GET of an endpoint (RFC 7644 §3.4.2).
func (s *Server) list(r *request) error {
	return r.list([]*schema.ResourceType{r.t})
}

// search answers POST /.search of an endpoint (RFC 7644 §3.4.3).
func (s *Server) search(r *request) error {
	if err := r.searchParameters(); err != nil {
		return err
	}
	return r.list([]*schema.ResourceType{r.t})
}

// listAll answers GET of the server root: resources of all types.
func (s *Server) listAll(r *request) error {
	return r.listAll()
}

// searchAll answers POST /.search at the root.
func (s *Server) searchAll(r *request) error {
	if err := r.searchParameters(); err != nil {
		return err
	}
	return r.listAll()
}

func (r *request) listAll() error {
	types, _ := r.announced()
	return r.list(slices.DeleteFunc(slices.Clone(types), func(t *schema.ResourceType) bool { return t.Derived }))
}

// page is a page of resources of one type.
type page struct {
	t     *schema.ResourceType
	recs  []store.Record
	total int
	next  *store.Position
}

func (r *request) list(types []*schema.ResourceType) error {
	q, err := r.listQuery()
	if err != nil {
		return err
	}
	name := ""
	for _, t := range types {
		name += t.Endpoint
	}
	fingerprint := r.fingerprint(q, name)
	if q.byCursor {
		if q.cursor, err = decodeCursor(r.query.Get("cursor"), fingerprint); err != nil {
			return err
		}
	}
	queries, err := r.queries(types, q)
	if err != nil {
		return err
	}
	read := r.s.dir.Look
	if len(queries) > 1 || queries[0].Type.Members != nil {
		read = r.s.dir.Read
	}
	return read(r.c.Request().Context(), r.actor, func(in *directory.Reading) error {
		pages, next, err := readPages(in, queries, q)
		if err != nil {
			return err
		}
		nextCursor := ""
		if next != nil {
			nextCursor = next.encode(fingerprint)
		}
		return r.writeList(in, pages, q, nextCursor)
	})
}

// queries resolves the filter for each type. Where several types are listed, a
// type that lacks an attribute of the filter has no match (RFC 7644 §3.4.2.1),
// unless all of them lack it.
func (r *request) queries(types []*schema.ResourceType, q listQuery) ([]store.Query, error) {
	var out []store.Query
	var first error
	for _, t := range types {
		sq, err := r.resolve(t, q)
		if err != nil {
			if first == nil {
				first = err
			}
			continue
		}
		out = append(out, sq)
	}
	if len(out) == 0 {
		return nil, first
	}
	return out, nil
}

// readPages reads one page that may reach over several types, one after the
// other. next is where the next page begins, nil after the last.
func readPages(in *directory.Reading, queries []store.Query, q listQuery) (pages []page, next *cursor, err error) {
	left, skip := q.count, q.start-1
	for i, sq := range queries {
		switch {
		case q.cursor == nil:
			sq.Offset = skip
		case i == q.cursor.Type:
			sq.After = q.cursor.position()
		}
		sq.Limit = left
		if q.cursor != nil && (i < q.cursor.Type || next != nil) {
			sq.Limit = 0 // only its total is wanted
		}
		p := page{t: sq.Type}
		info, err := in.List(sq, func(rec *store.Record) error {
			p.recs = append(p.recs, *rec)
			p.recs[len(p.recs)-1].Doc = slices.Clone(rec.Doc)
			p.recs[len(p.recs)-1].Presence = slices.Clone(rec.Presence)
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		p.total, p.next = info.Total, info.Next
		pages = append(pages, p)
		left -= len(p.recs)
		skip = max(0, skip-info.Total)
		if q.cursor != nil && next == nil && i >= q.cursor.Type {
			next = nextCursor(i, p, left, queries)
		}
	}
	return pages, next, nil
}

func nextCursor(i int, p page, left int, queries []store.Query) *cursor {
	switch {
	case p.next != nil:
		return &cursor{Type: i, Key: p.next.Key, Null: p.next.Null, RID: p.next.RID, Index: p.next.Index}
	case left <= 0 && i+1 < len(queries):
		return &cursor{Type: i + 1, Start: true}
	}
	return nil
}

// writeList writes the ListResponse (RFC 7644 §3.4.2). startIndex is told for
// index paging, nextCursor for cursors (RFC 9865 §2).
func (r *request) writeList(in *directory.Reading, pages []page, q listQuery, nextCursor string) error {
	total, count := 0, 0
	for _, p := range pages {
		total += p.total
		count += len(p.recs)
	}
	w := r.stream(http.StatusOK)
	b := []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":`)
	b = strconv.AppendInt(b, int64(total), 10)
	b = append(b, `,"itemsPerPage":`...)
	b = strconv.AppendInt(b, int64(count), 10)
	if !q.byCursor {
		b = append(b, `,"startIndex":`...)
		b = strconv.AppendInt(b, int64(q.start), 10)
	}
	if nextCursor != "" {
		b = document.AppendString(append(b, `,"nextCursor":`...), nextCursor)
	}
	w.write(append(b, `,"Resources":[`...))
	first := true
	for _, p := range pages {
		if err := r.writePage(in, w, p, &first); err != nil {
			return err
		}
	}
	w.write([]byte(`]}`))
	return w.close()
}

func (r *request) writePage(in *directory.Reading, w *stream, pg page, first *bool) error {
	r.t = pg.t
	p := r.presenter()
	p.source = in.Source
	for i := range pg.recs {
		rec := &pg.recs[i]
		if !*first {
			w.b = append(w.b, ',')
		}
		*first = false
		var err error
		if w.b, err = p.open(w.b, rec); err != nil {
			return err
		}
		if p.wantsMembers() {
			if err := w.members(in, p, rec); err != nil {
				return err
			}
		}
		w.write([]byte{'}'})
	}
	return nil
}

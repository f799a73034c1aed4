package scim

import (
	"maps"
	"net/http"
	"strconv"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// listQuery is what a list asks for, from a query string (RFC 7644 §3.4.2) or
// the body of a search (§3.4.3).
type listQuery struct {
	filter     ast.Expression // nil: all
	filterText string
	sortBy     string
	descending bool
	start      int // from 1
	count      int
	cursor     *cursor
	byCursor   bool
}

// listQuery reads the parameters in r.query.
func (r *request) listQuery() (listQuery, error) {
	q := listQuery{start: 1, count: r.s.limits.PageSize, filterText: r.query.Get("filter"), sortBy: r.query.Get("sortBy")}
	switch order := r.query.Get("sortOrder"); {
	case order == "", strings.EqualFold(order, "ascending"):
	case strings.EqualFold(order, "descending"):
		q.descending = true
	default:
		return q, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "sortOrder is ascending or descending.")
	}
	if r.query.Has("filter") {
		e, err := filter.ParseWith(q.filterText, filter.Options{Repair: r.dialect.Repair})
		if err != nil {
			return q, err
		}
		q.filter = e
	}
	return q, r.paging(&q)
}

// paging reads startIndex, count and cursor (RFC 7644 §3.4.2.4, RFC 9865 §2).
func (r *request) paging(q *listQuery) error {
	q.byCursor = r.query.Has("cursor")
	if v := r.query.Get("count"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "count must be an integer, not %q.", document.Truncate(v, 20))
		}
		if n < 0 && q.byCursor {
			return errScim(http.StatusBadRequest, typeInvalidCount, "count must be between 0 and %d.", r.s.limits.MaxPageSize)
		}
		// RFC 7644 §3.4.2.4: a negative count means 0; more than the server gives is cut.
		q.count = min(max(n, 0), r.s.limits.MaxPageSize)
	}
	if q.byCursor {
		if r.query.Has("startIndex") {
			return errScim(http.StatusBadRequest, typeInvalidCursor, "A page is asked for by startIndex or by cursor, not by both.")
		}
		return nil
	}
	if v := r.query.Get("startIndex"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "startIndex must be an integer, not %q.", document.Truncate(v, 20))
		}
		q.start = max(n, 1) // RFC 7644 §3.4.2.4: less than 1 means 1
	}
	return nil
}

// resolve makes the store's query for one resource type.
func (r *request) resolve(t *schema.ResourceType, q listQuery) (store.Query, error) {
	out := store.Query{View: r.actor.View(), Type: t, Descending: q.descending, Limit: q.count, MaxScan: r.s.limits.MaxScan}
	out.Groups = newProjection(t, r.query["attributes"], r.query["excludedAttributes"]).wants(t.Groups)
	if q.filter != nil {
		e, err := filter.ResolveWith(t, q.filter, filter.Options{Repair: r.dialect.Repair})
		if err != nil {
			return out, err
		}
		out.Filter = e
	}
	if q.sortBy != "" {
		a, err := sortAttribute(t, q.sortBy)
		if err != nil {
			return out, err
		}
		out.SortBy = a
	}
	return out, nil
}

// sortAttribute finds the attribute to sort by; a complex one sorts by its
// value (RFC 7644 §3.4.2.3).
func sortAttribute(t *schema.ResourceType, name string) (*schema.Attribute, error) {
	p, err := filter.ParseAttributePath(name)
	if err != nil {
		return nil, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidPath, "sortBy %q is no attribute.", document.Truncate(name, 80))
	}
	a := t.Find(p)
	if a != nil && a.Type == schema.Complex {
		a = a.Value()
	}
	if a == nil || a.Returned == schema.ReturnedNever || a.Backing == schema.InMembers || a.Backing == schema.InOrigin || a == t.Schemas {
		return nil, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidPath, "Resources can't be sorted by %q.", document.Truncate(name, 80))
	}
	return a, nil
}

// searchParameters makes the body of a search (RFC 7644 §3.4.3) the request's
// parameters.
func (r *request) searchParameters() error {
	body, err := r.body(r.s.limits.Body)
	if err != nil {
		return err
	}
	asked, err := r.dialect.Search(body)
	if err != nil {
		return err
	}
	for _, name := range []string{"attributes", "excludedAttributes", "sortBy", "sortOrder"} {
		r.query.Del(name)
	}
	maps.Copy(r.query, asked)
	return nil
}

func containsFold(list []string, s string) bool {
	for _, e := range list {
		if strings.EqualFold(e, s) {
			return true
		}
	}
	return false
}

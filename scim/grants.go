package scim

import (
	"net/http"

	scimerrors "github.com/elimity-com/scim/errors"
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Grants are worked out from the members of groups and the grants of items, so
// they have handlers of their own. They are read in the order of their targets'
// and subjects' creation, can't be sorted otherwise, and have no versions.

func (s *Server) searchGrants(r *request) error {
	if err := r.searchParameters(); err != nil {
		return err
	}
	return s.listGrants(r)
}

// listGrants answers GET /Grants. What compares subject.value or target.value is
// looked up; the rest of a filter is evaluated over what that leaves, up to the
// bound of rows.
func (s *Server) listGrants(r *request) error {
	q, err := r.listQuery()
	if err != nil {
		return err
	}
	if q.sortBy != "" {
		return errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidPath, "Grants can't be sorted.")
	}
	fingerprint := r.fingerprint(q, r.t.Endpoint)
	var after store.HoldingKey
	if q.byCursor {
		if q.cursor, err = decodeCursor(r.query.Get("cursor"), fingerprint); err != nil {
			return err
		}
		after = store.HoldingKey{Target: q.cursor.RID, Subject: int64(q.cursor.Index)}
	}
	sq, err := r.resolve(r.t, q)
	if err != nil {
		return err
	}
	f, rest := narrow(r.t, sq.Filter)
	return s.dir.Read(r.c.Request().Context(), r.actor, func(in *directory.Reading) error {
		l := &grantList{q: q, rest: rest, after: after, most: r.s.limits.MaxScan}
		if err := l.read(in, r.t, f); err != nil {
			return err
		}
		next := ""
		if l.next != nil {
			next = cursor{RID: l.next.Target, Index: int(l.next.Subject)}.encode(fingerprint)
		}
		return r.writeList(in, []page{{t: r.t, recs: l.recs, total: l.total}}, q, next)
	})
}

// narrow takes from a filter which target and subject it asks for. The rest has
// to be evaluated; nil if nothing is left.
func narrow(t *schema.ResourceType, e filter.Expr) (f directory.HoldingFilter, rest filter.Expr) {
	terms := []filter.Expr{e}
	if and, ok := e.(*filter.And); ok {
		terms = and.Terms
	}
	var left []filter.Expr
	for _, term := range terms {
		c, ok := term.(*filter.Compare)
		switch {
		case term == nil:
		case ok && c.Op == ast.EQ && !c.Null && c.Attr == t.Root.Sub("subject").Value() && f.Subject == "":
			f.Subject = c.Text
		case ok && c.Op == ast.EQ && !c.Null && c.Attr == t.Root.Sub("target").Value() && f.Target == "":
			f.Target = c.Text
		default:
			left = append(left, term)
		}
	}
	switch len(left) {
	case 0:
		return f, nil
	case 1:
		return f, left[0]
	}
	return f, &filter.And{Terms: left}
}

// grantList is a page of grants while it is read.
type grantList struct {
	q     listQuery
	rest  filter.Expr
	after store.HoldingKey // where a cursor stands
	most  int              // rows to look at

	recs  []store.Record
	total int
	next  *store.HoldingKey
}

func (l *grantList) read(in *directory.Reading, t *schema.ResourceType, f directory.HoldingFilter) (err error) {
	begin := l.after
	if l.rest == nil {
		if l.total, err = in.CountHoldings(f); err != nil {
			return err
		}
	} else {
		begin = store.HoldingKey{} // all matches are counted
	}
	looked, matched, last := 0, 0, store.HoldingKey{}
	tooMany := false
	err = in.Holdings(t, f, begin, func(key store.HoldingKey, rec *store.Record, doc *document.Object) bool {
		if looked++; looked > l.most {
			tooMany = true
			return false
		}
		if l.rest != nil && !filter.Match(l.rest, doc, nil) {
			return true
		}
		matched++
		if l.before(key, matched) {
			return true
		}
		if len(l.recs) < l.q.count {
			l.recs, last = append(l.recs, *rec), key
			return true
		}
		if l.q.byCursor && l.next == nil && l.q.count > 0 {
			l.next = &last
		}
		return l.rest != nil // go on to count
	})
	if l.rest != nil {
		l.total = matched
	}
	if tooMany {
		return store.ErrTooMany
	}
	return err
}

// before says whether a match stands before the page.
func (l *grantList) before(key store.HoldingKey, matched int) bool {
	if !l.q.byCursor {
		return matched < l.q.start
	}
	return key.Target < l.after.Target || key.Target == l.after.Target && key.Subject <= l.after.Subject
}

// getGrant answers GET of one grant.
func (s *Server) getGrant(r *request) error {
	p := r.presenter()
	return s.dir.Read(r.c.Request().Context(), r.actor, func(in *directory.Reading) error {
		p.source = in.Source
		rec, err := in.Holding(r.t, r.id)
		if err != nil {
			return err
		}
		return r.writeOne(in, p, http.StatusOK, &rec)
	})
}

// createGrant answers POST /Grants: an administrator gives something by hand.
func (s *Server) createGrant(r *request) error {
	body, err := r.body(s.limits.Body)
	if err != nil {
		return err
	}
	in, err := r.resource(body)
	if err != nil {
		return err
	}
	return r.write(http.StatusCreated, func(w *directory.Writer) (directory.Result, error) {
		return w.Give(r.t, in.Doc)
	})
}

// deleteGrant answers DELETE of a grant: what was given by hand ends.
func (s *Server) deleteGrant(r *request) error {
	return r.write(http.StatusNoContent, func(w *directory.Writer) (directory.Result, error) {
		return directory.Result{}, w.Take(r.t, r.id)
	})
}

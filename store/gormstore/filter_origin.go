package gormstore

import (
	"errors"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/store"
)

// origin compares the Origin extension, which is derived: the class is a
// column; authority and presence are sources, of which a tenant has few, so
// they are judged here and the query gets their ids.
func (c *compiler) origin(e *filter.Compare) (fragment, bool, error) {
	top := e.Attr.Top()
	switch {
	case e.Attr.Extension:
		return always, true, nil
	case top == c.t.Origin.Sub("class"):
		if e.Op == ast.PR {
			return fragment{sql: "r.class <> ''"}, true, nil
		}
		return c.text("r.class", e), true, nil
	case top == c.t.Origin.Sub("authority"):
		in, err := c.sourcesThat(e)
		return fragment{"r.authority " + in.sql, in.args}, true, err
	}
	return c.presence(e)
}

// presence is true of resources to which a source that fulfils e has a live
// link.
func (c *compiler) presence(e filter.Expr) (fragment, bool, error) {
	in, err := c.sourcesThat(e)
	return fragment{"EXISTS (SELECT 1 FROM links o WHERE o.rid = r.rid AND o.state <= 2 AND o.source " + in.sql + ")", in.args}, true, err
}

// sourcesThat gives "IN (…)" with the tenant's sources that fulfil e, whose
// attributes are value, kind and display of a source.
func (c *compiler) sourcesThat(e filter.Expr) (fragment, error) {
	if c.sources == nil {
		sources, err := (&reader{session: c.session}).Sources(c.view.Tenant)
		if err != nil {
			return fragment{}, err
		}
		c.sources = sources
	}
	ids := []int64{}
	for _, s := range c.sources {
		ok, err := judge(e, func(leaf *filter.Compare) (bool, error) { return sourceFits(leaf, s) })
		if err != nil {
			return fragment{}, err
		}
		if ok {
			ids = append(ids, s.ID)
		}
	}
	in, arg := c.idList(ids)
	return fragment{in, []any{arg}}, nil
}

func sourceFits(e *filter.Compare, s store.Source) (bool, error) {
	switch e.Attr.Name {
	case "value":
		return fits(e, s.PublicID), nil
	case "kind":
		return fits(e, string(s.Kind)), nil
	case "display":
		return fits(e, s.Name), nil
	case "authority", "presence": // pr: each source is one
		return true, nil
	}
	return false, unfilterable(e.Attr)
}

// judge works out a filter whose comparisons leaf judges.
func judge(e filter.Expr, leaf func(*filter.Compare) (bool, error)) (bool, error) {
	switch e := e.(type) {
	case *filter.And:
		for _, t := range e.Terms {
			if ok, err := judge(t, leaf); !ok || err != nil {
				return false, err
			}
		}
		return true, nil
	case *filter.Or:
		for _, t := range e.Terms {
			if ok, err := judge(t, leaf); ok || err != nil {
				return ok, err
			}
		}
		return false, nil
	case *filter.Not:
		ok, err := judge(e.Term, leaf)
		return !ok, err
	case *filter.Compare:
		return leaf(e)
	}
	return false, errElement
}

// errElement is a filter that no client can write: brackets inside brackets.
var errElement = errors.New("gormstore: a value path inside another one")

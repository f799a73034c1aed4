package storetest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// seen is a user as a view shows it.
type seen struct {
	rid               int64
	id                string
	created, modified time.Time
	doc               *document.Object
}

// matches is the meaning of a filter, written as plainly as can be and apart
// from package filter, which the backend may use.
func matches(e filter.Expr, u seen) bool {
	switch e := e.(type) {
	case *filter.And:
		return !slices.ContainsFunc(e.Terms, func(t filter.Expr) bool { return !matches(t, u) })
	case *filter.Or:
		return slices.ContainsFunc(e.Terms, func(t filter.Expr) bool { return matches(t, u) })
	case *filter.Not:
		return !matches(e.Term, u)
	case *filter.Compare:
		return compare(e, u.values(e.Attr))
	case *filter.Element:
		return slices.ContainsFunc(u.values(e.Attr), func(v any) bool {
			return matches(e.Filter, seen{doc: v.(*document.Object)})
		})
	}
	panic("a filter of an unknown kind")
}

// values gives the values of an attribute, below as many lists as there are. In
// an element (which has no id) attributes are its direct ones.
func (u seen) values(a *schema.Attribute) []any {
	switch {
	case u.id == "":
		return flat(u.doc.Get(a))
	case a.Path == "id":
		return []any{u.id}
	case a.Path == "meta.created":
		return []any{u.created}
	case a.Path == "meta.lastModified":
		return []any{u.modified}
	case a.Parent.Parent == nil:
		return flat(u.doc.Get(a))
	}
	var out []any
	for _, holder := range u.values(a.Parent) {
		out = append(out, flat(holder.(*document.Object).Get(a))...)
	}
	return out
}

func flat(v document.Value) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case document.List:
		var out []any
		for _, e := range v {
			out = append(out, e)
		}
		return out
	}
	return []any{v}
}

func compare(c *filter.Compare, values []any) bool {
	equal := func(v any) bool { return order(c.Attr, v, c) == 0 }
	switch {
	case c.Op == ast.PR, c.Null && c.Op == ast.NE:
		return len(values) > 0
	case c.Null:
		return len(values) == 0
	case c.Op == ast.NE:
		return !slices.ContainsFunc(values, equal)
	}
	return slices.ContainsFunc(values, func(v any) bool { return compareOne(c, v) })
}

func compareOne(c *filter.Compare, v any) bool {
	switch c.Op {
	case ast.CO:
		return strings.Contains(c.Attr.Key(v.(string)), c.Text)
	case ast.SW:
		return strings.HasPrefix(c.Attr.Key(v.(string)), c.Text)
	case ast.EW:
		return strings.HasSuffix(c.Attr.Key(v.(string)), c.Text)
	}
	o := order(c.Attr, v, c)
	return map[ast.CompareOperator]bool{ast.EQ: o == 0, ast.GT: o > 0, ast.GE: o >= 0, ast.LT: o < 0, ast.LE: o <= 0}[c.Op]
}

// order compares a value with an operand, by the type of the attribute.
func order(a *schema.Attribute, v any, c *filter.Compare) int {
	switch a.Type {
	case schema.Boolean:
		return cmp.Compare(rank(v.(bool)), rank(c.Bool))
	case schema.Integer, schema.Decimal:
		return cmp.Compare(number(v), c.Number)
	case schema.DateTime:
		return instant(v).Compare(c.Time)
	}
	return cmp.Compare(a.Key(v.(string)), c.Text)
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

func number(v any) float64 {
	f, err := strconv.ParseFloat(string(v.(document.Number)), 64)
	if err != nil {
		panic(err)
	}
	return f
}

func instant(v any) time.Time {
	if t, ok := v.(time.Time); ok {
		return t
	}
	t, err := document.ParseTime(v.(string))
	if err != nil {
		panic(err)
	}
	return t
}

// sortSeen sorts users as a query does: by a single-valued attribute, those
// without a value last, or first when descending; ties by creation.
func sortSeen(users []seen, by *schema.Attribute, descending bool) {
	slices.SortFunc(users, func(x, y seen) int {
		c := 0
		if by != nil {
			c = compareSorted(by, x.values(by), y.values(by))
		}
		if descending {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(x.rid, y.rid))
	})
}

func compareSorted(by *schema.Attribute, x, y []any) int {
	if len(x) == 0 || len(y) == 0 {
		return cmp.Compare(len(y), len(x))
	}
	operand := filter.Compare{Attr: by}
	switch v := y[0].(type) {
	case bool:
		operand.Bool = v
	case document.Number:
		operand.Number = number(v)
	default:
		if by.Type == schema.DateTime {
			operand.Time = instant(v)
		} else {
			operand.Text = by.Key(v.(string))
		}
	}
	return order(by, x[0], &operand)
}

package filter

import (
	"strconv"
	"time"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Text writes a resolved filter in one form, whatever the client's spelling of
// names, operators and operands was: two filters with the same text are the
// same filter, so it serves as a cache's key and stands in cursors. It is a
// SCIM filter itself, which resolves to e again; but it can be longer than
// MaxLength, as names carry their schema's URN.
func Text(e Expr) string { return string(appendExpr(nil, e, false)) }

// appendExpr writes e; inside says that it stands in the brackets of an Element.
func appendExpr(b []byte, e Expr, inside bool) []byte {
	switch e := e.(type) {
	case *And:
		for i, t := range e.Terms {
			if i > 0 {
				b = append(b, " and "...)
			}
			if _, or := t.(*Or); or {
				b = appendGroup(b, t, inside)
			} else {
				b = appendExpr(b, t, inside)
			}
		}
	case *Or:
		for i, t := range e.Terms {
			if i > 0 {
				b = append(b, " or "...)
			}
			b = appendExpr(b, t, inside)
		}
	case *Not:
		b = appendGroup(append(b, "not "...), e.Term, inside)
	case *Element:
		b = append(append(b, e.Attr.Path...), '[')
		b = append(appendExpr(b, e.Filter, true), ']')
	case *Compare:
		b = appendCompare(b, e, inside)
	}
	return b
}

func appendGroup(b []byte, e Expr, inside bool) []byte {
	return append(appendExpr(append(b, '('), e, inside), ')')
}

func appendCompare(b []byte, c *Compare, inside bool) []byte {
	if inside {
		b = append(b, c.Attr.Name...)
	} else {
		b = append(b, c.Attr.Path...)
	}
	b = append(append(b, ' '), c.Op...)
	if c.Op == ast.PR {
		return b
	}
	b = append(b, ' ')
	if c.Null {
		return append(b, "null"...)
	}
	switch c.Attr.Type {
	case schema.Boolean:
		return strconv.AppendBool(b, c.Bool)
	case schema.Integer, schema.Decimal:
		return strconv.AppendFloat(b, c.Number, 'g', -1, 64)
	case schema.DateTime:
		b = c.Time.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano)
		return append(b, '"')
	}
	return document.AppendString(b, c.Text)
}

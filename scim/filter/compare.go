package filter

import (
	"strconv"
	"time"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// comparison resolves an attribute, its operator and its operand.
func (r resolver) comparison(e *ast.AttributeExpression) (Expr, error) {
	a, err := r.attribute(e.AttributePath)
	if err != nil {
		return nil, err
	}
	c := &Compare{Attr: a, Op: e.Operator}
	equality := c.Op == ast.EQ || c.Op == ast.NE
	switch {
	case c.Op == ast.PR:
		return c, nil
	case a.Extension:
		return nil, invalidFilter("The extension %s can't be compared; only pr applies to it.", quote(a.Path))
	case e.CompareValue == nil && !equality:
		return nil, invalidFilter("Only eq, ne and pr apply to null, not %s.", quote(string(c.Op)))
	case e.CompareValue == nil:
		c.Null = true
		return c, nil
	case a.Type == schema.Complex:
		c.Attr = a.Value()
		if c.Attr == nil {
			return nil, invalidFilter("The attribute %s is complex; name one of its sub-attributes.", quote(a.Path))
		}
		if hidden(c.Attr) {
			return nil, sensitive(c.Attr.Path)
		}
		if ordering(c.Op) {
			// RFC 7644 §3.4.2.2 orders values by simple type only.
			return nil, mismatch(a, c.Op)
		}
	}
	if !applies(c.Op, c.Attr.Type) {
		return nil, mismatch(c.Attr, c.Op)
	}
	if err := r.operand(c, e.CompareValue); err != nil {
		return nil, err
	}
	return c, nil
}

func mismatch(a *schema.Attribute, op ast.CompareOperator) error {
	return invalidFilter("The operator %s does not apply to %s, whose type is %s.", quote(string(op)), quote(a.Path), a.Type)
}

func ordering(op ast.CompareOperator) bool {
	return op == ast.GT || op == ast.GE || op == ast.LT || op == ast.LE
}

// applies says whether values of the type can be compared by op. RFC 7644
// §3.4.2.2: booleans and binaries have no order; co, sw and ew are for strings.
func applies(op ast.CompareOperator, t schema.Type) bool {
	switch op {
	case ast.EQ, ast.NE:
		return true
	case ast.CO, ast.SW, ast.EW:
		return t == schema.String || t == schema.Reference
	case ast.GT, ast.GE, ast.LT, ast.LE:
		return t != schema.Boolean && t != schema.Binary
	}
	return false
}

// operand gives the operand the attribute's type.
func (r resolver) operand(c *Compare, v any) error {
	fits, wanted := false, ""
	switch c.Attr.Type {
	case schema.Boolean:
		wanted = "true or false"
		c.Bool, fits = r.boolean(v)
	case schema.Integer, schema.Decimal:
		wanted = "a number"
		c.Number, fits = float(v)
	case schema.DateTime:
		wanted = `a date and time as in "2026-01-31T09:00:00Z"`
		c.Time, fits = instant(v)
	default:
		wanted = "a string"
		var s string
		s, fits = r.string(v)
		c.Text = c.Attr.Key(s)
	}
	if !fits {
		return invalidFilter("The attribute %s is compared with %s; it must be %s.", quote(c.Attr.Path), literal(v), wanted)
	}
	return nil
}

func (r resolver) boolean(v any) (value, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		value = equalFold(v, "true")
		ok = value || equalFold(v, "false")
		return value, ok && r.opts.repairs(RepairTextBoolean)
	}
	return false, false
}

func (r resolver) string(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), r.opts.repairs(RepairUnquotedOperand)
	}
	return "", false
}

// instant reads a date and time whose year in UTC has four digits, as the zone
// can carry one out of what RFC 3339 writes.
func instant(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	t, err := document.ParseTime(s)
	return t, err == nil && 0 <= t.Year() && t.Year() <= 9999
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// literal names an operand in a message.
func literal(v any) string {
	switch v := v.(type) {
	case string:
		return "the string " + quote(v)
	case bool:
		return strconv.FormatBool(v)
	}
	if f, ok := float(v); ok {
		return "the number " + strconv.FormatFloat(f, 'g', -1, 64)
	}
	return "this value"
}

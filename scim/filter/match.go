package filter

import (
	"cmp"
	"strconv"
	"strings"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Derived gives the values that a document doesn't hold: those of attributes
// whose Backing is not schema.InDocument.
type Derived interface {
	// Values gives the values of exactly this attribute, none if it is absent:
	// for schemas each URN; for members, groups and other complex attributes
	// each element as *document.Object; for a sub-attribute such as
	// members.value or meta.created its value in each element. The slice is
	// not changed nor kept.
	Values(a *schema.Attribute) []document.Value
}

// Match says whether a resource fulfils a filter. Nil for d means that nothing
// is derived: such attributes are absent. Strings are compared in their
// comparison form (Attr.Key), gt to le bytewise; dates by their instant.
func Match(e Expr, o *document.Object, d Derived) bool {
	return scope{root: o, derived: d}.match(e)
}

// MatchElement says whether one element of a multi-valued attribute fulfils a
// filter that ResolveElement gave, or that an Element holds.
func MatchElement(e Expr, element document.Value) bool {
	return scope{element: element}.match(e)
}

// scope is where attributes have their values: an element, or a document.
type scope struct {
	element document.Value
	root    *document.Object
	derived Derived
}

func (s scope) match(e Expr) bool {
	switch e := e.(type) {
	case *And:
		for _, t := range e.Terms {
			if !s.match(t) {
				return false
			}
		}
		return true
	case *Or:
		for _, t := range e.Terms {
			if s.match(t) {
				return true
			}
		}
		return false
	case *Not:
		return !s.match(e.Term)
	case *Compare:
		// ne of an operand, and eq of null, are true when no value fits.
		negated := (e.Op == ast.NE) != e.Null
		return s.some(e) != negated
	case *Element:
		return s.anyElement(e)
	}
	return false
}

// some says whether one value of the attribute fits.
func (s scope) some(c *Compare) bool {
	if s.element != nil {
		if o, ok := s.element.(*document.Object); ok {
			return c.fits(o.Get(c.Attr))
		}
		return c.fits(s.element)
	}
	if c.Attr.Backing != schema.InDocument {
		return s.derived != nil && c.anyFits(s.derived.Values(c.Attr))
	}
	if p := c.Attr.Parent; p != nil && p.MultiValued {
		elements, _ := s.root.At(p).(document.List)
		for _, e := range elements {
			if o, ok := e.(*document.Object); ok && c.fits(o.Get(c.Attr)) {
				return true
			}
		}
		return false
	}
	return c.fits(s.root.At(c.Attr))
}

func (s scope) anyElement(e *Element) bool {
	var elements []document.Value
	if e.Attr.Backing == schema.InDocument {
		elements, _ = s.root.At(e.Attr).(document.List)
	} else if s.derived != nil {
		elements = s.derived.Values(e.Attr)
	}
	for _, v := range elements {
		if v != nil && MatchElement(e.Filter, v) {
			return true
		}
	}
	return false
}

func (c *Compare) anyFits(values []document.Value) bool {
	for _, v := range values {
		if c.fits(v) {
			return true
		}
	}
	return false
}

// fits says whether a value is one that EQ (also for NE) or the operator asks
// for; for PR and null, whether there is one.
func (c *Compare) fits(v document.Value) bool {
	if v == nil {
		return false
	}
	if list, ok := v.(document.List); ok {
		return c.anyFits(list)
	}
	if c.Op == ast.PR || c.Null {
		return true
	}
	switch v := v.(type) {
	case bool:
		return c.Attr.Type == schema.Boolean && v == c.Bool
	case document.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return err == nil && c.ordered(cmp.Compare(f, c.Number))
	case string:
		return c.fitsString(v)
	}
	return false
}

func (c *Compare) fitsString(s string) bool {
	if c.Attr.Type == schema.DateTime {
		t, err := document.ParseTime(s)
		return err == nil && c.ordered(t.Compare(c.Time))
	}
	key := c.Attr.Key(s)
	switch c.Op {
	case ast.CO:
		return strings.Contains(key, c.Text)
	case ast.SW:
		return strings.HasPrefix(key, c.Text)
	case ast.EW:
		return strings.HasSuffix(key, c.Text)
	}
	return c.ordered(strings.Compare(key, c.Text))
}

// ordered says whether the operator holds when the value's order to the operand
// is sign: less than, equal to, or greater than zero.
func (c *Compare) ordered(sign int) bool {
	switch c.Op {
	case ast.EQ, ast.NE:
		return sign == 0
	case ast.GT:
		return sign > 0
	case ast.GE:
		return sign >= 0
	case ast.LT:
		return sign < 0
	case ast.LE:
		return sign <= 0
	}
	return false
}

package filter

import (
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Resolve finds the attributes of a filter on resources of type t and gives
// its operands their types, strictly. A complex attribute that is compared
// stands for its sub-attribute "value" (RFC 7644 §3.4.2.2).
//
// The error is a scimerrors.ScimError: invalidFilter (400) for an unknown
// attribute, an operator that the attribute's type doesn't have, or an operand
// of another type; sensitive (403) for an attribute that is never returned.
func Resolve(t *schema.ResourceType, e ast.Expression) (Expr, error) {
	return ResolveWith(t, e, Options{})
}

// ResolveWith is Resolve with repairs: of all three kinds.
func ResolveWith(t *schema.ResourceType, e ast.Expression, o Options) (Expr, error) {
	return resolver{t: t, opts: o}.expression(e)
}

// ResolveElement is Resolve for the filter between the brackets of a PATCH
// path: its names are the sub-attributes of a. If a is a multi-valued simple
// attribute, "value" names the element itself and becomes a Compare of a.
func ResolveElement(a *schema.Attribute, e ast.Expression) (Expr, error) {
	return ResolveElementWith(a, e, Options{})
}

// ResolveElementWith is ResolveElement with repairs: of operands.
func ResolveElementWith(a *schema.Attribute, e ast.Expression, o Options) (Expr, error) {
	return resolver{element: a, opts: o}.expression(e)
}

// resolver resolves names against a resource type or, inside brackets, against
// the elements of an attribute.
type resolver struct {
	t       *schema.ResourceType
	element *schema.Attribute
	opts    Options
}

func (r resolver) expression(e ast.Expression) (Expr, error) {
	switch e := e.(type) {
	case *ast.LogicalExpression:
		return r.logical(e)
	case *ast.NotExpression:
		term, err := r.expression(e.Expression)
		if err != nil {
			return nil, err
		}
		return &Not{Term: term}, nil
	case *ast.ValuePath:
		return r.valuePath(e)
	case *ast.AttributeExpression:
		return r.comparison(e)
	}
	return nil, invalidFilter("The filter contains an expression of an unknown kind.")
}

// logical makes a chain of the same operator one And or Or.
func (r resolver) logical(e *ast.LogicalExpression) (Expr, error) {
	left, err := r.expression(e.Left)
	if err != nil {
		return nil, err
	}
	right, err := r.expression(e.Right)
	if err != nil {
		return nil, err
	}
	if e.Operator == ast.AND {
		return &And{Terms: append(conjuncts(left), conjuncts(right)...)}, nil
	}
	return &Or{Terms: append(disjuncts(left), disjuncts(right)...)}, nil
}

func conjuncts(e Expr) []Expr {
	if and, ok := e.(*And); ok {
		return and.Terms
	}
	return []Expr{e}
}

func disjuncts(e Expr) []Expr {
	if or, ok := e.(*Or); ok {
		return or.Terms
	}
	return []Expr{e}
}

func (r resolver) valuePath(e *ast.ValuePath) (Expr, error) {
	if r.element != nil {
		return nil, invalidFilter("The value path %s can't stand inside another one.", quote(e.AttributePath.String()))
	}
	a, err := r.attribute(e.AttributePath)
	if err != nil {
		return nil, err
	}
	if a.Type != schema.Complex || a.Extension {
		return nil, invalidFilter("The attribute %s has no sub-attributes, so no filter in brackets can follow it.", quote(a.Path))
	}
	f, err := resolver{element: a, opts: r.opts}.expression(e.ValueFilter)
	if err != nil {
		return nil, err
	}
	if a.MultiValued {
		return &Element{Attr: a, Filter: f}, nil
	}
	// The only value of a single-valued attribute: it must be there, and its
	// sub-attributes can be asked directly.
	return &And{Terms: append([]Expr{&Compare{Attr: a, Op: ast.PR}}, conjuncts(f)...)}, nil
}

// attribute finds what a path names.
func (r resolver) attribute(p ast.AttributePath) (*schema.Attribute, error) {
	a := r.find(p)
	if a == nil {
		where := ""
		if r.element != nil {
			where = " inside " + r.element.Path
		}
		return nil, invalidFilter("The attribute %s%s is not known.", quote(p.String()), where)
	}
	if hidden(a) {
		return nil, sensitive(p.String())
	}
	return a, nil
}

// hidden says whether an attribute's values are never returned.
func hidden(a *schema.Attribute) bool {
	for ; a != nil; a = a.Parent {
		if a.Returned == schema.ReturnedNever || a.Mutability == schema.WriteOnly {
			return true
		}
	}
	return false
}

func (r resolver) find(p ast.AttributePath) *schema.Attribute {
	if r.element != nil {
		return r.findInElement(p)
	}
	a := r.t.Find(p)
	if a != nil || p.URIPrefix != nil {
		return a
	}
	urn := schema.EnterpriseUserURN
	p.URIPrefix = &urn
	if a = r.t.Find(p); a != nil && r.opts.repairs(RepairUnqualifiedEnterprise) {
		return a
	}
	return nil
}

func (r resolver) findInElement(p ast.AttributePath) *schema.Attribute {
	if p.URIPrefix != nil || p.SubAttribute != nil {
		return nil
	}
	if r.element.Type == schema.Complex {
		return r.element.Sub(p.AttributeName)
	}
	// RFC 7644 §3.5.2: the elements of a simple attribute are called "value".
	if equalFold(p.AttributeName, "value") {
		return r.element
	}
	return nil
}

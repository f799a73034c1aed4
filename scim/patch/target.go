package patch

import (
	"strconv"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// target is what a path names (RFC 7644 §3.5.2, figure 7).
type target struct {
	attr *schema.Attribute
	// where selects elements of attr, which is multi-valued; nil for all.
	where filter.Expr
	sent  ast.Expression // where, before it was resolved
	// sub is the sub-attribute of these elements; nil for them themselves.
	sub *schema.Attribute
	// seed is the element to make where none matches; nil to make none.
	seed *document.Object
	// custom is set instead of attr for an undeclared custom attribute.
	custom schema.Custom
}

func (t target) path() string {
	if t.sub != nil {
		return t.sub.Path
	}
	return t.attr.Path
}

// resolve finds what a path names, refusing what a client can't write.
func (p *parser) resolve(path string) (target, error) {
	parsed, err := filter.ParsePathWith(path, p.filterOptions())
	if err != nil {
		return target{}, err
	}
	a := p.find(parsed.AttributePath)
	if a == nil {
		if c, ok := p.custom(parsed); ok && p.repair(RepairCustomAttribute) {
			return target{custom: c}, nil
		}
		return target{}, invalidPath("%s is not an attribute of a %s.", quote(path), p.t.Name)
	}
	t, err := p.narrow(a, parsed)
	if err == nil && t.readOnly() {
		err = immutable("%s is read-only.", t.path())
	}
	return t, err
}

func (p *parser) find(path ast.AttributePath) *schema.Attribute {
	a := p.t.Find(path)
	if a != nil || path.URIPrefix != nil {
		return a
	}
	urn := schema.EnterpriseUserURN
	path.URIPrefix = &urn
	if a = p.t.Find(path); a != nil && p.repair(RepairUnqualifiedEnterprise) {
		return a
	}
	return nil
}

// narrow adds to an attribute what a path says of its elements.
func (p *parser) narrow(a *schema.Attribute, path ast.Path) (target, error) {
	if path.ValueExpression == nil {
		if a.Parent.MultiValued {
			return target{attr: a.Parent, sub: a}, nil
		}
		return target{attr: a}, nil
	}
	if !a.MultiValued || a.Type != schema.Complex {
		return target{}, invalidPath("%s is not a list of complex values, so no filter in brackets can follow it.", a.Path)
	}
	t := target{attr: a, sent: path.ValueExpression}
	var err error
	if t.where, err = filter.ResolveElementWith(a, path.ValueExpression, p.filterOptions()); err != nil {
		return target{}, err
	}
	if path.SubAttribute != nil {
		if t.sub = a.Sub(*path.SubAttribute); t.sub == nil {
			return target{}, invalidPath("%s has no sub-attribute %s.", a.Path, quote(*path.SubAttribute))
		}
	}
	return t, nil
}

// sow gives the element that may be made for a target where none matches: of an
// element's part, whose filter is made of eq terms joined by and. A replace
// makes no primary element: which one is primary is the list's to say.
func (p *parser) sow(k kind, t target) *document.Object {
	o := &document.Object{}
	if t.where == nil || !p.seed(o, t.attr, t.sent) || !filter.MatchElement(t.where, o) {
		return nil
	}
	if primary := t.attr.Sub("primary"); k == replace && primary != nil && o.Get(primary) != nil {
		return nil
	}
	return o
}

// seed sets what a filter of eq terms joined by and asks for, in the spelling
// of the client; it is false for other filters.
func (p *parser) seed(o *document.Object, a *schema.Attribute, e ast.Expression) bool {
	switch e := e.(type) {
	case *ast.LogicalExpression:
		return e.Operator == ast.AND && p.seed(o, a, e.Left) && p.seed(o, a, e.Right)
	case *ast.AttributeExpression:
		sub := a.Sub(e.AttributePath.AttributeName)
		if e.Operator != ast.EQ || sub == nil || e.CompareValue == "" {
			return false
		}
		v, _, err := document.DecodeValue(sub, appendOperand(nil, e.CompareValue), false, p.repairs)
		if err != nil || v == nil {
			return false
		}
		o.Set(sub, v)
		return true
	}
	return false
}

// appendOperand writes the operand of a comparison as JSON.
func appendOperand(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return document.AppendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	return append(b, "null"...)
}

// readOnly says whether the target, or what it is part of, is readOnly.
func (t target) readOnly() bool {
	a := t.attr
	if t.sub != nil {
		a = t.sub
	}
	return readOnly(a)
}

func readOnly(a *schema.Attribute) bool {
	for ; a != nil; a = a.Parent {
		if a.Mutability == schema.ReadOnly {
			return true
		}
	}
	return false
}

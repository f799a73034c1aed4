package patch

import (
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
)

// MemberOp is one operation on Group.members; exactly one field is set. The
// lists are member ids, never empty, each id once, in the order sent; whether
// they name anything is for the caller to find out.
type MemberOp struct {
	Add     []string // those that are members already stay
	Remove  []string // those that are no members are passed over
	Replace []string // the members from now on
	// RemoveAll empties the group.
	RemoveAll bool
	// RemoveWhere removes the members that fulfil a filter over the
	// sub-attributes of members.
	RemoveWhere filter.Expr
}

func (p *parser) member(op MemberOp) { p.Members = append(p.Members, op) }

// assignMembers reads an add or a replace of members. What a member says is
// immutable (RFC 7643 §8.7.1), so only whole members can be written.
func (p *parser) assignMembers(k kind, t target, raw jsontext.Value) error {
	if t.where != nil || t.sub != nil {
		return immutable("A member can't be changed; remove it and add another.")
	}
	var ids []string
	if raw.Kind() != 'n' {
		var err error
		if ids, err = p.memberIDs(raw); err != nil {
			return err
		}
	}
	switch {
	case k == replace && len(ids) == 0:
		p.member(MemberOp{RemoveAll: true})
	case k == replace:
		p.member(MemberOp{Replace: ids})
	case len(ids) > 0:
		p.member(MemberOp{Add: ids})
	}
	return nil
}

// removeMembers reads a remove of members. A value names those to remove: even
// if it names none, it never means all.
func (p *parser) removeMembers(t target, value jsontext.Value) error {
	switch {
	case t.sub != nil:
		return immutable("%s can't be removed from a member; remove the member.", t.sub.Path)
	case t.where != nil:
		p.removeWhere(t)
	case value == nil:
		p.member(MemberOp{RemoveAll: true})
	default:
		ids, err := p.memberIDs(value)
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			p.member(MemberOp{Remove: ids})
		}
	}
	return nil
}

func (p *parser) removeWhere(t target) {
	ids, ok := idsOf(t.sent)
	switch {
	case !ok:
		p.member(MemberOp{RemoveWhere: t.where})
	case len(ids) > 0:
		p.member(MemberOp{Remove: ids})
	}
}

// idsOf gives the ids that a filter selects, as they were sent, where it asks
// for nothing but ids.
func idsOf(e ast.Expression) ([]string, bool) {
	switch e := e.(type) {
	case *ast.AttributeExpression:
		id, ok := e.CompareValue.(string)
		return []string{id}, ok && e.Operator == ast.EQ && strings.EqualFold(e.AttributePath.AttributeName, "value")
	case *ast.LogicalExpression:
		left, ok := idsOf(e.Left)
		right, both := idsOf(e.Right)
		if !ok || !both {
			return nil, false
		}
		if e.Operator == ast.OR {
			return unique(append(left, right...)), true
		}
		return slices.DeleteFunc(left, func(id string) bool { return !slices.Contains(right, id) }), true
	}
	return nil, false
}

// memberIDs reads a list of members.
func (p *parser) memberIDs(raw jsontext.Value) ([]string, error) {
	a := p.t.Members
	v, _, err := document.DecodeValue(a, raw, false, p.repairs)
	if err != nil {
		return nil, err
	}
	list, _ := v.(document.List)
	var ids []string
	for _, e := range list {
		ids = append(ids, e.(*document.Object).Get(a.Value()).(string)) // the decoder has seen to it
	}
	return unique(ids), nil
}

// unique drops repetitions, keeping the order.
func unique(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return slices.DeleteFunc(ids, func(id string) bool {
		if seen[id] {
			return true
		}
		seen[id] = true
		return false
	})
}

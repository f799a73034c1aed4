package patch

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Patch is a PATCH request that has been read and checked, ready to be applied.
type Patch struct {
	// Members are the operations on Group.members, in order.
	Members []MemberOp
	// Undeclared are the custom attributes (schema.CustomURN) that the request
	// gives a value and that the tenant has not declared, each once, with the
	// type of its first value. What the request says of them is not in the
	// Patch: the caller declares them and parses the request again.
	Undeclared []schema.Custom

	t       *schema.ResourceType
	repairs Repairs
	changes []change
}

// kind is what an operation does, as the RFC spells it.
type kind string

const (
	add     kind = "add"
	replace kind = "replace"
	remove  kind = "remove"
)

// Parse reads a PATCH request for resources of type t. It checks all that does
// not depend on the resource: the message, the paths, the mutability, and the
// types of the values. A nil r is the strict reading of the RFC.
//
// The error is a scimerrors.ScimError whose detail begins with the operation
// that it is about, as in "Operations[2]: …". Its status is 400, or 413 for more
// than MaxOperations; its scimType invalidSyntax, invalidPath, invalidFilter,
// invalidValue, noTarget or mutability (RFC 7644 §3.5.2).
func Parse(t *schema.ResourceType, body []byte, r Repairs) (*Patch, error) {
	ops, err := readMessage(body, r)
	if err != nil {
		return nil, err
	}
	p := parser{Patch: &Patch{t: t, repairs: r}, noted: map[string]bool{}}
	for i, op := range ops {
		p.index = i
		if err := p.operation(op); err != nil {
			return nil, inOperation(i, err)
		}
	}
	return p.Patch, nil
}

// parser turns operations into changes.
type parser struct {
	*Patch
	index int             // of the operation at hand
	noted map[string]bool // the custom attributes in Undeclared
}

// repair asks for a repair; strictly there is none.
func (p *parser) repair(id string) bool { return p.repairs != nil && p.repairs.Repair(id) }

func (p *parser) filterOptions() filter.Options {
	return filter.Options{Repair: p.repair}
}

func (p *parser) change(e effect) {
	p.changes = append(p.changes, change{p.index, e})
}

func (p *parser) operation(o operation) error {
	k := kind(strings.ToLower(o.op))
	switch {
	case k != add && k != replace && k != remove:
		return invalidSyntax(`op must be "add", "remove" or "replace", not %s.`, quote(o.op))
	case string(k) != o.op && !p.repair(RepairOpCase):
		return invalidSyntax("op must be %q, not %s.", k, quote(o.op))
	case k == remove:
		return p.remove(o)
	case o.value == nil:
		// RFC 7644 §3.5.2.1: "The operation MUST contain a "value" member".
		return invalidValue("The operation %s needs a value.", k)
	case o.path == nil:
		return p.keys(k, p.t.Root, o.value)
	}
	t, err := p.resolve(*o.path)
	if err != nil {
		return err
	}
	return p.assign(k, t, o.value)
}

// assign makes the change of an add or a replace of one target.
func (p *parser) assign(k kind, t target, raw jsontext.Value) error {
	if t.custom.URN != "" {
		return p.undeclaredPath(t.custom, raw)
	}
	if raw.Kind() == 'n' && !p.repair(RepairNullClears) {
		return invalidValue("The value of %s must not be null; use remove.", t.path())
	}
	a := t.attr
	switch {
	case a == p.t.Members:
		return p.assignMembers(k, t, raw)
	case t.where != nil || t.sub != nil:
		return p.assignElements(k, t, raw)
	case a.Extension:
		return p.assignExtension(k, a, raw)
	case a.MultiValued:
		return p.assignList(k, a, raw)
	case a.Type == schema.Complex:
		return p.assignComplex(a, raw)
	}
	v, _, err := document.DecodeValue(a, raw, false, p.repairs)
	if err != nil {
		return err
	}
	return p.set(a, v)
}

// set makes the change of a simple attribute, nil to unassign it.
func (p *parser) set(a *schema.Attribute, v document.Value) error {
	switch {
	case v == nil && a.Required:
		return required(a)
	case a.Returned == schema.ReturnedNever:
		// A password is accepted, because clients send one, and forgotten.
		return nil
	case a.Parent.Type == schema.Complex && a.Parent.Parent != nil && !a.Parent.Extension:
		p.change(mergeValue{a.Parent, []document.Field{{Attr: a, Value: v}}})
	default:
		p.change(setValue{a, v})
	}
	return nil
}

func (p *parser) assignExtension(k kind, a *schema.Attribute, raw jsontext.Value) error {
	raw, err := p.object(a, raw, false)
	if err != nil {
		return err
	}
	if raw == nil {
		p.change(setValue{a, nil})
		return nil
	}
	return p.keys(k, a, raw)
}

// assignList adds elements or replaces the list. Adding nothing changes
// nothing.
func (p *parser) assignList(k kind, a *schema.Attribute, raw jsontext.Value) error {
	v, _, err := document.DecodeValue(a, raw, false, p.repairs)
	if err != nil {
		return err
	}
	list, _ := v.(document.List)
	switch {
	case k == replace:
		p.change(setValue{a, list})
	case len(list) > 0:
		p.change(addElements{a, list})
	}
	return nil
}

// assignComplex merges the given sub-attributes (RFC 7644 §3.5.2.1, §3.5.2.3).
func (p *parser) assignComplex(a *schema.Attribute, raw jsontext.Value) error {
	raw, err := p.object(a, raw, false)
	if err != nil {
		return err
	}
	if raw == nil {
		p.change(setValue{a, nil})
		return nil
	}
	fields, err := p.fields(a, raw)
	if err == nil {
		p.change(mergeValue{a, fields})
	}
	return err
}

// assignElements changes the selected elements of a multi-valued attribute, or
// one sub-attribute of each.
func (p *parser) assignElements(k kind, t target, raw jsontext.Value) error {
	e := editElements{target: t}
	if t.sub != nil {
		e.seed = p.sow(k, t)
		v, _, err := document.DecodeValue(t.sub, raw, false, p.repairs)
		if err != nil {
			return err
		}
		e.fields = []document.Field{{Attr: t.sub, Value: v}}
		p.change(e)
		return nil
	}
	raw, err := p.object(t.attr, raw, true)
	if err != nil {
		return err
	}
	if e.drop = raw == nil; !e.drop {
		e.fields, err = p.fields(t.attr, raw)
	}
	p.change(e)
	return err
}

// remove reads a remove operation (RFC 7644 §3.5.2.2).
func (p *parser) remove(o operation) error {
	if o.path == nil || *o.path == "" {
		return noTarget("A remove needs a path.")
	}
	t, err := p.resolve(*o.path)
	if err != nil {
		return err
	}
	value := o.value
	if value.Kind() == 'n' {
		value = nil
	}
	if value != nil && !p.repair(RepairRemoveWithValue) {
		return invalidValue("A remove has no value; select what to remove by a filter in the path.")
	}
	switch {
	case t.custom.URN != "":
		return nil // what is not declared has no value
	case t.attr == p.t.Members:
		return p.removeMembers(t, value)
	case t.sub != nil:
		p.change(editElements{target: t, fields: []document.Field{{Attr: t.sub}}})
	case t.where != nil:
		p.change(editElements{target: t, drop: true})
	case t.attr.MultiValued && value != nil:
		return p.removeElements(t.attr, value)
	default:
		return p.set(t.attr, nil)
	}
	return nil
}

func (p *parser) removeElements(a *schema.Attribute, raw jsontext.Value) error {
	v, _, err := document.DecodeValue(a, raw, false, p.repairs)
	if err != nil {
		return err
	}
	if list, _ := v.(document.List); len(list) > 0 {
		p.change(removeElements{a, list})
	}
	return nil
}

package patch

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// object gives the JSON object that is the new value of a complex attribute or,
// with element, of one of its elements; nil to unassign it.
func (p *parser) object(a *schema.Attribute, raw jsontext.Value, element bool) (jsontext.Value, error) {
	if k := raw.Kind(); k != '{' && k != 'n' && p.repairs != nil {
		if mended, ok := p.repairs.Misfit(a, raw.Clone(), element); ok {
			raw = mended
		}
	}
	switch raw.Kind() {
	case '{':
		return raw, nil
	case 'n':
		return nil, nil
	}
	// The strict decoder says what is wrong.
	_, _, err := document.DecodeValue(a, raw, element, nil)
	return nil, err
}

// fields reads the sub-attributes that an object gives, in the order sent; a nil
// Value unassigns one. Unknown and readOnly ones are ignored.
func (p *parser) fields(a *schema.Attribute, raw jsontext.Value) ([]document.Field, error) {
	var out []document.Field
	err := eachMember(jsontext.NewDecoder(bytes.NewReader(raw)), a.Path, func(name string, v jsontext.Value) error {
		sub := a.Sub(name)
		if sub == nil || readOnly(sub) {
			return nil
		}
		value, _, err := document.DecodeValue(sub, v, false, p.repairs)
		out = append(out, document.Field{Attr: sub, Value: value})
		return err
	})
	return out, err
}

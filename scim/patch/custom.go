package patch

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// custom says whether a path that resolves to nothing has the form of a custom
// user attribute.
func (p *parser) custom(path ast.Path) (schema.Custom, bool) {
	urn := path.AttributePath.URI()
	ok := p.t.Kind == schema.User && schema.CustomURN(urn) && schema.ValidName(path.AttributePath.AttributeName) &&
		path.AttributePath.SubAttribute == nil && path.ValueExpression == nil
	return schema.Custom{URN: urn, Name: path.AttributePath.AttributeName}, ok
}

// undeclaredPath notes a custom attribute that a path gives a value.
func (p *parser) undeclaredPath(c schema.Custom, raw jsontext.Value) error {
	if k := raw.Kind(); k == '{' || k == '[' {
		return invalidValue("%s:%s is a custom attribute and must be a string, a number or a boolean.", c.URN, c.Name)
	}
	p.undeclared(c.URN, c.Name, raw)
	return nil
}

// undeclaredExtension notes the attributes of an extension that is unknown as a
// whole.
func (p *parser) undeclaredExtension(urn string, raw jsontext.Value) error {
	if raw.Kind() != '{' {
		return nil
	}
	return eachMember(jsontext.NewDecoder(bytes.NewReader(raw)), "The value", func(name string, v jsontext.Value) error {
		p.undeclared(urn, name, v)
		return nil
	})
}

// undeclared notes a custom attribute, if it has a value that tells its type.
func (p *parser) undeclared(urn, name string, raw jsontext.Value) {
	t, ok := document.ScalarType(raw)
	if !ok || string(raw) == `""` || p.t.Kind != schema.User || !schema.CustomURN(urn) || !schema.ValidName(name) {
		return
	}
	key := strings.ToLower(urn + ":" + name)
	if p.noted[key] || !p.repair(RepairCustomAttribute) {
		return
	}
	p.noted[key] = true
	p.Undeclared = append(p.Undeclared, schema.Custom{URN: urn, Name: name, Type: t})
}

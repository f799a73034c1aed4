package patch

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// keys makes the changes of a value whose members are attributes: of the
// resource, for an operation without path, or of an extension. Each member is
// an operation of its own, in the order sent. Unknown and readOnly ones are
// ignored.
func (p *parser) keys(k kind, in *schema.Attribute, raw jsontext.Value) error {
	if raw.Kind() == '[' && p.repairs != nil {
		if mended, ok := p.repairs.Misfit(in, raw.Clone(), false); ok {
			raw = mended
		}
	}
	if raw.Kind() != '{' {
		return invalidValue("Without a path the value must be a JSON object of attributes.")
	}
	return eachMember(jsontext.NewDecoder(bytes.NewReader(raw)), "The value", func(name string, v jsontext.Value) error {
		a := in.Sub(name)
		switch {
		case a != nil && readOnly(a):
			return nil
		case a != nil:
			return p.assign(k, target{attr: a}, v)
		case in.Extension:
			p.undeclared(in.Name, name, v)
			return nil
		}
		return p.key(k, name, v)
	})
}

// key reads a member of a value without path whose name is no attribute's.
func (p *parser) key(k kind, name string, v jsontext.Value) error {
	switch {
	case strings.EqualFold(name, p.t.URN):
		if !p.repair(RepairURNKey) {
			return notAName(name)
		}
		return p.keys(k, p.t.Root, v)
	case schema.CustomURN(name):
		return p.undeclaredExtension(name, v)
	case !strings.ContainsAny(name, ".:["):
		return nil
	}
	path, err := filter.ParsePathWith(name, p.filterOptions())
	filtered := strings.Contains(name, "[")
	if err != nil {
		if filtered {
			return err
		}
		return nil
	}
	a := p.t.Find(path.AttributePath)
	if a == nil {
		if c, ok := p.custom(path); ok {
			p.undeclared(c.URN, c.Name, v)
		}
		return nil
	}
	id := RepairDottedKey
	if filtered {
		id = RepairFilteredKey
	} else if strings.Contains(name, ":") {
		id = RepairURNKey
	}
	t, err := p.narrow(a, path)
	switch {
	case err != nil:
		return err
	case t.readOnly():
		return nil
	case !p.repair(id):
		return notAName(name)
	}
	return p.assign(k, t, v)
}

func notAName(key string) error {
	return invalidPath("%s is not the name of an attribute; without a path, attributes stand in their JSON form.", quote(key))
}

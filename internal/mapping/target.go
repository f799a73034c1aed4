package mapping

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// target is an attribute that a flow fills.
type target struct {
	path string // in the schema's spelling
	// unit is what is asserted as one: a whole list, or an attribute that is none.
	unit *schema.Attribute
	// leaf is what the flow's value is one of: the unit, or an attribute of its
	// elements.
	leaf *schema.Attribute
	// by and is say which element of the list it is; nil for the whole.
	by *schema.Attribute
	is document.Value
}

var targetForm = regexp.MustCompile(`^(?:((?i:urn):[^\[\]"]+):)?([A-Za-z$][A-Za-z0-9$_-]*)(?:\[\s*([A-Za-z][A-Za-z0-9_-]*)\s+eq\s+("[^"\\]{1,64}"|true|false)\s*\])?(?:\.([A-Za-z$][A-Za-z0-9$_-]*))?$`)

// findTarget resolves a target against the schema.
func findTarget(t *schema.ResourceType, text string) (target, error) {
	m := targetForm.FindStringSubmatch(text)
	if m == nil || len(text) > 256 {
		return target{}, fmt.Errorf(`%.80q is no target; write an attribute, "name.familyName", "urn:…:attribute" or list[type eq "work"].value`, text)
	}
	a := findAttribute(t, m[1], m[2])
	if a == nil {
		return target{}, fmt.Errorf("there is no attribute %.80s%s", text, hint(t, m[1], m[2]))
	}
	found := target{path: a.Path, unit: a, leaf: a}
	var err error
	if m[3] != "" {
		err = found.element(m[3], m[4])
	}
	if err == nil && m[5] != "" {
		err = found.sub(m[5])
	}
	if err == nil {
		err = found.writable(t)
	}
	return found, err
}

// findAttribute finds an attribute of the core schema or of an extension; nil for
// none, and for an extension as a whole.
func findAttribute(t *schema.ResourceType, urn, name string) *schema.Attribute {
	holder := t.Root
	if urn != "" && !strings.EqualFold(urn, t.URN) {
		if holder = t.Root.Sub(urn); holder == nil || !holder.Extension {
			return nil
		}
	}
	if a := holder.Sub(name); a != nil && !a.Extension {
		return a
	}
	return nil
}

// hint is the way out where an attribute isn't found.
func hint(t *schema.ResourceType, urn, name string) string {
	for _, e := range t.Extensions {
		if a := e.Sub(name); a != nil && urn == "" {
			return "; did you mean " + a.Path + "?"
		}
	}
	if schema.CustomURN(urn) {
		return "; declare it first: workspace attribute add"
	}
	return "; /Schemas lists those that there are"
}

// element narrows a list to the element that has a certain value.
func (f *target) element(by, value string) error {
	list := f.unit
	if !list.MultiValued || list.Type != schema.Complex {
		return fmt.Errorf("%s is no list of elements that could be chosen from", list.Path)
	}
	f.by = list.Sub(by)
	quoted := strings.HasPrefix(value, `"`)
	switch {
	case f.by == nil || f.by.Type != schema.String && f.by.Type != schema.Boolean || f.by.MultiValued:
		return fmt.Errorf(`the elements of %s can't be told by %s; use type, as in %s[type eq "work"].value`, list.Path, by, list.Path)
	case f.by.Type == schema.Boolean:
		is := strings.Trim(value, `"`)
		if f.is = strings.EqualFold(is, "true"); !strings.EqualFold(is, "true") && !strings.EqualFold(is, "false") {
			return fmt.Errorf("%s is true or false", f.by.Path)
		}
		value = strings.ToLower(is)
	case !quoted:
		return fmt.Errorf("%s is text, and stands in quotation marks", f.by.Path)
	default:
		f.is = strings.Trim(value, `"`)
	}
	f.leaf = nil
	f.path = fmt.Sprintf("%s[%s eq %s]", list.Path, f.by.Name, value)
	return nil
}

// sub goes on to a sub-attribute.
func (f *target) sub(name string) error {
	list := f.unit
	s := list.Sub(name)
	switch {
	case s == nil:
		return fmt.Errorf("%s has no attribute %s", list.Path, name)
	case f.by != nil:
		f.leaf = s
	case list.MultiValued:
		return fmt.Errorf(`%s is a list; say of which element, as in %s[type eq "work"].%s`, list.Path, list.Path, s.Name)
	default:
		f.unit, f.leaf = s, s
	}
	f.path += "." + s.Name
	if f.by == nil {
		f.path = s.Path
	}
	return nil
}

// writable refuses what no source fills.
func (f *target) writable(t *schema.ResourceType) error {
	switch {
	case f.leaf == nil:
		return fmt.Errorf("%s names an element; say which attribute of it, such as %s.value", f.path, f.path)
	case f.by != nil && f.leaf == f.by:
		return fmt.Errorf("%s has the value that the element is told by; it is set anyway", f.path)
	case f.unit.Backing != schema.InDocument || f.unit.Mutability == schema.ReadOnly || f.leaf.Mutability == schema.ReadOnly:
		return fmt.Errorf("%s isn't a matter of the mapping: the server fills it", f.path)
	case f.unit == t.Password:
		return fmt.Errorf("%s isn't a matter of the mapping: no password is kept", f.path)
	}
	return nil
}

// top is the attribute that is filled as a whole or in parts.
func (f target) top() *schema.Attribute { return f.unit.Top() }

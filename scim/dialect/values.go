package dialect

import (
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Misfit mends a value whose kind doesn't fit its attribute; see
// document.Repairer. It never returns a value that needs mending in the same
// way again.
func (d *Dialect) Misfit(a *schema.Attribute, raw jsontext.Value, element bool) (jsontext.Value, bool) {
	if d == nil {
		return nil, false
	}
	list := a.MultiValued && !element
	text := raw.Kind() == '"'
	switch {
	case string(raw) == `""`:
		// A member without an id is a mistake, not an absence.
		if a.Backing != schema.InMembers && d.Repair(EmptyClears) {
			return jsontext.Value("null"), true
		}
	case list:
		return d.list(a, raw)
	case text && a.Type == schema.Boolean:
		return d.boolean(raw)
	case text && (a.Type == schema.Integer || a.Type == schema.Decimal):
		return d.number(raw)
	case text && a.Type == schema.Reference:
		return d.link(raw)
	case text && a.Type == schema.Complex:
		return d.reference(a, raw)
	case raw.Kind() == '[' && !a.MultiValued && a.Type == schema.Complex:
		return d.only(a, raw)
	}
	return nil, false
}

// list mends what stands in place of a list.
func (d *Dialect) list(a *schema.Attribute, raw jsontext.Value) (jsontext.Value, bool) {
	switch {
	case raw.Kind() == '{' && a.Type == schema.Complex && d.Repair(SingleAsList):
	case raw.Kind() == '"' && a.Backing == schema.InMembers && d.Repair(MemberString):
	default:
		return nil, false
	}
	return jsontext.Value("[" + string(raw) + "]"), true
}

func (d *Dialect) boolean(raw jsontext.Value) (jsontext.Value, bool) {
	for _, word := range []string{"true", "false"} {
		if strings.EqualFold(string(raw), `"`+word+`"`) && d.Repair(TextBoolean) {
			return jsontext.Value(word), true
		}
	}
	return nil, false
}

func (d *Dialect) number(raw jsontext.Value) (jsontext.Value, bool) {
	inner := raw[1 : len(raw)-1].Clone()
	// A JSON number and nothing else: no blanks, no plus sign, no hexadecimals.
	if inner.Kind() != '0' || strings.TrimSpace(string(inner)) != string(inner) || !inner.IsValid() || !d.Repair(TextNumber) {
		return nil, false
	}
	return inner, true
}

// reference makes {"value": …} of a string.
func (d *Dialect) reference(a *schema.Attribute, raw jsontext.Value) (jsontext.Value, bool) {
	id := ManagerString
	if a.Backing == schema.InMembers {
		id = MemberString
	} else if a.MultiValued || a.Value() == nil {
		return nil, false
	}
	if !d.Repair(id) {
		return nil, false
	}
	return jsontext.Value(`{"value":` + string(raw) + `}`), true
}

// only takes the element out of a list of one; it may be a string in turn.
func (d *Dialect) only(a *schema.Attribute, raw jsontext.Value) (jsontext.Value, bool) {
	var list []jsontext.Value
	if !eachElement(raw, func(v jsontext.Value) { list = append(list, v.Clone()) }) || len(list) != 1 {
		return nil, false
	}
	switch v := list[0]; {
	case v.Kind() == '{' && d.Repair(ManagerList):
		return v, true
	case v.Kind() == '"' && a.Value() != nil && d.Repair(ManagerList):
		return d.Misfit(a, v, false)
	}
	return nil, false
}

// eachElement walks a JSON array; it is false when there is none.
func eachElement(raw jsontext.Value, yield func(jsontext.Value)) bool {
	in := jsontext.NewDecoder(strings.NewReader(string(raw)))
	if tok, err := in.ReadToken(); err != nil || tok.Kind() != '[' {
		return false
	}
	for in.PeekKind() != ']' {
		v, err := in.ReadValue()
		if err != nil {
			return false
		}
		yield(v)
	}
	return true
}

// entraRoleType is what Entra ID gives as the type of app roles when it creates
// a user.
const entraRoleType = "WindowsAzureActiveDirectoryRole"

// Element mends one element of a multi-valued attribute; see
// document.Repairer. A member that has no value gets the id in its $ref. A role
// whose value is the JSON text of an app role,
//
//	{"id": "18d1…", "value": "Auditor", "displayName": "Auditors"}
//
// becomes the role that the same client would have sent in parts: value is the
// app role's value, or its id where it has none; display its displayName; type
// Entra's, where the role has none. Other sub-attributes stay.
func (d *Dialect) Element(a *schema.Attribute, o *document.Object) *document.Object {
	switch {
	case d == nil:
		return o
	case a.Backing == schema.InMembers:
		return d.member(a, o)
	case a.Name != "roles":
		return o
	}
	text, _ := o.Get(a.Value()).(string)
	role, ok := appRole(text)
	if !ok || !d.Repair(RolesJSON) {
		return o
	}
	c := o.Clone()
	c.Set(a.Value(), role["value"])
	if role["value"] == "" {
		c.Set(a.Value(), role["id"])
	}
	c.Set(a.Sub("display"), role["displayName"])
	if t := a.Sub("type"); c.Get(t) == nil {
		c.Set(t, entraRoleType)
	}
	return c
}

// member gives a member that has no value the id in its $ref.
func (d *Dialect) member(a *schema.Attribute, o *document.Object) *document.Object {
	if id, _ := o.Get(a.Value()).(string); id != "" {
		return o
	}
	ref, _ := o.Get(a.Sub("$ref")).(string)
	id := referredID(ref)
	if id == "" || !d.Repair(MemberRef) {
		return o
	}
	c := o.Clone()
	c.Set(a.Value(), id)
	return c
}

// referredID gives the id in the URI of a user or group, relative or not:
// …/Users/ID, or ID alone, which is what a bulk request puts in place of bulkId:x
// (RFC 7644 §3.7.2); that is its own id until then.
func referredID(ref string) string {
	if strings.HasPrefix(ref, "bulkId:") {
		return ref
	}
	u, err := url.Parse(ref)
	if err != nil {
		return ""
	}
	where := strings.Split(strings.TrimRight(u.EscapedPath(), "/"), "/")
	n := len(where)
	if n > 1 && !strings.EqualFold(where[n-2], "Users") && !strings.EqualFold(where[n-2], "Groups") {
		return ""
	}
	id, _ := url.PathUnescape(where[n-1])
	return id
}

// appRole reads the JSON text of an app role: an object whose id and
// displayName are strings that aren't empty.
func appRole(text string) (map[string]string, bool) {
	if !strings.HasPrefix(text, "{") {
		return nil, false
	}
	in := jsontext.NewDecoder(strings.NewReader(text))
	if _, err := in.ReadToken(); err != nil {
		return nil, false
	}
	role := map[string]string{}
	for in.PeekKind() == '"' {
		tok, err := in.ReadToken()
		if err != nil {
			return nil, false
		}
		name := tok.String()
		raw, err := in.ReadValue()
		if err != nil {
			return nil, false
		}
		if raw.Kind() == '"' {
			s, err := jsontext.AppendUnquote(nil, raw)
			if err != nil {
				return nil, false
			}
			role[name] = string(s)
		}
	}
	whole := jsontext.Value(text)
	return role, whole.IsValid() && role["id"] != "" && role["displayName"] != ""
}

package schema

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/elimity-com/scim/optional"
	scim "github.com/elimity-com/scim/schema"
	"github.com/scim2/filter-parser/v2"
)

// The URNs of the schemas that every tenant has.
const (
	UserURN           = scim.UserSchema
	GroupURN          = scim.GroupSchema
	EnterpriseUserURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	WorkspaceUserURN  = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User"
	WorkspaceGroupURN = "urn:ietf:params:scim:schemas:extension:workspace:2.0:Group"
	OriginURN         = "urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin"
	ProductURN        = "urn:workspace:scim:schemas:core:2.0:CatalogProduct"
	OrderURN          = "urn:workspace:scim:schemas:core:2.0:Order"
	ItemURN           = "urn:workspace:scim:schemas:core:2.0:WorkspaceItem"
	GrantURN          = "urn:workspace:scim:schemas:core:2.0:Grant"
)

// Kind numbers the resource types in the store. Persistent.
type Kind int

// The kinds of resources.
const (
	User    Kind = 1
	Group   Kind = 2
	Product Kind = 3
	Order   Kind = 4
	Item    Kind = 5
	// Grant is the kind of what is derived from members and grants: it has no
	// rows of its own.
	Grant Kind = 6
)

// ResourceType is one type of resource with its core schema and its extensions
// (RFC 7643 §6).
type ResourceType struct {
	Kind        Kind
	Name        string // "User"
	Endpoint    string // "/Users"
	Description string
	URN         string // of the core schema
	// Administered marks a type of our own that no source asserts: only
	// administrators see its resources and write them.
	Administered bool
	// Derived marks a type whose resources are worked out and not stored: an
	// endpoint of its own serves it, without PUT, PATCH, bulk, sorting and ETags.
	Derived bool
	// Root is the resource itself as one complex attribute: its sub-attributes
	// are the common attributes, the core attributes and the extensions.
	Root *Attribute
	// Extensions are the containers of the extensions, in the order of Root.
	Extensions []*Attribute

	// The attributes that code names. The first five exist on every type.
	Schemas, ID, ExternalID, Meta, DisplayName  *Attribute
	Anchor, Origin                              *Attribute // User and Group
	UserName, Active, Manager, Groups, Password *Attribute // User only
	AuthoritativeNulls                          *Attribute // User only
	Members                                     *Attribute // Group only
}

// Set is the resource types and schemas of one tenant.
type Set struct {
	Types   []*ResourceType
	Schemas []scim.Schema // in the order in which they are announced
	User    *ResourceType
	Group   *ResourceType
	Product *ResourceType
	Order   *ResourceType
	Item    *ResourceType
	Grant   *ResourceType
}

// Custom is an attribute that a tenant's administrator declared, or that Entra
// ID used first, in an extension of its own: row E095.
type Custom struct {
	URN   string // urn:ietf:params:scim:schemas:extension:NAME:2.0:User
	Name  string
	Type  Type // String, Boolean, Decimal, Integer or DateTime
	Index int  // the number of its index rows; from CustomIndex upwards
}

// CustomIndex is the first index number that custom attributes get.
const CustomIndex = 1000

//go:embed definitions/*.json
var definitions embed.FS

func mustLoad(name string) scim.Schema {
	b, err := definitions.ReadFile("definitions/" + name)
	if err != nil {
		panic(err)
	}
	var s scim.Schema
	if err := json.Unmarshal(b, &s); err != nil {
		panic(fmt.Sprintf("schema: %s: %v", name, err))
	}
	return s
}

// indexed gives each indexed attribute its number. Persistent: a number is
// never given to another attribute. Only strings are indexed.
var indexed = map[Kind]map[string]int{
	User: {
		"userName": 1, "externalId": 2, "displayName": 3, "emails.value": 4, "name.familyName": 5,
		EnterpriseUserURN + ":employeeNumber": 6, EnterpriseUserURN + ":manager.value": 7,
		WorkspaceUserURN + ":originAnchor": 8, WorkspaceUserURN + ":originSid": 9,
		WorkspaceUserURN + ":extensionAttribute1": 11, WorkspaceUserURN + ":extensionAttribute2": 12,
		WorkspaceUserURN + ":extensionAttribute3": 13, WorkspaceUserURN + ":extensionAttribute4": 14,
		WorkspaceUserURN + ":extensionAttribute5": 15, WorkspaceUserURN + ":extensionAttribute6": 16,
		WorkspaceUserURN + ":extensionAttribute7": 17, WorkspaceUserURN + ":extensionAttribute8": 18,
		WorkspaceUserURN + ":extensionAttribute9": 19, WorkspaceUserURN + ":extensionAttribute10": 20,
		WorkspaceUserURN + ":extensionAttribute11": 21, WorkspaceUserURN + ":extensionAttribute12": 22,
		WorkspaceUserURN + ":extensionAttribute13": 23, WorkspaceUserURN + ":extensionAttribute14": 24,
		WorkspaceUserURN + ":extensionAttribute15": 25, WorkspaceUserURN + ":sAMAccountName": 26,
	},
	Group: {
		"displayName": 101, "externalId": 102,
		WorkspaceGroupURN + ":originAnchor": 103, WorkspaceGroupURN + ":originSid": 104,
		WorkspaceGroupURN + ":sAMAccountName": 105,
	},
	Product: {"displayName": 201, "externalId": 202, "groups.value": 203, "items.value": 204, "alternatives.value": 205},
	Order:   {"displayName": 301, "externalId": 302, "product.value": 303, "recipient.value": 304, "state": 305, "lines.value": 306, "lines.state": 307},
	Item:    {"displayName": 401, "externalId": 402, "group.value": 403, "keepInSync": 404},
}

// New compiles the set of a tenant: the standard schemas, Workspace's own, and
// the tenant's custom attributes. It fails only for a custom attribute whose
// URN or name the rules of RFC 7643 §2.1 forbid.
func New(custom []Custom) (*Set, error) {
	// The library's Group has members.display immutable (RFC 7643 §8.7.1); we derive
	// it, so it is readOnly.
	user, group := scim.CoreUserSchema(), mustLoad("core-group.json")
	enterprise, wsUser := scim.ExtensionEnterpriseUser(), mustLoad("workspace-user.json")
	wsGroup, origin := mustLoad("workspace-group.json"), mustLoad("workspace-origin.json")
	customs, err := customSchemas(custom)
	if err != nil {
		return nil, err
	}
	product, order, item := mustLoad("catalog-product.json"), mustLoad("order.json"), mustLoad("workspace-item.json")
	grant := mustLoad("grant.json")
	s := &Set{Schemas: append([]scim.Schema{user, group, enterprise, wsUser, wsGroup, origin, product, order, item, grant}, customs...)}
	s.User = compile(User, "User", "/Users", "A person's account", user, append([]scim.Schema{enterprise, wsUser, origin}, customs...))
	s.Group = compile(Group, "Group", "/Groups", "A group of users and groups", group, []scim.Schema{wsGroup, origin})
	s.Product = compile(Product, "CatalogProduct", "/CatalogProducts", "Something that can be ordered", product, nil)
	s.Order = compile(Order, "Order", "/Orders", "A product ordered for a user", order, nil)
	s.Item = compile(Item, "WorkspaceItem", "/WorkspaceItems", "Something that users are assigned to", item, nil)
	s.Grant = compile(Grant, "Grant", "/Grants", "What a user or group has, and why", grant, nil)
	s.Grant.Derived = true
	s.Types = []*ResourceType{s.User, s.Group, s.Product, s.Order, s.Item, s.Grant}
	for _, c := range custom {
		s.User.Root.Sub(c.URN).Sub(c.Name).Index = c.Index
	}
	return s, nil
}

// Must is New for the standard set, which can't fail.
func Must() *Set {
	s, err := New(nil)
	if err != nil {
		panic(err)
	}
	return s
}

func customSchemas(custom []Custom) ([]scim.Schema, error) {
	var out []scim.Schema
	for _, c := range custom {
		if !CustomURN(c.URN) || !ValidName(c.Name) {
			return nil, fmt.Errorf("schema: %q in %q is no name for a custom attribute", c.Name, c.URN)
		}
		i := slices.IndexFunc(out, func(s scim.Schema) bool { return strings.EqualFold(s.ID, c.URN) })
		if i < 0 {
			i = len(out)
			name := strings.Split(c.URN, ":")[6]
			out = append(out, scim.Schema{ID: c.URN, Name: optional.NewString(name), Description: optional.NewString("Custom attributes")})
		}
		var p scim.SimpleParams
		switch c.Type {
		case Boolean:
			p = scim.SimpleBooleanParams(scim.BooleanParams{Name: c.Name})
		case Decimal:
			p = scim.SimpleNumberParams(scim.NumberParams{Name: c.Name, Type: scim.AttributeTypeDecimal()})
		case Integer:
			p = scim.SimpleNumberParams(scim.NumberParams{Name: c.Name, Type: scim.AttributeTypeInteger()})
		case DateTime:
			p = scim.SimpleDateTimeParams(scim.DateTimeParams{Name: c.Name})
		default:
			p = scim.SimpleStringParams(scim.StringParams{Name: c.Name})
		}
		out[i].Attributes = append(out[i].Attributes, scim.SimpleCoreAttribute(p))
	}
	return out, nil
}

// CustomURN says whether a URN is one that Entra ID lets an administrator make
// up for custom user attributes:
// urn:ietf:params:scim:schemas:extension:NAME:2.0:User
// (Microsoft, customize-application-attributes).
func CustomURN(urn string) bool {
	p := strings.Split(strings.ToLower(urn), ":")
	if len(p) != 9 || strings.Join(p[:6], ":") != "urn:ietf:params:scim:schemas:extension" || p[7] != "2.0" || p[8] != "user" {
		return false
	}
	return ValidName(p[6]) && p[6] != "enterprise" && p[6] != "workspace"
}

// ValidName says whether a name is one for an attribute (ATTRNAME of RFC 7643
// §2.1), of at most 64 characters.
func ValidName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i] | 0x20
		alpha := 'a' <= c && c <= 'z'
		if !alpha && (i == 0 || !(('0' <= s[i] && s[i] <= '9') || s[i] == '-' || s[i] == '_')) {
			return false
		}
	}
	return true
}

func compile(kind Kind, name, endpoint, description string, core scim.Schema, extensions []scim.Schema) *ResourceType {
	t := &ResourceType{Kind: kind, Name: name, Endpoint: endpoint, Description: description, URN: core.ID,
		Administered: kind != User && kind != Group, Root: &Attribute{Type: Complex, URN: core.ID}}
	for _, a := range scim.CommonAttributes() {
		t.Root.add(convert(a, ""))
	}
	for _, a := range core.Attributes {
		t.Root.add(convert(a, core.ID))
	}
	for _, e := range extensions {
		c := &Attribute{Name: e.ID, URN: e.ID, Type: Complex, Extension: true}
		t.Root.add(c)
		for _, a := range e.Attributes {
			c.add(convert(a, e.ID))
		}
		t.Extensions = append(t.Extensions, c)
	}
	repath(t.Root)

	t.Schemas, t.ID, t.ExternalID, t.Meta = t.Root.Sub("schemas"), t.Root.Sub("id"), t.Root.Sub("externalId"), t.Root.Sub("meta")
	t.DisplayName, t.Origin = t.Root.Sub("displayName"), t.Root.Sub(OriginURN)
	switch kind {
	case User:
		t.UserName, t.Active, t.Groups, t.Password = t.Root.Sub("userName"), t.Root.Sub("active"), t.Root.Sub("groups"), t.Root.Sub("password")
	case Group:
		t.Members = t.Root.Sub("members")
	}
	if e := t.Root.Sub(EnterpriseUserURN); e != nil {
		t.Manager = e.Sub("manager")
	}
	for _, urn := range []string{WorkspaceUserURN, WorkspaceGroupURN} {
		if e := t.Root.Sub(urn); e != nil {
			t.Anchor, t.AuthoritativeNulls = e.Sub("originAnchor"), e.Sub("authoritativeNulls")
		}
	}
	// RFC 7643 §3: schemas is the service provider's to fill; externalId is
	// caseExact; id and schemas are always there.
	t.Schemas.Returned, t.Schemas.Mutability = ReturnedAlways, ReadOnly
	back(InColumns, t.ID, t.Meta, t.Schemas)
	back(InMembers, t.Members, t.Groups)
	back(InOrigin, t.Origin)
	if t.Origin != nil {
		t.Origin.Mutability = ReadOnly
	}
	number(kind, t.Root)
	return t
}

func convert(a scim.CoreAttribute, urn string) *Attribute {
	out := &Attribute{
		Name: a.Name(), URN: urn, Type: typeNames[a.AttributeType()], MultiValued: a.MultiValued(),
		CaseExact: a.CaseExact(), Required: a.Required(),
	}
	switch a.Mutability() {
	case "readOnly":
		out.Mutability = ReadOnly
	case "immutable":
		out.Mutability = Immutable
	case "writeOnly":
		out.Mutability = WriteOnly
	}
	switch a.Returned() {
	case "always":
		out.Returned = ReturnedAlways
	case "never":
		out.Returned = ReturnedNever
	case "request":
		out.Returned = ReturnedRequest
	}
	for _, s := range a.SubAttributes() {
		out.add(convert(s, urn))
	}
	return out
}

// repath names the attributes again once they all have their place.
func repath(a *Attribute) {
	for _, s := range a.Subs {
		switch {
		case s.Extension:
			s.Path = s.Name
		case a.Extension:
			s.Path = a.Path + ":" + s.Name
		case a.Path != "":
			s.Path = a.Path + "." + s.Name
		default:
			s.Path = s.Name
		}
		repath(s)
	}
}

func back(b Backing, attrs ...*Attribute) {
	for _, a := range attrs {
		if a == nil {
			continue
		}
		a.Backing = b
		back(b, a.Subs...)
	}
}

func number(kind Kind, a *Attribute) {
	a.Index = indexed[kind][a.Path]
	for _, s := range a.Subs {
		number(kind, s)
	}
}

// Announced gives the types that an actor can use, and their schemas: those that
// are administered only if it administers.
func (s *Set) Announced(administers bool) (types []*ResourceType, schemas []scim.Schema) {
	if administers {
		return s.Types, s.Schemas
	}
	hidden := map[string]bool{}
	for _, t := range s.Types {
		if t.Administered {
			hidden[t.URN] = true
			continue
		}
		types = append(types, t)
	}
	for _, sc := range s.Schemas {
		if !hidden[sc.ID] {
			schemas = append(schemas, sc)
		}
	}
	return types, schemas
}

// Type finds a resource type by its endpoint ("/Users" or "Users"), in any case.
func (s *Set) Type(endpoint string) *ResourceType {
	for _, t := range s.Types {
		if strings.EqualFold(t.Endpoint, endpoint) || strings.EqualFold(t.Endpoint[1:], endpoint) {
			return t
		}
	}
	return nil
}

// OfKind finds a resource type by its number.
func (s *Set) OfKind(k Kind) *ResourceType {
	for _, t := range s.Types {
		if t.Kind == k {
			return t
		}
	}
	return nil
}

// Find resolves an attribute path of a filter, of a PATCH or of the
// `attributes` parameter (RFC 7644 §3.10): names in any case, with or without
// the schema's URN. A path that is an extension's URN yields its container. It
// returns nil if there is no such attribute.
func (t *ResourceType) Find(p filter.AttributePath) *Attribute {
	a := t.find(p.URI(), p.AttributeName)
	if a == nil || p.SubAttribute == nil {
		return a
	}
	return a.Sub(*p.SubAttribute)
}

func (t *ResourceType) find(urn, name string) *Attribute {
	if urn == "" {
		a := t.Root.Sub(name)
		return a
	}
	if whole := t.Root.Sub(urn + ":" + name); whole != nil && whole.Extension {
		return whole
	}
	if strings.EqualFold(urn, t.URN) {
		if a := t.Root.Sub(name); a != nil && !a.Extension {
			return a
		}
		return nil
	}
	if e := t.Root.Sub(urn); e != nil && e.Extension {
		return e.Sub(name)
	}
	return nil
}

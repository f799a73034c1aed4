package schema

import (
	"strings"
)

// Type is the data type of an attribute (RFC 7643 §2.3).
type Type uint8

// The data types of RFC 7643 §2.3.
const (
	String Type = iota + 1
	Boolean
	Decimal
	Integer
	DateTime
	Binary
	Reference
	Complex
)

var typeNames = map[string]Type{
	"string": String, "boolean": Boolean, "decimal": Decimal, "integer": Integer,
	"dateTime": DateTime, "binary": Binary, "reference": Reference, "complex": Complex,
}

// String gives the type's name as RFC 7643 §2.3 writes it.
func (t Type) String() string {
	for name, v := range typeNames {
		if v == t {
			return name
		}
	}
	return "unknown"
}

// Textual says whether values of the type are JSON strings.
func (t Type) Textual() bool {
	return t == String || t == DateTime || t == Binary || t == Reference
}

// Mutability says who may write an attribute (RFC 7643 §7).
type Mutability uint8

// The mutabilities of RFC 7643 §7.
const (
	ReadWrite Mutability = iota
	ReadOnly
	Immutable
	WriteOnly
)

// Returned says when an attribute is part of an answer (RFC 7643 §7).
type Returned uint8

// The return characteristics of RFC 7643 §7.
const (
	ReturnedDefault Returned = iota
	ReturnedAlways
	ReturnedNever
	ReturnedRequest
)

// Backing says where the values of an attribute live, for those that are not
// part of the stored document.
type Backing uint8

// Where an attribute's values live.
const (
	// InDocument is the usual case: the value is in the stored document.
	InDocument Backing = iota
	// InColumns are id, meta and schemas: columns of the resource's row, or
	// computed from the document.
	InColumns
	// InMembers are Group.members and User.groups: rows of their own, because
	// a group of 250,000 must not be rewritten to add one.
	InMembers
	// InOrigin is our Origin extension: derived from links at read time.
	InOrigin
)

// Attribute is one attribute, sub-attribute or extension container.
type Attribute struct {
	Name string // in its canonical spelling; for an extension its URN
	URN  string // the schema that defines it; empty for common attributes
	Path string // how to name it to a person: "name.givenName", "urn:…:User:department"

	Type        Type
	MultiValued bool
	CaseExact   bool
	Required    bool
	Mutability  Mutability
	Returned    Returned
	Backing     Backing
	// Extension marks the container of an extension's attributes.
	Extension bool

	Parent *Attribute   // nil for the root of a resource type
	Subs   []*Attribute // in the order of the definition

	// Index is the number under which values are kept in the index, 0 for none.
	// It is persistent: a number, once given, keeps its meaning for ever.
	Index int

	order  int // position among the parent's Subs
	quoted string
	subs   map[string]*Attribute // by folded name
}

// Sub finds a sub-attribute by its name, without regard to case
// (RFC 7643 §2.1). It returns nil if there is none.
func (a *Attribute) Sub(name string) *Attribute {
	if s, ok := a.subs[name]; ok {
		return s
	}
	return a.subs[strings.ToLower(name)]
}

// Order is the attribute's position in its parent; documents keep this order.
func (a *Attribute) Order() int { return a.order }

// Quoted is the attribute's JSON key with its colon: `"userName":`.
func (a *Attribute) Quoted() string { return a.quoted }

// Value is the sub-attribute "value" of a complex attribute, nil if it has none.
// Comparing a multi-valued complex attribute means comparing it
// (RFC 7644 §3.4.2.2).
func (a *Attribute) Value() *Attribute { return a.Sub("value") }

// Key turns a string value into its comparison form: as it is when the
// attribute is caseExact, folded otherwise.
func (a *Attribute) Key(s string) string {
	if a.CaseExact {
		return s
	}
	return Fold(s)
}

func (a *Attribute) add(s *Attribute) {
	s.Parent = a
	s.order = len(a.Subs)
	s.quoted = `"` + s.Name + `":`
	a.Subs = append(a.Subs, s)
	if a.subs == nil {
		a.subs = map[string]*Attribute{}
	}
	a.subs[s.Name] = s
	a.subs[strings.ToLower(s.Name)] = s
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
}

// Top is the attribute directly below the resource or the extension container
// that this attribute belongs to: name for name.givenName.
func (a *Attribute) Top() *Attribute {
	for a.Parent != nil && a.Parent.Parent != nil && !a.Parent.Extension {
		a = a.Parent
	}
	return a
}

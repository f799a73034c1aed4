package filter

import (
	"time"

	"github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Expr is a filter whose names are resolved and whose operands have the types
// of their attributes: *And, *Or, *Not, *Compare or *Element.
type Expr interface{ expr() }

// And is true when all terms are; it has at least two.
type And struct{ Terms []Expr }

// Or is true when one term is; it has at least two.
type Or struct{ Terms []Expr }

// Not negates its term.
type Not struct{ Term Expr }

// Compare compares one attribute, or asks for its presence. Where the attribute
// has several values it is true when one of them fits. NE is the negation of EQ:
// true when no value is equal, so also when there is none. Nothing else but
// Null-EQ is true of an absent value.
type Compare struct {
	// Attr is a simple attribute, or any attribute for PR and Null. A complex
	// attribute that the filter compares has been resolved to its "value".
	Attr *schema.Attribute
	Op   filter.CompareOperator // PR, EQ, NE, CO, SW, EW, GT, GE, LT or LE
	// One of these is the operand, by the attribute's type; none for PR.
	Text   string // in comparison form (Attr.Key) for strings and references
	Bool   bool
	Number float64
	Time   time.Time
	Null   bool // the operand is null: EQ means absent, NE present
}

// Element is a value path (RFC 7644 §3.5.2): true when one element of the
// multi-valued complex attribute fulfils the filter as a whole. Inside it,
// attributes are the element's sub-attributes.
type Element struct {
	Attr   *schema.Attribute
	Filter Expr
}

func (*And) expr()     {}
func (*Or) expr()      {}
func (*Not) expr()     {}
func (*Compare) expr() {}
func (*Element) expr() {}

package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/schema"
)

// Bounds of one resource.
const (
	// MaxDepth is how deeply JSON may nest; RFC 7643 needs five levels.
	MaxDepth = 64
	// MaxKey is the longest value, in bytes after folding, of an attribute that
	// is indexed: what a PostgreSQL B-tree row holds.
	MaxKey = 2048
)

// Repairer mends values that a strict reading would refuse. scim/dialect
// implements it; nil means strict.
type Repairer interface {
	// Misfit is shown a value whose JSON kind, or whose emptiness, doesn't fit
	// the attribute; element says that it stands in a multi-valued one's list.
	// The text of a reference that is no URI doesn't fit either. It returns the
	// value to read instead, or false to let it be refused.
	Misfit(a *schema.Attribute, raw jsontext.Value, element bool) (jsontext.Value, bool)
	// Element is shown each complex element of a multi-valued attribute and
	// returns the one to keep.
	Element(a *schema.Attribute, o *Object) *Object
	// Repair is called with a repair's id when a request can only be accepted
	// by it, and returns whether it may be; a call that returns true is one use.
	Repair(id string) bool
}

// RepairURNKey reads what stands under the URN of the core schema.
const RepairURNKey = "urn-key"

// Decoded is a resource as a client sent it.
type Decoded struct {
	Object *Object
	// Members is Group.members, which is not part of the document: objects, each
	// with a value that is a string and isn't empty. HasMembers says that the
	// body had the attribute, be it null or empty.
	Members    List
	HasMembers bool
	// Undeclared are attributes of extensions that follow the pattern of custom
	// ones (schema.CustomURN) but that the tenant has not declared.
	Undeclared []schema.Custom
	// Unknown are the paths of other attributes that the schema doesn't have and the
	// body has a value for, at most MaxUnknown of them.
	Unknown []string
	// Cleared are the attributes whose value was null or an empty list: they were
	// not left out, so a PUT that names them clears them.
	Cleared []*schema.Attribute
	// Schemas are the URNs that the body listed, nil if it had none.
	Schemas []string
}

// Decode reads a resource of type t. Names match in any case, unknown
// attributes and values for readOnly ones are ignored (RFC 7644 §3.3, §3.5.1),
// null and [] mean unassigned (RFC 7643 §2.5), the same element twice counts
// once (§2.4). It does not ask for required attributes: see Require. The error
// is a scimerrors.ScimError: invalidSyntax for what is not JSON or not an object,
// or stands under the URN of the core schema; invalidValue for what doesn't fit.
func Decode(t *schema.ResourceType, data []byte, r Repairer) (*Decoded, error) {
	return newDecoder(data, r).resource(t)
}

func (d *decoder) resource(t *schema.ResourceType) (*Decoded, error) {
	out := &Decoded{Object: &Object{}}
	d.out = out
	if err := d.object(t.Root, out.Object); err != nil {
		return nil, err
	}
	if err := d.end(); err != nil {
		return nil, err
	}
	if d.core == nil {
		return out, nil
	}
	core, err := newDecoder(d.core, d.repair).resource(t)
	if err != nil {
		return nil, err
	}
	out.complete(core)
	return out, nil
}

// complete adds what stood under the URN of the core schema, but for the
// attributes that stood at the top too.
func (d *Decoded) complete(core *Decoded) {
	named := func(a *schema.Attribute) bool { return d.Object.Get(a) != nil || slices.Contains(d.Cleared, a) }
	var cleared []*schema.Attribute
	for _, a := range core.Cleared {
		if !named(a) {
			cleared = append(cleared, a)
		}
	}
	for _, f := range core.Object.Fields() {
		if !named(f.Attr) {
			d.Object.Set(f.Attr, f.Value)
		}
	}
	d.Cleared = append(d.Cleared, cleared...)
	if !d.HasMembers {
		d.Members, d.HasMembers = core.Members, core.HasMembers
	}
	d.Undeclared = append(d.Undeclared, core.Undeclared...)
	d.Unknown = append(d.Unknown, core.Unknown...)
}

// DecodeValue reads one value of an attribute, as a PATCH operation carries
// it. For a multi-valued attribute element says that one element is meant, not
// the list. A nil Value means unassigned.
func DecodeValue(a *schema.Attribute, raw jsontext.Value, element bool, r Repairer) (Value, []schema.Custom, error) {
	d := newDecoder(raw, r)
	d.out = &Decoded{Object: &Object{}}
	var v Value
	var err error
	if a.MultiValued && !element {
		v, err = d.list(a)
	} else {
		v, err = d.single(a, element)
	}
	if err == nil {
		err = d.end()
	}
	return v, d.out.Undeclared, err
}

// ErrUndeclared says that a stored document has a custom attribute that the
// schema doesn't know: it was declared after the schema was read. Going on would
// lose it; reading the schema again helps.
var ErrUndeclared = errors.New("stored document has an attribute that the schema doesn't know yet")

// MustDecode reads a document that the store holds. That one can't be read is no
// client's fault, so the error is no scimerrors.ScimError. It was checked when it
// came: a link that was stored before links were checked is read as it is.
func MustDecode(t *schema.ResourceType, data []byte) (*Object, error) {
	in := newDecoder(data, nil)
	in.stored = true
	d, err := in.resource(t)
	if err != nil {
		return nil, fmt.Errorf("document: stored %s: %v", t.Name, err)
	}
	if len(d.Undeclared) > 0 {
		return nil, fmt.Errorf("document: stored %s: %w", t.Name, ErrUndeclared)
	}
	return d.Object, nil
}

// Require refuses a resource that lacks a required attribute (RFC 7643 §7).
func Require(t *schema.ResourceType, o *Object) error {
	for _, a := range t.Root.Subs {
		if a.Required && a.Backing == InDocument && a.Mutability != schema.ReadOnly && o.Get(a) == nil {
			return invalidValue("%s is required and must not be empty.", a.Path)
		}
	}
	return nil
}

// InDocument is schema.InDocument.
const InDocument = schema.InDocument

func invalidValue(format string, args ...any) error {
	return scimerrors.ScimError{ScimType: scimerrors.ScimTypeInvalidValue, Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

func invalidSyntax(format string, args ...any) error {
	return scimerrors.ScimError{ScimType: scimerrors.ScimTypeInvalidSyntax, Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

// SyntaxError turns an error of the JSON reader into invalidSyntax, with the
// place in the input.
func SyntaxError(err error) error {
	if errors.As(err, new(scimerrors.ScimError)) {
		return err
	}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		if errors.Is(err, jsontext.ErrDuplicateName) {
			return invalidSyntax("The JSON object has the same name twice, at byte %d.", syn.ByteOffset)
		}
		return invalidSyntax("The body is not valid JSON: %s, at byte %d.", strings.TrimPrefix(syn.Err.Error(), "jsontext: "), syn.ByteOffset)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return invalidSyntax("The JSON ends too early.")
	}
	return invalidSyntax("The body is not valid JSON.")
}

// Check refuses what is not one JSON value, has a name twice, is no UTF-8, or
// nests too deeply: what every body must pass, whatever it says.
func Check(data []byte) error {
	d := newDecoder(data, nil)
	if err := d.skip(); err != nil {
		return err
	}
	return d.end()
}

type decoder struct {
	*jsontext.Decoder
	repair Repairer
	out    *Decoded
	stored bool           // the document was checked before it was stored
	core   jsontext.Value // what stands under the URN of the core schema
}

func newDecoder(data []byte, r Repairer) *decoder {
	return &decoder{Decoder: jsontext.NewDecoder(bytes.NewBuffer(data)), repair: r}
}

func (d *decoder) end() error {
	if _, err := d.ReadToken(); err != io.EOF {
		if err != nil {
			return SyntaxError(err)
		}
		return invalidSyntax("Something follows the JSON value.")
	}
	return nil
}

// object reads the fields of parent into o; the next token must open an object.
func (d *decoder) object(parent *schema.Attribute, o *Object) error {
	if k := d.PeekKind(); k != '{' {
		raw, err := d.ReadValue()
		if err != nil {
			return SyntaxError(err)
		}
		if parent.Parent == nil {
			return invalidSyntax("The body must be a JSON object, not %s.", KindName(raw.Kind()))
		}
		return d.misfit(parent, raw)
	}
	if d.StackDepth() >= MaxDepth {
		return invalidSyntax("The JSON is nested more than %d levels deep.", MaxDepth)
	}
	if _, err := d.ReadToken(); err != nil {
		return SyntaxError(err)
	}
	for d.PeekKind() != '}' {
		tok, err := d.ReadToken()
		if err != nil {
			return SyntaxError(err)
		}
		name := tok.String()
		a := parent.Sub(name)
		if a == nil {
			if err := d.unknown(parent, name); err != nil {
				return err
			}
			continue
		}
		if err := d.field(a, o); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	if err != nil {
		return SyntaxError(err)
	}
	return nil
}

func (d *decoder) field(a *schema.Attribute, o *Object) error {
	switch {
	case a.Backing == schema.InColumns && a.Name == "schemas":
		return d.schemas()
	case a.Backing == schema.InMembers && a.Parent.Parent == nil && a.Mutability != schema.ReadOnly:
		if d.out.HasMembers {
			return invalidSyntax("The body has %s twice.", a.Path)
		}
		v, err := d.list(a)
		d.out.Members, d.out.HasMembers = v, true
		return err
	case a.Mutability == schema.ReadOnly && !(d.stored && a.Backing == InDocument):
		return d.skip() // of what is stored, it was filled in by us
	}
	var v Value
	var err error
	if a.MultiValued {
		var l List
		if l, err = d.list(a); len(l) > 0 {
			v = l
		}
	} else {
		v, err = d.single(a, false)
	}
	if err != nil {
		return err
	}
	if o.Get(a) != nil {
		return invalidSyntax("The body has %s twice; names differ in case only.", a.Path)
	}
	// E022: a password is accepted, because clients send one, and forgotten.
	if a.Returned == schema.ReturnedNever {
		return nil
	}
	if v == nil && a.Top() == a {
		d.out.Cleared = append(d.out.Cleared, a)
	}
	o.Set(a, v)
	return nil
}

func (d *decoder) skip() error {
	raw, err := d.ReadValue()
	if err != nil {
		return SyntaxError(err)
	}
	return tooDeep(raw)
}

// tooDeep bounds the depth of values that are read without being walked.
func tooDeep(raw jsontext.Value) error {
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return invalidSyntax("The JSON is nested more than %d levels deep.", MaxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// unknown passes over an attribute that the schema doesn't have, and remembers
// those of custom extensions.
func (d *decoder) unknown(parent *schema.Attribute, name string) error {
	raw, err := d.ReadValue()
	if err != nil {
		return SyntaxError(err)
	}
	if err := tooDeep(raw); err != nil {
		return err
	}
	switch {
	case parent.Parent == nil && raw.Kind() == '{' && strings.EqualFold(name, parent.URN):
		return d.coreContainer(parent.URN, raw)
	case parent.Parent == nil && schema.CustomURN(name) && raw.Kind() == '{':
		in := jsontext.NewDecoder(bytes.NewReader(raw))
		if _, err := in.ReadToken(); err != nil {
			return SyntaxError(err)
		}
		for in.PeekKind() != '}' {
			key, err := in.ReadToken()
			if err != nil {
				return SyntaxError(err)
			}
			attr := key.String()
			val, err := in.ReadValue()
			if err != nil {
				return SyntaxError(err)
			}
			d.undeclared(name, attr, val)
		}
	case parent.Extension && schema.CustomURN(parent.Name):
		d.undeclared(parent.Name, name, raw)
	case !d.stored:
		d.remember(parent, name, raw)
	}
	return nil
}

// MaxUnknown bounds the unknown attributes of a body that are told, and
// maxUnknownName the bytes of each name.
const (
	MaxUnknown     = 20
	maxUnknownName = 200
)

// remember notes an unknown attribute that has a value.
func (d *decoder) remember(parent *schema.Attribute, name string, raw jsontext.Value) {
	switch string(raw) {
	case "null", `""`, "[]", "{}":
		return
	}
	if len(d.out.Unknown) == MaxUnknown {
		return
	}
	name = Truncate(name, maxUnknownName)
	switch {
	case parent.Extension:
		name = parent.Name + ":" + name
	case parent.Parent != nil:
		name = parent.Path + "." + name
	}
	d.out.Unknown = append(d.out.Unknown, name)
}

// coreContainer keeps core attributes that stand in an object as those of an
// extension do: RFC 7643 §3 has them at the top.
func (d *decoder) coreContainer(urn string, raw jsontext.Value) error {
	switch {
	case d.core != nil:
		return invalidSyntax("The body has %s twice.", urn)
	case d.repair == nil || !d.repair.Repair(RepairURNKey):
		return invalidSyntax("%s is not an attribute; its attributes stand at the top of the body.", urn)
	}
	d.core = raw.Clone()
	return nil
}

func (d *decoder) undeclared(urn, name string, raw jsontext.Value) {
	if t, ok := ScalarType(raw); ok && schema.ValidName(name) {
		d.out.Undeclared = append(d.out.Undeclared, schema.Custom{URN: urn, Name: name, Type: t})
	}
}

// ScalarType gives the type that a custom attribute has whose first value is
// raw; false for null, objects and lists.
func ScalarType(raw jsontext.Value) (schema.Type, bool) {
	switch raw.Kind() {
	case '"':
		return schema.String, true
	case 't', 'f':
		return schema.Boolean, true
	case '0':
		return schema.Decimal, true
	}
	return 0, false
}

func (d *decoder) schemas() error {
	raw, err := d.ReadValue()
	if err != nil {
		return SyntaxError(err)
	}
	if raw.Kind() == 'n' {
		return nil
	}
	if raw.Kind() != '[' {
		return invalidSyntax("schemas must be a list of URNs.")
	}
	in := jsontext.NewDecoder(bytes.NewReader(raw))
	_, _ = in.ReadToken()
	d.out.Schemas = []string{}
	for in.PeekKind() != ']' {
		tok, err := in.ReadToken()
		if err != nil || tok.Kind() != '"' {
			return invalidSyntax("schemas must be a list of URNs.")
		}
		d.out.Schemas = append(d.out.Schemas, tok.String())
	}
	return nil
}

// list reads the values of a multi-valued attribute. An element that says
// nothing is passed over, but for a member, which must say who it is.
func (d *decoder) list(a *schema.Attribute) (List, error) {
	switch d.PeekKind() {
	case 'n':
		_, err := d.ReadToken()
		if err != nil {
			return nil, SyntaxError(err)
		}
		return nil, nil
	case '[':
	default:
		raw, err := d.ReadValue()
		if err != nil {
			return nil, SyntaxError(err)
		}
		if d.repair != nil {
			if mended, ok := d.repair.Misfit(a, raw.Clone(), false); ok {
				return d.nested(mended).list(a)
			}
		}
		return nil, invalidValue("%s has several values and must be a JSON array, not %s.", a.Path, KindName(raw.Kind()))
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, SyntaxError(err)
	}
	var l List
	for i := 0; d.PeekKind() != ']'; i++ {
		v, err := d.single(a, true)
		if err != nil {
			return nil, err
		}
		o, ok := v.(*Object)
		if ok && d.repair != nil {
			o = d.repair.Element(a, o)
			v = o
		}
		if a.Backing == schema.InMembers && !refers(a, v) {
			return nil, invalidValue("%s[%d].value must be the id of a user or group.", a.Path, i)
		}
		if unassigned(v) {
			continue
		}
		l = append(l, v)
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, SyntaxError(err)
	}
	if !d.stored && a.Backing != schema.InMembers {
		l = distinct(l)
	}
	return l, onePrimary(a, l)
}

// refers says whether a member has an id.
func refers(a *schema.Attribute, v Value) bool {
	o, _ := v.(*Object)
	id, _ := o.Get(a.Value()).(string)
	return id != ""
}

// onePrimary refuses a list of which more than one element is primary: "The
// primary attribute value 'true' MUST appear no more than once" (RFC 7643 §2.4).
func onePrimary(a *schema.Attribute, l List) error {
	p := a.Sub("primary")
	n := 0
	for _, v := range l {
		if o, ok := v.(*Object); ok && p != nil && o.Get(p) == true {
			n++
		}
	}
	if n > 1 {
		return invalidValue("%s has more than one primary value.", a.Path)
	}
	return nil
}

func (d *decoder) nested(raw jsontext.Value) *decoder {
	n := newDecoder(raw, d.repair)
	n.out = d.out
	return n
}

package document

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/workspace-scim/workspace/scim/schema"
)

// Value is one of string (string, dateTime, binary and reference attributes),
// bool, Number, *Object (complex) or List (multi-valued). Nil is no value.
type Value any

// Number is a JSON number as it was written: 12, 1.5, 1e3.
type Number string

// List is the values of a multi-valued attribute, in the order of the sender.
// It is never empty in a document.
type List []Value

// Object is a complex value: at most one field per attribute, in the order of
// the schema. The zero value is empty and ready for use. An Object is not safe
// for concurrent writes.
type Object struct {
	fields []Field
}

// Field is one attribute of an Object with its value.
type Field struct {
	Attr  *schema.Attribute
	Value Value
}

// Fields gives the fields in the schema's order; the slice must not be changed.
func (o *Object) Fields() []Field {
	if o == nil {
		return nil
	}
	return o.fields
}

// Empty says whether the object has no fields.
func (o *Object) Empty() bool { return o == nil || len(o.fields) == 0 }

func (o *Object) search(a *schema.Attribute) (int, bool) {
	for i := range o.fields {
		if o.fields[i].Attr == a {
			return i, true
		}
		if o.fields[i].Attr.Order() > a.Order() {
			return i, false
		}
	}
	return len(o.fields), false
}

// Get gives the value of a direct attribute of the object, nil if it has none.
func (o *Object) Get(a *schema.Attribute) Value {
	if o == nil || a == nil {
		return nil
	}
	if i, ok := o.search(a); ok {
		return o.fields[i].Value
	}
	return nil
}

// Set sets the value of a direct attribute. A nil value, an empty List and an
// empty *Object unset it.
func (o *Object) Set(a *schema.Attribute, v Value) {
	i, ok := o.search(a)
	if unassigned(v) {
		if ok {
			o.fields = slices.Delete(o.fields, i, i+1)
		}
		return
	}
	if ok {
		o.fields[i].Value = v
		return
	}
	o.fields = slices.Insert(o.fields, i, Field{a, v})
}

func unassigned(v Value) bool {
	switch v := v.(type) {
	case nil:
		return true
	case List:
		return len(v) == 0
	case *Object:
		return v.Empty()
	}
	return false
}

// Container gives the object that holds the attribute, from the root of a
// document: the root itself, an extension's object, or a single-valued complex
// attribute. It is nil where that object does not exist and make is false.
func (o *Object) Container(a *schema.Attribute, make bool) *Object {
	p := a.Parent
	if p.Parent == nil {
		return o
	}
	holder := o.Container(p, make)
	if holder == nil {
		return nil
	}
	if inner, ok := holder.Get(p).(*Object); ok {
		return inner
	}
	if !make || p.MultiValued {
		return nil
	}
	inner := &Object{}
	i, _ := holder.search(p)
	holder.fields = slices.Insert(holder.fields, i, Field{p, inner})
	return inner
}

// At gives the value of an attribute anywhere below the root, but not inside
// the elements of a multi-valued one; nil if there is none.
func (o *Object) At(a *schema.Attribute) Value {
	return o.Container(a, false).Get(a)
}

// SetAt sets the value of an attribute anywhere below the root, making and
// removing the objects in between as needed.
func (o *Object) SetAt(a *schema.Attribute, v Value) {
	c := o.Container(a, !unassigned(v))
	if c == nil {
		return
	}
	c.Set(a, v)
	for p := a.Parent; c.Empty() && p.Parent != nil; p = p.Parent {
		c = o.Container(p, false)
		c.Set(p, nil)
	}
}

// Text gives the string at an attribute, "" if there is none.
func (o *Object) Text(a *schema.Attribute) string {
	if o == nil || a == nil {
		return ""
	}
	s, _ := o.At(a).(string)
	return s
}

// Clone copies the object deeply.
func (o *Object) Clone() *Object {
	if o == nil {
		return nil
	}
	c := &Object{fields: slices.Clone(o.fields)}
	for i := range c.fields {
		c.fields[i].Value = CloneValue(c.fields[i].Value)
	}
	return c
}

// CloneValue copies a value deeply.
func CloneValue(v Value) Value {
	switch v := v.(type) {
	case *Object:
		return v.Clone()
	case List:
		c := make(List, len(v))
		for i := range v {
			c[i] = CloneValue(v[i])
		}
		return c
	}
	return v
}

// Equal compares two values exactly, the order of lists included.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case *Object:
		b, ok := b.(*Object)
		return ok && slices.EqualFunc(a.Fields(), b.Fields(), func(x, y Field) bool { return x.Attr == y.Attr && Equal(x.Value, y.Value) })
	case List:
		b, ok := b.(List)
		return ok && slices.EqualFunc(a, b, func(x, y Value) bool { return Equal(x, y) })
	}
	return a == b
}

// Dedupe drops from each multi-valued attribute the elements that are equal to an
// earlier one (RFC 7643 §2.4: a value SHOULD NOT be returned more than once).
func (o *Object) Dedupe() {
	for i, f := range o.Fields() {
		switch v := f.Value.(type) {
		case List:
			o.fields[i].Value = distinct(v)
		case *Object:
			v.Dedupe()
		}
	}
}

// distinct drops the elements that are equal to an earlier one. It changes the
// list that it is given.
func distinct(l List) List {
	if len(l) < 2 {
		return l
	}
	seen := make(map[string]bool, len(l))
	var text []byte
	return slices.DeleteFunc(l, func(v Value) bool {
		text = AppendValue(text[:0], v)
		if seen[string(text)] {
			return true
		}
		seen[string(text)] = true
		return false
	})
}

// AppendJSON appends the object as JSON, fields in the schema's order.
func (o *Object) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	for i, f := range o.Fields() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, f.Attr.Quoted()...)
		b = AppendValue(b, f.Value)
	}
	return append(b, '}')
}

// AppendValue appends a value as JSON.
func AppendValue(b []byte, v Value) []byte {
	switch v := v.(type) {
	case string:
		return AppendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case Number:
		return append(b, v...)
	case *Object:
		return v.AppendJSON(b)
	case List:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendValue(b, e)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}

const hexDigits = "0123456789abcdef"

// AppendString appends a JSON string. Beyond what RFC 8259 §7 asks for it
// escapes nothing, so values come back byte for byte as they were sent.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		start = i + 1
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// Truncate cuts a string to at most n bytes at the border of a character; for
// values that a person reads in a message.
func Truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

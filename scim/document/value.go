package document

import (
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/schema"
)

// single reads one value: of a single-valued attribute, or one element.
func (d *decoder) single(a *schema.Attribute, element bool) (Value, error) {
	kind := d.PeekKind()
	if kind == 'n' {
		if _, err := d.ReadToken(); err != nil {
			return nil, SyntaxError(err)
		}
		return nil, nil
	}
	if a.Type == schema.Complex && kind == '{' {
		o := &Object{}
		if err := d.object(a, o); err != nil {
			return nil, err
		}
		if o.Empty() {
			return nil, nil
		}
		return o, nil
	}
	if a.Type.Textual() && kind == '"' {
		tok, err := d.ReadToken()
		if err != nil {
			return nil, SyntaxError(err)
		}
		s := tok.String()
		if s == "" && d.repair != nil {
			if _, ok := d.repair.Misfit(a, jsontext.Value(`""`), element); ok {
				return nil, nil
			}
		}
		if a.Type == schema.Reference && !d.stored && !ValidReference(s) {
			return d.reference(a, s, element)
		}
		return s, checkText(a, s)
	}
	raw, err := d.ReadValue()
	if err != nil {
		return nil, SyntaxError(err)
	}
	switch {
	case a.Type == schema.Boolean && (kind == 't' || kind == 'f'):
		return kind == 't', nil
	case (a.Type == schema.Integer || a.Type == schema.Decimal) && kind == '0':
		return number(a, raw)
	}
	if d.repair != nil {
		if mended, ok := d.repair.Misfit(a, raw.Clone(), element); ok {
			return d.nested(mended).single(a, element)
		}
	}
	return nil, d.misfit(a, raw)
}

// reference mends a link that is no URI, or refuses it (RFC 7643 §2.3.7).
func (d *decoder) reference(a *schema.Attribute, s string, element bool) (Value, error) {
	if d.repair != nil {
		if mended, ok := d.repair.Misfit(a, AppendString(nil, s), element); ok {
			strict := d.nested(mended)
			strict.repair = nil
			return strict.single(a, element)
		}
	}
	return nil, invalidValue("%s must be a URI, not %q.", a.Path, Truncate(s, 40))
}

func (d *decoder) misfit(a *schema.Attribute, raw jsontext.Value) error {
	what := map[schema.Type]string{
		schema.Boolean: "a boolean", schema.Integer: "an integer", schema.Decimal: "a number", schema.Complex: "an object",
	}[a.Type]
	if what == "" {
		what = "a string"
	}
	return invalidValue("%s must be %s, not %s.", a.Path, what, KindName(raw.Kind()))
}

func number(a *schema.Attribute, raw jsontext.Value) (Value, error) {
	s := string(raw)
	if len(s) > 64 {
		return nil, invalidValue("%s has a number of more than 64 characters.", a.Path)
	}
	if a.Type == schema.Integer && strings.ContainsAny(s, ".eE") {
		// RFC 7643 §2.3.4: no fractional digits.
		return nil, invalidValue("%s must be an integer, not %s.", a.Path, s)
	}
	return Number(s), nil
}

func checkText(a *schema.Attribute, s string) error {
	// NUL is the one character that PostgreSQL text can't hold.
	if strings.IndexByte(s, 0) >= 0 {
		return invalidValue("%s contains the character NUL.", a.Path)
	}
	if a.Index != 0 && len(s) > MaxKey/3 && len(a.Key(s)) > MaxKey {
		return invalidValue("%s is longer than %d bytes.", a.Path, MaxKey)
	}
	switch a.Type {
	case schema.DateTime:
		if _, err := ParseTime(s); err != nil {
			return invalidValue("%s must be a date and time as in 2026-01-31T09:00:00Z, not %q.", a.Path, Truncate(s, 40))
		}
	case schema.Binary:
		if !validBase64(s) {
			return invalidValue("%s must be base64.", a.Path)
		}
	}
	return nil
}

// validBase64 accepts RFC 4648 §4 and §5, with or without padding: RFC 7643
// §2.3.6 asks for the first, clients send each of them.
func validBase64(s string) bool {
	s = strings.TrimRight(strings.NewReplacer("\r", "", "\n", "", "-", "+", "_", "/").Replace(s), "=")
	_, err := base64.RawStdEncoding.DecodeString(s)
	return err == nil
}

// KindName names a kind of JSON value, with its article.
func KindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	return "this"
}

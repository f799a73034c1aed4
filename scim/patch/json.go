package patch

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/document"
)

// eachMember calls yield for each member of the object that comes next, in the
// order sent. The value is valid during the call. what names the object in
// messages.
func eachMember(in *jsontext.Decoder, what string, yield func(name string, raw jsontext.Value) error) error {
	tok, err := in.ReadToken()
	if err != nil {
		return document.SyntaxError(err)
	}
	if tok.Kind() != '{' {
		return invalidSyntax("%s must be a JSON object.", what)
	}
	for in.PeekKind() != '}' {
		tok, err := in.ReadToken()
		if err != nil {
			return document.SyntaxError(err)
		}
		name := tok.String()
		raw, err := in.ReadValue()
		if err != nil {
			return document.SyntaxError(err)
		}
		if err := yield(name, raw); err != nil {
			return err
		}
	}
	if _, err := in.ReadToken(); err != nil {
		return document.SyntaxError(err)
	}
	return nil
}

// eachElement calls yield for each element of a JSON array.
func eachElement(raw jsontext.Value, what string, yield func(i int, raw jsontext.Value) error) error {
	in := jsontext.NewDecoder(bytes.NewReader(raw))
	tok, err := in.ReadToken()
	if err != nil {
		return document.SyntaxError(err)
	}
	if tok.Kind() != '[' {
		return invalidSyntax("%s must be a JSON array.", what)
	}
	for i := 0; in.PeekKind() != ']'; i++ {
		v, err := in.ReadValue()
		if err != nil {
			return document.SyntaxError(err)
		}
		if err := yield(i, v); err != nil {
			return err
		}
	}
	return nil
}

// text gives a JSON string's content; false for what is none.
func text(raw jsontext.Value) (string, bool) {
	if raw.Kind() != '"' {
		return "", false
	}
	b, err := jsontext.AppendUnquote(nil, raw)
	return string(b), err == nil
}

// checkDepth bounds how deeply the body nests, be the JSON valid or not.
func checkDepth(body []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > document.MaxDepth {
				return invalidSyntax("The JSON is nested more than %d levels deep.", document.MaxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

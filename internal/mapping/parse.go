package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/document"
)

// Parse reads rules. A name that doesn't exist, or that is there twice, is
// refused, and so is what follows the JSON object. It doesn't check what the
// rules say: see [Compile]. The error is [Faults].
func Parse(b []byte) (Rules, error) {
	var r Rules
	if len(b) > MaxRules {
		return r, Faults{{Code: CodeTooMany, Message: fmt.Sprintf("the rules have %d bytes; at most %d are read", len(b), MaxRules)}}
	}
	if err := document.Check(b); err != nil {
		return r, Faults{{Code: CodeSyntax, Message: detail(err)}}
	}
	if err := json.Unmarshal(b, &r, json.RejectUnknownMembers(true)); err != nil {
		return Rules{}, Faults{unreadable(err)}
	}
	return r, nil
}

// unreadable says what of valid JSON isn't rules.
func unreadable(err error) Fault {
	var e *json.SemanticError
	if !errors.As(err, &e) {
		return Fault{Code: CodeSyntax, Message: "this isn't JSON of rules"}
	}
	fault := Fault{At: place(e.JSONPointer), Code: CodeSyntax}
	if errors.Is(err, json.ErrUnknownName) {
		fault.Code, fault.Message = CodeName, "there is no such name"
		return fault
	}
	want := "something else"
	if e.GoType != nil {
		want = map[reflect.Kind]string{
			reflect.String: "text", reflect.Bool: "true or false", reflect.Slice: "an array", reflect.Struct: "an object",
		}[e.GoType.Kind()]
	}
	fault.Message = "want " + want + ", not " + document.KindName(e.JSONKind)
	return fault
}

// place writes a JSON pointer as faults have it: flows[3].kind.
func place(pointer jsontext.Pointer) string {
	var b strings.Builder
	for token := range pointer.Tokens() {
		switch {
		case strings.Trim(token, "0123456789") == "":
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	return document.Truncate(b.String(), 100)
}

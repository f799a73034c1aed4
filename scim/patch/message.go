package patch

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/document"
)

const (
	// MessageURN is the schema of a PATCH request (RFC 7644 §3.5.2).
	MessageURN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	// MaxOperations is how many operations one request may have.
	MaxOperations = 1000
)

// operation is one element of Operations as it was sent.
type operation struct {
	op    string
	path  *string        // nil when there is none
	value jsontext.Value // nil when there is none
}

// readMessage takes the body apart. Names match in any case (RFC 7643 §2.1);
// unknown ones are passed over, for clients add some of their own.
func readMessage(body []byte, r Repairs) ([]operation, error) {
	if err := checkDepth(body); err != nil {
		return nil, err
	}
	var schemas, operations jsontext.Value
	in := jsontext.NewDecoder(bytes.NewReader(body))
	err := eachMember(in, "The body", func(name string, raw jsontext.Value) error {
		switch strings.ToLower(name) {
		case "schemas":
			return once(&schemas, name, raw)
		case "operations":
			return once(&operations, name, raw)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := atEnd(in); err != nil {
		return nil, err
	}
	if err := checkSchemas(schemas, r); err != nil {
		return nil, err
	}
	return readOperations(operations)
}

func atEnd(in *jsontext.Decoder) error {
	_, err := in.ReadToken()
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
		return document.SyntaxError(err)
	}
	return invalidSyntax("Something follows the JSON value.")
}

func once(to *jsontext.Value, name string, raw jsontext.Value) error {
	if *to != nil {
		return invalidSyntax("%s is there twice; names differ in case only.", quote(name))
	}
	*to = raw.Clone()
	return nil
}

// checkSchemas wants the URN of the message (RFC 7644 §3.5.2).
func checkSchemas(raw jsontext.Value, r Repairs) error {
	if raw == nil || raw.Kind() == 'n' {
		if r != nil && r.Repair(RepairSchemasAbsent) {
			return nil
		}
		return invalidValue("schemas is required and must list %s.", MessageURN)
	}
	var urns []string
	err := eachElement(raw, "schemas", func(_ int, v jsontext.Value) error {
		s, ok := text(v)
		if !ok {
			return invalidSyntax("schemas must be a list of URNs.")
		}
		urns = append(urns, s)
		return nil
	})
	if err != nil {
		return err
	}
	if slices.Contains(urns, MessageURN) {
		return nil
	}
	inAnyCase := func(s string) bool { return strings.EqualFold(s, MessageURN) }
	if slices.ContainsFunc(urns, inAnyCase) && r != nil && r.Repair(RepairSchemasCase) {
		return nil
	}
	return invalidValue("schemas must list %s.", MessageURN)
}

func readOperations(raw jsontext.Value) ([]operation, error) {
	if raw == nil {
		return nil, invalidSyntax("Operations is required.")
	}
	var ops []operation
	err := eachElement(raw, "Operations", func(i int, v jsontext.Value) error {
		if i == MaxOperations {
			return tooLarge("The request has more than %d operations.", MaxOperations)
		}
		op, err := readOperation(v)
		if err != nil {
			return inOperation(i, err)
		}
		ops = append(ops, op)
		return nil
	})
	if err == nil && len(ops) == 0 {
		err = invalidSyntax("Operations must have at least one operation.")
	}
	return ops, err
}

func readOperation(raw jsontext.Value) (operation, error) {
	var op, path, value jsontext.Value
	err := eachMember(jsontext.NewDecoder(bytes.NewReader(raw)), "An operation", func(name string, raw jsontext.Value) error {
		switch strings.ToLower(name) {
		case "op":
			return once(&op, name, raw)
		case "path":
			return once(&path, name, raw)
		case "value":
			return once(&value, name, raw)
		}
		return nil
	})
	if err != nil {
		return operation{}, err
	}
	out := operation{value: value}
	var ok bool
	if out.op, ok = text(op); !ok {
		return operation{}, invalidSyntax(`op is required and must be "add", "remove" or "replace".`)
	}
	if path != nil && path.Kind() != 'n' {
		s, ok := text(path)
		if !ok {
			return operation{}, invalidPath("path must be a string.")
		}
		out.path = &s
	}
	return out, nil
}

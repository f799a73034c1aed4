package dialect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/scim/document"
)

// searchURN is the schema of a search (RFC 7644 §3.4.3).
const searchURN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

// searchRequest is the body of POST /.search.
type searchRequest struct {
	Schemas            []string       `json:"schemas"`
	Attributes         jsontext.Value `json:"attributes"`
	ExcludedAttributes jsontext.Value `json:"excludedAttributes"`
	Filter             *string        `json:"filter"`
	SortBy             *string        `json:"sortBy"`
	SortOrder          *string        `json:"sortOrder"`
	StartIndex         jsontext.Value `json:"startIndex"`
	Count              jsontext.Value `json:"count"`
	Cursor             *string        `json:"cursor"`
}

// Search reads the body of a search (RFC 7644 §3.4.3) as the parameters that
// would ask the same of a GET. The error is a scimerrors.ScimError of type
// invalidSyntax.
func (d *Dialect) Search(body []byte) (url.Values, error) {
	if err := document.Check(body); err != nil {
		return nil, err
	}
	if bytes.TrimSpace(body)[0] != '{' {
		return nil, badSearch("The body is no search request: it is no JSON object.")
	}
	var sr searchRequest
	if err := json.Unmarshal(body, &sr); err != nil {
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			return nil, wrongKind(typ.Field, typ.Value)
		}
		return nil, badSearch("The body is no search request: it is not valid JSON.")
	}
	isSearch := func(urn string) bool { return strings.EqualFold(urn, searchURN) }
	if sr.Schemas != nil && !slices.ContainsFunc(sr.Schemas, isSearch) {
		return nil, badSearch("schemas must contain %s.", searchURN)
	}
	out := url.Values{}
	text := func(name string, v *string) {
		if v != nil {
			out.Set(name, *v)
		}
	}
	text("filter", sr.Filter)
	text("sortBy", sr.SortBy)
	text("sortOrder", sr.SortOrder)
	text("cursor", sr.Cursor)
	for _, err := range []error{
		d.searchNumber(out, "startIndex", sr.StartIndex), d.searchNumber(out, "count", sr.Count),
		d.searchNames(out, "attributes", sr.Attributes), d.searchNames(out, "excludedAttributes", sr.ExcludedAttributes),
	} {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// searchNumber reads an integer.
func (d *Dialect) searchNumber(out url.Values, name string, raw jsontext.Value) error {
	if len(raw) == 0 || raw.Kind() == 'n' {
		return nil
	}
	digits := string(raw)
	if raw.Kind() == '"' {
		digits = digits[1 : len(digits)-1]
		if digits == "" || strings.Trim(digits, "0123456789") != "" || !d.Repair(SearchText) {
			return wrongKind(name, "string")
		}
	}
	if _, err := strconv.Atoi(digits); err != nil {
		return wrongKind(name, kindName(raw))
	}
	out.Set(name, digits)
	return nil
}

// searchNames reads a list of attribute names.
func (d *Dialect) searchNames(out url.Values, name string, raw jsontext.Value) error {
	if len(raw) == 0 || raw.Kind() == 'n' {
		return nil
	}
	if raw.Kind() == '"' && d.Repair(SearchText) {
		raw = jsontext.Value("[" + string(raw) + "]")
	}
	var names []string
	if err := json.Unmarshal(raw, &names); err != nil {
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			return wrongKind(name, typ.Value)
		}
		return wrongKind(name, kindName(raw))
	}
	if len(names) > 0 {
		out[name] = names
	}
	return nil
}

func kindName(raw jsontext.Value) string {
	switch raw.Kind() {
	case '0':
		return "number"
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	}
	return "boolean"
}

func wrongKind(name, kind string) error {
	return badSearch("The body is no search request: %s must not be a JSON %s.", name, kind)
}

func badSearch(format string, args ...any) error {
	return scimerrors.ScimError{ScimType: scimerrors.ScimTypeInvalidSyntax, Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

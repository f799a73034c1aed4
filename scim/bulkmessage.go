package scim

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

const bulkURN = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"

// bulkMessage is a BulkRequest (RFC 7644 §3.7).
type bulkMessage struct {
	failOnErrors int // 0: no limit
	operations   []*bulkOp
	byBulkID     map[string]*bulkOp // the POST operations that have one
}

// bulkOp is one operation, as it was sent and as it went.
type bulkOp struct {
	method  string
	bulkID  string
	version string
	path    string
	data    jsontext.Value

	refs    []string // bulkIds that path and data refer to
	invalid error    // what is wrong with it, whatever the state
	t       *schema.ResourceType
	pathID  string // the id in path, or bulkId:x
	input   directory.Input
	change  directory.Change

	cut     bool // go without the references that are not known
	cutRefs []deferred

	outcome
}

// outcome is how an operation went.
type outcome struct {
	done       bool
	id         string
	status     int
	versionNow int64
	failure    *failure
	fault      error // why it failed, if that is the server's fault
}

// parseBulk reads the message; what is wrong with one operation is kept for its
// answer.
func parseBulk(body []byte, limit int) (*bulkMessage, error) {
	var raw struct {
		Schemas      []string `json:"schemas"`
		FailOnErrors *int     `json:"failOnErrors"`
		Operations   []struct {
			Method  string         `json:"method"`
			BulkID  string         `json:"bulkId"`
			Version string         `json:"version"`
			Path    string         `json:"path"`
			Data    jsontext.Value `json:"data"`
		} `json:"Operations"`
	}
	// Syntax first: names that are there twice and invalid UTF-8 are refused
	// here as in every other body.
	if err := document.Check(body); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &raw, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax, "The body is no bulk request: %s.", jsonProblem(err))
	}
	if raw.Schemas != nil && !containsFold(raw.Schemas, bulkURN) {
		return nil, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax, "schemas must contain %s.", bulkURN)
	}
	if len(raw.Operations) == 0 {
		return nil, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax, "The bulk request has no Operations.")
	}
	if len(raw.Operations) > limit {
		return nil, errScim(http.StatusRequestEntityTooLarge, "", "The bulk request has %d operations; at most %d are allowed.", len(raw.Operations), limit)
	}
	m := &bulkMessage{byBulkID: map[string]*bulkOp{}}
	if raw.FailOnErrors != nil {
		if *raw.FailOnErrors < 0 {
			return nil, errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "failOnErrors must not be negative.")
		}
		m.failOnErrors = *raw.FailOnErrors
	}
	for _, o := range raw.Operations {
		op := &bulkOp{method: strings.ToUpper(o.Method), bulkID: o.BulkID, version: o.Version, path: o.Path, data: o.Data}
		m.operations = append(m.operations, op)
		if op.method != http.MethodPost || op.bulkID == "" {
			continue
		}
		if m.byBulkID[op.bulkID] != nil {
			op.invalid = errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "The bulkId %q is used twice.", document.Truncate(op.bulkID, 64))
			continue
		}
		m.byBulkID[op.bulkID] = op
	}
	return m, nil
}

// jsonProblem says what is wrong with a JSON body without quoting Go types.
func jsonProblem(err error) string {
	var typ *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return "it has a name twice"
	case errors.As(err, &typ) && typ.JSONPointer == "":
		return "it is " + document.KindName(typ.JSONKind)
	case errors.As(err, &typ):
		return strings.TrimPrefix(string(typ.JSONPointer), "/") + " must not be " + document.KindName(typ.JSONKind)
	}
	return "it is not valid JSON"
}

// prepare reads the operations, before any transaction. Where some use custom
// attributes first, all are read again with the schemas that have them.
func (m *bulkMessage) prepare(r *request) error {
	if err := m.read(r); err != nil || len(r.provisional) == 0 {
		return err
	}
	if err := r.foresee(nil); err != nil {
		return err
	}
	final := *r
	final.frozen = true
	return m.read(&final)
}

func (m *bulkMessage) read(r *request) error {
	for _, op := range m.operations {
		if op.invalid != nil {
			continue
		}
		known := len(r.provisional)
		op.invalid = op.prepare(r)
		if op.invalid == nil || len(r.provisional) == known {
			continue
		}
		// An operation that is refused declares nothing.
		r.provisional = r.provisional[:known]
		if err := r.foresee(nil); err != nil {
			return err
		}
	}
	return nil
}

// prepare finds out what an operation is about and reads its data.
func (op *bulkOp) prepare(r *request) error {
	if err := op.target(r.set); err != nil {
		return err
	}
	if err := r.mayUse(op.t); err != nil {
		return err
	}
	op.refs = nil
	if ref, ok := strings.CutPrefix(op.pathID, bulkIDPrefix); ok {
		op.refs = append(op.refs, ref)
	}
	if op.method == http.MethodDelete {
		return nil
	}
	if len(op.data) == 0 || op.data.Kind() == 'n' {
		return errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax, "The operation has no data.")
	}
	refs, err := findRefs(op.data)
	if err != nil {
		return err
	}
	op.refs = append(op.refs, refs...)
	r.t = op.t
	if err := op.read(r, op.data); err != nil {
		return err
	}
	op.t = r.t
	return nil
}

// read reads the operation's data.
func (op *bulkOp) read(r *request, data []byte) (err error) {
	if op.method == http.MethodPatch {
		op.change, err = r.change(data)
	} else {
		op.input, err = r.resource(data)
	}
	return err
}

// target reads method and path: /Users for POST, /Users/{id} for the others.
func (op *bulkOp) target(set *schema.Set) error {
	endpoint, id, hasID := strings.Cut(strings.TrimPrefix(op.path, "/"), "/")
	if op.t = set.Type(endpoint); op.t == nil || op.t.Derived {
		return errScim(http.StatusNotFound, "", "There is no endpoint %q.", document.Truncate(op.path, 100))
	}
	op.pathID = id
	switch op.method {
	case http.MethodPost:
		if hasID && id != "" {
			return errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "The path of a POST is an endpoint, such as %s.", op.t.Endpoint)
		}
		if op.bulkID == "" {
			return errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "A POST needs a bulkId.")
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
		if id == "" || !strings.HasPrefix(id, bulkIDPrefix) && !plausibleID(id) {
			return errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "The path of a %s is a resource, such as %s/ID.", op.method, op.t.Endpoint)
		}
	default:
		return errScim(http.StatusBadRequest, scimerrors.ScimTypeInvalidValue, "The method must be POST, PUT, PATCH or DELETE, not %q.", document.Truncate(op.method, 20))
	}
	return nil
}

// begin forgets what a former run of the transaction did.
func (op *bulkOp) begin() { op.outcome, op.cutRefs = outcome{done: true}, nil }

// fail notes why the operation failed as a whole.
func (op *bulkOp) fail(err error) {
	f := explain(err)
	op.outcome = outcome{done: true, failure: &f, fault: f.fault(err)}
	if op.method != http.MethodPost && plausibleID(op.pathID) {
		op.id = op.pathID
	}
}

// leftOpen notes that the operation made its resource, which stands, and that
// references that were left out could not be added, or, if the outcome is
// unknown, perhaps not. RFC 7644 §3.7.1 has 409 for a circle that can't be
// closed. (503 would have the client send the POST again, which can only meet
// what is there.)
func (op *bulkOp) leftOpen(refs []string, why ...error) {
	said := "The resource was made, but the server could not add what it refers to by %s. Add it with a PATCH, or delete the resource."
	if errors.Is(errors.Join(why...), store.ErrUncertain) {
		said = "The resource was made, but it is unknown whether what it refers to by %s was added. Read the resource, and add with a PATCH what is missing."
	}
	names := "bulkId " + strings.Join(refs, ", ")
	op.failure = &failure{ScimError: scimerrors.ScimError{Status: http.StatusConflict, Detail: fmt.Sprintf(said, document.Truncate(names, 200))}}
	for _, err := range why {
		if op.fault == nil {
			op.fault = explain(err).fault(err)
		}
	}
}

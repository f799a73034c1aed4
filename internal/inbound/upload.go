package inbound

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

// maxUpload is how many bytes an upload may have, as SCIM's bulk requests.
const maxUpload = 8 << 20

// maxRecord is how many bytes a record may have, as a row of a file: many are
// worked on at once.
const maxRecord = 1 << 20

const (
	mediaType = "application/scim+json"
	bulkURN   = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
)

// bulkUpload accepts users to be worked on later (row E059): 202 without a body,
// and where to look for what became of them.
func (s *Server) bulkUpload(r *request) error {
	source, err := r.job()
	if err != nil {
		return err
	}
	if r.actor.Admin {
		return &problem{status: http.StatusForbidden, code: "Authorization_RequestDenied", message: "An admin token uploads nothing: use a token of the source."}
	}
	p := source.Policies
	calls := cmp.Or(p.UploadCalls, directory.DefaultUploadCalls)
	if wait, ok := s.uploads.Allow(source.ID, calls, time.Now()); !ok {
		return tooFast(max(1, int(math.Ceil(wait.Seconds()))))
	}
	body, err := r.body()
	if err != nil {
		return err
	}
	records, err := parseUpload(body, cmp.Or(p.UploadOperations, directory.DefaultUploadOperations))
	if err != nil {
		return err
	}
	n, err := s.dir.AcceptUpload(r.c.Request().Context(), r.actor, records)
	if err != nil {
		return err
	}
	h := r.c.Response().Header()
	h.Set("Location", r.base()+"/auditLogs/provisioning/?$filter=jobid%20eq%20'"+jobID(source)+"'%20and%20cycleId%20eq%20'"+n.PublicID+"'")
	h.Set("Content-Length", "0")
	r.c.Response().WriteHeader(http.StatusAccepted)
	return nil
}

// body reads the request's body within its bound. Only SCIM's media type will do,
// with any parameters (row E061).
func (r *request) body() ([]byte, error) {
	req := r.c.Request()
	m, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || m != mediaType {
		return nil, badData("the Content-Type must be %s.", mediaType)
	}
	if cs := params["charset"]; cs != "" && !strings.EqualFold(cs, "utf-8") {
		return nil, badData("the body must be UTF-8.")
	}
	if enc := req.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, badData("the body must not be compressed.")
	}
	body, err := io.ReadAll(http.MaxBytesReader(r.c.Response(), req.Body, maxUpload))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, &problem{status: http.StatusRequestEntityTooLarge, code: "RequestEntityTooLarge", message: fmt.Sprintf("The body is larger than %d bytes.", maxUpload)}
	}
	if err != nil {
		return nil, badData("the body could not be read to its end.")
	}
	return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), nil
}

// parseUpload reads a BulkRequest, or one bare User (row E106). What is wrong with
// one operation is for its record to tell: it doesn't spoil the others.
func parseUpload(body []byte, limit int) ([]directory.Uploaded, error) {
	if err := document.Check(body); err != nil {
		return nil, badData("%v", err)
	}
	var raw struct {
		Schemas    jsontext.Value `json:"schemas"`
		Operations jsontext.Value `json:"Operations"`
	}
	if err := json.Unmarshal(body, &raw, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, badData("the body must be a JSON object.")
	}
	var schemas []string
	if len(raw.Schemas) > 0 && raw.Schemas.Kind() != 'n' {
		if err := json.Unmarshal(raw.Schemas, &schemas); err != nil {
			return nil, badData("schemas must be a list of URNs.")
		}
	}
	switch {
	case lists(schemas, bulkURN), len(schemas) == 0 && len(raw.Operations) > 0:
		return parseOperations(raw.Operations, limit)
	case len(raw.Operations) == 0 && len(body) > maxRecord:
		return nil, &problem{status: http.StatusRequestEntityTooLarge, code: "RequestEntityTooLarge", message: fmt.Sprintf("The record is larger than %d bytes.", maxRecord)}
	case lists(schemas, schema.UserURN) && len(raw.Operations) == 0:
		return []directory.Uploaded{{Data: body}}, nil
	}
	return nil, badData("the body must be a BulkRequest or a User: schemas says which.")
}

func lists(schemas []string, urn string) bool {
	for _, s := range schemas {
		if strings.EqualFold(s, urn) {
			return true
		}
	}
	return false
}

func parseOperations(raw jsontext.Value, limit int) ([]directory.Uploaded, error) {
	var operations []struct {
		Method string         `json:"method"`
		Path   string         `json:"path"`
		Data   jsontext.Value `json:"data"`
	}
	if len(raw) == 0 || raw.Kind() != '[' {
		return nil, badData("Operations must be a list.")
	}
	if err := json.Unmarshal(raw, &operations, json.MatchCaseInsensitiveNames(true)); err != nil {
		return nil, badData("each of the Operations must be an object with method, path and data.")
	}
	if len(operations) == 0 || len(operations) > limit {
		return nil, badData("there are %d Operations; 1 to %d are allowed.", len(operations), limit)
	}
	all := make([]directory.Uploaded, len(operations))
	for i, o := range operations {
		all[i].Data = o.Data
		switch {
		case !strings.EqualFold(o.Method, http.MethodPost):
			all[i].Refused = fmt.Sprintf("The method of an operation is POST, not %.20q.", o.Method)
		case !strings.EqualFold(strings.Trim(o.Path, "/"), "Users"):
			all[i].Refused = fmt.Sprintf("The path of an operation is /Users, not %.100q.", o.Path)
		case len(o.Data) == 0 || o.Data.Kind() != '{':
			all[i].Refused = "The operation has no data: an object is wanted."
		case len(o.Data) > maxRecord:
			all[i].Refused = fmt.Sprintf("The record is larger than %d bytes.", maxRecord)
		}
		if all[i].Refused != "" {
			all[i].Data = nil
		}
	}
	return all, nil
}

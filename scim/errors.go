package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// The types of RFC 9865 §2.2 and ours, which the library doesn't know.
const (
	typeInvalidCursor scimerrors.ScimType = "invalidCursor"
	typeInvalidCount  scimerrors.ScimType = "invalidCount"
)

// rules gives the answer for each rule of the core that refuses (RFC 7644
// §3.12, table 9). A rule that is no scimType of the RFC is named in the error
// all the same, as the field "reason".
var rules = map[string]scimerrors.ScimError{
	directory.RuleUniqueness:      {Status: http.StatusConflict, ScimType: scimerrors.ScimTypeUniqueness},
	directory.RuleManualAccount:   {Status: http.StatusConflict, ScimType: scimerrors.ScimTypeUniqueness},
	directory.RuleDomainClaimed:   {Status: http.StatusConflict, ScimType: scimerrors.ScimTypeUniqueness},
	directory.RuleSourceManaged:   {Status: http.StatusConflict, ScimType: directory.RuleSourceManaged},
	directory.RuleSyncNotEnabled:  {Status: http.StatusForbidden, ScimType: directory.RuleSyncNotEnabled},
	directory.RuleForbidden:       {Status: http.StatusForbidden},
	directory.RuleNameRequired:    {Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidValue},
	directory.RuleUnownedDomain:   {Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidValue},
	directory.RuleUnknownMember:   {Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidValue},
	directory.RuleInvalid:         {Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidValue},
	directory.RuleTooMany:         {Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeTooMany},
	directory.RuleVersionMismatch: {Status: http.StatusPreconditionFailed},
	directory.RuleMutability:      {Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeMutability},
	directory.RuleIncompatible:    {Status: http.StatusConflict, ScimType: directory.RuleIncompatible},
	directory.RuleAlreadyOrdered:  {Status: http.StatusConflict, ScimType: scimerrors.ScimTypeUniqueness},
	directory.RuleOrderChanged:    {Status: http.StatusConflict, ScimType: directory.RuleOrderChanged},
	directory.RuleFenced:          {Status: http.StatusConflict},
	directory.RuleLeaseRequired:   {Status: http.StatusConflict},
	directory.RuleFeatureDisabled: {Status: http.StatusConflict, ScimType: directory.RuleFeatureDisabled},
	directory.RulePlanFull:        {Status: http.StatusTooManyRequests},
}

// statusClientClosed is what the log says of a request whose client went away;
// nobody gets it as an answer.
const statusClientClosed = 499

// failure is an error as a client gets it.
type failure struct {
	scimerrors.ScimError
	reason     string // the rule that refused, "" for none
	more       *document.Object
	retryAfter int // seconds, 0 for none
}

// explain maps any error to the client's. What it doesn't know is internal: its
// text stays inside.
func explain(err error) failure {
	var v *directory.Violation
	var se scimerrors.ScimError
	var auth *directory.AuthError
	var tooFast errRate
	switch {
	case errors.Is(err, context.Canceled):
		return failure{ScimError: scimerrors.ScimError{Status: statusClientClosed, Detail: "The client closed the connection before the answer."}}
	case errors.Is(err, store.ErrUncertain): // before what went wrong afterwards
		return failure{ScimError: scimerrors.ScimError{Status: http.StatusServiceUnavailable, Detail: "The connection to the database broke while the change was being saved. It may have been made or not: read the resource before you try again."}, retryAfter: 5}
	case errors.As(err, &tooFast):
		return tooFast.failure
	case errors.As(err, &se):
		return failure{ScimError: se}
	case errors.As(err, &v):
		f := failure{ScimError: rules[v.Rule], reason: v.Rule, more: v.More}
		f.Detail = v.Error()
		if f.Status == 0 { // a rule about a value of one type of resource
			f.Status, f.ScimType = http.StatusBadRequest, scimerrors.ScimTypeInvalidValue
		}
		if v.Rule == directory.RulePlanFull {
			f.retryAfter = 3600 // a person has to decide first
		}
		return f
	case errors.As(err, &auth):
		return failure{ScimError: scimerrors.ScimError{Status: http.StatusUnauthorized, Detail: auth.Detail}, reason: string(auth.Reason)}
	case errors.Is(err, store.ErrNotFound):
		return failure{ScimError: scimerrors.ScimError{Status: http.StatusNotFound, Detail: "There is no such resource."}}
	case errors.Is(err, store.ErrExists):
		return failure{ScimError: scimerrors.ScimError{Status: http.StatusConflict, ScimType: scimerrors.ScimTypeUniqueness, Detail: "A value that must be unique belongs to another resource."}}
	case errors.Is(err, store.ErrTooMany):
		return failure{ScimError: scimerrors.ScimError{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeTooMany, Detail: "The filter or sort has no index and would look at more resources than the server is willing to. Add a term on userName, externalId, emails.value or displayName."}}
	case errors.Is(err, store.ErrUnfilterable):
		return failure{ScimError: scimerrors.ScimError{Status: http.StatusBadRequest, ScimType: scimerrors.ScimTypeInvalidFilter, Detail: "The filter asks for a sub-attribute that can't be filtered."}}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, document.ErrUndeclared), errors.Is(err, context.DeadlineExceeded):
		return failure{ScimError: scimerrors.ScimError{Status: http.StatusServiceUnavailable, Detail: "The database is not available right now. Nothing was changed; try again."}, retryAfter: 5}
	}
	return failure{ScimError: scimerrors.ScimError{Status: http.StatusInternalServerError, Detail: "Something went wrong in the server. Nothing was changed; the log has the request's id."}}
}

// fault gives the error that the failure explains if the server is at fault,
// which somebody has to hear of; nil otherwise.
func (f failure) fault(err error) error {
	if f.Status >= 500 && f.Status != http.StatusNotImplemented {
		return err
	}
	return nil
}

// json is the error body (RFC 7644 §3.12): status is a string.
func (f failure) json() []byte {
	b := []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"]`)
	if f.ScimType != "" {
		b = document.AppendString(append(b, `,"scimType":`...), string(f.ScimType))
	}
	if f.reason != "" && f.reason != string(f.ScimType) {
		b = document.AppendString(append(b, `,"reason":`...), f.reason)
	}
	b = document.AppendString(append(b, `,"detail":`...), f.Detail)
	for _, m := range f.more.Fields() {
		b = document.AppendValue(append(append(b, ','), m.Attr.Quoted()...), m.Value)
	}
	b = append(b, `,"status":"`...)
	b = strconv.AppendInt(b, int64(f.Status), 10)
	return append(b, `"}`...)
}

func errScim(status int, t scimerrors.ScimType, format string, args ...any) error {
	return scimerrors.ScimError{Status: status, ScimType: t, Detail: fmt.Sprintf(format, args...)}
}

func errNoEndpoint(path string) error {
	return errScim(http.StatusNotFound, "", "There is no endpoint %s.", document.Truncate(path, 100))
}

func errMethod(method, allow string) error {
	return errScim(http.StatusMethodNotAllowed, "", "%s is not allowed here; %s is.", document.Truncate(method, 20), allow)
}

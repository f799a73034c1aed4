package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/workspace-scim/workspace/internal/csvrecords"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/internal/mapping"
	"github.com/workspace-scim/workspace/store"
)

// problem is an error as a client gets it (RFC 9457). Code is stable: programs
// decide by it. Detail says what is wrong, Way what to do about it.
type problem struct {
	Status    int    `json:"status"`
	Title     string `json:"title"`
	Code      string `json:"code"`
	Detail    string `json:"detail"`
	Way       string `json:"way,omitempty"`
	Attribute string `json:"attribute,omitempty"` // the field or header at fault
	RequestID string `json:"requestId,omitempty"`
	// Plan is what an undo that is refused would do, and what it can't.
	Plan *undoPlan `json:"plan,omitempty"`
	// Faults are what is wrong with rules that are refused.
	Faults mapping.Faults `json:"faults,omitempty"`

	retryAfter int // seconds, 0 for none
}

// Error gives the sentence.
func (p problem) Error() string { return p.Detail }

// statuses gives the status of each rule of the core that refuses; 400 for the
// others.
var statuses = map[string]int{
	directory.RuleForbidden:             http.StatusForbidden,
	directory.RuleSourceDisabled:        http.StatusForbidden,
	directory.RuleSyncNotEnabled:        http.StatusForbidden,
	directory.RuleVersionMismatch:       http.StatusPreconditionFailed,
	directory.RuleFenced:                http.StatusConflict,
	directory.RuleLeaseRequired:         http.StatusConflict,
	directory.RuleLeaseHeld:             http.StatusConflict,
	directory.RuleConfigurationMismatch: http.StatusConflict,
	directory.RuleConfirmationRequired:  http.StatusConflict,
	directory.RuleRunState:              http.StatusConflict,
	directory.RuleConflictDecided:       http.StatusConflict,
	directory.RuleConflictChanged:       http.StatusConflict,
	directory.RuleAnchorsDiffer:         http.StatusConflict,
	directory.RuleNewerFact:             http.StatusConflict,
	directory.RuleTooMany:               http.StatusRequestEntityTooLarge,
	directory.RuleFeatureDisabled:       http.StatusConflict,
	directory.RuleJobDisabled:           http.StatusConflict,
	directory.RuleNotInSync:             http.StatusConflict,
	directory.RuleStreamPaused:          http.StatusConflict,
}

// statusClientClosed is what the log says of a request whose client went away.
const statusClientClosed = 499

// problemOf maps any error to the client's. What it doesn't know is internal: its
// text stays inside.
func problemOf(err error) problem {
	var p problem
	var v *directory.Violation
	var auth *directory.AuthError
	var file *csvrecords.Fault
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &v):
		p = problem{Status: statuses[v.Rule], Code: v.Rule, Detail: v.Detail, Way: v.Way, Attribute: v.Attribute}
		if p.Status == 0 {
			p.Status = http.StatusBadRequest
		}
		return p
	case errors.As(err, &file):
		return problem{Status: http.StatusBadRequest, Code: string(file.Code), Detail: file.Sentence}
	case errors.As(err, &auth):
		return problem{Status: http.StatusUnauthorized, Code: string(auth.Reason), Detail: auth.Detail}
	case errors.As(err, &tooLarge):
		return problem{Status: http.StatusRequestEntityTooLarge, Code: "tooLarge", Detail: "The body is larger than " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes."}
	case errors.Is(err, errUnreadable):
		return problem{Status: http.StatusBadRequest, Code: "invalidSyntax", Detail: "The body could not be read to its end."}
	case errors.Is(err, store.ErrNotFound):
		return problem{Status: http.StatusNotFound, Code: "notFound", Detail: "There is no such thing, or this token doesn't see it."}
	case errors.Is(err, context.Canceled):
		return problem{Status: statusClientClosed, Code: "clientClosed", Detail: "The client closed the connection before the answer."}
	case errors.Is(err, store.ErrUncertain):
		return problem{Status: http.StatusServiceUnavailable, Code: "uncertain", Detail: "The connection to the database broke while the change was being saved. It may have been made or not.", Way: "Read it again before you repeat it.", retryAfter: 5}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "The database is not available right now. Nothing was changed.", Way: "Try again.", retryAfter: 5}
	}
	return problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "Something went wrong in the server. Nothing was changed.", Way: "The log has the request's id."}
}

// fail writes the answer to an error, and logs what is the server's fault.
func (r *request) fail(err error) error {
	p := problemOf(err)
	if p.Status >= 500 {
		r.s.log.Error("request failed", "error", store.LogText(err), "txn", r.txn(), "tenant", r.actor.Tenant.Slug, "route", r.c.Path())
	}
	if r.c.Response().Committed {
		// The answer is under way: breaking it off is the only truth left.
		panic(http.ErrAbortHandler)
	}
	h := r.c.Response().Header()
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="api"`)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	p.Title, p.RequestID = http.StatusText(p.Status), r.txn()
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return r.respond(p.Status, "application/problem+json", b)
}

func tooFast() error {
	return problem{
		Status: http.StatusTooManyRequests, Code: "tooManyRequests", Detail: "Too many requests a second. Nothing was changed.", Way: "Try again after a second.",
		retryAfter: 1,
	}
}

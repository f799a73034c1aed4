package inbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// problem is an error as the client gets it.
type problem struct {
	status     int
	code       string
	message    string
	retryAfter int // seconds, 0 for none
}

// Error gives the sentence.
func (p *problem) Error() string { return p.message }

// badData is the refusal of a body; Graph calls it so.
func badData(format string, args ...any) error {
	return &problem{status: http.StatusBadRequest, code: "BadRequest", message: "Invalid Data Format: " + fmt.Sprintf(format, args...)}
}

func badQuery(format string, args ...any) error {
	return &problem{status: http.StatusBadRequest, code: "BadRequest", message: "Invalid query: " + fmt.Sprintf(format, args...)}
}

func notYours() error {
	return &problem{status: http.StatusForbidden, code: "Authorization_RequestDenied", message: "The service principal and job of the path don't belong to this token."}
}

func tooFast(wait int) error {
	return &problem{status: http.StatusTooManyRequests, code: "TooManyRequests", message: "Too many requests. Nothing was accepted; try again after the seconds of Retry-After.", retryAfter: wait}
}

// statusClientClosed is what the log says of a request whose client went away.
const statusClientClosed = 499

// explain maps any error to the client's. What it doesn't know is internal: its
// text stays inside.
func explain(err error) *problem {
	var p *problem
	var v *directory.Violation
	var auth *directory.AuthError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &auth):
		return &problem{status: http.StatusUnauthorized, code: "InvalidAuthenticationToken", message: auth.Detail}
	case errors.As(err, &v) && v.Rule == directory.RuleInvalid, errors.As(err, &v) && v.Rule == directory.RuleTooMany:
		return &problem{status: http.StatusBadRequest, code: "BadRequest", message: v.Error()}
	case errors.As(err, &v):
		return &problem{status: http.StatusForbidden, code: "Authorization_RequestDenied", message: v.Error()}
	case errors.Is(err, context.Canceled):
		return &problem{status: statusClientClosed, code: "ClientClosedRequest", message: "The client closed the connection before the answer."}
	case errors.Is(err, store.ErrUncertain):
		return &problem{status: http.StatusServiceUnavailable, code: "ServiceUnavailable", message: "The connection to the database broke while the upload was being saved. It may have been accepted or not; to send it again is harmless.", retryAfter: 5}
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return &problem{status: http.StatusServiceUnavailable, code: "ServiceUnavailable", message: "The database is not available right now. Nothing was accepted; try again.", retryAfter: 5}
	}
	return &problem{status: http.StatusInternalServerError, code: "InternalServerError", message: "Something went wrong in the server. Nothing was accepted. The log has the request's id."}
}

// fail writes the answer to an error, and logs what is the server's fault.
func (r *request) fail(err error) error {
	p := explain(err)
	if p.status >= 500 {
		r.s.log.Error("request failed", "error", store.LogText(err), "txn", r.txn(), "tenant", r.actor.Tenant.Slug, "route", r.c.Path())
	}
	if r.c.Response().Committed {
		// The answer is under way: breaking it off is the only truth left.
		panic(http.ErrAbortHandler)
	}
	h := r.c.Response().Header()
	if p.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="graph"`)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	type inner struct {
		Date            time.Time `json:"date"`
		RequestID       string    `json:"request-id"`
		ClientRequestID string    `json:"client-request-id"`
	}
	type failure struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Inner   inner  `json:"innerError"`
	}
	return r.json(p.status, map[string]failure{"error": {p.code, p.message, inner{r.s.dir.Now().UTC().Truncate(time.Second), r.txn(), h.Get("client-request-id")}}})
}

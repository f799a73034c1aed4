package scimclient

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Error is what the server refused, or couldn't do.
type Error struct {
	Status   int
	ScimType string // RFC 7644 §3.12, table 9; may be empty
	Reason   string // the rule or code of the server, such as "fenced"; may be empty
	Detail   string // what is wrong
	Way      string // what to do about it; may be empty
	// RetryAfter is how long the server asks to wait; 0 if it doesn't say.
	RetryAfter time.Duration
}

// Error gives status, code and sentence.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d %s", e.Status, e.Code())
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	if e.Way != "" {
		s += " " + e.Way
	}
	return s
}

// Code is the most telling name of the error: the server's rule, else the
// scimType, else the status in words.
func (e *Error) Code() string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.ScimType != "":
		return e.ScimType
	case http.StatusText(e.Status) != "":
		return http.StatusText(e.Status)
	}
	return "error"
}

// Temporary says whether the same request can succeed later.
func (e *Error) Temporary() bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// connectionError is a request without a whole answer.
type connectionError struct {
	host string
	err  error
}

func (e *connectionError) Error() string { return "no answer from " + e.host + ": " + e.err.Error() }
func (e *connectionError) Unwrap() error { return e.err }

// uncertainError is a request that may have been carried out.
type uncertainError struct{ err error }

func (e *uncertainError) Error() string {
	return e.err.Error() + " (it may have been carried out)"
}
func (e *uncertainError) Unwrap() error { return e.err }

// Uncertain says whether the request that failed may have been carried out.
func Uncertain(err error) bool {
	var u *uncertainError
	return errors.As(err, &u)
}

// Temporary says whether what failed can succeed later: the server couldn't be
// reached, or said so.
func Temporary(err error) bool {
	var e *Error
	var c *connectionError
	return errors.As(err, &c) || errors.As(err, &e) && e.Temporary()
}

// Untrusted says whether the server showed a certificate that isn't trusted, or
// of another name, so that nothing was sent to it. Trying again doesn't help.
func Untrusted(err error) bool {
	var c *connectionError
	var v *tls.CertificateVerificationError
	return errors.As(err, &c) && errors.As(c.err, &v)
}

// Is says whether the server refused with this code.
func Is(err error, code string) bool {
	var e *Error
	return errors.As(err, &e) && (e.Reason == code || e.ScimType == code)
}

// NotFound says whether the server answered 404.
func NotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound
}

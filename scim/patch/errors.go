package patch

import (
	"errors"
	"fmt"
	"net/http"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

func refuse(t scimerrors.ScimType, format string, args ...any) error {
	return scimerrors.ScimError{ScimType: t, Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

func invalidSyntax(format string, args ...any) error {
	return refuse(scimerrors.ScimTypeInvalidSyntax, format, args...)
}

func invalidValue(format string, args ...any) error {
	return refuse(scimerrors.ScimTypeInvalidValue, format, args...)
}

func invalidPath(format string, args ...any) error {
	return refuse(scimerrors.ScimTypeInvalidPath, format, args...)
}

func noTarget(format string, args ...any) error {
	return refuse(scimerrors.ScimTypeNoTarget, format, args...)
}

// immutable refuses a write to what a client can't write (RFC 7644 §3.5.2).
func immutable(format string, args ...any) error {
	return refuse(scimerrors.ScimTypeMutability, format, args...)
}

// required refuses to unassign a required attribute, whichever way it is asked
// (RFC 7644 §3.5.2.2: mutability). A POST or PUT without it is invalidValue.
func required(a *schema.Attribute) error {
	return immutable("%s is required and must not be empty.", a.Path)
}

// tooLarge refuses what would take too long (RFC 7644 §3.12: 413).
func tooLarge(format string, args ...any) error {
	return scimerrors.ScimError{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf(format, args...)}
}

// inOperation says in the error's detail which operation it is about.
func inOperation(i int, err error) error {
	var e scimerrors.ScimError
	if !errors.As(err, &e) {
		return fmt.Errorf("patch: operation %d: %w", i, err)
	}
	e.Detail = fmt.Sprintf("Operations[%d]: %s", i, e.Detail)
	return e
}

// quote makes a client's text fit for a message.
func quote(s string) string { return fmt.Sprintf("%q", document.Truncate(s, 100)) }

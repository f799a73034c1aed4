package filter

import (
	"fmt"
	"net/http"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/document"
)

// maxQuoted is how much of a client's text, in bytes, a message repeats.
const maxQuoted = 60

func quote(s string) string { return fmt.Sprintf("%q", document.Truncate(s, maxQuoted)) }

func badRequest(t scimerrors.ScimType, format string, args ...any) error {
	return scimerrors.ScimError{ScimType: t, Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

func invalidFilter(format string, args ...any) error {
	return badRequest(scimerrors.ScimTypeInvalidFilter, format, args...)
}

// sensitive refuses to compare what is never returned: the answers would give
// the value away bit by bit (RFC 7644 §7.5.2).
func sensitive(name string) error {
	return scimerrors.ScimError{
		ScimType: scimerrors.ScimTypeSensitive, Status: http.StatusForbidden,
		Detail: fmt.Sprintf("The attribute %s is never returned and can't be used in a filter.", quote(name)),
	}
}

package dialect

import (
	"fmt"
	"net/http"
	"slices"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/document"
)

// Dialect says which repairs apply to one request and counts them. A nil
// *Dialect repairs nothing: it is the strict reading. It is not safe for
// concurrent use.
type Dialect struct {
	counted func(id string)
	off     []string
	fired   map[string]bool // shared by those that Without made
}

var _ document.Repairer = (*Dialect)(nil)

// New makes the dialect of one request, with every repair on. The function is
// told the id of each repair that fires, at most once, so a request that is
// parsed or applied again after a lost race counts once; it may be nil.
func New(counted func(id string)) *Dialect {
	return &Dialect{counted: counted, fired: map[string]bool{}}
}

// Without gives a dialect for the same request in which the named repairs are
// off.
func (d *Dialect) Without(ids ...string) *Dialect {
	if d == nil {
		return nil
	}
	return &Dialect{counted: d.counted, fired: d.fired, off: slices.Concat(d.off, ids)}
}

// Repair says whether the repair is on, and counts it if so: it is asked at the
// moment when the repair is needed.
func (d *Dialect) Repair(id string) bool {
	if d == nil || slices.Contains(d.off, id) {
		return false
	}
	if !d.fired[id] {
		d.fired[id] = true
		if d.counted != nil {
			d.counted(id)
		}
	}
	return true
}

func invalidValue(format string, args ...any) error {
	return scimerrors.ScimError{ScimType: scimerrors.ScimTypeInvalidValue, Status: http.StatusBadRequest, Detail: fmt.Sprintf(format, args...)}
}

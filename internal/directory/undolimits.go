package directory

import (
	"errors"
	"fmt"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// undoLimits reads the limits of a source, over whose counts an undo needs a
// person's word for exactly its plan. What can't be read is the connector's
// business, and the defaults hold.
func undoLimits(r store.Reader, source int64) (reconcile.Limits, error) {
	c, err := r.Configuration(source, 0)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return reconcile.Limits{}, err
	}
	l, _ := reconcile.ReadLimits(c.Document)
	return l, nil
}

// overLimit says which limit a plan is over, "" for none.
func overLimit(l reconcile.Limits, c UndoCounts) string {
	for _, x := range []struct {
		n    int64
		most int
		what string
	}{
		{c.Ended, l.Deletes, "objects would be ended"},
		{c.Disabled, l.Disables, "users would be disabled"},
		{c.MembersRemoved, l.MembershipRemovals, "members would be removed from groups"},
	} {
		if x.most != reconcile.Off && x.n > int64(x.most) {
			return fmt.Sprintf("%d %s; the source's limit is %d.", x.n, x.what, x.most)
		}
	}
	return ""
}

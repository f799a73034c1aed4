package directory

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/workspace-scim/workspace/store"
)

// undoLimits are the counts of a source's limits, as its configuration says
// them for its connector ("limits", docs/ad.md): over them an undo needs a
// person's word for exactly its plan.
type undoLimits struct {
	Deletes            int64 `json:"deletes"`
	Disables           int64 `json:"disables"`
	MembershipRemovals int64 `json:"membershipRemovals"`
}

// undoLimitsOf reads the limits of a source; what its configuration doesn't say
// is as for connectors.
func undoLimitsOf(r store.Reader, source int64) (undoLimits, error) {
	doc := struct {
		Limits undoLimits `json:"limits"`
	}{undoLimits{Deletes: 500, Disables: 500, MembershipRemovals: 5000}}
	c, err := r.Configuration(source, 0)
	if errors.Is(err, store.ErrNotFound) {
		return doc.Limits, nil
	}
	if err != nil {
		return undoLimits{}, err
	}
	defaults := doc.Limits
	if err := json.Unmarshal(c.Document, &doc); err != nil {
		return defaults, nil // a connector's configuration is the connector's business
	}
	return doc.Limits, nil
}

// over says which limit a plan is over, "" for none.
func (l undoLimits) over(c UndoCounts) string {
	for _, x := range []struct {
		n, most int64
		what    string
	}{
		{c.Ended, l.Deletes, "objects would be ended"},
		{c.Disabled, l.Disables, "users would be disabled"},
		{c.MembersRemoved, l.MembershipRemovals, "members would be removed from groups"},
	} {
		if x.n > x.most {
			return fmt.Sprintf("%d %s; the source's limit is %d.", x.n, x.what, x.most)
		}
	}
	return ""
}

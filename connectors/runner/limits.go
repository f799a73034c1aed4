package runner

import (
	"encoding/json"
	"fmt"
)

// Limits are how much a run may destroy without a person's word, from "limits"
// of the source's configuration. A count is over its limit when it is greater
// than the number, or, from PercentFrom on, than the percentage.
type Limits struct {
	// Deletes counts objects that are deleted, out of scope or absent; its
	// percentage is of the source's objects.
	Deletes        int `json:"deletes"`
	DeletesPercent int `json:"deletesPercent"`
	// Disables counts users whom the source disables; its percentage is of the
	// source's users.
	Disables        int `json:"disables"`
	DisablesPercent int `json:"disablesPercent"`
	// MembershipRemovals counts members taken from groups that stay; its
	// percentage is of the members of those groups.
	MembershipRemovals        int `json:"membershipRemovals"`
	MembershipRemovalsPercent int `json:"membershipRemovalsPercent"`
	// PercentFrom is the count below which percentages aren't looked at.
	PercentFrom int `json:"percentFrom"`
	// Emptied is how many objects a source, or members a group, has at least so
	// that losing all of them is over the limit, whatever the counts.
	Emptied int `json:"emptied"`
}

// DefaultLimits are those of a source that doesn't say. 500 is the threshold
// of Entra's protection against accidental deletions
// (https://learn.microsoft.com/entra/identity/app-provisioning/accidental-deletions).
func DefaultLimits() Limits {
	return Limits{
		Deletes: 500, DeletesPercent: 20, Disables: 500, DisablesPercent: 20,
		MembershipRemovals: 5000, MembershipRemovalsPercent: 50, PercentFrom: 20, Emptied: 3,
	}
}

// ReadLimits reads the limits of a configuration document. What it doesn't name,
// or gives as 0, is as in DefaultLimits; -1 turns a limit off. A number under
// that, or a percentage over 100, is an error. The server reads the same names
// for what is pushed (docs/rules.md).
func ReadLimits(configuration json.RawMessage) (Limits, error) {
	var doc struct {
		Limits Limits `json:"limits"`
	}
	if len(configuration) > 0 {
		if err := json.Unmarshal(configuration, &doc); err != nil {
			return Limits{}, fmt.Errorf("the limits of the configuration can't be read: %w", err)
		}
	}
	l, def := doc.Limits, DefaultLimits()
	for _, f := range []struct {
		name  string
		value *int
		def   int
		off   int // what is never exceeded, 0 if it can't be turned off
	}{
		{"deletes", &l.Deletes, def.Deletes, never}, {"deletesPercent", &l.DeletesPercent, def.DeletesPercent, 100},
		{"disables", &l.Disables, def.Disables, never}, {"disablesPercent", &l.DisablesPercent, def.DisablesPercent, 100},
		{"membershipRemovals", &l.MembershipRemovals, def.MembershipRemovals, never},
		{"membershipRemovalsPercent", &l.MembershipRemovalsPercent, def.MembershipRemovalsPercent, 100},
		{"percentFrom", &l.PercentFrom, def.PercentFrom, 0}, {"emptied", &l.Emptied, def.Emptied, never},
	} {
		switch n := *f.value; {
		case n == 0:
			*f.value = f.def
		case n == -1 && f.off != 0:
			*f.value = f.off
		case n < 0 || f.off == 100 && n > 100:
			return Limits{}, fmt.Errorf("limits.%s is %d: give more than 0, 0 for the default or -1 for none, and at most 100 for a percentage", f.name, n)
		}
	}
	return l, nil
}

// never is more than any source has.
const never = 1 << 30

// toll is what a run would destroy, and of how much.
type toll struct {
	deletes, disables, removals int
	objects, users, members     int // before the run
	emptied                     []string
}

// exceeded says, for a person, what of a part's toll is over its share of the
// limits; "" for nothing.
func (l Limits) exceeded(t toll, p Part) string {
	// The members are those of the groups that lose some, however many parts
	// there are: a share of percentFrom would hold each small group.
	membersFrom, whole := l.PercentFrom, "source"
	if l = l.shared(p); p.Of > 1 {
		whole = "partition"
	}
	over := func(n, most, percent, of, from int) bool {
		return n > most || n > 0 && n >= from && n*100 > of*percent
	}
	switch {
	case t.deletes > 0 && t.deletes >= t.objects && t.objects >= l.Emptied:
		return fmt.Sprintf("All %d objects of the %s would be deleted.", t.objects, whole)
	case over(t.deletes, l.Deletes, l.DeletesPercent, t.objects, l.PercentFrom):
		return fmt.Sprintf("%d of %d objects would be deleted; the limits are %d and %d %%.", t.deletes, t.objects, l.Deletes, l.DeletesPercent)
	case t.disables > 0 && t.disables >= t.users && t.users >= l.Emptied:
		return fmt.Sprintf("All %d users of the %s would be disabled.", t.users, whole)
	case over(t.disables, l.Disables, l.DisablesPercent, t.users, l.PercentFrom):
		return fmt.Sprintf("%d of %d users would be disabled; the limits are %d and %d %%.", t.disables, t.users, l.Disables, l.DisablesPercent)
	case len(t.emptied) > 0:
		return fmt.Sprintf("%d groups would lose all of their members, such as %.80q.", len(t.emptied), t.emptied[0])
	case over(t.removals, l.MembershipRemovals, l.MembershipRemovalsPercent, t.members, membersFrom):
		return fmt.Sprintf("%d of %d members would be removed from groups; the limits are %d and %d %%.", t.removals, t.members, l.MembershipRemovals, l.MembershipRemovalsPercent)
	}
	return ""
}

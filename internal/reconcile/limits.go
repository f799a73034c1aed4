package reconcile

import (
	"encoding/json"
	"fmt"
	"time"
)

// Limits are how much a source may destroy in one run without a person's word
// (law 2), from "limits" of its configuration. The names are those of the
// connectors' limits, and so is what the numbers mean: a count is over its limit
// when it is greater than the number or, from PercentFrom on, than the
// percentage. 0, or nothing, is the default, and Off looks at it never.
type Limits struct {
	// Deletes counts users and groups that the source deletes; its percentage is
	// of the objects that it had before the run.
	Deletes        int `json:"deletes,omitempty"`
	DeletesPercent int `json:"deletesPercent,omitempty"`
	// Disables counts users whom the source disables; its percentage is of the
	// source's users.
	Disables        int `json:"disables,omitempty"`
	DisablesPercent int `json:"disablesPercent,omitempty"`
	// MembershipRemovals counts members taken from groups that stay; its
	// percentage is of the members of each of those groups.
	MembershipRemovals        int `json:"membershipRemovals,omitempty"`
	MembershipRemovalsPercent int `json:"membershipRemovalsPercent,omitempty"`
	// IdentityChanges counts users and groups whose userName, externalId or
	// anchor becomes another; its percentage is of the source's objects.
	IdentityChanges        int `json:"identityChanges,omitempty"`
	IdentityChangesPercent int `json:"identityChangesPercent,omitempty"`
	// LostGrants counts what people lose by all that: each membership that ends,
	// also those of deleted users and groups. Its percentage is of the source's
	// memberships before the run.
	LostGrants        int `json:"lostGrants,omitempty"`
	LostGrantsPercent int `json:"lostGrantsPercent,omitempty"`
	// PercentFrom is the count below which percentages aren't looked at.
	PercentFrom int `json:"percentFrom,omitempty"`
	// Emptied is how many objects a source, or members a group, has at least so
	// that losing all of them is over the limit, whatever the counts; a group, by
	// one request.
	Emptied int `json:"emptied,omitempty"`
	// QuietMinutes is the pause after which what a source pushes is another run:
	// 1 to 1440.
	QuietMinutes int `json:"quietMinutes,omitempty"`
}

// Off is a limit that is never looked at.
const Off = -1

// DefaultLimits are those of a source that pushes and doesn't say. 500 is the
// threshold of Entra's protection against accidental deletions
// (https://learn.microsoft.com/entra/identity/app-provisioning/accidental-deletions).
// They are a connector's, but for Emptied: who tries out a client, with three
// users and a group of them, needn't ask anybody.
func DefaultLimits() Limits {
	return Limits{
		Deletes: 500, DeletesPercent: 20, Disables: 500, DisablesPercent: 20,
		MembershipRemovals: 5000, MembershipRemovalsPercent: 50,
		IdentityChanges: 500, IdentityChangesPercent: 20,
		LostGrants: 10_000, LostGrantsPercent: 50,
		PercentFrom: 20, Emptied: 5, QuietMinutes: 5,
	}
}

// NoLimits turns all of them off.
func NoLimits() Limits {
	return Limits{
		Deletes: Off, DeletesPercent: Off, Disables: Off, DisablesPercent: Off,
		MembershipRemovals: Off, MembershipRemovalsPercent: Off,
		IdentityChanges: Off, IdentityChangesPercent: Off,
		LostGrants: Off, LostGrantsPercent: Off, Emptied: Off,
	}
}

// field is a limit with its name and the greatest number that it can be.
type field struct {
	name  string
	value *int
	most  int
}

// maxCount is more than any source has.
const maxCount = 1 << 30

func (l *Limits) fields() []field {
	return []field{
		{"deletes", &l.Deletes, maxCount}, {"deletesPercent", &l.DeletesPercent, 100},
		{"disables", &l.Disables, maxCount}, {"disablesPercent", &l.DisablesPercent, 100},
		{"membershipRemovals", &l.MembershipRemovals, maxCount}, {"membershipRemovalsPercent", &l.MembershipRemovalsPercent, 100},
		{"identityChanges", &l.IdentityChanges, maxCount}, {"identityChangesPercent", &l.IdentityChangesPercent, 100},
		{"lostGrants", &l.LostGrants, maxCount}, {"lostGrantsPercent", &l.LostGrantsPercent, 100},
		{"percentFrom", &l.PercentFrom, maxCount}, {"emptied", &l.Emptied, maxCount}, {"quietMinutes", &l.QuietMinutes, 1440},
	}
}

// LimitError says which limit of a configuration is none.
type LimitError struct {
	Name string // "limits" or "limits.deletes"
	Way  string // what to write instead, a sentence
}

// Error gives the sentence.
func (e *LimitError) Error() string { return e.Name + " of the configuration can't be read. " + e.Way }

// ReadLimits reads the limits of a configuration document, nil for none, and
// fills in the defaults. What can't be read is a *LimitError; limits that are
// not named here are another reader's.
func ReadLimits(configuration []byte) (Limits, error) {
	var doc struct {
		Limits Limits `json:"limits"`
	}
	if len(configuration) > 0 {
		if err := json.Unmarshal(configuration, &doc); err != nil {
			return DefaultLimits(), &LimitError{"limits", "It is an object of whole numbers."}
		}
	}
	l, def := doc.Limits, DefaultLimits()
	defaults := def.fields()
	for i, f := range l.fields() {
		least := Off
		if f.name == "percentFrom" || f.name == "quietMinutes" {
			least = 0
		}
		if *f.value < least || *f.value > f.most {
			return def, &LimitError{"limits." + f.name, fmt.Sprintf("Give a number from %d to %d: 0 is the default%s.", least, f.most, map[bool]string{true: ", -1 turns it off"}[least == Off])}
		}
		if *f.value == 0 {
			*f.value = *defaults[i].value
		}
	}
	return l, nil
}

// Quiet is the pause after which a push is another run.
func (l Limits) Quiet() time.Duration { return time.Duration(l.QuietMinutes) * time.Minute }

// Toll is what a run destroys.
type Toll struct {
	Deletes, Disables, MembershipRemovals, IdentityChanges, LostGrants int64
}

// Plus adds two tolls.
func (t Toll) Plus(o Toll) Toll {
	return Toll{
		t.Deletes + o.Deletes, t.Disables + o.Disables, t.MembershipRemovals + o.MembershipRemovals,
		t.IdentityChanges + o.IdentityChanges, t.LostGrants + o.LostGrants,
	}
}

// Stock is what a source has before a run.
type Stock struct {
	Objects     int64 // users and groups
	Users       int64
	Memberships int64
}

// Exceeded says, for a person, what of a toll is over the limits of the source;
// "" for nothing.
func (l Limits) Exceeded(t Toll, s Stock) string {
	switch {
	case l.all(t.Deletes, s.Objects):
		return fmt.Sprintf("All %d objects of the source would be deleted.", s.Objects)
	case l.over(t.Deletes, l.Deletes, l.DeletesPercent, s.Objects):
		return fmt.Sprintf("%d of %d objects would be deleted; %s.", t.Deletes, s.Objects, limits(l.Deletes, l.DeletesPercent))
	case l.all(t.Disables, s.Users):
		return fmt.Sprintf("All %d users of the source would be disabled.", s.Users)
	case l.over(t.Disables, l.Disables, l.DisablesPercent, s.Users):
		return fmt.Sprintf("%d of %d users would be disabled; %s.", t.Disables, s.Users, limits(l.Disables, l.DisablesPercent))
	case l.over(t.MembershipRemovals, l.MembershipRemovals, Off, 0):
		return fmt.Sprintf("%d members would be removed from groups; %s.", t.MembershipRemovals, limits(l.MembershipRemovals, Off))
	case l.over(t.IdentityChanges, l.IdentityChanges, l.IdentityChangesPercent, s.Objects):
		return fmt.Sprintf("%d of %d objects would get another userName, externalId or anchor; %s.", t.IdentityChanges, s.Objects, limits(l.IdentityChanges, l.IdentityChangesPercent))
	case l.over(t.LostGrants, l.LostGrants, l.LostGrantsPercent, s.Memberships):
		return fmt.Sprintf("%d of %d memberships would be lost; %s.", t.LostGrants, s.Memberships, limits(l.LostGrants, l.LostGrantsPercent))
	}
	return ""
}

// GroupExceeded says what is over the limits of one group that loses members
// now, has lost others before in the run, and has so many left; "" for nothing.
// Such a group is held by itself: it doesn't make the whole run suspicious (law
// 10).
func (l Limits) GroupExceeded(now, before, left int64) string {
	removed, had := now+before, now+before+left
	switch {
	case l.all(now, now+left):
		return fmt.Sprintf("The group would lose all of its %d members.", now)
	case l.over(removed, Off, l.MembershipRemovalsPercent, had):
		return fmt.Sprintf("The group would lose %d of its %d members; %s.", removed, had, limits(Off, l.MembershipRemovalsPercent))
	}
	return ""
}

// Enough is how many members a group that has lost so many has to have left to
// be under all limits, whatever it had: to count more of them is of no use.
func (l Limits) Enough(removed int64) int64 {
	if p := int64(l.MembershipRemovalsPercent); p > 0 && removed >= int64(l.PercentFrom) {
		return removed*(100-p)/p + 1
	}
	return 1
}

func (l Limits) over(n int64, most, percent int, of int64) bool {
	return most != Off && n > int64(most) || percent != Off && n > 0 && n >= int64(l.PercentFrom) && n*100 > of*int64(percent)
}

// all says whether everything would be gone.
func (l Limits) all(n, of int64) bool {
	return l.Emptied != Off && n > 0 && n >= of && of >= int64(l.Emptied)
}

func limits(most, percent int) string {
	switch {
	case most == Off:
		return fmt.Sprintf("the limit is %d %%", percent)
	case percent == Off:
		return fmt.Sprintf("the limit is %d", most)
	}
	return fmt.Sprintf("the limits are %d and %d %%", most, percent)
}

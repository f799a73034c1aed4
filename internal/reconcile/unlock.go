package reconcile

import (
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// Crowd is how many people are alike to the rules.
type Crowd struct {
	User
	People int64
}

// The kinds of changes that let people have a product.
const (
	ChangeAccount = "account" // give them an account in Source
	ChangeTrust   = "trust"   // Source trusts Other
	ChangeGroup   = "group"   // put another group in the place of Group
)

// Change is something that an administrator can do so that people fit groups.
type Change struct {
	Kind          string
	Source, Other store.Source
	Group         int // index of the group, -1 for none
}

// Unlock gives the one change that lets the most people have all of these groups
// who can't now, and how many; nil if no single change lets anybody. Who is
// disabled doesn't count. Of changes that do the same for as many the first is
// given, by the order of crowds and groups.
func Unlock(crowds []Crowd, groups []Group) (*Change, int64) {
	var best *Change
	var most int64
	var tried []Change
	for _, c := range crowds {
		for i, g := range groups {
			for _, x := range changes(c.User, g, i) {
				if !c.Active || slices.ContainsFunc(tried, func(o Change) bool { return o.same(x) }) {
					continue
				}
				tried = append(tried, x)
				if n := x.lets(crowds, groups); n > most {
					best, most = &x, n
				}
			}
		}
	}
	return best, most
}

func (x Change) same(o Change) bool {
	return x.Kind == o.Kind && x.Source.ID == o.Source.ID && x.Other.ID == o.Other.ID && x.Group == o.Group
}

// changes gives what could let a user be a member of the group with this index.
func changes(u User, g Group, i int) []Change {
	switch Compatible(u, g).Code {
	case "":
		return nil
	case GroupMissing, DynamicGroup, MailEnabledGroup:
		return []Change{{Kind: ChangeGroup, Group: i}}
	case OtherDomain:
		var out []Change
		for _, p := range u.Presence {
			if p.Kind == g.Authority.Kind {
				out = append(out, Change{Kind: ChangeTrust, Source: g.Authority, Other: p, Group: -1})
			}
		}
		return append(out, Change{Kind: ChangeAccount, Source: g.Authority, Group: -1})
	}
	if g.Class == ClassDirectorySynced && g.Authority.Kind == store.SourceEntra {
		return nil // no source is its home
	}
	return []Change{{Kind: ChangeAccount, Source: g.Authority, Group: -1}}
}

// lets counts who fits all groups with the change and not without it.
func (x Change) lets(crowds []Crowd, groups []Group) (n int64) {
	changed := slices.Clone(groups)
	for i, g := range changed {
		if x.Kind == ChangeTrust && g.Authority.ID == x.Source.ID {
			changed[i].Authority.Policies.Trusts = append(slices.Clone(g.Authority.Policies.Trusts), x.Other.Name)
		}
	}
	if x.Kind == ChangeGroup {
		changed = slices.Delete(changed, x.Group, x.Group+1)
	}
	for _, c := range crowds {
		u := c.User
		if x.Kind == ChangeAccount {
			u.Presence = append(slices.Clone(u.Presence), x.Source)
		}
		if c.Active && !fitsAll(c.User, groups) && fitsAll(u, changed) {
			n += c.People
		}
	}
	return n
}

func fitsAll(u User, groups []Group) bool {
	return !slices.ContainsFunc(groups, func(g Group) bool { return !Compatible(u, g).Compatible() })
}

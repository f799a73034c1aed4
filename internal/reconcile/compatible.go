package reconcile

import (
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// The codes of why a user can't be a member of a group (docs/rules.md).
const (
	GroupMissing                  = "groupMissing"
	UserInactive                  = "userInactive"
	DynamicGroup                  = "dynamicGroup"
	MailEnabledGroup              = "mailEnabledGroup"
	OnPremUserCloudOnlyGroup      = "onPremUserCloudOnlyGroup"
	CloudUserOnPremGroup          = "cloudUserOnPremGroup"
	CloudUserDirectorySyncedGroup = "cloudUserDirectorySyncedGroup"
	OtherDomain                   = "otherDomain"
	UserNotInDirectory            = "userNotInDirectory"
)

// User is what compatibility asks of a user.
type User struct {
	Active bool
	// Presence are the sources in which the user has an account, in any order:
	// those with a live link that doesn't say active:false. The workspace source
	// makes no difference.
	Presence []store.Source
}

// Group is what compatibility asks of a group.
type Group struct {
	// Exists is false for a group that is gone; then nothing else counts.
	Exists bool
	// Authority is the source that owns the group, with its policies.
	Authority store.Source
	Class     string // one of the Class constants
	Type      string // the attribute groupType, "" for none
	Scope     string // the attribute groupScope, "" for none
}

func (g Group) mailEnabled() bool {
	return strings.EqualFold(g.Type, "mailEnabledSecurity") || strings.EqualFold(g.Type, "distribution")
}

// Verdict is whether a user can be a member of a group.
type Verdict struct {
	Code   string // why not; "" where it can
	Detail string // why not, a sentence
	WayOut string // what would have to change, a sentence
}

// Compatible says whether the code is none.
func (v Verdict) Compatible() bool { return v.Code == "" }

// Compatible judges whether a user can be a member of a group: whether the
// source that owns the group has an account of the user, or trusts a source that
// has (docs/rules.md). It gives a verdict for each pair there is.
func Compatible(u User, g Group) Verdict {
	switch {
	case !g.Exists:
		return Verdict{GroupMissing, "The group isn't there any more.", "Put another group in its place."}
	case !u.Active:
		return Verdict{UserInactive, "The user is disabled.", "Enable the user first, where it comes from."}
	case strings.EqualFold(g.Type, "dynamic"):
		return Verdict{DynamicGroup, "The members of this group follow from a rule in its directory, so nobody can be added.",
			"Change the rule, or use a group whose members are assigned."}
	case g.Authority.Kind == store.SourceWorkspace:
		return Verdict{}
	case g.Class == ClassDirectorySynced && g.Authority.Kind == store.SourceEntra:
		return homeUnknown(u)
	}
	if has(u, g.Authority) || trusted(u, g) {
		return writable(g)
	}
	return absent(u, g)
}

// has says whether the user has an account in the source.
func has(u User, s store.Source) bool {
	return slices.ContainsFunc(u.Presence, func(p store.Source) bool { return p.ID == s.ID })
}

func hasKind(u User, k store.SourceKind) bool {
	return slices.ContainsFunc(u.Presence, func(p store.Source) bool { return p.Kind == k })
}

// trusted says whether the group's authority trusts a source of the user. A
// global group takes accounts of its own domain only, whoever is trusted
// (Microsoft, "Active Directory security groups").
func trusted(u User, g Group) bool {
	return !strings.EqualFold(g.Scope, "global") &&
		slices.ContainsFunc(u.Presence, func(p store.Source) bool {
			return p.Kind == g.Authority.Kind && slices.Contains(g.Authority.Policies.Trusts, p.Name)
		})
}

// writable is the verdict on a user who is where the group is. Microsoft Graph
// can't change the members of a mail-enabled security group or a distribution
// list; Active Directory can.
func writable(g Group) Verdict {
	if !g.mailEnabled() || g.Authority.Kind != store.SourceEntra || g.Authority.Policies.MailEnabledGroups {
		return Verdict{}
	}
	return Verdict{MailEnabledGroup, "The group is mail-enabled in the cloud, and its members can be changed in Exchange only.",
		"Add the user in Exchange, or let orders use such groups with the policy mailEnabledGroups of " + called(g.Authority) + "."}
}

// homeUnknown is the verdict on a group that a cloud source brings with an
// on-premises anchor: its members are changed in Active Directory, in a domain
// that no source tells of.
func homeUnknown(u User) Verdict {
	switch {
	case hasKind(u, store.SourceAD):
		return Verdict{}
	case hasKind(u, store.SourceEntra):
		return synced("the on-premises directory")
	}
	return nowhere("the on-premises directory")
}

// absent is the verdict on a user who isn't where the group is.
func absent(u User, g Group) Verdict {
	home := called(g.Authority)
	switch k := g.Authority.Kind; {
	case k == store.SourceAD && hasKind(u, k), k == store.SourceEntra && hasKind(u, k):
		return elsewhere(u, g)
	case k == store.SourceEntra && hasKind(u, store.SourceAD):
		return Verdict{OnPremUserCloudOnlyGroup, "The group is managed in the cloud, and the user is in the on-premises directory only.",
			"Synchronise the user to " + home + ", or use a group of the user's own directory."}
	case k == store.SourceAD && hasKind(u, store.SourceEntra) && g.Class == ClassDirectorySynced:
		return synced(home)
	case k == store.SourceAD && hasKind(u, store.SourceEntra):
		return Verdict{CloudUserOnPremGroup, "The group is in the on-premises directory, and the user is in the cloud only.",
			"Give the user an account in " + home + ", or use a group of the cloud."}
	}
	return nowhere(home)
}

func elsewhere(u User, g Group) Verdict {
	i := slices.IndexFunc(u.Presence, func(p store.Source) bool { return p.Kind == g.Authority.Kind })
	home, other := called(g.Authority), called(u.Presence[i])
	if strings.EqualFold(g.Scope, "global") && slices.Contains(g.Authority.Policies.Trusts, u.Presence[i].Name) {
		return Verdict{OtherDomain, "The group has the scope global, so it takes accounts of " + home + " only, and the user is in " + other + ".",
			"Make the group a universal or a domain local one."}
	}
	return Verdict{OtherDomain, "The group belongs to " + home + ", and the user to " + other + ".",
		"Declare that " + home + " trusts " + other + ", if it does, or give the user an account there."}
}

func synced(home string) Verdict {
	return Verdict{CloudUserDirectorySyncedGroup, "The group is synchronised from the on-premises directory, where its members are added first, and the user is in the cloud only.",
		"Give the user an account in " + home + " and add it to the group there; the synchronisation brings the membership."}
}

func nowhere(home string) Verdict {
	return Verdict{UserNotInDirectory, "The user has no account in " + home + ", which owns the group.",
		"Give the user an account there, or use a group of the workspace."}
}

// called is what people call a source.
func called(s store.Source) string {
	if s.DisplayName != "" {
		return s.DisplayName
	}
	return s.Name
}

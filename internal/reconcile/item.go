package reconcile

import (
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Why an item can't be kept in sync with a group (docs/rules.md).
const (
	RuleGroupless           = "groupless"           // the item has no group by its nature
	RuleCustomerOnly        = "customerOnly"        // the item is not given to users
	RuleCreateGroupDisabled = "createGroupDisabled" // no group is made for the item
	RuleNoGroup             = "noGroup"             // the item names no group
	RuleSourceGroupNotFound = "sourceGroupNotFound" // the group it names is gone
	RuleProviderMismatch    = "providerMismatch"    // the group's authority is of another kind
)

// What an item says about itself.
const (
	SyncOff   = "off"
	SyncWatch = "watch"
	SyncOn    = "on"

	AudienceCustomer     = "customer"
	AudienceCustomerOnly = "customerOnly"

	ModePrivate   = "private"
	ModeShared    = "shared"
	ModeGroupless = "groupless"

	// EntitlementOnline is had by whom an Entra source asserts.
	EntitlementOnline = "microsoftOnline"
)

// Item is an item as far as keeping it in sync asks.
type Item struct {
	Audience, Mode string
	CreateGroup    bool
	Provider       string // "ad", "entra" or ""
	Group          string // the group's id, "" for none
	Entitlement    string // EntitlementOnline or ""
	KeepInSync     string
}

// Synced says whether an item is to be compared at all.
func (i Item) Synced() bool { return i.KeepInSync == SyncOn || i.KeepInSync == SyncWatch }

// Unfit gives the first rule that forbids to keep an item in sync, "" for none.
// authority is the kind of source that owns the item's group, "" if there is no
// such group.
func Unfit(i Item, authority store.SourceKind) string {
	switch {
	case i.Mode == ModeGroupless:
		return RuleGroupless
	case i.Audience == AudienceCustomerOnly:
		return RuleCustomerOnly
	case !i.CreateGroup:
		return RuleCreateGroupDisabled
	case i.Group == "":
		return RuleNoGroup
	case authority == "":
		return RuleSourceGroupNotFound
	case i.Provider == "" || i.Provider != string(authority):
		return RuleProviderMismatch
	}
	return ""
}

// UnfitDetail is the sentence for a rule that Unfit gave.
func UnfitDetail(rule string) string {
	switch rule {
	case RuleGroupless:
		return "The item is groupless."
	case RuleCustomerOnly:
		return "The item is for customers only and isn't given to users."
	case RuleCreateGroupDisabled:
		return "The item has createGroup off."
	case RuleNoGroup:
		return "The item has no group."
	case RuleSourceGroupNotFound:
		return "The item's group can't be found."
	case RuleProviderMismatch:
		return "The item's provider is not the directory that owns its group."
	}
	return ""
}

// SyncLabel is what the choice keepInSync is called, by the item's provider.
func SyncLabel(provider string) string {
	switch provider {
	case string(store.SourceAD):
		return "Keep in Sync with Active Directory"
	case string(store.SourceEntra):
		return "Keep in Sync with Entra ID"
	}
	return ""
}

// DefaultEntitlement is what a user must have where the item doesn't say.
func DefaultEntitlement(provider string) string {
	if provider == string(store.SourceEntra) {
		return EntitlementOnline
	}
	return ""
}

// Why a user is assigned, removed or passed over.
const (
	ReasonGroupMember    = "addedBecauseGroupMember"
	ReasonNotGroupMember = "removedBecauseNotGroupMember"
	ReasonNotEntitled    = "removedBecauseNotEligible"
	SkipNotEligible      = "userNotEligible"
	SkipNotFound         = "userNotFound"
	SkipGroup            = "memberIsGroup"
)

// Skip gives the reason for which a member of its group isn't assigned to an
// item, "" if it is.
func Skip(i Item, a store.Assignee) string {
	switch {
	case a.Kind != schema.User:
		return SkipGroup
	case !a.Visible:
		return Unknown(i)
	case i.Entitlement == EntitlementOnline && !a.Online:
		return SkipNotEligible
	}
	return ""
}

// Unknown is the reason for which a member that Workspace doesn't know is passed
// over: an Entra user without the service doesn't exist there.
func Unknown(i Item) string {
	if i.Entitlement == EntitlementOnline {
		return SkipNotEligible
	}
	return SkipNotFound
}

// Comparison is what differs between the users of an item and the members of its
// group, in the order of their rids.
type Comparison struct {
	InBoth, OnlyInGroup, OnlyInItem int64
	// Add are the members that the item lacks, Remove who isn't a member, Lost the
	// members that may not have the item any more.
	Add, Lost []store.Assignee
	Remove    []int64
	// Settle are users in both who have the item by hand: the group is to be the
	// reason.
	Settle  []store.Assignee
	Skipped map[string]int64
}

// Compare compares the members of a group with the holders of an item, both in
// the order of their rids. Who has the item for an order or a workflow alone is
// not in the item as far as this goes: that reason is another's.
func Compare(i Item, members []store.Assignee, holders []store.Holder) Comparison {
	c := Comparison{Skipped: map[string]int64{}}
	for len(members) > 0 || len(holders) > 0 {
		switch {
		case len(holders) > 0 && !holders[0].Reconciled && !holders[0].Manual:
			holders = holders[1:]
		case len(members) == 0 || len(holders) > 0 && holders[0].RID < members[0].RID:
			c.OnlyInItem++
			c.Remove = append(c.Remove, holders[0].RID)
			holders = holders[1:]
		case len(holders) == 0 || members[0].RID < holders[0].RID:
			c.OnlyInGroup++
			c.lacks(i, members[0])
			members = members[1:]
		default:
			c.InBoth++
			c.has(i, members[0], holders[0])
			members, holders = members[1:], holders[1:]
		}
	}
	return c
}

func (c *Comparison) lacks(i Item, a store.Assignee) {
	if why := Skip(i, a); why != "" {
		c.Skipped[why]++
		return
	}
	c.Add = append(c.Add, a)
}

func (c *Comparison) has(i Item, a store.Assignee, h store.Holder) {
	switch {
	case Skip(i, a) != "":
		c.Lost = append(c.Lost, a)
	case h.Manual:
		c.Settle = append(c.Settle, a)
	}
}

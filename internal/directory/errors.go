package directory

import (
	"errors"

	"github.com/workspace-scim/workspace/scim/document"
)

// Rules that a Violation can name. Each is a reason code that an administrator
// finds in the log and in the documentation.
const (
	RuleUniqueness      = "uniqueness"       // the name or externalId belongs to another resource
	RuleManualAccount   = "manualAccount"    // the name belongs to an account made by hand (law 3)
	RuleSourceManaged   = "sourceManaged"    // a source owns what the portal wanted to change
	RuleSyncNotEnabled  = "syncNotEnabled"   // the hybrid-sync add-on is off (row H049)
	RuleDomainClaimed   = "domainClaimed"    // a directory domain belongs to another source (row H012)
	RuleUnownedDomain   = "unownedDomain"    // the userName's suffix is no verified domain
	RuleNameRequired    = "nameRequired"     // first or last name is missing (row W009)
	RuleUnknownMember   = "unknownReference" // a reference to an id that never existed
	RuleVersionMismatch = "versionMismatch"  // If-Match names another version
	RuleInvalid         = "invalidValue"     // an argument of an administrator's call is wrong
	RuleForbidden       = "forbidden"        // this token may not do this
	RuleTooMany         = "tooMany"          // a bound is exceeded
	RuleSourceDisabled  = "sourceDisabled"   // the source may not write
	RuleMutability      = "mutability"       // an attribute that stays as it was first
	// Those of orders.
	RuleIncompatible   = "incompatibleGroups" // the user fits none of the product's groups (row H039)
	RuleAlreadyOrdered = "alreadyOrdered"     // the user has an order of the product
	RuleOrderChanged   = "orderChanged"       // the verdicts are not those that the client saw
	// Those of conflicts.
	RuleConflictDecided = "conflictDecided" // somebody has decided about the conflict
	RuleConflictChanged = "conflictChanged" // what was to be decided about isn't so any more
	RuleAnchorsDiffer   = "anchorsDiffer"   // two objects of a directory aren't one account
	// Those of items and jobs.
	RuleFeatureDisabled = "featureDisabled" // the feature is off for the tenant
	RuleJobDisabled     = "jobDisabled"     // the job that does it is disabled
	RuleNotInSync       = "notKeptInSync"   // the item follows no group

	// Those of connectors.
	RuleLeaseRequired         = "leaseRequired"         // an agent writes under a lease only
	RuleLeaseHeld             = "leaseHeld"             // another one holds the lease
	RuleFenced                = "fenced"                // the lease is not, or no longer, the writer's
	RuleConfigurationMismatch = "configurationMismatch" // the agent works by another configuration
	RuleConfirmationRequired  = "confirmationRequired"  // what is pending has to be confirmed by its hash
	RuleRunState              = "runState"              // the run's state doesn't allow it

	// Those of undoing a run.
	RuleNewerFact = "newerFact" // what came after the run stands in the way
	RulePurged    = "purged"    // only the id of what would come back is left

	// RulePlanFull refuses a push of which so much waits that nobody could read
	// the plan of more.
	RulePlanFull = "planFull"
)

// ReasonOverLimit is the reason code of what waits for a person.
const ReasonOverLimit = "overLimit"

// Violation is a refusal by a rule: what was asked for is well-formed and can't
// be done. Nothing was written.
type Violation struct {
	Rule      string // one of the Rule constants
	Attribute string // the attribute at fault, "" for none
	Detail    string // one sentence for a person
	Way       string // what to do about it, a sentence, "" for nothing
	// More are further members of the answer, such as the lines of an order; nil
	// for none.
	More *document.Object
}

// Error gives the sentence and the way out.
func (v *Violation) Error() string {
	if v.Way == "" {
		return v.Detail
	}
	return v.Detail + " " + v.Way
}

// Violated says whether err is a Violation of the rule.
func Violated(err error, rule string) bool {
	var v *Violation
	return errors.As(err, &v) && v.Rule == rule
}

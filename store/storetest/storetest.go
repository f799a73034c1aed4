// Package storetest is the one conformance suite that each backend of package
// store passes. A backend calls Run in a test of its own; whoever changes the
// contract changes this suite first.
//
// The suite holds no backend and knows none: what it asks for is what the
// comments of package store promise, on every database alike. Where databases
// differ by nature (case folding, collation, nulls, time zones, who waits for
// whom) there is a check that pins our answer.
//
// Nothing here depends on time passing. Checks of concurrency start their
// goroutines together and then judge the outcome, whatever the order was.
package storetest

import (
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// Run checks that the stores that open gives fulfil the contract of package
// store. open must give a fresh, empty, migrated store on each call and close
// it in t.Cleanup; it is called about twenty times, some of them in parallel.
// The checks are subtests of t, named "subject/what holds".
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	subjects := []struct {
		name   string
		checks []check
	}{
		{"operations", operationChecks()},
		{"tenants", tenantChecks()},
		{"sources", sourceChecks()},
		{"credentials", credentialChecks()},
		{"attributes", attributeChecks()},
		{"resources", slices.Concat(resourceChecks(), refChecks())},
		{"unique keys", uniqueChecks()},
		{"links", linkChecks()},
		{"views", viewChecks()},
		{"tenancy", tenancyChecks()},
		{"text", textChecks()},
		{"index", indexChecks()},
		{"filters", slices.Concat(operatorChecks(), rowFilterChecks(), scanChecks())},
		{"sorting", sortChecks()},
		{"paging", slices.Concat(pageChecks(), driftChecks())},
		{"queries", queryChecks()},
		{"members", slices.Concat(memberChecks(), manyMemberChecks())},
		{"groups", slices.Concat(groupChecks(), membershipChecks())},
		{"grants", grantChecks()},
		{"rules", ruleChecks()},
		{"events", slices.Concat(eventChecks(), historyChecks())},
		{"holdings", holdingChecks()},
		{"items", itemChecks()},
		{"jobs", jobChecks()},
		{"parked", parkedChecks()},
		{"conflicts", conflictChecks()},
		{"expiry", expiryChecks()},
		{"leases", leaseChecks()},
		{"checkpoints", checkpointChecks()},
		{"configurations", configurationChecks()},
		{"runs", runChecks()},
		{"pushes", pushChecks()},
		{"problems", problemChecks()},
		{"agents", agentChecks()},
		{"mappings", mappingChecks()},
		{"health", healthChecks()},
		{"pending", pendingChecks()},
		{"audit", auditChecks()},
		{"uploads", uploadChecks()},
		{"seals", sealChecks()},
		{"streams", streamChecks()},
		{"requests", requestChecks()},
		{"transactions", slices.Concat(transactionChecks(), savepointChecks())},
		{"concurrency", slices.Concat(concurrencyChecks(), raceChecks(), phantomChecks())},
	}
	for _, subject := range subjects {
		t.Run(subject.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			for _, c := range subject.checks {
				t.Run(c.name, func(t *testing.T) { c.run(t, s) })
			}
		})
	}
}

// check is one behaviour. The checks of a subject share a store, and each makes
// a tenant of its own in it, so that none sees what another left.
type check struct {
	name string
	run  func(t *testing.T, s store.Store)
}

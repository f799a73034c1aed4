package directory

import (
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Actor is who speaks: the token picks it, nothing in a body can change it
// (docs/model.md).
type Actor struct {
	Tenant store.Tenant
	// Source is whose link is written; for an admin token the tenant's
	// workspace source.
	Source store.Source
	// Admin reads the resolved view.
	Admin bool
	// Token is the token's prefix, for the log.
	Token string
	// Subject is the id of the user that /Me stands for, "" for none.
	Subject string
	// Agent is the id of the agent whose token it is, "" for none. An agent
	// writes under a lease only.
	Agent string
	// Fence is the lease that the actor says to hold, zero for none: see Claim.
	Fence Fence
	// Run is the id of the connector's run that it writes for, "" for none.
	Run string
	// Stamp is that of a principal that was recognized and not authenticated,
	// else 0: see Recognize.
	Stamp int64
	// DryRun asks for a preview of what the API's writes do: each is carried out
	// and rolled back (law 5).
	DryRun bool
	// Txn is the request's id; it joins events and log lines.
	Txn string
	// decided says that a person has decided what is done in the source's name, so
	// no limit judges it.
	decided bool
}

// NewActor makes the actor of a principal.
func NewActor(p store.Principal, txn string) Actor {
	a := Actor{
		Tenant: p.Tenant, Source: p.Source, Admin: p.Token.Source == 0,
		Token: p.Token.Prefix, Subject: p.Token.Subject, Txn: txn,
	}
	if p.Token.Kind == store.TokenAgent {
		a.Agent, a.Subject = p.Token.Subject, ""
	}
	return a
}

// View is what the actor sees (law 4).
func (a Actor) View() store.View {
	if a.Admin {
		return store.View{Tenant: a.Tenant.ID}
	}
	return store.View{Tenant: a.Tenant.ID, Source: a.Source.ID}
}

// told leaves out of the events of a preview what only administrators see: what
// is theirs, and members that other sources assert.
func (a Actor) told(events []store.Event) []store.Event {
	if a.Admin {
		return events
	}
	return slices.DeleteFunc(events, func(e store.Event) bool {
		kind, _, _ := strings.Cut(e.Type, ".")
		return e.Reason == reasonAuthority || kind == kindNames[schema.Product] || kind == kindNames[schema.Order] || kind == kindNames[schema.Item]
	})
}

// staging says that what the actor writes is worked out and not carried out.
func (a Actor) staging() bool { return a.Source.Mode == store.ModeStaging }

// expect makes what the actor reads and writes hold only as long as it is who it
// was recognized as.
func (a Actor) expect(r store.Reader) error {
	if a.Stamp == 0 {
		return nil
	}
	return r.Expect(a.Stamp)
}

package storetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

func (x *memTx) SourceHealth(heardAfter time.Time, limit int) ([]store.SourceHealth, error) {
	var out []store.SourceHealth
	for _, s := range x.sources {
		t, _ := find(x.tenants, func(t store.Tenant) bool { return t.ID == s.Tenant })
		h := store.SourceHealth{Tenant: t.Slug, Source: s.Name}
		runs := filtered(x.runs, func(n store.Run) bool { return n.Source == s.ID })
		leases := filtered(x.leases, func(l store.Lease) bool { return l.Source == s.ID })
		agents := filtered(x.agents, func(a store.Agent) bool { return a.Source == s.ID && a.RevokedAt.IsZero() })
		h.PushOnly = s.Kind != store.SourceAD && len(leases)+len(agents) == 0
		waits := slices.ContainsFunc(x.pushes.pushes, func(p store.Push) bool { return p.Source == s.ID && p.Held > 0 })
		if s.Mode == store.ModeDisabled || h.PushOnly && !waits || len(out) == limit {
			continue
		}
		h.SucceededAt, h.NextAt = furthestBehind(leases, runs)
		h.Held = len(filtered(runs, func(n store.Run) bool { return n.State == store.RunHeld }))
		h.Problems = min(store.MaxCountedProblems, len(filtered(x.problems, func(p store.Problem) bool { return p.Source == s.ID })))
		h.Agents = len(filtered(agents, func(a store.Agent) bool { return a.SeenAt.After(heardAfter) }))
		out = append(out, h)
	}
	return out, nil
}

func furthestBehind(leases []store.Lease, runs []store.Run) (succeeded, next time.Time) {
	if len(leases) == 0 {
		return succeeded, next
	}
	last := slices.MaxFunc(leases, func(a, b store.Lease) int { return a.RenewedAt.Compare(b.RenewedAt) }).RenewedAt
	for i, l := range filtered(leases, func(l store.Lease) bool { return last.Sub(l.RenewedAt) <= 10*time.Minute }) {
		n := top(runs, 1, func(a, b store.Run) int { return cmp.Compare(b.ID, a.ID) }, func(n store.Run) bool {
			return n.Partition == l.Partition && n.State == store.RunSucceeded
		})
		if len(n) == 0 {
			n = []store.Run{{}}
		}
		if i == 0 || n[0].EndedAt.Before(succeeded) {
			succeeded = n[0].EndedAt
		}
		if next.IsZero() || !n[0].NextAt.IsZero() && n[0].NextAt.Before(next) {
			next = n[0].NextAt
		}
	}
	return succeeded, next
}

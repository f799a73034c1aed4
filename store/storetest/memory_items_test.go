package storetest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/store"
)

func byRID[T any](rid func(T) int64) func(a, b T) int {
	return func(a, b T) int { return cmp.Compare(rid(a), rid(b)) }
}

func (x *memTx) assignee(rid int64) store.Assignee {
	r := x.resources[rid]
	online := slices.ContainsFunc(x.links[rid], func(l store.Link) bool {
		s, _ := find(x.sources, func(s store.Source) bool { return s.ID == l.Source })
		return l.State == store.Linked && s.Kind == store.SourceEntra
	})
	return store.Assignee{RID: rid, ID: r.ID, Kind: r.Kind, Display: r.Display, Visible: r.State.Visible(), Online: online}
}

func (x *memTx) MembersAfter(tenant, group, source, after int64, limit int) ([]store.Assignee, error) {
	var all []store.Assignee
	for k := range x.members {
		if k.group == group && k.source == source && x.resources[k.member].Tenant == tenant {
			all = append(all, x.assignee(k.member))
		}
	}
	order := byRID(func(a store.Assignee) int64 { return a.RID })
	return top(all, limit, order, func(a store.Assignee) bool { return a.RID > after }), nil
}

func (x *memTx) Assignees(tenant int64, rids []int64) ([]store.Assignee, error) {
	var all []store.Assignee
	for _, rid := range slices.Compact(sorted(rids)) {
		if r, ok := x.resources[rid]; ok && r.Tenant == tenant {
			all = append(all, x.assignee(rid))
		}
	}
	return all, nil
}

func (x *memTx) holdersOf(tenant, item int64, fits func(rid int64) bool, limit int) []store.Holder {
	var all []store.Holder
	for _, g := range x.grants {
		if g.Tenant != tenant || g.Target != item || !fits(g.Subject) {
			continue
		}
		i := slices.IndexFunc(all, func(h store.Holder) bool { return h.RID == g.Subject })
		if i < 0 {
			i, all = len(all), append(all, store.Holder{RID: g.Subject})
		}
		switch g.Reason {
		case store.GrantReconciliation:
			all[i].Reconciled = true
		case store.GrantManual:
			all[i].Manual = true
		default:
			all[i].Other = true
		}
	}
	return top(all, limit, byRID(func(h store.Holder) int64 { return h.RID }), func(store.Holder) bool { return true })
}

func (x *memTx) HoldersAfter(tenant, item, after int64, limit int) ([]store.Holder, error) {
	return x.holdersOf(tenant, item, func(rid int64) bool { return rid > after }, limit), nil
}

func (x *memTx) Holders(tenant, item int64, subjects []int64) ([]store.Holder, error) {
	return x.holdersOf(tenant, item, func(rid int64) bool { return slices.Contains(subjects, rid) }, len(x.grants)), nil
}

func (x *memTx) Job(tenant int64, kind string) (store.Job, error) {
	return find(x.jobs, func(j store.Job) bool { return j.Tenant == tenant && j.Kind == kind })
}

func (x *memTx) LockJob(tenant int64, kind string) (store.Job, error) { return x.Job(tenant, kind) }

func (x *memTx) Jobs(tenant int64) ([]store.Job, error) {
	return top(x.jobs, len(x.jobs), func(a, b store.Job) int { return cmp.Compare(a.Kind, b.Kind) },
		func(j store.Job) bool { return j.Tenant == tenant }), nil
}

func (x *memTx) DueJobs(at time.Time, limit int) ([]store.Job, error) {
	return top(x.jobs, limit, func(a, b store.Job) int { return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.Tenant, b.Tenant)) },
		func(j store.Job) bool { return j.Enabled && !j.NextAt.After(at) }), nil
}

func (x *memTx) PutJob(j store.Job) error {
	x.jobs = upsert(x.jobs, j, func(o store.Job) bool { return o.Tenant == j.Tenant && o.Kind == j.Kind })
	return nil
}

func (x *memTx) WaitingRuns(kind string, limit int) ([]store.Run, error) {
	return top(x.runs, limit, func(a, b store.Run) int { return cmp.Compare(a.ID, b.ID) }, func(n store.Run) bool {
		return n.Kind == kind && (n.State == store.RunQueued || n.State == store.RunRunning)
	}), nil
}

func (x *memTx) TenantByID(id int64) (store.Tenant, error) {
	return find(x.tenants, func(t store.Tenant) bool { return t.ID == id })
}

func (x *memTx) SetFeatures(tenant int64, features map[string]bool) error {
	x.stamp = x.next()
	if len(features) == 0 {
		features = nil
	}
	return put(x.tenants, func(t store.Tenant) bool { return t.ID == tenant }, func(t *store.Tenant) { t.Features = features })
}

func (x *memTx) Holdings(q store.HoldingQuery) ([]store.Holding, error) {
	all := x.holdings(q)
	behind := func(h store.Holding) bool {
		return h.Target > q.After.Target || h.Target == q.After.Target && h.Subject > q.After.Subject
	}
	return top(all, q.Limit, func(a, b store.Holding) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Subject, b.Subject))
	}, behind), nil
}

func (x *memTx) CountHoldings(q store.HoldingQuery) (int, error) { return len(x.holdings(q)), nil }

func (x *memTx) holdings(q store.HoldingQuery) []store.Holding {
	all := map[store.HoldingKey]store.Holding{}
	fits := func(k store.HoldingKey) bool {
		return (q.Target == 0 || k.Target == q.Target) && (q.Subject == 0 || k.Subject == q.Subject)
	}
	for k := range x.members {
		key := store.HoldingKey{Target: k.group, Subject: k.member}
		if x.asserted(store.View{Tenant: q.Tenant}, k) && fits(key) {
			all[key] = store.Holding{Target: k.group, Subject: k.member, Member: true, Authority: k.source}
		}
	}
	for _, g := range x.grants {
		key := store.HoldingKey{Target: g.Target, Subject: g.Subject}
		if g.Tenant != q.Tenant || !fits(key) || !x.resources[g.Target].State.Visible() || !x.resources[g.Subject].State.Visible() {
			continue
		}
		h := all[key]
		h.Target, h.Subject, h.Grants = g.Target, g.Subject, append(slices.Clone(h.Grants), g)
		slices.SortFunc(h.Grants, byGrant)
		all[key] = h
	}
	return slices.Collect(maps.Values(all))
}

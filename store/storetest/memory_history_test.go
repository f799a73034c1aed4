package storetest

import (
	"cmp"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

func (x *memTx) FindEvents(q store.EventQuery, row func(store.Event) error) (next int64, err error) {
	all := filtered(x.events, func(e store.Event) bool {
		return q.Fits(e) && (q.From == 0 || q.Oldest == (e.Seq > q.From) && e.Seq != q.From)
	})
	if !q.Oldest {
		slices.Reverse(all)
	}
	for n, e := range all[:min(q.Limit, len(all))] {
		if err := row(e); err != nil {
			return 0, err
		}
		if n+1 == q.Limit {
			next = e.Seq
		}
	}
	return next, nil
}

func (x *memTx) Asserting(tenant, group, member int64) (sources []int64, err error) {
	for _, s := range x.sources {
		if s.Tenant == tenant && x.members[membership{group, member, s.ID}] {
			sources = append(sources, s.ID)
		}
	}
	slices.Sort(sources)
	return sources, nil
}

func (x *memTx) Conflicts(q store.ConflictQuery) ([]store.Conflict, error) {
	all := filtered(x.conflicts, func(c store.Conflict) bool {
		return c.Tenant == q.Tenant && (q.Source == 0 || c.Source == q.Source) && (q.RID == 0 || c.RID == q.RID) &&
			(q.ExternalID == "" || c.ExternalID == q.ExternalID) && (!q.Open || c.Open()) && (!q.Decided || !c.Open()) && (q.Before == 0 || c.ID < q.Before)
	})
	slices.SortFunc(all, func(a, b store.Conflict) int { return cmp.Compare(b.ID, a.ID) })
	return all[:min(q.Limit, len(all))], nil
}

func (x *memTx) Conflict(tenant, id int64) (store.Conflict, error) {
	return find(x.conflicts, func(c store.Conflict) bool { return c.Tenant == tenant && c.ID == id })
}

func (x *memTx) PutConflict(c *store.Conflict) error {
	err := put(x.conflicts, func(o store.Conflict) bool {
		return o.Stands() && o.Source == c.Source && o.RID == c.RID && o.ExternalID == c.ExternalID
	}, func(o *store.Conflict) {
		o.Count, o.LastAt, o.Reason, o.Doc = o.Count+1, c.LastAt, c.Reason, c.Doc
		*c = *o
	})
	if err == nil {
		return nil
	}
	c.ID = x.next()
	x.conflicts = append(x.conflicts, *c)
	return nil
}

func (x *memTx) DecideConflict(c store.Conflict) error {
	return put(x.conflicts, func(o store.Conflict) bool { return o.Tenant == c.Tenant && o.ID == c.ID }, func(o *store.Conflict) {
		o.Decision, o.DecidedBy, o.DecidedAt = c.Decision, c.DecidedBy, c.DecidedAt
	})
}

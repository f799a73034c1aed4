package storetest

import (
	"testing"

	"github.com/workspace-scim/workspace/store"
)

func holdingChecks() []check {
	return []check{
		{"what subjects have is members and grants, each pair once, page by page", holdingsTogether},
		{"what is hidden is had by nobody and has nothing", holdingsVisible},
		{"holdings never cross tenants", holdingTenancy},
	}
}

func (w *grantWorld) holdings(q store.HoldingQuery) []store.Holding {
	w.Helper()
	q.Tenant = w.tenant
	if q.Limit == 0 {
		q.Limit = 100
	}
	all := read(w.world, func(r store.Reader) ([]store.Holding, error) { return r.Holdings(q) })
	if q.After == (store.HoldingKey{}) && q.Limit == 100 {
		equal(w.world, "count", read(w.world, func(r store.Reader) (int, error) { return r.CountHoldings(q) }), len(all))
	}
	return all
}

func (w *grantWorld) join(group store.Resource, source int64, members ...store.Resource) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		_, _, err := tx.ChangeMembers(w.tenant, group.RID, source, rids(members...), nil)
		return err
	})
}

func holdingsTogether(t *testing.T, s store.Store) {
	w := newGrantWorld(t, s)
	w.join(w.sales, w.manual, w.anna, w.ben)
	w.join(w.sales, w.ad, w.mail) // not its authority
	order := w.grant(w.sales, store.GrantOrder, w.mail.RID)
	w.put(order, w.ben)
	w.put(w.grant(w.mail, store.GrantManual, 0), w.anna, w.sales)
	w.put(w.grant(w.mail, store.GrantReconciliation, 0), w.anna)
	member := func(h store.Holding) store.Holding { h.Member, h.Authority = true, w.manual; return h }
	had := func(target, subject store.Resource, grants ...store.Grant) store.Holding {
		for i := range grants {
			grants[i].Subject = subject.RID
		}
		return store.Holding{Target: target.RID, Subject: subject.RID, Grants: grants}
	}
	want := []store.Holding{
		member(had(w.sales, w.anna)),
		member(had(w.sales, w.ben, order)),
		had(w.mail, w.anna, w.grant(w.mail, store.GrantManual, 0), w.grant(w.mail, store.GrantReconciliation, 0)),
		had(w.mail, w.sales, w.grant(w.mail, store.GrantManual, 0)),
	}
	equal(w.world, "all", w.holdings(store.HoldingQuery{}), want)
	equal(w.world, "of a group", w.holdings(store.HoldingQuery{Target: w.sales.RID}), want[:2])
	equal(w.world, "of an item", w.holdings(store.HoldingQuery{Target: w.mail.RID}), want[2:])
	equal(w.world, "of a user", w.holdings(store.HoldingQuery{Subject: w.anna.RID}), []store.Holding{want[0], want[2]})
	equal(w.world, "of both", w.holdings(store.HoldingQuery{Target: w.sales.RID, Subject: w.ben.RID}), want[1:2])
	for name, q := range map[string]store.HoldingQuery{"all": {}, "of a group": {Target: w.sales.RID}, "of a user": {Subject: w.anna.RID}} {
		whole := w.holdings(q)
		q.Limit = 1
		var paged []store.Holding
		for page := w.holdings(q); len(page) > 0; page = w.holdings(q) {
			paged = append(paged, page...)
			q.After = store.HoldingKey{Target: page[0].Target, Subject: page[0].Subject}
		}
		equal(w.world, name+" page by page", paged, whole)
	}
}

func holdingsVisible(t *testing.T, s store.Store) {
	w := newGrantWorld(t, s)
	w.join(w.sales, w.manual, w.anna, w.ben)
	w.put(w.grant(w.mail, store.GrantManual, 0), w.anna, w.ben)
	w.change(w.anna.RID, func(r *store.Resource) { r.State = store.Deleted })
	equal(w.world, "without a deleted user", len(w.holdings(store.HoldingQuery{})), 2)
	w.change(w.sales.RID, func(r *store.Resource) { r.State = store.Deleted })
	w.change(w.mail.RID, func(r *store.Resource) { r.State = store.Deleted })
	equal(w.world, "without deleted targets", len(w.holdings(store.HoldingQuery{})), 0)
}

func holdingTenancy(t *testing.T, s store.Store) {
	w, other := newGrantWorld(t, s), newGrantWorld(t, s)
	w.join(w.sales, w.manual, w.anna)
	w.put(w.grant(w.mail, store.GrantManual, 0), w.anna)
	equal(w.world, "own", len(w.holdings(store.HoldingQuery{})), 2)
	for name, q := range map[string]store.HoldingQuery{"all": {}, "group": {Target: w.sales.RID}, "item": {Target: w.mail.RID}, "subject": {Subject: w.anna.RID}} {
		equal(w.world, "foreign by "+name, len(other.holdings(q)), 0)
	}
}

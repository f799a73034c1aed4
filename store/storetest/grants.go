package storetest

import (
	"testing"
	"time"

	"github.com/workspace-scim/workspace/store"
)

func grantChecks() []check {
	return []check{
		{"a grant is added and ended once for each reason and cause", grantsByReason},
		{"grants are found by target, subject, cause and reason, page by page", grantsFound},
		{"grants of a resource are forgotten", grantsForgotten},
		{"grants never cross tenants", grantTenancy},
	}
}

// grantWorld has two users, a group and an item, as far as the store can tell.
type grantWorld struct {
	*world
	anna, ben, sales, mail store.Resource
}

func newGrantWorld(t *testing.T, s store.Store) *grantWorld {
	w := newWorld(t, s)
	return &grantWorld{world: w, anna: w.user(w.ad, "anna", ""), ben: w.user(w.ad, "ben", ""),
		sales: w.group(w.manual, "Sales", ""), mail: w.group(w.manual, "Mail", "")}
}

func (w *grantWorld) grant(target store.Resource, reason store.GrantReason, cause int64) store.Grant {
	return store.Grant{Tenant: w.tenant, Target: target.RID, Reason: reason, Cause: cause, Since: at(1)}
}

func (w *grantWorld) put(g store.Grant, subjects ...store.Resource) (added []int64) {
	w.Helper()
	w.update(func(tx store.Tx) (err error) {
		added, err = tx.PutGrants(g, rids(subjects...))
		return err
	})
	return added
}

func (w *grantWorld) end(g store.Grant, subjects ...store.Resource) (ended []int64) {
	w.Helper()
	w.update(func(tx store.Tx) (err error) {
		ended, err = tx.EndGrants(g, rids(subjects...))
		return err
	})
	return ended
}

func (w *grantWorld) grants(q store.GrantQuery) []store.Grant {
	w.Helper()
	q.Tenant = w.tenant
	if q.Limit == 0 {
		q.Limit = 100
	}
	return read(w.world, func(r store.Reader) ([]store.Grant, error) { return r.Grants(q) })
}

func grantsByReason(t *testing.T, s store.Store) {
	w := newGrantWorld(t, s)
	order, manual := w.grant(w.mail, store.GrantOrder, w.sales.RID), w.grant(w.mail, store.GrantManual, 0)
	equal(w.world, "added by an order", w.put(order, w.ben, w.anna), rids(w.anna, w.ben))
	later := order
	later.Since = at(2)
	equal(w.world, "added again", w.put(later, w.anna), nil)
	equal(w.world, "added by hand", w.put(manual, w.anna), rids(w.anna))
	equal(w.world, "ended for another cause", w.end(w.grant(w.mail, store.GrantOrder, 0), w.anna), nil)
	equal(w.world, "ended by the order", w.end(order, w.anna, w.ben), rids(w.anna, w.ben))
	equal(w.world, "ended again", w.end(order, w.anna), nil)
	manual.Subject = w.anna.RID
	equal(w.world, "what is left", w.grants(store.GrantQuery{Target: w.mail.RID}), []store.Grant{manual})
}

func grantsFound(t *testing.T, s store.Store) {
	w := newGrantWorld(t, s)
	order := w.grant(w.mail, store.GrantOrder, w.sales.RID)
	w.put(order, w.anna, w.ben)
	w.put(w.grant(w.mail, store.GrantManual, 0), w.anna)
	w.put(w.grant(w.sales, store.GrantOrder, w.mail.RID), w.anna)
	all := w.grants(store.GrantQuery{})
	equal(w.world, "all", len(all), 4)
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; a.Target > b.Target || a.Target == b.Target && (a.Subject > b.Subject || a.Subject == b.Subject && a.Reason >= b.Reason) {
			t.Errorf("%v stands before %v", a, b)
		}
	}
	equal(w.world, "since", all[0].Since.Equal(at(1)), true)
	for name, c := range map[string]struct {
		q    store.GrantQuery
		want int
	}{
		"target":             {store.GrantQuery{Target: w.mail.RID}, 3},
		"subject":            {store.GrantQuery{Subject: w.anna.RID}, 3},
		"cause":              {store.GrantQuery{Cause: w.sales.RID}, 2},
		"reason":             {store.GrantQuery{Reason: store.GrantManual}, 1},
		"target and subject": {store.GrantQuery{Target: w.mail.RID, Subject: w.ben.RID}, 1},
		"several subjects":   {store.GrantQuery{Target: w.mail.RID, Subjects: rids(w.ben, w.sales)}, 1},
		"nobody's":           {store.GrantQuery{Subject: w.sales.RID}, 0},
	} {
		equal(w.world, "by "+name, len(w.grants(c.q)), c.want)
	}
	var paged []store.Grant
	for page := w.grants(store.GrantQuery{Limit: 1}); len(page) > 0; page = w.grants(store.GrantQuery{Limit: 1, After: &paged[len(paged)-1]}) {
		paged = append(paged, page...)
	}
	equal(w.world, "page by page", paged, all)
}

func grantsForgotten(t *testing.T, s store.Store) {
	w := newGrantWorld(t, s)
	fill := func() {
		w.put(w.grant(w.mail, store.GrantManual, 0), w.anna, w.ben)
		w.put(w.grant(w.sales, store.GrantOrder, w.mail.RID), w.ben)
	}
	for name, c := range map[string]struct {
		gone store.Resource
		left int
	}{"target": {w.sales, 2}, "subject": {w.anna, 2}, "target and cause": {w.mail, 0}} {
		fill()
		w.update(func(tx store.Tx) error { return tx.ForgetGrants(w.tenant+1, c.gone.RID) })
		equal(w.world, "with another tenant", len(w.grants(store.GrantQuery{})), 3)
		w.update(func(tx store.Tx) error { return tx.ForgetGrants(w.tenant, c.gone.RID) })
		equal(w.world, "without a "+name, len(w.grants(store.GrantQuery{})), c.left)
	}
}

func grantTenancy(t *testing.T, s store.Store) {
	w, other := newGrantWorld(t, s), newGrantWorld(t, s)
	equal(w.world, "a foreign subject", w.put(w.grant(w.mail, store.GrantManual, 0), other.anna), nil)
	err := w.s.Update(t.Context(), func(tx store.Tx) error {
		_, err := tx.PutGrants(store.Grant{Tenant: w.tenant, Target: other.mail.RID, Reason: store.GrantManual, Since: time.Now()}, rids(w.anna))
		return err
	})
	w.is(err, store.ErrNotFound)
	w.put(w.grant(w.mail, store.GrantManual, 0), w.anna)
	err = w.s.Update(t.Context(), func(tx store.Tx) error {
		_, err := tx.EndGrants(store.Grant{Tenant: other.tenant, Target: w.mail.RID, Reason: store.GrantManual}, rids(w.anna))
		return err
	})
	w.is(err, store.ErrNotFound)
	equal(w.world, "foreign grants", other.grants(store.GrantQuery{Target: w.mail.RID}), nil)
	equal(w.world, "own grants", len(w.grants(store.GrantQuery{})), 1)
}

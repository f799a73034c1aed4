package storetest

import (
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// ruleChecks are about what the rules ask: who fits which group, and whose
// orders follow a membership.
func ruleChecks() []check {
	return []check{
		{"users are counted by the sources that they are in", presencesCounted},
		{"resources are found by several ids", resourcesByIDs},
		{"who names resources is found by their rids and further rows", referrersOf},
		{"whether a kind was ever there is known with and without adding members", everThere},
		{"the chosen authority is kept", chosenKept},
	}
}

func (w *world) presences() []store.Presence {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Presence, error) { return r.Presences(w.tenant) })
}

func presencesCounted(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	newWorld(t, s).user(w.ad, "stranger", "")
	equal(w, "of nobody", w.presences(), nil)
	w.user(w.ad, "anna", "")
	w.user(w.ad, "ben", `{"active":true}`)
	// What looks like the attribute in a text is none.
	w.user(w.ad, "carl", `{"active":true,"title":"\"active\":false"}`)
	w.user(w.hr, "dora", `{"active":false}`)
	both := w.user(w.ad, "emil", `{"active":true}`)
	w.link(w.hr, both, nil)
	// A source that disabled its account doesn't count.
	half := w.user(w.ad, "fred", `{"active":true}`)
	w.link(w.hr, half, func(l *store.Link) { w.own(l, `{"userName":"fred","active":false}`) })
	parked := w.user(w.ad, "gina", `{"active":true}`)
	w.link(w.hr, parked, func(l *store.Link) { l.State = store.LinkParked })
	w.inState(store.Deleted, "gone")
	w.group(w.ad, "Sales", "")
	equal(w, "by sources", w.presences(), []store.Presence{
		{Sources: []int64{w.ad}, Active: true, Users: 5},
		{Sources: []int64{w.ad, w.hr}, Active: true, Users: 1},
		{Sources: []int64{w.hr}, Users: 1},
	})
}

func resourcesByIDs(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, sales := w.user(w.ad, "anna", ""), w.group(w.ad, "Sales", "")
	gone, foreign := w.inState(store.Deleted, "gone"), other.user(other.ad, "foreign", "")
	got := read(w, func(r store.Reader) ([]store.Resource, error) {
		return r.Resources(w.tenant, []string{gone.ID, foreign.ID, sales.ID, uuid.NewString(), anna.ID, anna.ID, "\x00"})
	})
	equal(w, "found", got, []store.Resource{w.resource(anna.RID), w.resource(sales.RID), w.resource(gone.RID)})
	equal(w, "by no ids", read(w, func(r store.Reader) ([]store.Resource, error) { return r.Resources(w.tenant, nil) }), nil)
}

func referrersOf(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	boss, peer := w.user(w.ad, "boss", ""), w.user(w.ad, "peer", "")
	manager := func(id string) string {
		return `{"` + schema.EnterpriseUserURN + `":{"manager":{"value":"` + id + `"}},"displayName":"Report"}`
	}
	a, b := w.user(w.ad, "a", manager(boss.ID)), w.user(w.ad, "b", manager(peer.ID))
	other.user(other.ad, "foreign", manager(boss.ID))
	// A source's own document names another one; the resolved one counts.
	c := w.user(w.ad, "c", "")
	w.link(w.hr, c, func(l *store.Link) {
		w.own(l, `{"userName":"c","`+schema.EnterpriseUserURN+`":{"manager":{"value":"`+boss.ID+`"}}}`)
	})
	attr := w.manager().Index
	who := func(of []store.Resource, also ...store.KeyIn) []int64 {
		t.Helper()
		return read(w, func(r store.Reader) ([]int64, error) { return r.ReferrersOf(w.tenant, attr, rids(of...), also...) })
	}
	both := []store.Resource{peer, boss}
	equal(w, "of both", who(both), rids(a, b))
	equal(w, "of one", who([]store.Resource{boss}), rids(a))
	equal(w, "of nobody", who(nil), nil)
	userName, display := w.set.User.UserName, w.set.User.DisplayName
	equal(w, "with a row", who(both, store.KeyIn{Attr: userName.Index, Keys: []string{"b", "x"}}), rids(b))
	equal(w, "with two rows", who(both, store.KeyIn{Attr: userName.Index, Keys: []string{"a", "b"}}, store.KeyIn{Attr: display.Index, Keys: []string{"report"}}), rids(a, b))
	equal(w, "with a row that nobody has", who(both, store.KeyIn{Attr: display.Index, Keys: []string{"nobody"}}), nil)
}

func everThere(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, sales := w.user(w.ad, "anna", ""), w.group(w.ad, "Sales", "")
	ever := func(tenant int64, add bool) (product, order bool) {
		w.update(func(tx store.Tx) (err error) {
			if add {
				if _, _, err := tx.ChangeMembers(w.tenant, sales.RID, w.ad, []int64{anna.RID}, nil); err != nil {
					return err
				}
			}
			if product, err = tx.Ever(tenant, schema.Product); err == nil {
				order, err = tx.Ever(tenant, schema.Order)
			}
			return err
		})
		return product, order
	}
	for _, add := range []bool{false, true} {
		product, order := ever(w.tenant, add)
		equal(w, "of a new tenant", []bool{product, order}, []bool{false, false})
	}
	w.update(func(tx store.Tx) error {
		product := w.newResource(schema.Product, w.manual, "Visio", w.object(schema.Product, `{"displayName":"Visio"}`))
		if err := tx.InsertResource(&product); err != nil {
			return err
		}
		there, err := tx.Ever(w.tenant, schema.Product)
		if !there {
			t.Error("not there in its own transaction")
		}
		return err
	})
	changes := w.changeMembers(sales, w.ad, nil, rids(anna))
	equal(w, "removed", changes.Removed, rids(anna))
	for _, add := range []bool{false, true} {
		product, order := ever(w.tenant, add)
		equal(w, "of a tenant with a product", []bool{product, order}, []bool{true, false})
	}
	product, order := ever(other.tenant, true)
	equal(w, "of another tenant", []bool{product, order}, []bool{false, false})
}

func chosenKept(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	sales := w.newGroup(w.ad, "Sales", "")
	sales.Chosen = w.hr
	w.put(&sales)
	equal(w, "inserted", w.resource(sales.RID).Chosen, w.hr)
	w.change(sales.RID, func(r *store.Resource) { r.Chosen = w.ad })
	equal(w, "updated", w.record(0, sales).Chosen, w.ad)
}

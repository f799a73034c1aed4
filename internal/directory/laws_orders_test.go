package directory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// The same laws over histories in which products are ordered and cancelled while
// the directories and the administrator change groups (docs/rules.md).
func TestLawsHoldOverOrders(t *testing.T) {
	s := openStore(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		w := newWorld(rt, s, fmt.Sprintf("o%d", n))
		w.stock()
		w.live(rt, 12, func(t *rapid.T) step {
			if rapid.IntRange(0, 3).Draw(t, "about orders") == 0 {
				return w.draw(t)
			}
			return w.drawOrder(t)
		})
	})
}

// stock makes two people whom both directories have, one of AD alone and one by
// hand, a group of each directory and two of the workspace, products of several,
// and items.
func (w *world) stock() {
	ad, entra, admin := 0, 2, len(w.actors)-1
	for n := range 2 {
		for _, who := range []int{ad, entra} {
			w.made(who, w.set.User, fmt.Sprintf(`{"userName":"p%d@contoso.com","externalId":"e%d-%d","urn:ietf:params:scim:schemas:extension:workspace:2.0:User":{"originAnchor":"anchor%d"}}`, n, who, n, n))
		}
	}
	w.made(admin, w.set.User, `{"userName":"hand@contoso.com"}`)
	w.made(ad, w.set.User, `{"userName":"local@contoso.com"}`)
	local := w.made(ad, w.set.Group, `{"displayName":"g0","externalId":"l"}`)
	cloud := w.made(entra, w.set.Group, `{"displayName":"g1","externalId":"c"}`)
	own, other := w.made(admin, w.set.Group, `{"displayName":"own"}`), w.made(admin, w.set.Group, `{"displayName":"other"}`)
	for _, groups := range [][]string{{own}, {own, other}, {own, local}, {local, cloud, other}} {
		w.made(admin, w.set.Product, product(groups...))
	}
	w.stockItems(own, local)
}

func (w *world) made(who int, t *schema.ResourceType, body string) (id string) {
	_, err := w.write(step{who, "make " + body, func(x *directory.Writer) error {
		out, err := x.Create(t, directory.Input{Doc: w.doc(t, body)})
		id = out.Record.ID
		return err
	}}, false)
	w.must(err)
	return id
}

func product(groups ...string) string {
	var refs []string
	for _, g := range groups {
		refs = append(refs, fmt.Sprintf(`{"value":%q}`, g))
	}
	return `{"displayName":"P","groups":[` + strings.Join(refs, ",") + `]}`
}

// drawOrder makes a request about products, orders and those whom they are for.
func (w *world) drawOrder(t *rapid.T) step {
	admin := len(w.actors) - 1
	pick := func(what *schema.ResourceType, label string) string {
		ids := w.ids(w.admin(), what)
		if len(ids) == 0 {
			return "0190a000-0000-7000-8000-000000000000"
		}
		return rapid.SampledFrom(ids).Draw(t, label)
	}
	user, group, order := pick(w.set.User, "recipient"), pick(w.set.Group, "group"), pick(w.set.Order, "order")
	which := pick(w.set.Product, "product")
	wanted := fmt.Sprintf(`{"product":{"value":%q},"recipient":{"value":%q}}`, which, user)
	place := step{admin, "order " + wanted, func(x *directory.Writer) error {
		_, err := x.Create(w.set.Order, directory.Input{Doc: w.doc(w.set.Order, wanted)})
		return err
	}}
	members := func(who int, op directory.MemberOp) step {
		return step{who, fmt.Sprintf("members of %s by %d: %+v", group, who, op), func(x *directory.Writer) error {
			_, err := x.Modify(w.set.Group, group, nil, directory.Change{Members: []directory.MemberOp{op}})
			return err
		}}
	}
	who := rapid.SampledFrom([]int{0, 2, admin}).Draw(t, "who")
	return rapid.SampledFrom(append(w.drawItem(t, user), []step{
		place, place, place,
		{admin, "cancel " + order, func(x *directory.Writer) error {
			_, err := x.Modify(w.set.Order, order, nil, directory.Change{Apply: func(o *document.Object) error {
				o.Set(w.set.Order.Root.Sub("state"), directory.OrderCancelled)
				return nil
			}})
			return err
		}},
		{admin, "delete order " + order, func(x *directory.Writer) error { return x.Delete(w.set.Order, order, nil) }},
		{admin, "delete product " + which, func(x *directory.Writer) error { return x.Delete(w.set.Product, which, nil) }},
		members(who, directory.MemberOp{Add: []string{user}}),
		members(who, directory.MemberOp{Remove: []string{user}}),
		members(who, directory.MemberOp{Clear: true}),
	}...)).Draw(t, "step")
}

// documents gives what the administrator sees of one type.
func (w *world) documents(r *directory.Reading, t *schema.ResourceType) (recs []store.Record, docs []*document.Object, err error) {
	if _, err = r.List(store.Query{Type: t, Limit: 1000}, func(rec *store.Record) error {
		c := *rec
		c.Doc = slices.Clone(rec.Doc)
		recs = append(recs, c)
		return nil
	}); err != nil {
		return nil, nil, err
	}
	for _, rec := range recs {
		doc, err := document.MustDecode(t, rec.Doc)
		if err != nil {
			return nil, nil, err
		}
		docs = append(docs, doc)
	}
	return recs, docs, nil
}

// checkOrders: who was granted a group of the workspace is a member of it, and
// whoever was granted something by an order was so by one that is there and isn't
// cancelled; an order's state says what its lines say.
func (w *world) checkOrders(st step) {
	t := w.set.Order
	lines, state := t.Root.Sub("lines"), t.Root.Sub("state")
	w.must(w.dir.Read(context.Background(), w.admin(), func(r *directory.Reading) error {
		orders, docs, err := w.documents(r, t)
		if err != nil {
			return err
		}
		open := map[int64]bool{}
		for i, doc := range docs {
			open[orders[i].RID] = doc.Text(state) != directory.OrderCancelled
			skipped := 0
			all, _ := doc.Get(lines).(document.List)
			for _, x := range all {
				line := x.(*document.Object)
				is := line.Get(lines.Sub("state"))
				if is == directory.LineSkipped && line.Get(lines.Sub("verdict")) == "incompatible" {
					skipped++
				}
				if (is == directory.LineCancelled) == open[orders[i].RID] && is != directory.LineSkipped {
					w.t.Fatalf("%s: a line is %v in an order that is %s", st.name, is, doc.Text(state))
				}
			}
			if open[orders[i].RID] && (skipped > 0) != (doc.Text(state) == directory.OrderPartial) {
				w.t.Fatalf("%s: an order with %d incompatible lines is %s", st.name, skipped, doc.Text(state))
			}
		}
		return w.checkGrants(st, r, orders, docs, open)
	}))
}

func (w *world) checkGrants(st step, r *directory.Reading, orders []store.Record, docs []*document.Object, open map[int64]bool) error {
	groups, _, err := w.documents(r, w.set.Group)
	if err != nil {
		return err
	}
	var grants []store.Grant
	if err := w.store.View(context.Background(), func(x store.Reader) error {
		grants, err = x.Grants(store.GrantQuery{Tenant: w.admin().Tenant.ID, Limit: 1000})
		return err
	}); err != nil {
		return err
	}
	had := w.grants
	w.grants = grants
	w.checkLines(st, orders, docs, grants)
	if err := w.checkItems(st, r, had, grants); err != nil {
		return err
	}
	for _, g := range grants {
		if g.Reason == store.GrantOrder && !open[g.Cause] {
			w.t.Fatalf("%s: a grant of an order that is none: %+v", st.name, g)
		}
		i := slices.IndexFunc(groups, func(x store.Record) bool { return x.RID == g.Target })
		if i < 0 || groups[i].Authority != w.admin().Source.ID {
			continue
		}
		member := false
		if err := r.Members(groups[i].RID, func(m store.Member) error { member = member || m.RID == g.Subject; return nil }); err != nil {
			return err
		}
		if !member && w.visible(r, g.Subject) {
			w.t.Fatalf("%s: %+v, and no member", st.name, g)
		}
	}
	return nil
}

// visible says whether there is a user of this row.
func (w *world) visible(r *directory.Reading, rid int64) bool {
	users, _, err := w.documents(r, w.set.User)
	w.must(err)
	return slices.ContainsFunc(users, func(u store.Record) bool { return u.RID == rid })
}

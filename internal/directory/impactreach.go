package directory

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// accounts looks at the users who would be deleted or disabled: at the groups
// that they are in, and at what they have ordered.
func (x *impact) accounts(r store.Reader) error {
	var ids []string
	for _, l := range x.lines {
		if l.Kind == kindNames[schema.User] && (l.Operation == "delete" || l.Operation == "disable") {
			ids = append(ids, l.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	users, err := r.Refs(x.view, ids)
	if err != nil {
		return err
	}
	byRID := map[int64]string{}
	for _, u := range users {
		byRID[u.RID], x.people[u.ID] = u.ID, true
	}
	rids := slices.Sorted(maps.Keys(byRID))
	in, err := r.Groups(x.view, rids)
	if err != nil {
		return err
	}
	var groups []string
	for _, of := range in {
		for _, m := range of {
			groups = append(groups, m.ID)
		}
	}
	if err := x.name(r, groups); err != nil {
		return err
	}
	for rid, of := range in {
		for _, m := range of {
			x.lose(m.ID, byRID[rid])
		}
	}
	return x.ordered(r, rids)
}

// ordered looks at the orders of people.
func (x *impact) ordered(r store.Reader, rids []int64) error {
	t := x.d.own.Order
	orders, err := r.ReferrersOf(x.view.Tenant, t.Root.Sub("recipient").Value().Index, rids,
		store.KeyIn{Attr: t.Root.Sub("state").Index, Keys: []string{OrderComplete, OrderPartial}})
	if err != nil {
		return err
	}
	for _, rid := range orders {
		res, err := r.Resource(x.view.Tenant, rid)
		if err != nil {
			return err
		}
		var o struct{ Product, Recipient pointedAt }
		if err := json.Unmarshal(res.Doc, &o); err != nil {
			return err
		}
		if res.State.Visible() {
			x.product(o.Product.Value, o.Product.Display).people[o.Recipient.Value] = true
		}
	}
	return nil
}

// memberships looks at the groups that would be deleted or lose members.
func (x *impact) memberships(r store.Reader) error {
	var groups []string
	for _, l := range x.lines {
		if l.Kind == kindNames[schema.Group] && (l.Operation == "delete" || l.Operation == "removeMembers") {
			groups = append(groups, l.ID)
		}
	}
	if err := x.name(r, groups); err != nil {
		return err
	}
	for _, l := range x.lines {
		switch {
		case l.Kind != kindNames[schema.Group]:
			continue
		case l.Operation == "delete":
			if err := x.emptied(r, l.ID); err != nil {
				return err
			}
		case l.Operation == "removeMembers":
			if err := x.left(r, l); err != nil {
				return err
			}
		default:
			continue
		}
		x.groups[l.ID] = true
	}
	return nil
}

// emptied looks at a group that would be deleted.
func (x *impact) emptied(r store.Reader, group string) error {
	refs, err := r.Refs(x.view, []string{group})
	if err != nil || len(refs) == 0 {
		return err
	}
	return r.Members(x.view, refs[0].RID, func(m store.Member) error {
		if m.Kind == schema.User {
			x.people[m.ID] = true
			x.lose(group, m.ID)
		}
		return nil
	})
}

// left looks at members that would leave a group.
func (x *impact) left(r store.Reader, l impactLine) error {
	for some := range slices.Chunk(l.Members, 500) {
		ids := make([]string, len(some))
		for i, m := range some {
			ids[i] = m.ID
		}
		refs, err := r.Refs(x.view, ids)
		if err != nil {
			return err
		}
		for _, m := range refs {
			if m.Kind == schema.User {
				x.people[m.ID] = true
				x.lose(l.ID, m.ID)
			}
		}
	}
	return nil
}

// name finds the products that name groups which weren't looked at yet.
func (x *impact) name(r store.Reader, groups []string) error {
	fresh := slices.DeleteFunc(groups, func(id string) bool { _, known := x.byGroup[id]; return known })
	if len(fresh) == 0 {
		return nil
	}
	refs, err := r.Refs(x.view, fresh)
	if err != nil {
		return err
	}
	rids := make([]int64, len(refs))
	for i, g := range refs {
		rids[i], x.byGroup[g.ID] = g.RID, nil
	}
	naming, err := r.ReferrersOf(x.view.Tenant, x.d.own.Product.Root.Sub("groups").Value().Index, rids)
	if err != nil {
		return err
	}
	for _, rid := range naming {
		res, err := r.Resource(x.view.Tenant, rid)
		if err != nil {
			return err
		}
		if !res.State.Visible() {
			continue
		}
		s, err := sketchOf(res.Doc)
		if err != nil {
			return err
		}
		p := x.product(res.ID, res.Display)
		for _, g := range s.Groups {
			if of, known := x.byGroup[g.Value]; known && !slices.Contains(of, p) {
				x.byGroup[g.Value] = append(of, p)
			}
		}
	}
	return nil
}

func (x *impact) product(id, name string) *losers {
	p := x.products[id]
	if p == nil {
		p = &losers{name, map[string]bool{}}
		x.products[id] = p
	}
	return p
}

// lose notes that somebody would not be in a group any more.
func (x *impact) lose(group, user string) {
	for _, p := range x.byGroup[group] {
		p.people[user] = true
	}
}

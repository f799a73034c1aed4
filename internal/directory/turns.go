package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// turn is a user or group that came to count for items, or no longer does,
// without any membership having changed: a user who is shown again or joined by
// another source, a group that is gone or another source's.
type turn struct {
	kind schema.Kind
	rid  int64
	id   string
}

// turned notes whether a resource that was written turned. It costs nothing where
// items don't follow groups.
func (w *Writer) turned(s *subject) {
	if s.before == nil || s.t.Administered || !w.d.Enabled(w.actor.Tenant, FeatureReconciliation) {
		return
	}
	same := s.before.State.Visible() == s.res.State.Visible()
	if s.t.Kind == schema.Group {
		same = same && s.before.Authority == s.res.Authority
	} else {
		same = same && s.online(func(p *party) bool { return p.before != nil && p.before.State == store.Linked }) ==
			s.online(func(p *party) bool { return p.link.State == store.Linked })
	}
	if !same {
		w.turns = append(w.turns, turn{s.t.Kind, s.res.RID, s.res.ID})
	}
}

// online says whether an Entra source counts among the parties that fit.
func (s *subject) online(fits func(*party) bool) bool {
	return slices.ContainsFunc(s.parties, func(p *party) bool { return p.source.Kind == store.SourceEntra && fits(p) })
}

// settleTurns looks again at the items of groups that turned, and makes users
// who turned be looked at as if they had just become members of their groups.
func (w *Writer) settleTurns() error {
	var users []int64
	for _, t := range w.turns {
		if t.kind == schema.User {
			users = append(users, t.rid)
			continue
		}
		if err := w.rebindAll(t.id); err != nil {
			return err
		}
	}
	if len(users) == 0 {
		return nil
	}
	slices.Sort(users)
	users = slices.Compact(users)
	all, err := w.tx.Groups(store.View{Tenant: w.actor.Tenant.ID}, users)
	if err != nil {
		return err
	}
	for _, user := range users {
		for _, g := range all[user] {
			if g.Direct {
				w.looks = append(w.looks, move{group: store.Resource{RID: g.RID, ID: g.ID}, added: []int64{user}})
			}
		}
	}
	return nil
}

// rebindAll works out anew whether the items that name a group follow it.
func (w *Writer) rebindAll(group string) error {
	rids, t, err := w.itemsOf(group)
	if err != nil {
		return err
	}
	for _, rid := range rids {
		res, err := w.tx.Resource(w.actor.Tenant.ID, rid)
		if err != nil {
			return err
		}
		if !res.State.Visible() {
			continue
		}
		if err := w.rebind(t, res); err != nil {
			return err
		}
	}
	return nil
}

// rebind writes what the state of its group makes of an item.
func (w *Writer) rebind(t *schema.ResourceType, res store.Resource) error {
	s, err := w.load(t, res)
	if err != nil || len(s.parties) == 0 {
		return err
	}
	old, doc := s.resolved, s.resolved.Clone()
	if err := w.decideItem(t, old, doc); err != nil {
		return err
	}
	p := s.parties[0] // the tenant's own; nobody else asserts an item
	p.doc = doc
	if changed, err := w.save(s); err != nil || !changed {
		return err
	}
	return w.followItem(s, old, doc)
}

// followItems lets the items of a group follow the members that came and went
// (law 12).
func (w *Writer) followItems(m move) error {
	if !w.d.Enabled(w.actor.Tenant, FeatureReconciliation) {
		return nil
	}
	items, err := w.bound(m.group.ID)
	if err != nil || len(items) == 0 {
		return err
	}
	people, err := w.tx.Assignees(w.actor.Tenant.ID, slices.Concat(m.added, m.removed))
	if err != nil {
		return err
	}
	for _, b := range items {
		if _, _, err := w.assign(b, sortOut(b.item, people, m)); err != nil {
			return err
		}
	}
	return nil
}

// sortOut gives what the members that came and went lead to for one item.
func sortOut(i reconcile.Item, people []store.Assignee, m move) assignments {
	a := assignments{skip: map[string][]store.Assignee{}}
	for _, p := range people {
		if p.Kind != schema.User {
			continue
		}
		if _, came := slices.BinarySearch(m.added, p.RID); !came {
			a.remove = append(a.remove, p)
		} else if why := reconcile.Skip(i, p); why != "" {
			a.lost, a.skip[why] = append(a.lost, p), append(a.skip[why], p)
		} else {
			a.add = append(a.add, p)
		}
	}
	return a
}

package storetest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// pushes is what memory keeps of pushes.
type pushes struct {
	pushes      []store.Push
	losses      map[[2]int64]loss // by source and group
	held        []store.HeldChange
	heldMembers map[membership]bool
}

type loss struct {
	push    time.Time
	removed int64
}

func (p pushes) clone() pushes {
	p.pushes, p.losses, p.held, p.heldMembers = slices.Clone(p.pushes), maps.Clone(p.losses), slices.Clone(p.held), maps.Clone(p.heldMembers)
	return p
}

func (x *memTx) LockPush(tenant, source int64) (store.Push, error) {
	if _, err := find(x.sources, func(s store.Source) bool { return s.ID == source && s.Tenant == tenant }); err != nil {
		return store.Push{}, err
	}
	p, err := find(x.pushes.pushes, func(p store.Push) bool { return p.Source == source })
	if err != nil {
		p = store.Push{Tenant: tenant, Source: source}
		x.pushes.pushes = append(x.pushes.pushes, p)
	}
	if c, err := x.Configuration(source, 0); err == nil {
		p.Configuration = c.Document
	}
	for _, r := range x.ordered() {
		if _, ok := x.shown(store.View{Tenant: tenant, Source: source}, r); ok && r.Kind == schema.User {
			p.Users++
		} else if ok && r.Kind == schema.Group {
			p.Groups++
		}
	}
	for m := range x.members {
		if m.source == source {
			p.Memberships++
		}
	}
	return p, nil
}
func (x *memTx) PutPush(p store.Push) error {
	p.Configuration, p.Users, p.Groups, p.Memberships = nil, 0, 0, 0
	return put(x.pushes.pushes, func(o store.Push) bool { return o.Source == p.Source && o.Tenant == p.Tenant }, func(o *store.Push) { *o = p })
}
func (x *memTx) Pushes(before time.Time, limit int) ([]store.Push, error) {
	return top(x.pushes.pushes, limit, func(a, b store.Push) int { return a.LastAt.Compare(b.LastAt) }, func(p store.Push) bool { return p.Run != "" && p.LastAt.Before(before) }), nil
}
func (x *memTx) Losses(source, group int64, push time.Time, most int64) (removed, left int64, err error) {
	if l := x.losses[[2]int64{source, group}]; l.push.Equal(push) {
		removed = l.removed
	}
	for m := range x.members {
		if m.source == source && m.group == group {
			left++
		}
	}
	return removed, min(left, most), nil
}
func (x *memTx) AddLosses(source, group int64, push time.Time, removed int64) error {
	before, _, _ := x.Losses(source, group, push, 0)
	if x.losses == nil {
		x.losses = map[[2]int64]loss{}
	}
	x.losses[[2]int64{source, group}] = loss{push, before + removed}
	return nil
}
func (x *memTx) CountMemberships(source, rid, most int64) (n int64, err error) {
	for m := range x.members {
		if m.source == source && (m.member == rid || m.group == rid) {
			n++
		}
	}
	return min(n, most), nil
}
func (x *memTx) CountRun(tenant int64, run string, counts *store.RunCounts, at time.Time) error {
	for i, n := range x.runs {
		if n.Tenant == tenant && n.PublicID == run && (n.State == store.RunRunning || n.State == store.RunHeld) {
			if counts != nil {
				n.Counts = *counts
			}
			n.UpdatedAt, n.Version, n.PlanHash, n.PlanSize = at, n.Version+1, nil, 0
			x.runs[i] = n
		}
	}
	return nil
}

func (x *memTx) HeldChange(source, rid int64) (store.HeldChange, error) {
	h, err := find(x.held, func(h store.HeldChange) bool { return h.Source == source && h.RID == rid })
	for m := range x.heldMembers {
		if err == nil && m.source == source && m.group == rid {
			h.Members++
		}
	}
	return h, err
}
func (x *memTx) HeldChanges(source int64, run string, after int64, limit int) ([]store.HeldChange, error) {
	all := top(x.held, limit, func(a, b store.HeldChange) int { return cmp.Compare(a.ID, b.ID) }, func(h store.HeldChange) bool {
		return h.Source == source && h.Run == run && h.ID > after
	})
	for i := range all {
		all[i], _ = x.HeldChange(source, all[i].RID)
	}
	return all, nil
}
func (x *memTx) HeldMembers(source, group, after int64, limit int) (all []store.Member, err error) {
	for m := range x.heldMembers {
		if r := x.resources[m.member]; m.source == source && m.group == group && m.member > after {
			all = append(all, store.Member{RID: r.RID, ID: r.ID, Kind: r.Kind, Display: r.Display})
		}
	}
	slices.SortFunc(all, func(a, b store.Member) int { return cmp.Compare(a.RID, b.RID) })
	return all[:min(limit, len(all))], nil
}
func (x *memTx) HeldAmong(source, group int64, members []int64) ([]int64, error) {
	return filtered(sorted(members), func(m int64) bool { return x.heldMembers[membership{group, m, source}] }), nil
}
func (x *memTx) DecidedPushes(limit int) ([]store.Run, error) {
	return top(x.runs, limit, func(a, b store.Run) int { return cmp.Compare(a.ID, b.ID) }, func(n store.Run) bool {
		_, err := find(x.held, func(h store.HeldChange) bool { return h.Run == n.PublicID })
		return err == nil && n.Kind == "push" && n.State != store.RunRunning && n.State != store.RunHeld
	}), nil
}
func (x *memTx) PutHeld(h store.HeldChange) error {
	if x.resources[h.RID].Tenant != h.Tenant {
		return store.ErrNotFound
	}
	h.Members = 0
	edit := func(o *store.HeldChange) { o.Delete, o.Attributes = h.Delete, h.Attributes }
	if put(x.held, func(o store.HeldChange) bool { return o.Source == h.Source && o.RID == h.RID }, edit) != nil {
		h.ID = x.next()
		x.held = append(x.held, h)
	}
	return nil
}
func (x *memTx) HoldMembers(source, group int64, members []int64) (all []int64, err error) {
	if _, err := x.HeldChange(source, group); err != nil {
		return nil, nil
	}
	if x.heldMembers == nil {
		x.heldMembers = map[membership]bool{}
	}
	for _, m := range sorted(members) {
		if k := (membership{group, m, source}); !x.heldMembers[k] {
			x.heldMembers[k], all = true, append(all, m)
		}
	}
	return all, nil
}
func (x *memTx) ReleaseMembers(source, group int64, members []int64) ([]int64, error) {
	all, err := x.HeldAmong(source, group, members)
	for _, m := range all {
		delete(x.heldMembers, membership{group, m, source})
	}
	return all, err
}
func (x *memTx) DeleteHeld(source, rid int64) error {
	x.held = filtered(x.held, func(h store.HeldChange) bool { return h.Source != source || h.RID != rid })
	maps.DeleteFunc(x.heldMembers, func(m membership, _ bool) bool { return m.source == source && m.group == rid })
	return nil
}

package directory

import (
	"encoding/json"
	"slices"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// binding is an item that follows a group.
type binding struct {
	res   store.Resource
	item  reconcile.Item
	group pointedAt
}

func (b binding) watch() bool { return b.item.KeepInSync == reconcile.SyncWatch }

// grouped says whether the group alone decides who has the item, so that nobody is
// given it by hand (row A011). suspended is why it follows no group, feature
// whether items do in the tenant.
func (b binding) grouped(suspended string, feature bool) bool {
	return b.item.KeepInSync == reconcile.SyncOn && suspended == "" && feature
}

// assignments is what a comparison leads to for one item.
type assignments struct {
	add    []store.Assignee
	settle []store.Assignee // have it by hand and become members' grants
	remove []store.Assignee // aren't members
	lost   []store.Assignee // are members and may not have it
	skip   map[string][]store.Assignee
}

// assign brings an item in line, with one event for each user, and gives how many
// were added and removed. An item that is watched is left as it is.
func (w *Writer) assign(b binding, a assignments) (added, removed int, err error) {
	if b.watch() {
		return 0, 0, w.foretell(b, a)
	}
	grant := store.Grant{Tenant: w.actor.Tenant.ID, Target: b.res.RID, Reason: store.GrantReconciliation, Since: w.now}
	got, err := w.grant(grant, append(slices.Clone(a.add), a.settle...))
	if err != nil {
		return 0, 0, err
	}
	for _, p := range a.add {
		if got[p.RID] {
			added++
			w.assigned(b, p, "item.granted", reconcile.ReasonGroupMember, reconcile.Assigned(p.Display, b.res.Display, b.group.Display, false))
		}
	}
	if err := w.settled(b, grant, a.settle); err != nil {
		return 0, 0, err
	}
	gone, err := w.revoke(b, grant, a)
	if err != nil {
		return 0, 0, err
	}
	for reason, people := range a.skip {
		for _, p := range people {
			if gone[p.RID] {
				continue
			}
			e := w.assigned(b, p, "item.skipped", reason, reconcile.Skipped(p.Display, b.res.Display, b.group.Display, reason))
			e.Outcome = OutcomeSkipped
		}
	}
	return added, len(gone), nil
}

func (w *Writer) grant(g store.Grant, people []store.Assignee) (map[int64]bool, error) {
	if len(people) == 0 {
		return nil, nil
	}
	rids, err := w.tx.PutGrants(g, ridsOf(people))
	return setOf(rids), err
}

// settled ends what users have by hand and by the group.
func (w *Writer) settled(b binding, g store.Grant, people []store.Assignee) error {
	if len(people) == 0 {
		return nil
	}
	g.Reason = store.GrantManual
	ended, err := w.tx.EndGrants(g, ridsOf(people))
	gone := setOf(ended)
	for _, p := range people {
		if gone[p.RID] {
			w.assigned(b, p, "item.followsGroup", reconcile.ReasonGroupMember, p.Display+" keeps "+b.res.Display+" as a member of the group "+b.group.Display+".")
		}
	}
	return err
}

// revoke ends what the group and a person's hand gave, and gives from whom; other
// reasons stay.
func (w *Writer) revoke(b binding, g store.Grant, a assignments) (map[int64]bool, error) {
	people := append(slices.Clone(a.remove), a.lost...)
	if len(people) == 0 {
		return nil, nil
	}
	gone := map[int64]bool{}
	for _, g.Reason = range []store.GrantReason{store.GrantReconciliation, store.GrantManual} {
		ended, err := w.tx.EndGrants(g, ridsOf(people))
		if err != nil {
			return nil, err
		}
		for _, rid := range ended {
			gone[rid] = true
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	still, err := w.tx.Holders(g.Tenant, g.Target, ridsOf(people))
	if err != nil {
		return nil, err
	}
	for _, p := range a.remove {
		if !gone[p.RID] {
			continue
		}
		detail := reconcile.Removed(p.Display, b.res.Display, b.group.Display, false)
		if slices.ContainsFunc(still, func(h store.Holder) bool { return h.RID == p.RID }) {
			detail = reconcile.Kept(p.Display, b.res.Display, b.group.Display)
		}
		w.assigned(b, p, "item.revoked", reconcile.ReasonNotGroupMember, detail)
	}
	for _, p := range a.lost {
		if gone[p.RID] {
			w.assigned(b, p, "item.revoked", reconcile.ReasonNotEntitled, reconcile.NotEntitled(p.Display, b.res.Display, b.group.Display, false))
		}
	}
	return gone, nil
}

// foretell logs what would be done to an item that is watched.
func (w *Writer) foretell(b binding, a assignments) error {
	all := slices.Concat(a.add, a.remove, a.lost)
	if len(all) == 0 {
		return nil
	}
	holders, err := w.tx.Holders(w.actor.Tenant.ID, b.res.RID, ridsOf(all))
	if err != nil {
		return err
	}
	has := map[int64]bool{}
	for _, h := range holders {
		has[h.RID] = h.Reconciled || h.Manual
	}
	for _, p := range a.add {
		if !has[p.RID] {
			w.assigned(b, p, "item.granted", reconcile.ReasonGroupMember, reconcile.Assigned(p.Display, b.res.Display, b.group.Display, true)).Outcome = OutcomeNoticed
		}
	}
	for _, p := range a.remove {
		if has[p.RID] {
			w.assigned(b, p, "item.revoked", reconcile.ReasonNotGroupMember, reconcile.Removed(p.Display, b.res.Display, b.group.Display, true)).Outcome = OutcomeNoticed
		}
	}
	for _, p := range a.lost {
		if has[p.RID] {
			w.assigned(b, p, "item.revoked", reconcile.ReasonNotEntitled, reconcile.NotEntitled(p.Display, b.res.Display, b.group.Display, true)).Outcome = OutcomeNoticed
		}
	}
	return nil
}

// assigned begins the event of one user and one item (row A036): the user is its
// subject, item and group are in After, or in Before where the user lost it.
func (w *Writer) assigned(b binding, p store.Assignee, typ, reason, detail string) *store.Event {
	e := w.event(typ, &store.Resource{RID: p.RID, ID: p.ID})
	e.Reason, e.Detail = reason, detail
	about := map[string]pointedAt{"item": {b.res.ID, b.res.Display}}
	if b.group.Value != "" {
		about["group"] = b.group
	}
	facts, _ := json.Marshal(about) // strings can't fail
	if typ == "item.revoked" {
		e.Before = facts
	} else {
		e.After = facts
	}
	return e
}

// bound gives the items that follow a group now, none if items don't follow
// groups in the tenant. What it costs there follows the items.
func (w *Writer) bound(group string) ([]binding, error) {
	ok, err := w.reconciles()
	if err != nil || !ok {
		return nil, err
	}
	rids, t, err := w.itemsOf(group)
	if err != nil {
		return nil, err
	}
	var out []binding
	for _, rid := range rids {
		res, err := w.tx.Resource(w.actor.Tenant.ID, rid)
		if err != nil {
			return nil, err
		}
		b, suspended, err := bindingOf(t, res)
		if err != nil {
			return nil, err
		}
		if b != nil && suspended == "" && b.group.Value == group {
			out = append(out, *b)
		}
	}
	return out, nil
}

// itemsOf gives the items that name a group.
func (w *Writer) itemsOf(group string) ([]int64, *schema.ResourceType, error) {
	t := w.d.own.Item
	value := t.Root.Sub("group").Sub("value")
	rids, err := w.tx.Referrers(w.actor.Tenant.ID, value.Index, value.Key(group))
	return rids, t, err
}

// bindingOf gives what an item is to follow, nil for nothing, and the code of why
// it doesn't, "" if it does.
func bindingOf(t *schema.ResourceType, res store.Resource) (*binding, string, error) {
	if res.Kind != schema.Item || !res.State.Visible() {
		return nil, "", nil
	}
	doc, err := document.MustDecode(t, res.Doc)
	if err != nil {
		return nil, "", err
	}
	i, suspended := itemOf(t, doc), doc.Text(t.Root.Sub("suspended"))
	if !i.Synced() {
		return nil, "", nil
	}
	return &binding{res: res, item: i, group: groupNamed(t, doc)}, suspended, nil
}

// groupNamed gives the group that an item names.
func groupNamed(t *schema.ResourceType, doc *document.Object) pointedAt {
	a := t.Root.Sub("group")
	group, _ := doc.Get(a).(*document.Object)
	id, _ := group.Get(a.Sub("value")).(string)
	display, _ := group.Get(a.Sub("display")).(string)
	return pointedAt{id, display}
}

func ridsOf(people []store.Assignee) []int64 {
	out := make([]int64, len(people))
	for i, p := range people {
		out[i] = p.RID
	}
	return out
}

func setOf(rids []int64) map[int64]bool {
	out := make(map[int64]bool, len(rids))
	for _, rid := range rids {
		out[rid] = true
	}
	return out
}

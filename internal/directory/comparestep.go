package directory

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// compareChunk is how many members and how many users of an item one transaction
// compares.
const compareChunk = 1000

// itemDone stands for the last user of an item in store.ReconcileCounts.After.
const itemDone = -1

func ascending(rids []int64) []int64 { return slices.Compact(slices.Sorted(slices.Values(rids))) }

// itemOfPartition gives the item that a run is about, if it is about one.
func itemOfPartition(partition string) (id string, one bool) {
	return strings.CutPrefix(partition, partitionOfItem(""))
}

// step does the next piece of a run in one transaction and says whether there is
// more.
func (d *Directory) step(ctx context.Context, a Actor, seen store.Run, items []int64) (more bool, err error) {
	item, group, err := d.nextPiece(ctx, seen, items)
	if err != nil {
		return false, err
	}
	_, err = d.Write(ctx, a, false, func(w *Writer) error {
		more = false
		n, err := w.tx.Run(seen.Tenant, seen.PublicID)
		if err != nil || n.State != store.RunRunning {
			return err // it was cancelled
		}
		if w.actor.Tenant, err = w.tx.TenantByID(seen.Tenant); err != nil {
			return err
		}
		if err := w.mayReconcile(); Violated(err, RuleFeatureDisabled) || Violated(err, RuleJobDisabled) {
			n.State, n.Detail = store.RunCancelled, err.Error()
			return d.finish(w, &n)
		} else if err != nil {
			return err
		}
		if item == 0 {
			return d.conclude(w, &n)
		}
		more = true
		if err := w.compareSome(&n, item, group); err != nil {
			return err
		}
		return d.putRun(w.tx, &n)
	})
	return more, err
}

// nextPiece gives the item that a run goes on with, 0 after the last, and the rid
// of its group, 0 for none, so that the group can be locked before the item: in
// the order in which a change of its members locks them.
func (d *Directory) nextPiece(ctx context.Context, seen store.Run, items []int64) (item, group int64, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		item, group = 0, 0
		n, err := r.Run(seen.Tenant, seen.PublicID)
		if err != nil {
			return err
		}
		at := n.Counts.Reconcile
		i, found := slices.BinarySearch(items, at.Item)
		if found && at.After == itemDone {
			i++
		}
		if i == len(items) {
			return nil
		}
		item = items[i]
		res, err := r.Resource(seen.Tenant, item)
		if err != nil {
			return err
		}
		b, _, err := bindingOf(d.own.Item, res)
		if err != nil || b == nil || b.group.Value == "" {
			return err
		}
		refs, err := r.Refs(store.View{Tenant: seen.Tenant}, []string{b.group.Value})
		for _, ref := range refs {
			group = ref.RID
		}
		return err
	})
	return item, group, err
}

// compareSome compares the next users of an item, and notes it in the run.
func (w *Writer) compareSome(n *store.Run, item, groupRID int64) error {
	c := n.Counts.Reconcile
	if c.Item != item {
		c.Item, c.After = item, 0
	}
	var group store.Resource
	if groupRID != 0 {
		var err error
		if group, err = w.tx.Resource(w.actor.Tenant.ID, groupRID); err != nil {
			return err
		}
	}
	b, why, err := w.lockBinding(item)
	if err != nil {
		return err
	}
	switch {
	case b == nil:
		c.After = itemDone
		return nil
	case why != "":
		c.After = itemDone
		w.giveUp(n, *b, why)
		return nil
	case b.group.Value != group.ID:
		c.After = 0 // it has another group by now: from the beginning
		return nil
	}
	p, err := compare(w.tx, *b, group, c.After)
	if err != nil {
		return err
	}
	added, removed, err := w.assign(*b, p.assignments)
	if err != nil {
		return err
	}
	p.count(&n.Counts)
	c.Added += int64(added)
	c.Removed += int64(removed)
	n.Done += p.InBoth + p.OnlyInGroup + p.OnlyInItem
	if c.After = p.last; p.last == itemDone {
		c.Items++
	}
	return nil
}

// lockBinding works out anew what an item follows, and why not where it should:
// the group may have gone while nobody looked.
func (w *Writer) lockBinding(item int64) (*binding, string, error) {
	t := w.d.own.Item
	res, err := w.tx.Resource(w.actor.Tenant.ID, item)
	if err != nil || !res.State.Visible() {
		return nil, "", err
	}
	if err := w.rebind(t, res); err != nil {
		return nil, "", err
	}
	if res, err = w.tx.Resource(w.actor.Tenant.ID, item); err != nil {
		return nil, "", err
	}
	return bindingOf(t, res)
}

// giveUp counts and logs an item that can't be compared; its users stay as they
// are.
func (w *Writer) giveUp(n *store.Run, b binding, rule string) {
	w.notReconciled("item.notReconciled", &b.res, rule, b.group)
	if rule != reconcile.RuleSourceGroupNotFound {
		skip(&n.Counts, rule, 1)
		return
	}
	n.Counts.Failed++
	n.Detail = reconcile.GroupNotFound(b.res.Display, b.group.Display, b.group.Value)
}

func skip(c *store.RunCounts, reason string, n int64) {
	if c.Skipped == nil {
		c.Skipped = map[string]int64{}
	}
	c.Skipped[reason] += n
}

// piece is what one chunk of a comparison found.
type piece struct {
	reconcile.Comparison
	assignments
	last int64 // where the next one begins, itemDone after the last
}

func (p *piece) count(c *store.RunCounts) {
	r := c.Reconcile
	r.InBoth += p.InBoth
	r.OnlyInGroup += p.OnlyInGroup
	r.OnlyInItem += p.OnlyInItem
	for why, n := range p.Skipped {
		skip(c, why, n)
	}
}

// compare reads the next members of a group and the next users of an item, and
// compares those that were read of both.
func compare(r store.Reader, b binding, group store.Resource, after int64) (piece, error) {
	members, err := r.MembersAfter(group.Tenant, group.RID, group.Authority, after, compareChunk)
	if err != nil {
		return piece{}, err
	}
	holders, err := r.HoldersAfter(group.Tenant, b.res.RID, after, compareChunk)
	if err != nil {
		return piece{}, err
	}
	last := int64(math.MaxInt64)
	if len(members) == compareChunk {
		last = members[compareChunk-1].RID
	}
	if len(holders) == compareChunk {
		last = min(last, holders[compareChunk-1].RID)
	}
	members = slices.DeleteFunc(members, func(m store.Assignee) bool { return m.RID > last })
	holders = slices.DeleteFunc(holders, func(h store.Holder) bool { return h.RID > last })
	p := piece{Comparison: reconcile.Compare(b.item, members, holders), last: last}
	if last == math.MaxInt64 {
		p.last = itemDone
	}
	p.add, p.settle, p.lost = p.Add, p.Settle, p.Lost
	if len(p.Remove) > 0 {
		if p.remove, err = r.Assignees(group.Tenant, p.Remove); err != nil {
			return piece{}, err
		}
	}
	if after > 0 {
		return p, nil
	}
	unknown, err := r.ParkedMembers(group.Authority, group.RID)
	if k := int64(len(unknown)); k > 0 {
		p.OnlyInGroup += k
		p.Skipped[reconcile.Unknown(b.item)] += k
	}
	return p, err
}

// conclude ends a run that has compared all it had to.
func (d *Directory) conclude(w *Writer, n *store.Run) error {
	n.State = store.RunSucceeded
	if _, one := itemOfPartition(n.Partition); one && n.Counts.Failed > 0 {
		n.State = store.RunFailed
	} else if n.Counts.Failed > 1 {
		n.Detail = fmt.Sprintf("%d items could not be reconciled. The last: %s", n.Counts.Failed, n.Detail)
	}
	return d.finish(w, n)
}

// finish writes the end of a run, its event, and gives its lease back.
func (d *Directory) finish(w *Writer, n *store.Run) error {
	c := n.Counts.Reconcile
	c.Item, c.After = 0, 0
	n.Total = n.Done
	l, err := w.tx.LockLease(n.Source, n.Partition)
	if err != nil {
		return err
	}
	l.Holder, l.Run, l.Token, l.ExpiresAt = "", "", l.Token+1, d.leaseTime(l)
	if err := w.tx.PutLease(l); err != nil {
		return err
	}
	return d.endRun(w.tx, w.actor, n)
}

// previewItem compares an item in one look and gives what a run would do.
func (d *Directory) previewItem(ctx context.Context, a Actor, n store.Run, item int64) (store.Run, []Assignment, error) {
	var shown []Assignment
	n.ID, n.PublicID, n.State = 0, "", store.RunSucceeded
	err := d.store.View(ctx, func(r store.Reader) error {
		shown, n.Counts, n.Detail, n.Done = nil, store.RunCounts{Reconcile: &store.ReconcileCounts{}}, "", 0
		res, err := r.Resource(a.Tenant.ID, item)
		if err != nil {
			return err
		}
		b, why, err := bindingOf(d.own.Item, res)
		if err != nil {
			return err
		}
		var group store.Resource
		if b != nil {
			rec, err := r.Record(store.View{Tenant: a.Tenant.ID}, d.own.Group.Kind, b.group.Value, false)
			if group = rec.Resource; err != nil && ignoreNotFound(err) != nil {
				return err
			}
		}
		if b == nil {
			return nil
		}
		if group.RID == 0 {
			why = reconcile.RuleSourceGroupNotFound
		}
		if why != "" {
			n.State, n.Counts.Failed, n.Detail = store.RunFailed, 1, reconcile.UnfitDetail(why)
			return nil
		}
		for after := int64(0); after != itemDone; {
			p, err := compare(r, *b, group, after)
			if err != nil {
				return err
			}
			p.count(&n.Counts)
			c := n.Counts.Reconcile
			c.Added += int64(len(p.add))
			c.Removed += int64(len(p.remove) + len(p.lost))
			shown = append(shown, p.show(*b, maxShown-len(shown))...)
			n.Done += p.InBoth + p.OnlyInGroup + p.OnlyInItem
			after = p.last
		}
		n.Total, n.Counts.Reconcile.Items = n.Done, 1
		return nil
	})
	n.UpdatedAt = d.now()
	return n, shown, err
}

// show gives the first differences of a piece as the log would tell them.
func (p *piece) show(b binding, most int) []Assignment {
	var out []Assignment
	for _, list := range []struct {
		people []store.Assignee
		reason string
		detail func(user, item, group string, watch bool) string
	}{
		{p.add, reconcile.ReasonGroupMember, reconcile.Assigned},
		{p.remove, reconcile.ReasonNotGroupMember, reconcile.Removed},
		{p.lost, reconcile.ReasonNotEntitled, reconcile.NotEntitled},
	} {
		for _, who := range list.people {
			if len(out) < most {
				out = append(out, Assignment{who.ID, who.Display, list.reason, list.detail(who.Display, b.res.Display, b.group.Display, true)})
			}
		}
	}
	return out
}

package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// guardRemovals judges the members that were just taken from a group. It gives
// those that stay removed; the others are members again, and wait.
func (w *Writer) guardRemovals(s *subject, removed []int64, ids map[int64]string) ([]int64, error) {
	if len(removed) == 0 || s.held == nil && !w.guarded() {
		return removed, nil
	}
	tenant, group, source := w.actor.Tenant.ID, s.res.RID, w.actor.Source.ID
	if !w.guarded() {
		return removed, w.wantMembers(s, removed, ids)
	}
	var waiting []int64
	var err error
	if s.held != nil {
		if waiting, err = w.tx.HeldAmong(source, group, removed); err != nil {
			return nil, err
		}
	}
	fresh := slices.DeleteFunc(slices.Clone(removed), func(rid int64) bool {
		_, waits := slices.BinarySearch(waiting, rid)
		return waits
	})
	n := int64(len(fresh))
	if n > 0 {
		toll := reconcile.Toll{MembershipRemovals: n, LostGrants: n}
		p, why, err := w.judge(toll, reconcile.Stock{Memberships: int64(len(removed))}, func(p *push) (string, error) {
			before, left, err := w.tx.Losses(source, group, p.StartedAt, p.limits.Enough(p.Counts.MembershipRemovals+n))
			return p.limits.GroupExceeded(n, before, left+int64(len(waiting))), err
		})
		switch {
		case err != nil:
			return nil, err
		case why == "":
			if err := w.pass(p, toll); err != nil {
				return nil, err
			}
			if err := w.tx.AddLosses(source, group, p.StartedAt, n); err != nil {
				return nil, err
			}
		default:
			if err := w.holdMembers(s, p, why, fresh); err != nil {
				return nil, err
			}
			if err := w.tellWaitingMembers(s, fresh, ids, why); err != nil {
				return nil, err
			}
			waiting, fresh = removed, nil
		}
	}
	if len(waiting) == 0 {
		return fresh, nil
	}
	if n == 0 {
		if err := w.tellWaitingMembers(s, waiting, ids, again); err != nil {
			return nil, err
		}
	}
	_, _, err = w.tx.ChangeMembers(tenant, group, source, waiting, nil)
	return fresh, err
}

func (w *Writer) holdMembers(s *subject, p *push, why string, members []int64) error {
	err := w.hold(s, p, why, int64(len(members)), func(h *store.HeldChange) error {
		h.Members += int64(len(members))
		return nil
	})
	if err != nil {
		return err
	}
	_, err = w.tx.HoldMembers(p.Source, s.res.RID, members)
	return err
}

func (w *Writer) tellWaitingMembers(s *subject, members []int64, ids map[int64]string, why string) error {
	if err := w.nameMembers(members, ids); err != nil {
		return err
	}
	for chunk := range slices.Chunk(members, maxListed) {
		w.tellWaiting("group.membersChanged", s, why).Before = idList("members", idsOf(chunk, ids))
	}
	return nil
}

// wantMembers takes back that members are to leave a group.
func (w *Writer) wantMembers(s *subject, members []int64, ids map[int64]string) error {
	if s.held == nil || s.held.Members == 0 || len(members) == 0 {
		return nil
	}
	released, err := w.tx.ReleaseMembers(w.actor.Source.ID, s.res.RID, members)
	if err != nil || len(released) == 0 {
		return err
	}
	if err := w.nameMembers(released, ids); err != nil {
		return err
	}
	for chunk := range slices.Chunk(released, maxListed) {
		w.tellWithdrawn("group.membersChanged", s).Before = idList("members", idsOf(chunk, ids))
	}
	return w.keepHeld(s, int64(len(released)))
}

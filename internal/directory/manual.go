package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Members of the workspace's own groups may be there for several reasons: an
// administrator added them, or an order. Who ends one reason ends no other, and
// the membership lives while one does (docs/rules.md). That somebody was added by
// hand is a grant of its own only where another reason stands beside it.

// reasonOtherHolds is why a member stays that was to be removed.
const reasonOtherHolds = "otherReasonHolds"

// enterManual makes a user a member of a group of the workspace on behalf of an
// order. Who was one by hand is noted to be that too.
func (w *Writer) enterManual(group store.Resource, user store.Ref) error {
	added, _, err := w.tx.ChangeMembers(group.Tenant, group.RID, group.Authority, []int64{user.RID}, nil)
	if err != nil {
		return err
	}
	if len(added) == 0 {
		return w.noteByHand(group, []int64{user.RID})
	}
	return w.toldManual(group, added, nil, user.ID, "ordered")
}

// toldManual counts a version of a group whose member came or went for an order.
func (w *Writer) toldManual(group store.Resource, added, removed []int64, id, reason string) error {
	if err := w.tx.Touch(group.RID, group.Authority, true, true, w.now); err != nil {
		return err
	}
	w.moved(&group, group.Authority, added, removed)
	e := w.event("group.membersChanged", &group)
	e.Reason = reason
	if len(added) > 0 {
		e.After = idList("members", []string{id})
	} else {
		e.Before = idList("members", []string{id})
	}
	return nil
}

// grantsOn gives all grants of a target to these subjects, of any if there are
// none.
func (w *Writer) grantsOn(target store.Resource, subjects []int64) ([]store.Grant, error) {
	const page = 1000
	q := store.GrantQuery{Tenant: target.Tenant, Target: target.RID, Subjects: subjects, Limit: page}
	var all []store.Grant
	for {
		some, err := w.tx.Grants(q)
		if all = append(all, some...); err != nil || len(some) < page {
			return all, err
		}
		q.After = &some[page-1]
	}
}

// noteByHand records that members, who are there already, are so by hand: those
// without any grant, as nothing else made them members.
func (w *Writer) noteByHand(group store.Resource, members []int64) error {
	grants, err := w.grantsOn(group, members)
	if err != nil {
		return err
	}
	plain := slices.DeleteFunc(slices.Clone(members), func(rid int64) bool {
		return slices.ContainsFunc(grants, func(g store.Grant) bool { return g.Subject == rid })
	})
	return w.putByHand(group, plain)
}

func (w *Writer) putByHand(group store.Resource, members []int64) error {
	if len(members) == 0 {
		return nil
	}
	_, err := w.tx.PutGrants(store.Grant{Tenant: group.Tenant, Target: group.RID, Reason: store.GrantManual, Since: w.now}, members)
	return err
}

// handled says whether a change of members is an administrator's by hand.
func (w *Writer) handled(s *subject) bool { return w.actor.Admin && s.t.Kind == schema.Group }

// addByHand notes that an administrator added members who were there for an order
// already.
func (w *Writer) addByHand(s *subject, members, added []int64) error {
	there := without(slices.Sorted(slices.Values(members)), added)
	if !w.handled(s) || len(there) == 0 {
		return nil
	}
	grants, err := w.grantsOn(s.res, there)
	if err != nil {
		return err
	}
	var held []int64
	for _, g := range grants {
		held = append(held, g.Subject)
	}
	return w.putByHand(s.res, slices.Compact(held))
}

// removeByHand ends the reason manual of members that an administrator removes,
// and gives those of them, ascending, who stay for another one. With nil members
// it is all but those that are to stay.
func (w *Writer) removeByHand(s *subject, members, stay []int64) (held []int64, err error) {
	if !w.handled(s) {
		return nil, nil
	}
	grants, err := w.grantsOn(s.res, members)
	if err != nil {
		return nil, err
	}
	stay = slices.Sorted(slices.Values(stay))
	var byHand []int64
	for _, g := range grants { // in the order of their subjects
		switch _, stays := slices.BinarySearch(stay, g.Subject); {
		case stays:
		case g.Reason == store.GrantManual:
			byHand = append(byHand, g.Subject)
		default:
			held = append(held, g.Subject)
		}
	}
	held = slices.Compact(held)
	if len(byHand) > 0 {
		if _, err := w.tx.EndGrants(store.Grant{Tenant: s.res.Tenant, Target: s.res.RID, Reason: store.GrantManual}, byHand); err != nil {
			return nil, err
		}
	}
	return held, w.tellHeld(s, held)
}

// tellHeld logs who stays a member.
func (w *Writer) tellHeld(s *subject, held []int64) error {
	for chunk := range slices.Chunk(held, 500) {
		ids, err := w.tx.IDs(s.res.Tenant, chunk)
		if err != nil {
			return err
		}
		for _, rid := range chunk {
			e := w.event("group.memberSkipped", &s.res)
			e.Outcome, e.Reason, e.Detail = OutcomeSkipped, reasonOtherHolds, "The member "+ids[rid]+" stays: an order gave the membership. Cancel the order."
		}
	}
	return nil
}

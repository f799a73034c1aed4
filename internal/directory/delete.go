package directory

import (
	"errors"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Delete ends what the actor's source asserts about a resource (RFC 7644 §3.6,
// law 9): its link, its part in memberships, and the references to it. A user
// that nobody asserts any more is disabled, and soft-deleted after the grace
// time; a group is gone at once. An administrator's delete skips the grace. Of a
// source that is over its limits it waits, and nothing is changed.
func (w *Writer) Delete(t *schema.ResourceType, id string, cond Precondition) error {
	if err := w.begin(true); err != nil {
		return err
	}
	s, err := w.open(t, id, cond)
	if err != nil {
		return err
	}
	if err := w.guardManaged(s); err != nil {
		return err
	}
	if held, err := w.holdDelete(s); held || err != nil {
		return err
	}
	return w.end(s)
}

// end ends what the actor's source asserts about a resource.
func (w *Writer) end(s *subject) error {
	t := s.t
	if err := w.drop(s); err != nil {
		return err
	}
	source := w.actor.Source.ID
	p := s.of(source)
	if p != nil {
		p.link.State = store.LinkEnded
		p.link.Version++
		p.link.ModifiedAt = w.now
	}
	groups, err := w.tx.EndMemberships(source, s.res.RID)
	if err != nil {
		return err
	}
	if _, err := w.save(s); err != nil {
		return err
	}
	if t.Kind == schema.Group {
		if err := w.emptyGroup(s); err != nil {
			return err
		}
	}
	if w.actor.Admin && s.res.State == store.Orphaned {
		before := s.res
		w.softDelete(s)
		s.res.Version++
		if err := w.tx.UpdateResource(&before, &s.res); err != nil {
			return err
		}
	}
	for _, rid := range groups {
		if err := w.leftGroup(rid, s); err != nil {
			return err
		}
	}
	if err := w.follow(s, s.resolved, nil); err != nil {
		return err
	}
	if err := w.forget(t, s); err != nil {
		return err
	}
	// What follows from it is told before it: read backwards, as an undo does,
	// the resource is there again before what refers to it.
	e := w.event(eventType(t, "deleted"), &s.res)
	e.Reason = map[store.State]string{store.Orphaned: "lastLinkEnded", store.Deleted: "lastLinkEnded", store.Live: "linkEnded"}[s.res.State]
	if p != nil {
		e.Before, _ = diff(t, p.doc, nil)
	}
	return nil
}

// emptyGroup ends the memberships that the actor's source asserts in a group
// that it deletes, and what the group waits for. The authority that it has by then
// says which members count; of a group that is gone none went (law 2).
func (w *Writer) emptyGroup(s *subject) error {
	if _, err := w.keepParked(s, nil); err != nil {
		return err
	}
	_, removed, err := w.tx.ReplaceMembers(w.actor.Tenant.ID, s.res.RID, w.actor.Source.ID, nil)
	if err != nil {
		return err
	}
	return w.tellMembers(s, "groupDeleted", nil, removed, map[int64]string{})
}

// leftGroup counts a version of a group that a deleted member was in.
func (w *Writer) leftGroup(rid int64, member *subject) error {
	group, err := w.tx.Resource(w.actor.Tenant.ID, rid)
	if err != nil {
		return ignoreNotFound(err)
	}
	owner := group.Authority == w.actor.Source.ID
	if err := w.tx.Touch(rid, w.actor.Source.ID, owner, true, w.now); err != nil {
		return err
	}
	w.moved(&group, w.actor.Source.ID, nil, []int64{member.res.RID})
	e := w.event("group.membersChanged", &group)
	e.Reason, e.Before = "memberDeleted", idList("members", []string{member.res.ID})
	if !owner {
		e.Outcome = OutcomeNotAuthoritative
	}
	return nil
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

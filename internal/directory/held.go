package directory

import (
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// reasonAdopted is why an account that was held aside is another one now: a person
// decided the conflict so.
const reasonAdopted = "adopted"

// endHeld ends an account that was held aside for the source, in favour of the
// one that it is: the target takes its place in the source's groups. The link
// gives its externalId and anchor up.
func (w *Writer) endHeld(res *store.Resource, target *subject) error {
	s, err := w.load(target.t, *res)
	if err != nil {
		return err
	}
	groups, err := w.tx.EndMemberships(w.actor.Source.ID, s.res.RID)
	if err != nil {
		return err
	}
	for _, rid := range groups {
		if err := w.replaceMember(rid, s, target); err != nil {
			return err
		}
	}
	p := s.of(w.actor.Source.ID)
	p.link.State, p.link.ExternalID, p.link.Anchor = store.LinkEnded, "", ""
	p.link.Version++
	p.link.ModifiedAt = w.now
	if _, err := w.save(s); err != nil {
		return err
	}
	e := w.event(eventType(s.t, "deleted"), &s.res)
	e.Reason, e.Detail = reasonAdopted, "It is the account "+target.res.ID+"."
	e.Before, _ = diff(s.t, p.doc, nil)
	*res = s.res
	return nil
}

// replaceMember puts the target into a group in which another one was.
func (w *Writer) replaceMember(rid int64, gone, target *subject) error {
	group, err := w.tx.Resource(w.actor.Tenant.ID, rid)
	if err != nil {
		return ignoreNotFound(err)
	}
	added, _, err := w.tx.ChangeMembers(w.actor.Tenant.ID, rid, w.actor.Source.ID, []int64{target.res.RID}, nil)
	if err != nil {
		return err
	}
	w.moved(&group, w.actor.Source.ID, added, []int64{gone.res.RID})
	owner := group.Authority == w.actor.Source.ID
	if err := w.tx.Touch(rid, w.actor.Source.ID, owner, true, w.now); err != nil {
		return err
	}
	e := w.event("group.membersChanged", &group)
	e.Reason, e.Before = reasonAdopted, idList("members", []string{gone.res.ID})
	if len(added) > 0 {
		e.After = idList("members", []string{target.res.ID})
	}
	if !owner {
		e.Outcome = OutcomeNotAuthoritative
	}
	return nil
}

// redirect lets the references to an account that was held aside mean the target.
func (w *Writer) redirect(t *schema.ResourceType, gone *store.Resource, target *subject) error {
	if t.Manager == nil {
		return nil
	}
	value := t.Manager.Value()
	rids, err := w.tx.Referrers(w.actor.Tenant.ID, value.Index, value.Key(gone.ID))
	if err != nil {
		return err
	}
	for _, rid := range rids {
		if rid == gone.RID || rid == target.res.RID {
			continue
		}
		if err := w.redirectOne(t, rid, gone.ID, target.res.ID); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) redirectOne(t *schema.ResourceType, rid int64, from, to string) error {
	res, err := w.tx.Resource(w.actor.Tenant.ID, rid)
	if err != nil {
		return err
	}
	s, err := w.load(t, res)
	if err != nil {
		return err
	}
	s.resolved = nil // the reference must be looked up again
	before := s.res.Doc
	if p := s.of(w.actor.Source.ID); p != nil && p.link.State.Live() && managerRef(t, p.doc) == from {
		doc := p.doc.Clone()
		doc.Container(t.Manager.Value(), true).Set(t.Manager.Value(), to)
		w.assert(s, doc)
	}
	if _, err := w.save(s); err != nil {
		return err
	}
	e := w.event(eventType(t, "updated"), &s.res)
	e.Reason = reasonAdopted
	e.Before, e.After, err = diffDocs(t, before, s.res.Doc)
	return err
}

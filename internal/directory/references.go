package directory

import (
	"errors"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// manager resolves the manager reference of one party's document: by id, else
// by externalId within the source, else by anchor. What can't be resolved is
// parked: it is kept in the link, left out of the resolved document, and joined
// when its target arrives.
func (w *Writer) manager(s *subject, p *party) (string, error) {
	if s.t.Manager == nil {
		return "", nil
	}
	ref := managerRef(s.t, p.doc)
	if ref == "" {
		return "", nil
	}
	// Deleting a user removes the references to it, so one that stands in the
	// resolved document needs no look-up.
	if s.resolved != nil && managerRef(s.t, s.resolved) == ref {
		return ref, nil
	}
	if ref == s.res.ID || ref == p.link.ExternalID {
		return s.res.ID, nil // its own, which may not be stored yet
	}
	target, err := w.finder().find(p.source, ref, schema.User)
	if err != nil {
		return "", err
	}
	if target != nil && target.RID == s.res.RID {
		target = nil // found by a name that it has now, or is just losing
	}
	if target == nil && ref == p.link.Anchor {
		return s.res.ID, nil
	}
	if target == nil {
		s.waits = append(s.waits, store.Parked{
			Tenant: w.actor.Tenant.ID, Source: p.source.ID, Ref: ref, Kind: store.ParkedManager,
		})
	}
	return managerOf(target), nil
}

// managerOf is the id of a manager that a reference led to, "" for none: a
// deleted one is accepted and skipped.
func managerOf(target *store.Ref) string {
	if target == nil || !target.State.Visible() && target.State != store.Held {
		return ""
	}
	return target.ID
}

func managerRef(t *schema.ResourceType, doc *document.Object) string {
	m, _ := doc.At(t.Manager).(*document.Object)
	s, _ := m.Get(t.Manager.Value()).(string)
	return s
}

// arrived joins what waited for a resource under its externalId or its anchor.
func (w *Writer) arrived(p *party, s *subject) error {
	if err := w.join(p.link.ExternalID, s); err != nil {
		return err
	}
	if p.link.Anchor == p.link.ExternalID {
		return nil
	}
	return w.join(p.link.Anchor, s)
}

func (w *Writer) join(ref string, s *subject) error {
	if ref == "" {
		return nil
	}
	waiting, err := w.tx.Parked(w.actor.Source.ID, ref)
	if err != nil {
		return err
	}
	for _, p := range waiting {
		if p.Kind == store.ParkedManager && s.t.Kind != schema.User {
			continue // a group of that name is nobody's manager
		}
		if err := w.tx.Unpark(p); err != nil {
			return err
		}
		if err := w.joinOne(p, s); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) joinOne(p store.Parked, target *subject) error {
	res, err := w.tx.Resource(p.Tenant, p.RID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if res.State == store.Deleted || res.State == store.Purged {
		return nil
	}
	if p.Kind == store.ParkedMember {
		added, _, err := w.tx.ChangeMembers(p.Tenant, p.RID, p.Source, []int64{target.res.RID}, nil)
		if err != nil || len(added) == 0 {
			return err
		}
		w.moved(&res, p.Source, added, nil)
		owner := res.Authority == p.Source
		e := w.event("group.membersChanged", &res)
		e.Reason = reasonReferenceArrived
		e.Before, e.After = idList(waitingMembers, []string{p.Ref}), idList("members", []string{target.res.ID})
		if !owner {
			e.Outcome = OutcomeNotAuthoritative
		}
		return w.tx.Touch(p.RID, p.Source, owner, true, w.now)
	}
	if p.RID == target.res.RID {
		return nil
	}
	if p.Kind == store.ParkedUpload {
		return w.joinUploaded(p, res, target)
	}
	s, err := w.load(target.t, res)
	if err != nil {
		return err
	}
	before := s.res.Doc
	changed, err := w.save(s)
	if err != nil || !changed {
		return err
	}
	e := w.event(eventType(s.t, "updated"), &s.res)
	e.Reason = reasonReferenceArrived
	e.Before, e.After, err = diffDocs(s.t, before, s.res.Doc)
	return err
}

// means says whether a reference of the actor's source is to a resource: by its
// id or, where the source's own ids are references, by one of those.
func (w *Writer) means(ref string, s *subject) bool {
	p := s.of(w.actor.Source.ID)
	return ref == s.res.ID || ref != "" && p != nil && refersByOwnIDs(w.actor.Source.Kind) && (ref == p.link.ExternalID || ref == p.link.Anchor)
}

// forget removes the references to a deleted user from the documents of the
// source that deleted it and from the resolved ones.
func (w *Writer) forget(t *schema.ResourceType, gone *subject) error {
	if t.Manager == nil {
		return nil
	}
	value := t.Manager.Value()
	rids, err := w.tx.Referrers(w.actor.Tenant.ID, value.Index, value.Key(gone.res.ID))
	if err != nil {
		return err
	}
	for _, rid := range rids {
		if rid == gone.res.RID {
			continue
		}
		res, err := w.tx.Resource(w.actor.Tenant.ID, rid)
		if err != nil {
			return err
		}
		s, err := w.load(t, res)
		if err != nil {
			return err
		}
		if err := w.forgetIn(s, gone); err != nil {
			return err
		}
	}
	return nil
}

// forgetIn removes the references to a deleted user from one resource, and tells
// what the actor's source doesn't assert any more or, if it asserted none, what
// the resolved document doesn't say any more.
func (w *Writer) forgetIn(s, gone *subject) error {
	s.resolved = nil // the reference must be looked up again
	before := s.res.Doc
	var old, doc *document.Object
	if p := s.of(w.actor.Source.ID); p != nil && p.link.State.Live() && w.means(managerRef(s.t, p.doc), gone) {
		old, doc = p.doc, p.doc.Clone()
		doc.SetAt(s.t.Manager, nil)
		w.assert(s, doc)
	}
	changed, err := w.save(s)
	if err != nil || !changed && old == nil {
		return err
	}
	e := w.event(eventType(s.t, "updated"), &s.res)
	if old == nil {
		e.Reason = reasonReferenceGone
		e.Before, e.After, err = diffDocs(s.t, before, s.res.Doc)
		return err
	}
	e.Reason = "managerDeleted"
	e.Before, e.After = diff(s.t, old, doc)
	if !changed && s.res.Authority != w.actor.Source.ID {
		e.Outcome = OutcomeNotAuthoritative
	}
	return nil
}

// The reasons of updates in which no source asserted anything else: what a
// reference leads to came or went.
const (
	reasonReferenceArrived = "referenceArrived"
	reasonReferenceGone    = "referenceGone"
)

package directory

import (
	"fmt"
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// onBehalf gives a Writer of the same transaction that writes what a source
// asserted, by the decision of the one who speaks. It gathers events of its own.
func (w *Writer) onBehalf(s store.Source) *Writer {
	return &Writer{d: w.d, tx: w.tx, now: w.now, actor: Actor{Tenant: w.actor.Tenant, Source: s, Token: w.actor.Token, Txn: w.actor.Txn, decided: true}}
}

// adopt links the source of a conflict to the resource that it collided with, as
// if its assertion had been found to be about that one.
func (w *Writer) adopt(set *schema.Set, c store.Conflict) error {
	t, err := kindOf(set, c)
	if err != nil {
		return err
	}
	source, err := w.adopter(c)
	if err != nil {
		return err
	}
	doc, err := document.MustDecode(t, c.Doc)
	if err != nil {
		return err
	}
	on := w.onBehalf(source)
	defer func() {
		w.events, w.moves, w.refused = append(w.events, on.events...), append(w.moves, on.moves...), append(w.refused, on.refused...)
	}()
	if _, err := on.admit(t, doc, nil); err != nil {
		return err
	}
	s, err := on.adoptable(t, doc, c)
	if err != nil {
		return err
	}
	held, err := on.freeIdentity(t, doc, s)
	if err != nil {
		return err
	}
	if held != nil {
		if err := on.endHeld(held, s); err != nil {
			return err
		}
	}
	p := on.assert(s, doc)
	p.link.State = store.Linked
	if _, err := on.save(s); err != nil {
		return err
	}
	e := on.event(eventType(t, "linked"), &s.res)
	e.Reason, e.Detail = reasonAdopted, fmt.Sprintf("The conflict %d was decided so.", c.ID)
	_, e.After = diff(t, nil, doc)
	if held != nil {
		if err := on.redirect(t, held, s); err != nil {
			return err
		}
	}
	return on.arrived(p, s)
}

// conflictChanged refuses to carry out a decision about what isn't so any more.
func conflictChanged(detail, way string) error {
	return &Violation{Rule: RuleConflictChanged, Detail: detail, Way: way}
}

const waySendAgain = "Let the source send it again, or decide keepApart."

// adopter gives the source of a conflict as it is now.
func (w *Writer) adopter(c store.Conflict) (store.Source, error) {
	all, err := w.tx.Sources(c.Tenant)
	if err != nil {
		return store.Source{}, err
	}
	i := slices.IndexFunc(all, func(s store.Source) bool { return s.ID == c.Source })
	switch {
	case i < 0:
		return store.Source{}, store.ErrNotFound
	case all[i].Kind == store.SourceWorkspace:
		return all[i], conflictChanged("An account that a source brought isn't joined to one made by hand.", "Use the account of the source, or decide keepApart.")
	case all[i].Mode != store.ModeActive:
		return all[i], conflictChanged(fmt.Sprintf("The source %s is %s, so nothing is linked to it.", all[i].Name, all[i].Mode), "Activate the source first.")
	}
	return all[i], nil
}

// adoptable gives the resource of a conflict, if it still holds what the source
// asked for and can be the same.
func (w *Writer) adoptable(t *schema.ResourceType, doc *document.Object, c store.Conflict) (*subject, error) {
	res, err := w.tx.Resource(c.Tenant, c.RID)
	if err != nil {
		return nil, err
	}
	if res.State != store.Live {
		return nil, conflictChanged("The account that had the userName is gone.", waySendAgain)
	}
	if res.UniqueKey != t.UserName.Key(doc.Text(t.UserName)) {
		return nil, conflictChanged(fmt.Sprintf("The account is called %s now, so the two don't collide any more.", quoteID(res.Display)), waySendAgain)
	}
	s, err := w.load(t, res)
	if err != nil {
		return nil, err
	}
	anchor := doc.Text(t.Anchor)
	for _, p := range s.parties {
		switch {
		case !p.link.State.Live():
		case p.source.ID == w.actor.Source.ID:
			return nil, conflictChanged("The source is linked to the account already.", "Nothing has to be done; decide keepApart to close the conflict.")
		case p.source.Kind != store.SourceWorkspace && anchor != "" && p.link.Anchor != "" && p.link.Anchor != anchor:
			return nil, &Violation{
				Rule: RuleAnchorsDiffer, Attribute: t.Anchor.Path,
				Detail: fmt.Sprintf("The source %s knows the account by the anchor %s, and this one is %s: a directory has two objects.", p.source.Name, quoteID(p.link.Anchor), quoteID(anchor)),
				Way:    "Give one of the two another userName in its directory.",
			}
		}
	}
	return s, nil
}

// freeIdentity takes the externalId and the anchor of a document from links of
// the source that ended, and gives the account that is held aside for the
// source, nil if there is none. If the source has the object as another account
// by now, nothing is adopted: two accounts aren't merged.
func (w *Writer) freeIdentity(t *schema.ResourceType, doc *document.Object, s *subject) (held *store.Resource, err error) {
	links, err := w.claims(t, doc)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if l.RID == s.res.RID {
			continue
		}
		if l.State == store.LinkEnded {
			if err := w.release(l.RID); err != nil {
				return nil, err
			}
			continue
		}
		res, err := w.tx.Resource(l.Tenant, l.RID)
		if err != nil {
			return nil, err
		}
		if res.State != store.Held {
			return nil, conflictChanged("The source has this object as the account "+res.ID+", and two accounts aren't merged.", "Delete one of the two, or rename it.")
		}
		held = &res
	}
	return held, nil
}

// claims gives the source's links that may be about the object of a document: by
// externalId, by anchor, and what is held under its userName.
func (w *Writer) claims(t *schema.ResourceType, doc *document.Object) ([]store.Link, error) {
	var out []store.Link
	id, anchor := doc.Text(t.ExternalID), doc.Text(t.Anchor)
	if id != "" {
		l, err := w.tx.FindExternalID(w.actor.Source.ID, t.Kind, id)
		if err := ignoreNotFound(err); err != nil {
			return nil, err
		}
		if l.RID != 0 {
			out = append(out, l)
		}
	}
	if anchor != "" {
		links, err := w.tx.FindAnchor(w.actor.Tenant.ID, t.Kind, anchor)
		if err := ignoreNotFound(err); err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(links, func(l store.Link) bool { return l.Source != w.actor.Source.ID })...)
	}
	if id != "" || anchor != "" {
		return out, nil
	}
	// What has no id of its own is known by its name.
	rids, err := w.tx.Referrers(w.actor.Tenant.ID, t.UserName.Index, t.UserName.Key(doc.Text(t.UserName)))
	if err != nil {
		return nil, err
	}
	for _, rid := range rids[:min(len(rids), maxNamesakes)] {
		links, err := w.tx.Links(rid)
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			if l.Source == w.actor.Source.ID && l.State == store.LinkParked && l.ExternalID == "" && l.Anchor == "" {
				out = append(out, l)
			}
		}
	}
	return out, nil
}

// maxNamesakes bounds the accounts of one userName that are looked at: one holds
// it, others are held aside.
const maxNamesakes = 100

// release takes externalId and anchor from the source's ended link.
func (w *Writer) release(rid int64) error {
	links, err := w.tx.Links(rid)
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.Source == w.actor.Source.ID {
			free := l
			free.ExternalID, free.Anchor = "", ""
			return w.tx.PutLink(&l, &free)
		}
	}
	return nil
}

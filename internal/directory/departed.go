package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// maxAnchor is the length of an anchor, in bytes.
const maxAnchor = 1024

// Depart takes note that a source's directory has deleted objects, by their anchors,
// at most MaxReports: groups no longer wait for them as members, nor users as
// managers, so that one that comes back under the same anchor gets what the directory
// says then and nothing of before. An object that the source has isn't touched: a
// DELETE says that it is gone. In staging it changes nothing. It can be repeated.
func (d *Directory) Depart(ctx context.Context, a Actor, source string, anchors []string) error {
	if err := onlySources(a); err != nil {
		return err
	}
	if len(anchors) == 0 || len(anchors) > MaxReports {
		return &Violation{Rule: RuleTooMany, Attribute: "anchors", Detail: fmt.Sprintf("There are %d anchors, 1 to %d can be told at once.", len(anchors), MaxReports)}
	}
	for _, ref := range anchors {
		if err := text("anchors", ref, 1, maxAnchor); err != nil {
			return err
		}
	}
	set, err := d.Schema(ctx, a.Tenant)
	if err != nil {
		return err
	}
	// One order, so that two who do it at once don't lock each other out.
	anchors = slices.Compact(slices.Sorted(slices.Values(anchors)))
	_, err = d.Write(ctx, a, false, func(w *Writer) error {
		if _, err := ownSource(w.tx, a, source); err != nil {
			return err
		}
		for _, ref := range anchors {
			if err := w.depart(set.User, ref); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

func (w *Writer) depart(user *schema.ResourceType, ref string) error {
	waiting, err := w.tx.Parked(w.actor.Source.ID, ref)
	if err != nil {
		return err
	}
	for _, p := range waiting {
		if err := w.tx.Unpark(p); err != nil {
			return err
		}
		res, err := w.tx.Resource(p.Tenant, p.RID)
		if errors.Is(err, store.ErrNotFound) || err == nil && !res.State.Visible() {
			continue
		}
		if err != nil {
			return err
		}
		if p.Kind == store.ParkedManager {
			if err := w.withoutManager(user, res, ref); err != nil {
				return err
			}
			continue
		}
		e := w.event("group.memberUnparked", &res)
		e.Reason, e.Detail = "memberDeleted", "The member "+quoteID(ref)+" was deleted before it arrived."
	}
	return nil
}

// withoutManager takes a reference that waits out of what the source asserts.
func (w *Writer) withoutManager(t *schema.ResourceType, res store.Resource, ref string) error {
	s, err := w.load(t, res)
	if err != nil {
		return err
	}
	p := s.of(w.actor.Source.ID)
	if p == nil || !p.link.State.Live() || managerRef(t, p.doc) != ref {
		return nil
	}
	old := p.doc
	doc := old.Clone()
	doc.SetAt(t.Manager, nil)
	w.assert(s, doc)
	if _, err := w.save(s); err != nil {
		return err
	}
	e := w.event(eventType(t, "updated"), &s.res)
	e.Reason = "managerDeleted"
	e.Before, e.After = diff(t, old, doc)
	return nil
}

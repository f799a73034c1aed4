package directory

import (
	"errors"
	"fmt"
	"slices"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// reasonUndo is the reason of the events of an undo.
const reasonUndo = "undo"

// undoSteps carries out what isn't blocked, in order, and gives all steps as
// they went: one that a rule refuses is blocked by then, and undone.
func (w *Writer) undoSteps(u *undoing, steps []*undoStep) ([]*undoStep, error) {
	var out, closings []*undoStep
	for _, s := range steps {
		if s.Do == undoReopen {
			closings = append(closings, s) // once it is known which members are gone
			continue
		}
		if s.Code != "" {
			out = append(out, s)
			continue
		}
		events, refused := len(w.events), len(w.refused)
		var rest *undoStep
		err := w.Savepoint(func() (err error) {
			rest, err = w.undoStep(s)
			return err
		})
		var v *Violation
		var bad scimerrors.ScimError
		switch {
		case errors.As(err, &v):
			rest, s = s.blocked(v.Rule, v.Error(), nil), nil
		case errors.As(err, &bad):
			rest, s = s.blocked(RuleInvalid, bad.Detail, nil), nil
		case err != nil:
			return nil, err
		}
		w.refused = w.refused[:refused]
		w.signUndo(u, events)
		if rest != nil {
			out = append(out, rest)
		}
		if s != nil && !s.withoutEffect {
			out = append(out, s)
		}
	}
	events := len(w.events)
	reopened, err := w.reopenLines(u, closings)
	w.signUndo(u, events)
	return append(out, reopened...), err
}

// signUndo says in the events of a step whose undoing they are.
func (w *Writer) signUndo(u *undoing, from int) {
	for i := range w.events[from:] {
		e := &w.events[from+i]
		if e.Reason == "" || e.Reason == RuleUnownedDomain {
			e.Reason = reasonUndo
		}
		if e.Detail != "" {
			e.Detail += " "
		}
		e.Detail += "Undoes the run " + u.undone.PublicID + "."
	}
}

// undoStep carries one step out. rest is what of it can't be, nil for nothing.
func (w *Writer) undoStep(s *undoStep) (rest *undoStep, err error) {
	switch s.Do {
	case undoEnd:
		return nil, w.undoEnd(s)
	case undoRevive:
		return nil, w.undoRevive(s)
	case undoRestore:
		return nil, w.undoRestore(s)
	}
	return w.undoMembers(s)
}

// standing is what refuses a step that finds something else than the run left.
// Which event did it isn't known.
func standing(format string, args ...any) error {
	return &Violation{Rule: RuleNewerFact, Detail: fmt.Sprintf(format, args...)}
}

// absent: what the source doesn't assert any more, though no newer event says so,
// was ended by an undo that broke off, or its own step to come back is blocked.
func (s *undoStep) absent(err error) error {
	s.withoutEffect = s.withoutEffect || errors.Is(err, store.ErrNotFound)
	return ignoreNotFound(err)
}

// undoEnd ends a link as a delete by the source does; what the source asserts
// elsewhere about the resource was there before it, or is newer.
func (w *Writer) undoEnd(s *undoStep) error {
	x, err := w.open(s.t, s.Subject, nil)
	if err != nil {
		return s.absent(err)
	}
	source := w.actor.Source.ID
	groups, err := w.tx.EndMemberships(source, x.res.RID)
	if err != nil {
		return err
	}
	if len(groups) > 0 {
		return standing("%s is a member of %d groups that the run didn't add it to.", s.Subject, len(groups))
	}
	if s.t.Kind == schema.Group {
		waiting, err := w.tx.ParkedMembers(source, x.res.RID)
		if err != nil {
			return err
		}
		_, members, err := w.tx.ReplaceMembers(w.actor.Tenant.ID, x.res.RID, source, nil)
		if err != nil {
			return err
		}
		if n := len(waiting) + len(members); n > 0 {
			return standing("The group %s has %d members that the run didn't add.", s.Subject, n)
		}
	}
	p := x.of(source)
	before := p.doc
	p.link.State, p.link.ModifiedAt = store.LinkEnded, w.now
	p.link.Version++
	if _, err := w.save(x); err != nil {
		return err
	}
	if err := w.unjoin(x); err != nil {
		return err
	}
	e := w.event(eventType(s.t, "deleted"), &x.res)
	e.Before, _ = diff(s.t, before, nil)
	return nil
}

// unjoin has the references to a resource that its source doesn't assert any
// more looked up again: they wait for it, as before it came.
func (w *Writer) unjoin(x *subject) error {
	rids, err := w.managed(x)
	if err != nil {
		return err
	}
	for _, rid := range rids {
		res, err := w.tx.Resource(w.actor.Tenant.ID, rid)
		if err != nil {
			return err
		}
		report, err := w.load(x.t, res)
		if err != nil {
			return err
		}
		report.resolved = nil
		before := report.res.Doc
		changed, err := w.save(report)
		if err != nil {
			return err
		}
		if !changed {
			continue
		}
		e := w.event(eventType(x.t, "updated"), &report.res)
		e.Reason = reasonReferenceGone
		if e.Before, e.After, err = diffDocs(x.t, before, report.res.Doc); err != nil {
			return err
		}
	}
	return nil
}

// managed gives the rids of the resources whose manager a user is, but for its
// own.
func (w *Writer) managed(x *subject) ([]int64, error) {
	if x.t.Manager == nil {
		return nil, nil
	}
	value := x.t.Manager.Value()
	rids, err := w.tx.Referrers(w.actor.Tenant.ID, value.Index, value.Key(x.res.ID))
	return slices.DeleteFunc(rids, func(rid int64) bool { return rid == x.res.RID }), err
}

// undoRevive lets an ended link live again with the document that it had.
func (w *Writer) undoRevive(s *undoStep) error {
	found, err := w.tx.Load(w.actor.View(), s.t.Kind, s.Subject, false)
	if err != nil {
		return err
	}
	if found.State == store.Purged {
		return &Violation{Rule: RulePurged, Detail: "Only the id of " + s.Subject + " is left: the retention time has passed."}
	}
	x, err := w.gather(s.t, found.Resource, found.Links)
	if err != nil {
		return err
	}
	if p := x.of(w.actor.Source.ID); p == nil || p.link.State.Live() {
		return nil
	}
	doc, err := undiff(s.t, s.before)
	if err != nil {
		return err
	}
	hold, err := w.reclaim(x, doc)
	if err != nil {
		return err
	}
	p := w.assert(x, doc)
	p.link.State = store.Linked
	if hold {
		p.link.State = store.LinkParked
	}
	if _, err := w.save(x); err != nil {
		return err
	}
	e := w.event(eventType(s.t, "revived"), &x.res)
	_, e.After = diff(s.t, nil, doc)
	return w.arrived(p, x)
}

// reclaim finds the identity of a document free for a resource that comes back,
// or refuses it; hold says that it must be kept aside, as a create would be.
func (w *Writer) reclaim(x *subject, doc *document.Object) (hold bool, err error) {
	if id := doc.Text(x.t.ExternalID); id != "" {
		if err := w.guardExternalID(x, id); err != nil {
			return false, err
		}
	}
	if anchor := doc.Text(x.t.Anchor); anchor != "" {
		if err := w.guardAnchor(x, anchor); err != nil {
			return false, err
		}
	}
	if x.t.UserName == nil {
		return false, nil
	}
	holder, err := w.nameHolder(x.t, doc, &x.res)
	if err != nil || holder == nil || holder.RID == x.res.RID {
		return false, err
	}
	return w.refuseName(x.t, doc, holder)
}

// undoRestore gives attributes the values of before, if they have those that the
// run left.
func (w *Writer) undoRestore(s *undoStep) error {
	x, err := w.open(s.t, s.Subject, nil)
	if err != nil {
		return s.absent(err)
	}
	before, err := undiff(s.t, s.deed.before)
	if err != nil {
		return err
	}
	after, err := undiff(s.t, s.after)
	if err != nil {
		return err
	}
	old := x.of(w.actor.Source.ID).doc
	doc := old.Clone()
	for _, a := range leaves(s.t) {
		if !slices.Contains(s.Attributes, a.Path) || document.Equal(old.At(a), before.At(a)) {
			continue
		}
		if !document.Equal(old.At(a), after.At(a)) {
			return standing("%s of %s has another value than the run gave it.", a.Path, s.Subject)
		}
		doc.SetAt(a, document.CloneValue(before.At(a)))
	}
	_, err = w.change(x, old, doc, nil)
	return err
}

// undoMembers adds and removes members of a group, and parks and unparks
// references to them. Who has been deleted in between stays away: that is rest.
func (w *Writer) undoMembers(s *undoStep) (rest *undoStep, err error) {
	x, err := w.open(s.t, s.Subject, nil)
	if err != nil {
		return nil, s.absent(err)
	}
	back, err := w.lookUp(s.add)
	if err != nil {
		return nil, err
	}
	add := slices.DeleteFunc(slices.Clone(s.add), func(id string) bool {
		ref, ok := back[id]
		return !ok || w.gone(ref)
	})
	if away := len(s.add) - len(add); away > 0 {
		rest = s.blocked(RuleUnknownMember, fmt.Sprintf("%d members were deleted and did not come back.", away), nil)
		rest.Add = away
		s.Add -= away
	}
	for _, ref := range s.unpark {
		if err := w.unparkMember(x, ref); err != nil {
			return nil, err
		}
	}
	var ops []MemberOp
	if len(add) > 0 {
		ops = append(ops, MemberOp{Add: add})
	}
	if len(s.remove) > 0 {
		ops = append(ops, MemberOp{Remove: s.remove})
	}
	doc := w.current(x)
	if _, err := w.change(x, doc, doc, ops); err != nil {
		return nil, err
	}
	for _, ref := range s.park {
		if err := w.parkMember(x, ref); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

package directory

import (
	"errors"
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// A line of an order closes when the directory asserts the membership that it is
// about. If a run brought that membership and is undone, the line is what it was
// before: the order waits for the directory again.

// closesLine says whether an event tells that a line of an order closed by itself.
func closesLine(e store.Event) bool {
	return (e.Type == eventLineClosed || e.Type == eventCompleted) && e.Reason == reasonSourceAsserts
}

// readClosings completes the deeds that closed lines: for whom, and of which groups.
func (u *undoing) readClosings(r store.Reader, deeds []deed) error {
	t := u.d.own.Order
	lines := t.Root.Sub("lines")
	for i := range deeds {
		d := &deeds[i]
		if d.do != undoReopen {
			continue
		}
		res, err := r.Resource(u.actor.Tenant.ID, d.event.SubjectRID)
		if err != nil {
			return err
		}
		doc, err := document.MustDecode(t, res.Doc)
		if err != nil {
			return err
		}
		d.recipient = named(t, doc, "recipient")
		closed, err := closedLines(t, d.event)
		if err != nil {
			return err
		}
		for _, x := range closed {
			if group, ok := x.Get(lines.Value()).(string); ok {
				d.groups = append(d.groups, group)
			}
		}
	}
	return nil
}

// closedLines gives the lines that an event closed, as they were before.
func closedLines(t *schema.ResourceType, e store.Event) ([]*document.Object, error) {
	var sides [2][]*document.Object
	for i, doc := range [][]byte{e.Before, e.After} {
		changed, err := values(e, doc)
		if err != nil {
			return nil, err
		}
		side, err := undiff(t, changed)
		if err != nil {
			return nil, err
		}
		sides[i] = objects(side.Get(t.Root.Sub("lines")))
	}
	return slices.DeleteFunc(sides[0], func(x *document.Object) bool {
		return slices.ContainsFunc(sides[1], func(y *document.Object) bool { return document.Equal(x, y) })
	}), nil
}

// judgeReopen leaves the lines closed whose membership the directory asserted, or
// took away, since: what is newer stays.
func judgeReopen(s *undoStep, o *overtakers) []*undoStep {
	s.groups = slices.DeleteFunc(slices.Clone(s.groups), func(group string) bool {
		return o.of(group, factMember(s.recipient), s.Event) != nil
	})
	if len(s.groups) == 0 {
		return nil
	}
	return []*undoStep{s}
}

// reopenLines opens the lines that the run closed of those who are no members by
// now: what the closings among the steps name, and, because the run may have
// brought the membership in another batch, whoever the transaction took out. It
// gives the steps that this was.
func (w *Writer) reopenLines(u *undoing, closings []*undoStep) ([]*undoStep, error) {
	if ever, err := w.tx.Ever(u.actor.Tenant.ID, schema.Order); err != nil || !ever {
		return nil, err
	}
	var out []*undoStep
	reopen := func(rid int64, group string) error {
		s, err := w.reopenLine(u, rid, group)
		if s != nil {
			out = append(out, s)
		}
		return err
	}
	for _, s := range closings {
		for _, group := range s.groups {
			if in, err := w.isMember(group, s.recipient); err != nil || in {
				if err != nil {
					return nil, err
				}
				continue
			}
			if err := reopen(s.event.SubjectRID, group); err != nil {
				return nil, err
			}
		}
	}
	t := w.d.own.Order
	lines := t.Root.Sub("lines")
	for _, m := range net(w.moves) {
		if len(m.removed) == 0 {
			continue
		}
		closed, err := w.tx.ReferrersOf(m.group.Tenant, t.Root.Sub("recipient").Value().Index, m.removed,
			store.KeyIn{Attr: lines.Value().Index, Keys: []string{m.group.ID}},
			store.KeyIn{Attr: t.Root.Sub("state").Index, Keys: []string{OrderComplete, OrderPartial}},
			store.KeyIn{Attr: lines.Sub("state").Index, Keys: []string{LineGranted}})
		if err != nil {
			return nil, err
		}
		for _, rid := range closed {
			if err := reopen(rid, m.group.ID); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// isMember says whether a group's authority asserts that a user is a member.
func (w *Writer) isMember(group, user string) (bool, error) {
	all, err := w.tx.Resources(w.actor.Tenant.ID, []string{group, user})
	i := slices.IndexFunc(all, func(r store.Resource) bool { return r.ID == group })
	j := slices.IndexFunc(all, func(r store.Resource) bool { return r.ID == user })
	if err != nil || i < 0 || j < 0 {
		return false, err
	}
	in, err := w.tx.Groups(store.View{Tenant: w.actor.Tenant.ID, Source: all[i].Authority}, []int64{all[j].RID})
	return slices.ContainsFunc(in[all[j].RID], func(m store.Membership) bool { return m.ID == group && m.Direct }), err
}

// reopenLine makes the line of an order about a group what it was before the run;
// nil if the run didn't close it.
func (w *Writer) reopenLine(u *undoing, rid int64, group string) (*undoStep, error) {
	t := w.d.own.Order
	lines, state, warnings := t.Root.Sub("lines"), t.Root.Sub("state"), t.Root.Sub("warnings")
	res, err := w.tx.Resource(u.actor.Tenant.ID, rid)
	if err != nil || !res.State.Visible() {
		return nil, ignoreNotFound(err)
	}
	event, was, err := w.closedBy(u, res, group)
	if err != nil || was == nil {
		return nil, err
	}
	s, err := w.load(t, res)
	if err != nil {
		return nil, err
	}
	old, doc := s.resolved, s.resolved.Clone()
	i := slices.IndexFunc(objects(doc.Get(lines)), func(x *document.Object) bool {
		return x.Get(lines.Value()) == group && x.Get(lines.Sub("state")) == LineGranted
	})
	if i < 0 {
		return nil, nil // it is open already
	}
	x := objects(doc.Get(lines))[i]
	for _, name := range []string{"state", "wayOut", "command"} {
		x.Set(lines.Sub(name), was.Get(lines.Sub(name)))
	}
	left := was.Get(lines.Sub("state")) == LineSkipped && was.Get(lines.Sub("verdict")) == notCompatible
	if left && doc.Text(state) == OrderComplete {
		warning, err := w.warned(res)
		if err != nil {
			return nil, err
		}
		doc.Set(state, OrderPartial)
		doc.Set(warnings, warning)
	}
	return newUndoStep(deed{event: event, do: undoReopen, t: t}), w.saveOrder(s, old, doc, eventType(t, "lineReopened"), reasonUndo)
}

// closedBy gives the run's event that closed the line of an order about a group
// first, and the line as it was before; nil if none did.
func (w *Writer) closedBy(u *undoing, order store.Resource, group string) (event store.Event, was *document.Object, err error) {
	t := w.d.own.Order
	lines := t.Root.Sub("lines")
	err = w.closings(order, u.undone.PublicID, func(e store.Event) (more bool, err error) {
		closed, err := closedLines(t, e)
		i := slices.IndexFunc(closed, func(x *document.Object) bool { return x.Get(lines.Value()) == group })
		if err == nil && i >= 0 {
			event, was = e, closed[i]
		}
		return true, err
	})
	return event, was, err
}

// warned gives the warnings that an order had before it was completed.
func (w *Writer) warned(order store.Resource) (found document.Value, err error) {
	t := w.d.own.Order
	err = w.closings(order, "", func(e store.Event) (more bool, err error) {
		if e.Type != eventCompleted {
			return true, nil
		}
		changed, err := values(e, e.Before)
		if err != nil {
			return false, err
		}
		before, err := undiff(t, changed)
		if err == nil {
			found = before.Get(t.Root.Sub("warnings"))
		}
		return false, err
	})
	return found, err
}

// closings calls fn for the events that closed lines of an order, those of a run
// or, with "", of all, the newest first, until it says that it is enough.
func (w *Writer) closings(order store.Resource, run string, fn func(store.Event) (more bool, err error)) error {
	q := store.EventQuery{Tenant: order.Tenant, Subject: order.ID, Run: run, Type: "order.", Limit: undoBatch}
	for {
		next, err := w.tx.FindEvents(q, func(e store.Event) error {
			if !closesLine(e) {
				return nil
			}
			more, err := fn(e)
			if err == nil && !more {
				return errEnough
			}
			return err
		})
		if errors.Is(err, errEnough) || err == nil && next == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		q.From = next
	}
}

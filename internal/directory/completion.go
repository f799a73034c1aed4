package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// endOrder ends what an order granted, and nothing that another reason gives
// besides. What a directory asserts stays: that is its fact.
func (w *Writer) endOrder(s *subject) error {
	grants, err := w.tx.Grants(store.GrantQuery{Tenant: s.res.Tenant, Cause: s.res.RID, Reason: store.GrantOrder, Limit: 2 * maxPointers})
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := w.endGrant(g); err != nil {
			return err
		}
	}
	return nil
}

// endGrant ends one reason. Who is left with none leaves a group of the
// workspace.
func (w *Writer) endGrant(g store.Grant) error {
	if _, err := w.tx.EndGrants(g, []int64{g.Subject}); err != nil {
		return err
	}
	target, err := w.tx.Resource(g.Tenant, g.Target)
	if err != nil || target.Kind != schema.Group || !target.State.Visible() {
		return ignoreNotFound(err)
	}
	source, err := w.source(target.Authority)
	if err != nil || source.Kind != store.SourceWorkspace {
		return err
	}
	left, err := w.grantsOn(target, []int64{g.Subject})
	if err != nil || len(left) > 0 {
		return err
	}
	_, removed, err := w.tx.ChangeMembers(g.Tenant, target.RID, target.Authority, nil, []int64{g.Subject})
	if err != nil || len(removed) == 0 {
		return err
	}
	ids, err := w.tx.IDs(g.Tenant, removed)
	if err != nil {
		return err
	}
	return w.toldManual(target, nil, removed, ids[g.Subject], "orderEnded")
}

// completeLines closes the lines of orders that waited for a membership: the
// authority of the group asserts it now (row H037). A tenant without orders isn't
// asked about any.
func (w *Writer) completeLines(m move) error {
	if len(m.added) == 0 {
		return nil
	}
	if ever, err := w.tx.Ever(m.group.Tenant, schema.Order); err != nil || !ever {
		return err
	}
	t := w.d.own.Order
	lines := t.Root.Sub("lines")
	waiting, err := w.tx.ReferrersOf(m.group.Tenant, t.Root.Sub("recipient").Value().Index, m.added,
		store.KeyIn{Attr: lines.Value().Index, Keys: []string{m.group.ID}},
		store.KeyIn{Attr: t.Root.Sub("state").Index, Keys: []string{OrderComplete, OrderPartial}},
		store.KeyIn{Attr: lines.Sub("state").Index, Keys: []string{LinePending, LineSkipped}})
	if err != nil {
		return err
	}
	for _, rid := range waiting {
		if err := w.completeLine(rid, m.group.ID); err != nil {
			return err
		}
	}
	return nil
}

// completeLine closes the line of one order about a group. The verdict stays what
// it was when the product was ordered.
func (w *Writer) completeLine(rid int64, group string) error {
	t := w.d.own.Order
	lines, state := t.Root.Sub("lines"), t.Root.Sub("state")
	res, err := w.tx.Resource(w.actor.Tenant.ID, rid)
	if err != nil || !res.State.Visible() {
		return ignoreNotFound(err)
	}
	s, err := w.load(t, res)
	if err != nil {
		return err
	}
	old, doc := s.resolved, s.resolved.Clone()
	whole, closed := true, false
	for _, x := range objects(doc.Get(lines)) {
		is := x.Get(lines.Sub("state"))
		if x.Get(lines.Value()) == group && (is == LinePending || is == LineSkipped) {
			x.Set(lines.Sub("state"), LineGranted)
			x.Set(lines.Sub("wayOut"), nil)
			x.Set(lines.Sub("command"), nil)
			closed = true
		} else if is == LineSkipped && x.Get(lines.Sub("verdict")) == notCompatible {
			whole = false
		}
	}
	if !closed {
		return nil
	}
	completed := whole && doc.Text(state) == OrderPartial
	if completed {
		doc.Set(state, OrderComplete)
		doc.Set(t.Root.Sub("warnings"), nil)
	}
	typ := eventLineClosed
	if completed {
		typ = eventCompleted
	}
	return w.saveOrder(s, old, doc, typ, reasonSourceAsserts)
}

// The events of orders that tell that a line closed, the second one the last line
// that was incompatible, and why it did.
const (
	eventLineClosed     = "order.lineClosed"
	eventCompleted      = "order.completed"
	reasonSourceAsserts = "sourceAsserts"
)

// saveOrder writes an order that changed by what a directory asserts, so not by
// who owns it.
func (w *Writer) saveOrder(s *subject, old, doc *document.Object, typ, reason string) error {
	i := slices.IndexFunc(s.parties, func(p *party) bool { return p.source.Kind == store.SourceWorkspace })
	if i < 0 {
		return nil
	}
	p := s.parties[i]
	p.doc = doc
	p.link.Version++
	p.link.ModifiedAt = w.now
	if _, err := w.save(s); err != nil {
		return err
	}
	e := w.event(typ, &s.res)
	e.Reason = reason
	e.Before, e.After = diff(s.t, old, doc)
	return nil
}

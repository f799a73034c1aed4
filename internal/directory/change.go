package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Precondition judges the version that the actor sees (If-Match, RFC 7644
// §3.14); nil asks for nothing.
type Precondition func(version int64) bool

// Change is a modification of a resource.
type Change struct {
	// Apply changes the document that the actor's source asserts, in place.
	Apply func(*document.Object) error
	// Members are applied after it, in order.
	Members []MemberOp
}

// open reads a resource that the actor sees, with all that is needed to write
// it. Its row stays locked.
func (w *Writer) open(t *schema.ResourceType, id string, cond Precondition) (*subject, error) {
	found, err := w.tx.Load(w.actor.View(), t.Kind, id, w.Groups && t.Groups != nil)
	if err != nil {
		return nil, err
	}
	version, seen := w.seenVersion(found)
	if !seen {
		return nil, store.ErrNotFound
	}
	if cond != nil && !cond(version) {
		return nil, &Violation{
			Rule:   RuleVersionMismatch,
			Detail: "The resource has changed: its version is not the one in If-Match.",
			Way:    "Read it again and repeat the change.",
		}
	}
	s, err := w.gather(t, found.Resource, found.Links)
	if err != nil {
		return nil, err
	}
	s.groups = found.Groups
	w.stage(s, nil, true)
	if found.Held {
		h, err := w.tx.HeldChange(w.actor.Source.ID, s.res.RID)
		if err != nil {
			return nil, err
		}
		s.held = &h
	}
	return s, nil
}

// seenVersion gives the version of a resource that the actor sees, if it sees
// the resource.
func (w *Writer) seenVersion(found store.Loaded) (version int64, seen bool) {
	if w.actor.Admin {
		return found.Version, found.State.Visible()
	}
	for _, l := range found.Links {
		if l.Source == w.actor.Source.ID {
			return l.Version, l.State.Live()
		}
	}
	return 0, false
}

// Modify changes a resource (PATCH, RFC 7644 §3.5.2). Nothing is written, and
// no version counted, where nothing changes.
func (w *Writer) Modify(t *schema.ResourceType, id string, cond Precondition, c Change) (Result, error) {
	if err := w.begin(slices.ContainsFunc(c.Members, MemberOp.removes)); err != nil {
		return Result{}, err
	}
	s, err := w.open(t, id, cond)
	if err != nil {
		return Result{}, err
	}
	if err := w.stillThere(s); err != nil {
		return Result{}, err
	}
	old := w.current(s)
	doc := s.asserted(old).Clone()
	if c.Apply != nil {
		if err := c.Apply(doc); err != nil {
			return Result{}, err
		}
	}
	return w.change(s, old, doc, c.Members)
}

// Replace makes a resource what the body says (PUT, RFC 7644 §3.5.1): what it
// leaves out is cleared, but for the attributes that say who someone is
// (externalId, the anchor) and for a group's members: their absence is no
// instruction (law 2), only null or [] is. active stays whatever is said but
// true or false.
func (w *Writer) Replace(t *schema.ResourceType, id string, cond Precondition, in Input) (Result, error) {
	if err := w.begin(false); err != nil {
		return Result{}, err
	}
	s, err := w.open(t, id, cond)
	if err != nil {
		return Result{}, err
	}
	if err := w.stillThere(s); err != nil {
		return Result{}, err
	}
	old := w.current(s)
	said, doc := s.asserted(old), in.Doc.Clone()
	for _, a := range []*schema.Attribute{t.ExternalID, t.Anchor} {
		if a != nil && doc.At(a) == nil && !cleared(in, a) {
			doc.SetAt(a, said.At(a))
		}
	}
	var ops []MemberOp
	if in.HasMembers {
		op := MemberOp{Replace: in.Members, Clear: len(in.Members) == 0}
		if op.Clear {
			op.Replace = nil
		}
		ops = append(ops, op)
	}
	return w.change(s, old, doc, ops)
}

func cleared(in Input, a *schema.Attribute) bool {
	for _, c := range in.Cleared {
		if c == a || c == a.Parent {
			return true
		}
	}
	return false
}

// current is the document that the actor's source asserts; for an
// administrator who has no link to the resource, the resolved one.
func (w *Writer) current(s *subject) *document.Object {
	if p := s.of(w.actor.Source.ID); p != nil && p.link.State.Live() {
		return p.doc
	}
	return s.resolved
}

func (w *Writer) change(s *subject, old, doc *document.Object, members []MemberOp) (Result, error) {
	t := s.t
	// Who takes active away says nothing of it (law 2): to read that as true would
	// enable a disabled user.
	if t.Active != nil && doc.Get(t.Active) == nil {
		doc.Set(t.Active, s.asserted(old).Get(t.Active) != false)
	}
	if err := document.Require(t, doc); err != nil {
		return Result{}, err
	}
	if err := w.decide(t, old, doc); err != nil {
		return Result{}, err
	}
	doc, asserted, err := w.guardDocument(s, old, doc)
	if err != nil {
		return Result{}, err
	}
	changed := !document.Equal(old, doc)
	if changed || len(members) > 0 {
		if err := w.guardManaged(s); err != nil {
			return Result{}, err
		}
	}
	if changed {
		if err := w.changeDocument(s, old, doc); err != nil {
			return Result{}, err
		}
	}
	if len(members) > 0 {
		moved, err := w.changeMembers(s, members)
		if err != nil {
			return Result{}, err
		}
		if moved && !changed {
			if err := w.touch(s); err != nil {
				return Result{}, err
			}
		}
		changed = changed || moved
	}
	if changed {
		if err := w.follow(s, old, doc); err != nil {
			return Result{}, err
		}
	}
	rec := w.record(s)
	if asserted != nil {
		rec.Doc = document.Encode(t, asserted) // the answer is the source's own view
	}
	return Result{Record: rec, Changed: changed}, nil
}

func (w *Writer) changeDocument(s *subject, old, doc *document.Object) error {
	t := s.t
	reason, err := w.admit(t, doc, old)
	if err != nil {
		return err
	}
	if err := w.guardIdentity(s, old, doc); err != nil {
		return err
	}
	p := w.assert(s, doc)
	if s.res.State != store.Held || renamed(t, old, doc) {
		p.link.State = store.Linked // guardIdentity found its new name free
	}
	wasActive := t.Active != nil && s.resolved.Get(t.Active) != false
	resolved, err := w.save(s)
	if err != nil {
		return err
	}
	e := w.event(eventType(t, "updated"), &s.res)
	e.Reason = reason
	e.Before, e.After = diff(t, old, doc)
	if !resolved && s.res.Authority != w.actor.Source.ID {
		e.Outcome = OutcomeNotAuthoritative
	}
	if t.Active != nil && resolved {
		switch isActive := s.doc.Get(t.Active) != false; {
		case wasActive && !isActive:
			e.Type = eventType(t, "disabled")
		case !wasActive && isActive:
			e.Type = eventType(t, "enabled")
		}
	}
	if t.Kind == schema.Order && isCancelled(t, doc) && !isCancelled(t, old) {
		e.Type = eventType(t, "cancelled")
	}
	if old.Text(t.DisplayName) != doc.Text(t.DisplayName) {
		if err := w.noticeClash(s); err != nil {
			return err
		}
	}
	if old.Text(t.ExternalID) != doc.Text(t.ExternalID) || old.Text(t.Anchor) != doc.Text(t.Anchor) {
		return w.arrived(p, s)
	}
	return nil
}

// renamed says whether a user gets another userName.
func renamed(t *schema.ResourceType, old, doc *document.Object) bool {
	return t.UserName != nil && t.UserName.Key(doc.Text(t.UserName)) != t.UserName.Key(old.Text(t.UserName))
}

// guardManaged refuses an administrator's change of what a source owns (row
// H020).
func (w *Writer) guardManaged(s *subject) error {
	if !w.actor.Admin {
		return nil
	}
	for _, p := range s.live() {
		if p.source.Kind != store.SourceWorkspace {
			return w.refuse(&Violation{
				Rule:   RuleSourceManaged,
				Detail: "This " + s.t.Name + " is managed by the source " + p.source.Name + ".",
				Way:    "Change it there.",
			}, eventType(s.t, "refused"), &s.res, nil)
		}
	}
	return nil
}

// guardIdentity refuses a userName, externalId or anchor that another resource
// has.
func (w *Writer) guardIdentity(s *subject, old, doc *document.Object) error {
	t := s.t
	if id := doc.Text(t.ExternalID); id != "" && id != old.Text(t.ExternalID) {
		if err := w.guardExternalID(s, id); err != nil {
			return err
		}
	}
	if anchor := doc.Text(t.Anchor); anchor != "" && anchor != old.Text(t.Anchor) {
		if err := w.guardAnchor(s, anchor); err != nil {
			return err
		}
	}
	if !renamed(t, old, doc) {
		return nil
	}
	holder, err := w.nameHolder(t, doc, &s.res)
	if err != nil || holder == nil || holder.RID == s.res.RID {
		return err
	}
	hold, err := w.refuseName(t, doc, holder)
	if hold {
		// Only a new account can be held aside; this one has a name already.
		return w.refuse(&Violation{Rule: RuleManualAccount, Attribute: t.UserName.Path, Detail: "An account made by hand has this userName.", Way: "Choose another userName."},
			eventType(t, "refused"), &s.res, nil)
	}
	return err
}

func (w *Writer) guardExternalID(s *subject, id string) error {
	l, err := w.tx.FindExternalID(w.actor.Source.ID, s.t.Kind, id)
	if err != nil || l.RID == s.res.RID {
		return ignoreNotFound(err)
	}
	if l.State == store.LinkEnded {
		return w.releaseExternalID(l)
	}
	return w.refuse(&Violation{
		Rule: RuleUniqueness, Attribute: s.t.ExternalID.Path,
		Detail: "Another " + s.t.Name + " of this source has the same externalId.", Way: "Send another externalId.",
	}, eventType(s.t, "refused"), &s.res, nil)
}

func (w *Writer) guardAnchor(s *subject, anchor string) error {
	links, err := w.tx.FindAnchor(w.actor.Tenant.ID, s.t.Kind, anchor)
	if err != nil {
		return ignoreNotFound(err)
	}
	for _, l := range links {
		if l.Source != w.actor.Source.ID || l.RID == s.res.RID {
			continue
		}
		if l.State == store.LinkEnded {
			free := l
			free.Anchor = ""
			return w.tx.PutLink(&l, &free)
		}
		return w.refuse(&Violation{
			Rule: RuleUniqueness, Attribute: s.t.Anchor.Path,
			Detail: "Another " + s.t.Name + " of this source has the same anchor.", Way: "Send another anchor.",
		}, eventType(s.t, "refused"), &s.res, nil)
	}
	return nil
}

// touch counts a version for a change that is not in the document.
func (w *Writer) touch(s *subject) error {
	p := s.of(w.actor.Source.ID)
	owner := s.res.Authority == w.actor.Source.ID
	if err := w.tx.Touch(s.res.RID, w.actor.Source.ID, owner, p != nil, w.now); err != nil {
		return err
	}
	if owner {
		s.res.Version++
		s.res.ModifiedAt = w.now
	}
	if p != nil {
		p.link.Version++
		p.link.ModifiedAt = w.now
	}
	return nil
}

package directory

import (
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// What waits is what the source said last: who says otherwise takes it back.

// tellWithdrawn says that something doesn't wait any more, because the source
// says otherwise by now.
func (w *Writer) tellWithdrawn(typ string, s *subject) *store.Event {
	w.pushRun = s.held.Run
	e := w.event(typ, &s.res)
	e.Outcome, e.Reason = OutcomeWithdrawn, "sourceChanged"
	return e
}

// stillThere takes back a deletion that waits: a source that writes a resource
// has it.
func (w *Writer) stillThere(s *subject) error {
	if s.held == nil || !s.held.Delete {
		return nil
	}
	s.held.Delete = false
	w.tellWithdrawn(eventType(s.t, "deleted"), s)
	return w.keepHeld(s, 0)
}

// keepHeld writes what is left that waits for a resource, from which members
// don't wait any more.
func (w *Writer) keepHeld(s *subject, members int64) error {
	h := s.held
	h.Members -= members
	empty := !h.Delete && h.Attributes == nil && h.Members == 0
	if !empty {
		if err := w.tx.PutHeld(*h); err != nil {
			return err
		}
	} else {
		if err := w.tx.DeleteHeld(h.Source, h.RID); err != nil {
			return err
		}
		members++
		s.held = nil
	}
	return w.lessHeld(h.Run, members)
}

// drop takes back all that waits for a resource that goes.
func (w *Writer) drop(s *subject) error {
	h := s.held
	if h == nil {
		return nil
	}
	if h.Attributes != nil {
		w.tellWithdrawn(eventType(s.t, "updated"), s).Before = h.Attributes
	}
	for after := int64(0); h.Members > 0; {
		some, err := w.tx.HeldMembers(h.Source, h.RID, after, maxListed)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		ids := make([]string, len(some))
		for i, m := range some {
			after, ids[i] = m.RID, m.ID
		}
		w.tellWithdrawn("group.membersChanged", s).Before = idList("members", ids)
	}
	h.Delete, h.Attributes = false, nil
	return w.keepHeld(s, h.Members)
}

// lessHeld counts that less of a run waits. One of which nothing waits any more
// needs no decision.
func (w *Writer) lessHeld(run string, n int64) error {
	p, err := w.lockPush()
	if err != nil {
		return err
	}
	p.Held -= n
	left, err := w.tx.HeldChanges(p.Source, run, 0, 1)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		w.ahead = nil
		if err := w.tx.CountRun(p.Tenant, run, nil, w.now); err != nil {
			return err
		}
		return w.tx.PutPush(p.Push)
	}
	if p.Run == run {
		p.Run, p.Counts = "", store.RunCounts{}
	}
	w.ahead = nil
	if err := w.tx.PutPush(p.Push); err != nil {
		return err
	}
	r, err := w.tx.Run(p.Tenant, run)
	if err != nil || r.State != store.RunHeld {
		return ignoreNotFound(err)
	}
	r.State, r.Detail, r.PlanHash, r.PlanSize = store.RunCancelled, "The source took all of it back.", nil, 0
	return w.d.endRun(w.tx, w.actor, &r)
}

// heldDelete gives a resource whose deletion by the actor's source waits; nil if
// it doesn't. To create it again is to take that back.
func (w *Writer) heldDelete(l store.Link) (*store.Resource, error) {
	if !w.guarded() {
		return nil, nil
	}
	h, err := w.tx.HeldChange(l.Source, l.RID)
	if err != nil || !h.Delete {
		return nil, ignoreNotFound(err)
	}
	res, err := w.tx.Resource(l.Tenant, l.RID)
	return &res, err
}

// recreate makes a resource whose deletion waited what the body of a create says.
func (w *Writer) recreate(s *subject, doc *document.Object, in Input) (Result, error) {
	h, err := w.tx.HeldChange(w.actor.Source.ID, s.res.RID)
	if err != nil {
		return Result{}, err
	}
	s.held = &h
	if err := w.stillThere(s); err != nil {
		return Result{}, err
	}
	var ops []MemberOp
	if s.t.Members != nil {
		ops = []MemberOp{{Replace: in.Members, Clear: len(in.Members) == 0}}
		if ops[0].Clear {
			ops[0].Replace = nil
		}
	}
	res, err := w.change(s, w.current(s), doc, ops)
	res.Changed = true
	return res, err
}

package directory

import (
	"slices"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// The guard of sources that push (law 2): what a request would destroy is judged
// before it is done. Over a limit it waits, and the source is answered as if it
// were done (docs/decisions/0012).

// maxHeld bounds what waits of one source: objects, and members of groups. It is
// more than a person can look at, and its plan is less than MaxPlan.
const maxHeld = 250_000

// judge says why what a request would destroy has to wait, "" if it may be done;
// nothing is written. extra is what the transaction has taken already from what
// the source has. ofGroup judges by the limits of one group, nil for none.
func (w *Writer) judge(t reconcile.Toll, extra reconcile.Stock, ofGroup func(*push) (string, error)) (p *push, why string, err error) {
	if p, err = w.lockPush(); err != nil {
		return nil, "", err
	}
	if err = w.enter(p); err != nil || p.Over != "" {
		return p, p.Over, err
	}
	stock := reconcile.Stock{Objects: p.Users + p.Groups + p.Counts.Deleted, Users: p.Users, Memberships: p.Memberships + p.Counts.LostGrants + extra.Memberships}
	if p.Over = p.limits.Exceeded(p.toll().Plus(t), stock); p.Over != "" || ofGroup == nil {
		return p, p.Over, nil
	}
	why, err = ofGroup(p)
	return p, why, err
}

// pass counts what is done.
func (w *Writer) pass(p *push, t reconcile.Toll) error {
	p.lose(t)
	return w.keepPush(p)
}

// hold makes a resource wait with what edit notes of the request. The first one
// that waits makes the run held.
func (w *Writer) hold(s *subject, p *push, why string, more int64, edit func(*store.HeldChange) error) error {
	fresh := s.held == nil
	if p.Held += more; fresh {
		p.Held++
	}
	if p.Held > maxHeld {
		return &Violation{
			Rule: RulePlanFull, Detail: "What this source wants destroyed waits for an administrator, and there is no room for more.",
			Way: "An administrator approves or rejects the held runs of the source.",
		}
	}
	if fresh {
		p.Counts.Held++
		if err := w.keepPush(p); err != nil {
			return err
		}
		if p.Counts.Held == 1 {
			if err := w.holdRun(p, why); err != nil {
				return err
			}
		}
		s.held = &store.HeldChange{Tenant: p.Tenant, Source: p.Source, RID: s.res.RID, Run: p.Run, At: w.now}
	} else {
		// It waits in the run that held it first.
		w.ahead, w.pushRun = nil, s.held.Run
		if err := w.tx.PutPush(p.Push); err != nil {
			return err
		}
		if err := w.tx.CountRun(p.Tenant, s.held.Run, nil, w.now); err != nil {
			return err
		}
	}
	if err := edit(s.held); err != nil {
		return err
	}
	return w.tx.PutHeld(*s.held)
}

// holdRun brings the run of a push to a person.
func (w *Writer) holdRun(p *push, why string) error {
	n, err := w.tx.Run(p.Tenant, p.Run)
	if err != nil || n.State == store.RunHeld {
		return ignoreNotFound(err)
	}
	n.State, n.Detail, n.Counts = store.RunHeld, why, p.Counts
	w.d.log.Warn("run held", "tenant", w.actor.Tenant.Slug, "source", w.actor.Source.Name, "run", n.PublicID, "why", why)
	return w.d.endRun(w.tx, w.actor, &n)
}

// tellWaiting says that a request waits.
func (w *Writer) tellWaiting(typ string, s *subject, why string) *store.Event {
	w.pushRun = s.held.Run
	e := w.event(typ, &s.res)
	e.Outcome, e.Reason, e.Detail = OutcomeHeld, ReasonOverLimit, why
	return e
}

// again is the detail of a request that asks for what waits already.
const again = "It waits already."

// holdDelete judges the deletion of a resource, and says whether it waits.
func (w *Writer) holdDelete(s *subject) (bool, error) {
	if !w.guarded() {
		return false, nil
	}
	typ := eventType(s.t, "deleted")
	if s.held != nil && s.held.Delete {
		w.tellWaiting(typ, s, again)
		return true, nil
	}
	p, err := w.lockPush()
	if err != nil {
		return false, err
	}
	toll := reconcile.Toll{Deletes: 1}
	if most := int64(p.limits.LostGrants); most != reconcile.Off || p.limits.LostGrantsPercent != reconcile.Off {
		if most == reconcile.Off {
			most = p.Memberships
		}
		if toll.LostGrants, err = w.tx.CountMemberships(w.actor.Source.ID, s.res.RID, most+1); err != nil {
			return false, err
		}
	}
	w.ahead = p
	p, why, err := w.judge(toll, reconcile.Stock{}, nil)
	if err != nil {
		return false, err
	}
	if why == "" {
		return false, w.pass(p, toll)
	}
	err = w.hold(s, p, why, 0, func(h *store.HeldChange) error {
		h.Delete = true
		return nil
	})
	if err == nil {
		w.tellWaiting(typ, s, why)
	}
	return true, err
}

// guardDocument judges what the source asserts of a resource, doc, against what
// holds of it, old. It gives what is to hold now, and what the source asserts if
// that is something else.
func (w *Writer) guardDocument(s *subject, old, doc *document.Object) (hold, asserted *document.Object, err error) {
	wanted := destroyed(s.t, old, doc)
	if len(wanted) == 0 && s.held == nil {
		return doc, nil, nil
	}
	waits := s.waiting()
	if !w.guarded() {
		return doc, nil, w.keepAttributes(s, nil)
	}
	kept := wanted
	typ := eventType(s.t, "updated")
	if slices.ContainsFunc(wanted, func(c wish) bool { return c.attr == s.t.Active }) {
		typ = eventType(s.t, "disabled")
	}
	if fresh := wanted.without(waits); len(fresh) > 0 {
		p, why, err := w.judge(fresh.toll(s.t), reconcile.Stock{}, nil)
		if err != nil {
			return nil, nil, err
		}
		if why == "" {
			kept = wanted.without(fresh)
			err = w.pass(p, fresh.toll(s.t))
		} else {
			err = w.hold(s, p, why, 0, func(h *store.HeldChange) error {
				h.Attributes = wanted.encode()
				return nil
			})
		}
		if err != nil {
			return nil, nil, err
		}
		waits = kept
		if why != "" {
			e := w.tellWaiting(typ, s, why)
			e.Before, e.After = diff(s.t, kept.undo(old, doc), doc)
		}
	} else if len(kept) > 0 {
		w.tellWaiting(typ, s, again)
	}
	if err := w.keepAttributes(s, kept); err != nil {
		return nil, nil, err
	}
	if len(kept) == 0 {
		return doc, nil, nil
	}
	return kept.undo(old, doc), doc, nil
}

// keepAttributes takes back the attributes that wait, but for those of kept.
func (w *Writer) keepAttributes(s *subject, kept wishes) error {
	waits := s.waiting()
	if len(waits.without(kept)) == 0 {
		return nil
	}
	e := w.tellWithdrawn(eventType(s.t, "updated"), s)
	var o jsonObject
	for _, c := range waits.without(kept) {
		o.add(c.attr.Path, c.value)
	}
	e.Before = o.end()
	s.held.Attributes = kept.encode()
	return w.keepHeld(s, 0)
}

package directory

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// decidePush approves or rejects a held push. What waits is carried out, or
// forgotten, in small transactions, and what of it isn't done when ctx ends, by
// SweepPushes.
func (d *Directory) decidePush(ctx context.Context, a Actor, n store.Run, approve bool, planHash, detail string) (store.Run, error) {
	err := d.update(ctx, a, func(tx store.Tx) error {
		p, err := tx.LockPush(n.Tenant, n.Source)
		if err != nil {
			return err
		}
		if n, err = seenRun(tx, a, n.PublicID); err != nil {
			return err
		}
		if err := decide(a, &n, approve, planHash, detail); err != nil {
			return err
		}
		if p.Run == n.PublicID {
			// What comes before the next pause is another run, over the limits as
			// this one was.
			p.Run, p.Counts = "", store.RunCounts{}
			if err := tx.PutPush(p); err != nil {
				return err
			}
		}
		return d.endRun(tx, a, &n)
	})
	if err != nil || a.DryRun {
		return n, err
	}
	return d.finishPush(ctx, n)
}

// decide brings a held run to what a person decided.
func decide(a Actor, n *store.Run, approve bool, planHash, detail string) error {
	if n.State != store.RunHeld {
		return &Violation{Rule: RuleRunState, Attribute: "state", Detail: fmt.Sprintf("The run is %s; only a held one is decided about.", n.State)}
	}
	if want := hex.EncodeToString(n.PlanHash); approve && (planHash != want || want == "") {
		now := "The plan of the run has the hash " + want
		if want == "" {
			now = "The plan of the run has changed since it was read"
		}
		return &Violation{
			Rule: RuleConfirmationRequired, Attribute: "planHash", Detail: now + ", and that is not what you approve.", Way: "Read the plan and send its hash.",
		}
	}
	n.State, n.DecidedBy = store.RunRejected, a.Token
	if approve {
		n.State = store.RunApproved
	}
	if detail != "" {
		n.Detail = detail
	}
	return nil
}

// finishDecided goes on with what was decided about.
func (d *Directory) finishDecided(ctx context.Context) error {
	var runs []store.Run
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		runs, err = r.DecidedPushes(pushBatch)
		return err
	})
	for _, n := range runs {
		if err == nil {
			_, err = d.finishPush(ctx, n)
		}
	}
	return err
}

// decidedBatch is how many resources one transaction of finishPush is about.
const decidedBatch = 20

// finishPush carries out what waits in an approved run, and forgets what waits in a
// rejected one. Several processes may do it at once.
func (d *Directory) finishPush(ctx context.Context, n store.Run) (store.Run, error) {
	for more := true; more; {
		err := d.store.Update(ctx, func(tx store.Tx) (err error) {
			n, more, err = d.finishSome(tx, n)
			return err
		})
		if err != nil {
			return n, fmt.Errorf("run %s: %w", n.PublicID, err)
		}
	}
	return n, nil
}

func (d *Directory) finishSome(tx store.Tx, n store.Run) (store.Run, bool, error) {
	p, err := tx.LockPush(n.Tenant, n.Source)
	if err != nil {
		return n, false, err
	}
	if n, err = tx.Run(n.Tenant, n.PublicID); err != nil || n.State != store.RunApproved && n.State != store.RunRejected {
		return n, false, ignoreNotFound(err)
	}
	w, set, err := d.deciding(tx, n)
	if err != nil {
		return n, false, err
	}
	some, err := tx.HeldChanges(n.Source, n.PublicID, 0, decidedBatch)
	if err != nil {
		return n, false, err
	}
	for _, h := range some {
		if p.Held -= 1 + h.Members; n.State == store.RunRejected {
			err = w.forgetHeld(set, h)
		} else {
			err = w.carryOut(set, h, &n)
		}
		if err != nil {
			return n, false, err
		}
	}
	if err := errors.Join(w.close(), tx.PutPush(p)); err != nil {
		return n, false, err
	}
	more := len(some) == decidedBatch
	switch {
	case more:
		n.Phase = "deciding"
	case n.State == store.RunApproved:
		n.State, n.Phase = store.RunSucceeded, ""
	default:
		n.Phase = ""
	}
	return n, more, d.putRun(tx, &n)
}

// deciding gives a writer in the name of the source, for the person who decided.
func (d *Directory) deciding(tx store.Tx, n store.Run) (*Writer, *schema.Set, error) {
	tenants, err := tx.Tenants()
	if err != nil {
		return nil, nil, err
	}
	sources, err := tx.Sources(n.Tenant)
	if err != nil {
		return nil, nil, err
	}
	custom, err := tx.CustomAttributes(n.Tenant)
	if err != nil {
		return nil, nil, err
	}
	set, err := schema.New(custom)
	t := slices.IndexFunc(tenants, func(t store.Tenant) bool { return t.ID == n.Tenant })
	s := slices.IndexFunc(sources, func(s store.Source) bool { return s.ID == n.Source })
	if err != nil || t < 0 || s < 0 {
		return nil, nil, errors.Join(err, store.ErrNotFound)
	}
	// It is done whatever the source's mode is by now: a person said so.
	source := sources[s]
	source.Mode = store.ModeActive
	a := Actor{Tenant: tenants[t], Source: source, Token: n.DecidedBy, Run: n.PublicID, Txn: d.newID(), decided: true}
	return &Writer{d: d, tx: tx, actor: a, now: d.now()}, set, nil
}

// carryOut does what waited for one resource. What can't be done any more is
// told, and stops itself only (law 10).
func (w *Writer) carryOut(set *schema.Set, h store.HeldChange, n *store.Run) error {
	res, members, err := w.takeHeld(h)
	if err != nil {
		return err
	}
	t := set.OfKind(res.Kind)
	err = w.Savepoint(func() error {
		if h.Delete {
			return w.Delete(t, res.ID, nil)
		}
		c := Change{Apply: func(o *document.Object) error {
			for _, x := range readWishes(t, h.Attributes) {
				o.SetAt(x.attr, x.value)
			}
			return nil
		}}
		if len(members) > 0 {
			c.Members = []MemberOp{{Remove: members}}
		}
		_, err := w.Modify(t, res.ID, nil, c)
		return err
	})
	var v *Violation
	switch {
	case err == nil:
		count(n, t, h)
		return nil
	case errors.Is(err, store.ErrNotFound): // it is gone by itself
		return nil
	case !errors.As(err, &v):
		return err
	}
	n.Counts.Failed++
	w.refused = nil // of the savepoint; this says it
	e := w.event(eventType(t, "refused"), &res)
	e.Outcome, e.Reason, e.Detail = OutcomeRefused, v.Rule, v.Error()
	return w.tx.PutProblem(store.Problem{
		Tenant: n.Tenant, Source: n.Source, Anchor: res.ID, Code: v.Rule, Kind: kindNames[res.Kind], Display: document.Truncate(res.Display, 200),
		Detail: v.Error(), Retry: "givenUp", Run: n.PublicID, FirstAt: w.now, LastAt: w.now,
	})
}

// count counts what was carried out.
func count(n *store.Run, t *schema.ResourceType, h store.HeldChange) {
	if h.Delete {
		n.Counts.Deleted++
		return
	}
	toll := readWishes(t, h.Attributes).toll(t)
	n.Counts.Disabled += toll.Disables
	n.Counts.IdentityChanges += toll.IdentityChanges
	n.Counts.MembershipRemovals += h.Members
	n.Counts.LostGrants += h.Members
}

// forgetHeld forgets what waited for one resource, and tells so.
func (w *Writer) forgetHeld(set *schema.Set, h store.HeldChange) error {
	res, members, err := w.takeHeld(h)
	if err != nil {
		return err
	}
	t := set.OfKind(res.Kind)
	tell := func(typ string) *store.Event {
		e := w.event(typ, &res)
		e.Outcome, e.Reason = OutcomeRejected, ReasonOverLimit
		return e
	}
	if h.Delete {
		tell(eventType(t, "deleted"))
	}
	if h.Attributes != nil {
		tell(eventType(t, "updated")).After = h.Attributes
	}
	for chunk := range slices.Chunk(members, maxListed) {
		tell(eventType(t, "membersChanged")).Before = idList("members", chunk)
	}
	return nil
}

// takeHeld reads what waits for a resource, and forgets that it does.
func (w *Writer) takeHeld(h store.HeldChange) (res store.Resource, members []string, err error) {
	for after := int64(0); int64(len(members)) < h.Members; {
		some, err := w.tx.HeldMembers(h.Source, h.RID, after, 5000)
		if err != nil {
			return res, nil, err
		}
		if len(some) == 0 {
			break
		}
		for _, m := range some {
			after, members = m.RID, append(members, m.ID)
		}
	}
	if err := w.tx.DeleteHeld(h.Source, h.RID); err != nil {
		return res, nil, err
	}
	res, err = w.tx.Resource(h.Tenant, h.RID)
	return res, members, err
}

package directory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// UndoRequest says how to undo a run.
type UndoRequest struct {
	// SkipNewer undoes what can be undone where newer facts stand in the way of
	// the rest.
	SkipNewer bool
	// PlanHash is the Hash of the plan that was seen; "" is enough within the
	// source's limits.
	PlanHash string
}

// UndoRefused is a Violation of RuleNewerFact or RuleConfirmationRequired with
// the plan that shows why.
type UndoRefused struct {
	Violation
	Plan *UndoPlan
}

// Unwrap gives the Violation.
func (e *UndoRefused) Unwrap() error { return &e.Violation }

// undoKind is the kind of runs that undo. Their partition is the id of the run
// that they undo.
const undoKind = "undo"

// undoing is an undo on its way.
type undoing struct {
	d      *Directory
	actor  Actor     // the source, on behalf of an administrator, for the run
	undone store.Run // what is undone
	run    store.Run // what undoes it; zero until it has begun
	set    *schema.Set
	// ours are the runs whose events are no newer facts: the one that is undone,
	// and those that undid it so far.
	ours map[string]bool
}

// UndoRun makes, for an administrator, what a run's source asserts what it was
// before the run: what the run created is ended, as a delete by the source would,
// what it deleted is there again under its id, attributes have the values of
// before, and members are back or gone again. It does so from the run's events,
// the newest first, through the same core, as a new run of kind undo.
//
// What the source has asserted since about the same attribute, membership or
// link is newer and stays; unless SkipNewer is set, nothing at all is undone
// then: an UndoRefused of RuleNewerFact. Over a limit of the source it takes the
// plan's hash, or is an UndoRefused of RuleConfirmationRequired. A run of up to
// 200 events is undone in one transaction, and its preview (Actor.DryRun) is that
// transaction rolled back; a larger one in several, and its plan is judged by
// events. If one of those is refused, what was undone before stays, the run is
// failed, and undoing again goes on. The plan is also given beside an error.
func (d *Directory) UndoRun(ctx context.Context, a Actor, id string, q UndoRequest) (store.Run, *UndoPlan, error) {
	if err := onlyAdmins(a); err != nil {
		return store.Run{}, nil, err
	}
	u, err := d.beginUndo(ctx, a, id)
	if err != nil {
		return store.Run{}, nil, err
	}
	plan, err := u.plan(ctx)
	if err == nil && !a.DryRun {
		err = u.permit(q, plan)
	}
	if err != nil || a.DryRun {
		return store.Run{}, plan, err
	}
	done, err := u.apply(ctx, q.SkipNewer)
	return u.run, done, err
}

// beginUndo finds the run and says whether it can be undone at all.
func (d *Directory) beginUndo(ctx context.Context, a Actor, id string) (*undoing, error) {
	u := &undoing{d: d, ours: map[string]bool{}}
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		if u.undone, err = seenRun(r, a, id); err != nil {
			return err
		}
		u.actor = Actor{Token: a.Token, Txn: a.Txn, Run: d.newID(), decided: true}
		if u.actor.Tenant, err = r.Tenant(a.Tenant.Slug); err != nil {
			return err
		}
		sources, err := r.Sources(a.Tenant.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(sources, func(s store.Source) bool { return s.ID == u.undone.Source })
		if i < 0 {
			return store.ErrNotFound
		}
		u.actor.Source = sources[i]
		return u.undoneBy(r)
	})
	switch {
	case err != nil:
		return nil, err
	case u.undone.State.Open():
		return nil, &Violation{
			Rule: RuleRunState, Attribute: "state", Detail: fmt.Sprintf("The run is %s; only one that has ended is undone.", u.undone.State),
			Way: "Wait for its end, cancel it or reject its plan.",
		}
	case u.actor.staging():
		return nil, &Violation{Rule: RuleRunState, Attribute: "mode", Detail: "The source is in staging, where nothing is written.", Way: "Set its mode to disabled or active."}
	}
	u.set, err = d.Schema(ctx, u.actor.Tenant)
	return u, err
}

// undoneBy notes the runs that undid it so far.
func (u *undoing) undoneBy(r store.Reader) error {
	u.ours[u.undone.PublicID], u.ours[u.actor.Run] = true, true
	for before := int64(0); ; {
		all, err := r.Runs(store.RunQuery{Tenant: u.undone.Tenant, Source: u.undone.Source, Before: before, Limit: undoBatch})
		if err != nil {
			return err
		}
		for _, n := range all {
			if n.Kind == undoKind && n.Partition == u.undone.PublicID {
				u.ours[n.PublicID] = true
			}
			before = n.ID
		}
		if len(all) < undoBatch {
			return nil
		}
	}
}

// plan works out what undoing takes. Nothing is written.
func (u *undoing) plan(ctx context.Context) (*UndoPlan, error) {
	var plan *UndoPlan
	for before, more := int64(0), true; more; {
		var steps []*undoStep
		var events int
		var next int64
		err := u.d.store.View(ctx, func(r store.Reader) (err error) {
			steps, events, next, err = u.steps(r, before)
			return err
		})
		if err != nil {
			return nil, err
		}
		if before == 0 && next == 0 {
			return u.rehearse(ctx)
		}
		if plan == nil {
			plan = newUndoPlan()
		}
		plan.Counts.Events += int64(events)
		plan.addSteps(steps)
		before, more = next, next != 0
	}
	return u.judged(ctx, plan)
}

// rehearse undoes all in one transaction that is rolled back.
func (u *undoing) rehearse(ctx context.Context) (*UndoPlan, error) {
	var plan *UndoPlan
	_, err := u.d.Write(ctx, u.actor, true, func(w *Writer) error {
		plan = newUndoPlan()
		steps, events, _, err := u.steps(w.tx, 0)
		if err != nil {
			return err
		}
		plan.Counts.Events = int64(events)
		steps, err = w.undoSteps(u, steps)
		plan.addSteps(steps)
		return err
	})
	if err != nil {
		return nil, err
	}
	return u.judged(ctx, plan)
}

// judged ends a plan, and holds it against the source's limits.
func (u *undoing) judged(ctx context.Context, plan *UndoPlan) (*UndoPlan, error) {
	plan.end()
	var limits reconcile.Limits
	err := u.d.store.View(ctx, func(r store.Reader) (err error) {
		limits, err = undoLimits(r, u.actor.Source.ID)
		return err
	})
	plan.Over = overLimit(limits, plan.Counts)
	return plan, err
}

// permit refuses a plan that isn't to be carried out.
func (u *undoing) permit(q UndoRequest, plan *UndoPlan) error {
	switch n := plan.Counts.Blocked; {
	case n > 0 && !q.SkipNewer:
		detail := fmt.Sprintf("%d steps can't be undone. The newest: %s", n, plan.Blocked[0].Detail)
		if n == 1 {
			detail = plan.Blocked[0].Detail
		}
		return &UndoRefused{Violation{Rule: RuleNewerFact, Detail: detail, Way: "Undo the newer run first, or leave out what can't be undone with skipNewer."}, plan}
	case q.PlanHash != "" && q.PlanHash != plan.Hash:
		return &UndoRefused{Violation{
			Rule: RuleConfirmationRequired, Attribute: "planHash", Detail: "The plan has the hash " + plan.Hash + " by now, and that is not what you confirm.", Way: "Read the plan again and send its hash.",
		}, plan}
	case q.PlanHash == "" && plan.Over != "":
		return &UndoRefused{Violation{Rule: RuleConfirmationRequired, Attribute: "planHash", Detail: plan.Over, Way: "Read the plan and send its hash as planHash."}, plan}
	}
	return nil
}

// apply undoes the run, batch by batch.
func (u *undoing) apply(ctx context.Context, skipNewer bool) (*UndoPlan, error) {
	done := newUndoPlan()
	for before, more := int64(0), true; more; {
		var steps []*undoStep
		var events int
		var next int64
		run := u.run
		_, err := u.d.Write(ctx, u.actor, false, func(w *Writer) (err error) {
			run = u.run
			if err := w.startUndo(u, &run); err != nil {
				return err
			}
			if steps, events, next, err = u.steps(w.tx, before); err != nil {
				return err
			}
			if steps, err = w.undoSteps(u, steps); err != nil {
				return err
			}
			part := newUndoPlan()
			part.addSteps(steps)
			if part.Counts.Blocked > 0 && !skipNewer {
				part.end()
				return u.permit(UndoRequest{}, part)
			}
			return w.keepUndo(u, &run, part.Counts, int64(events), next == 0)
		})
		if err != nil {
			return done, u.failed(ctx, err)
		}
		u.run = run
		done.Counts.Events += int64(events)
		done.addSteps(steps)
		before, more = next, next != 0
	}
	done.end()
	return done, nil
}

// abandonedAfter is how long an undo or a verification may say nothing before
// another one takes its place.
const abandonedAfter = time.Minute

// startUndo begins the run, unless it has begun. Of a source one undo goes on at
// a time.
func (w *Writer) startUndo(u *undoing, n *store.Run) error {
	if n.ID != 0 {
		return nil
	}
	err := w.d.oneAtATime(w.tx, u.actor, u.actor.Source.ID, undoKind, "The run %s undoes another one of this source right now.")
	if err != nil {
		return err
	}
	*n = store.Run{
		Tenant: u.actor.Tenant.ID, Source: u.actor.Source.ID, PublicID: u.actor.Run, Kind: undoKind, State: store.RunRunning,
		Partition: u.undone.PublicID, Holder: u.actor.Token, Phase: "undoing", StartedAt: w.now, UpdatedAt: w.now, Version: 1,
	}
	return w.tx.InsertRun(n, keepRuns)
}

// keepUndo counts a batch, and ends the run behind the last one.
func (w *Writer) keepUndo(u *undoing, n *store.Run, c UndoCounts, events int64, last bool) error {
	n.Done += events
	n.Counts.Created += c.Revived
	n.Counts.Updated += c.Restored - c.Disabled
	n.Counts.Disabled += c.Disabled
	n.Counts.Deleted += c.Ended
	if c.Blocked > 0 {
		n.Counts.Skipped = map[string]int64{RuleNewerFact: n.Counts.Skipped[RuleNewerFact] + c.Blocked}
	}
	if !last {
		return w.d.putRun(w.tx, n)
	}
	n.State, n.Phase, n.Total = store.RunSucceeded, "", n.Done
	if err := w.d.putRun(w.tx, n); err != nil {
		return err
	}
	return w.d.tell(w.tx, controlEvent{
		tenant: n.Tenant, source: n.Source, by: u.actor.Token, txn: u.actor.Txn, run: n.PublicID, typ: "run.undone", subject: u.undone.PublicID,
		after: map[string]any{"by": n.PublicID, "counts": n.Counts},
	})
}

// failed ends a run that has begun and could not go on, and gives the error.
func (u *undoing) failed(ctx context.Context, err error) error {
	if u.run.ID == 0 {
		return err // nothing was written
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	n := u.run
	n.State, n.Detail = store.RunFailed, "What was undone stays; undo the run again to go on."
	var v *Violation
	if errors.As(err, &v) {
		n.Detail = v.Detail + " " + n.Detail
	}
	tell := u.d.store.Update(ctx, func(tx store.Tx) error {
		run := n
		return u.d.endRun(tx, u.actor, &run)
	})
	u.run = n
	if tell != nil {
		return errors.Join(err, tell)
	}
	return err
}

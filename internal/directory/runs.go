package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// The bounds of runs.
const (
	keepRuns       = 1000     // of a source; older ones go
	MaxPlan        = 64 << 20 // bytes
	planPart       = 256 << 10
	MaxReports     = 500 // objects reported at once
	maxSkipReasons = 64
	maxObjects     = 1 << 53 // what a JSON number holds exactly
)

// RunKinds are what a run can be.
var runKinds = []string{"full", "delta", "preview", "verify", "resync"}

// StartRun begins a run in the partition whose lease the actor claims. One that
// still runs there was left by a holder that is gone: it is abandoned. (To go on
// with it instead, update it.) The id goes with each write, as RunHeader.
func (d *Directory) StartRun(ctx context.Context, a Actor, source, kind string, change RunChange) (store.Run, error) {
	if err := onlySources(a); err != nil {
		return store.Run{}, err
	}
	if !slices.Contains(runKinds, kind) {
		return store.Run{}, invalid("kind", fmt.Sprintf("%.20q is no kind of run.", kind), "Use full, delta, preview, verify or resync.")
	}
	if change.State != nil {
		return store.Run{}, invalid("state", "A run begins as running.", "Leave state out.")
	}
	if err := change.check(); err != nil {
		return store.Run{}, err
	}
	a.Run = "" // of the one before
	var n store.Run
	err := d.update(ctx, a, func(tx store.Tx) error {
		s, err := ownSource(tx, a, source)
		if err != nil {
			return err
		}
		l, err := d.lockHeld(tx, a)
		if err != nil {
			return err
		}
		left, err := tx.Runs(store.RunQuery{Tenant: s.Tenant, Source: s.ID, State: store.RunRunning, Limit: keepRuns})
		if err != nil {
			return err
		}
		for _, old := range left {
			if old.Partition != l.Partition {
				continue
			}
			old.State, old.Detail = store.RunAbandoned, "Another run began in its place."
			if err := d.endRun(tx, a, &old); err != nil {
				return err
			}
		}
		now := d.now()
		n = store.Run{
			Tenant: s.Tenant, Source: s.ID, PublicID: d.newID(), Kind: kind, State: store.RunRunning, Partition: l.Partition,
			Holder: l.Holder, Token: l.Token, StartedAt: now, UpdatedAt: now, Version: 1,
		}
		change.apply(&n)
		if err := tx.InsertRun(&n, keepRuns); err != nil {
			return err
		}
		l.Run = n.PublicID
		return tx.PutLease(l)
	})
	return n, err
}

// lockHeld is held for who changes the lease.
func (d *Directory) lockHeld(tx store.Tx, a Actor) (store.Lease, error) {
	if a.Fence == (Fence{}) {
		return store.Lease{}, leaseRequired()
	}
	l, err := tx.LockLease(a.Source.ID, a.Fence.Partition)
	if err != nil {
		return l, err
	}
	return l, d.judgeLease(l, a)
}

// endRun writes a run in a state that a person may want to hear of, with the
// event that tells.
func (d *Directory) endRun(tx store.Tx, a Actor, n *store.Run) error {
	if err := d.putRun(tx, n); err != nil {
		return err
	}
	return d.tellRun(tx, a, *n)
}

// putRun writes the next version of a run.
func (d *Directory) putRun(tx store.Tx, n *store.Run) error {
	n.UpdatedAt, n.Version = d.now(), n.Version+1
	if !n.State.Open() {
		n.EndedAt = n.UpdatedAt
	}
	return tx.UpdateRun(*n)
}

func (d *Directory) tellRun(tx store.Tx, a Actor, n store.Run) error {
	facts := map[string]any{"kind": n.Kind, "partition": n.Partition, "counts": n.Counts}
	if n.Detail != "" {
		facts["detail"] = n.Detail
	}
	if n.PlanHash != nil {
		facts["planHash"] = hex.EncodeToString(n.PlanHash)
	}
	return d.tell(tx, controlEvent{
		tenant: n.Tenant, source: n.Source, by: a.Token, txn: a.Txn, run: n.PublicID, typ: "run." + string(n.State), subject: n.PublicID, after: facts,
	})
}

// RunChange is what a connector tells about its run; nil for what stays.
type RunChange struct {
	State  *store.RunState
	Phase  *string
	Done   *int64
	Total  *int64
	Counts *store.RunCounts
	Detail *string
	NextAt *time.Time
}

func (c RunChange) check() error {
	var errs []error
	for name, s := range map[string]*string{"phase": c.Phase, "detail": c.Detail} {
		if s != nil {
			errs = append(errs, text(name, *s, 0, 1000))
		}
	}
	counts := map[string]*int64{"done": c.Done, "total": c.Total}
	if c.Counts != nil {
		k := c.Counts
		for name, n := range map[string]*int64{
			"created": &k.Created, "updated": &k.Updated, "disabled": &k.Disabled, "deleted": &k.Deleted, "unchanged": &k.Unchanged, "failed": &k.Failed,
			"membershipRemovals": &k.MembershipRemovals, "identityChanges": &k.IdentityChanges, "lostGrants": &k.LostGrants, "held": &k.Held,
		} {
			counts["counts."+name] = n
		}
		if len(k.Skipped) > maxSkipReasons {
			errs = append(errs, invalid("counts.skipped", fmt.Sprintf("There are more than %d reasons.", maxSkipReasons), ""))
		}
		for code, n := range k.Skipped {
			errs = append(errs, text("counts.skipped", code, 1, 64))
			counts["counts.skipped."+code] = &n
		}
	}
	for name, n := range counts {
		if n != nil && (*n < 0 || *n > maxObjects) {
			errs = append(errs, invalid(name, name+" is a count of 0 or more.", ""))
		}
	}
	if c.NextAt != nil && (c.NextAt.Year() < 2000 || c.NextAt.Year() > 9999) {
		errs = append(errs, invalid("nextAt", "nextAt is no time.", ""))
	}
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (c RunChange) apply(n *store.Run) {
	set(&n.State, c.State)
	set(&n.Phase, c.Phase)
	set(&n.Done, c.Done)
	set(&n.Total, c.Total)
	set(&n.Counts, c.Counts)
	set(&n.Detail, c.Detail)
	if c.NextAt != nil {
		n.NextAt = c.NextAt.UTC().Truncate(time.Microsecond)
	}
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// runMoves are the states that a connector can bring its run to. Approving and
// rejecting is a person's; what was approved can't fail before it is begun.
var runMoves = map[store.RunState][]store.RunState{
	store.RunQueued:   {store.RunCancelled},
	store.RunRunning:  {store.RunRunning, store.RunHeld, store.RunSucceeded, store.RunFailed, store.RunCancelled, store.RunAbandoned},
	store.RunHeld:     {store.RunHeld, store.RunCancelled, store.RunAbandoned},
	store.RunApproved: {store.RunApproved, store.RunRunning, store.RunCancelled},
}

// UpdateRun tells how far a run is, or how it ended. The source does so under
// the lease of its partition, also for a run that a former holder left, which
// becomes its own. An administrator can only cancel. cond judges the run's
// version; nil asks for nothing. What the state doesn't allow is a Violation of
// RuleRunState; a run is held only with its plan.
func (d *Directory) UpdateRun(ctx context.Context, a Actor, id string, cond Precondition, c RunChange) (store.Run, error) {
	if err := c.check(); err != nil {
		return store.Run{}, err
	}
	if a.Admin && (c.State == nil || *c.State != store.RunCancelled || c.Phase != nil || c.Done != nil || c.Total != nil || c.Counts != nil || c.NextAt != nil) {
		return store.Run{}, onlySources(a)
	}
	var n store.Run
	err := d.update(ctx, a, func(tx store.Tx) error {
		var l store.Lease
		var err error
		if !a.Admin {
			if l, err = d.lockHeld(tx, Actor{Source: a.Source, Agent: a.Agent, Fence: a.Fence}); err != nil {
				return err
			}
		}
		if n, err = seenRun(tx, a, id); err != nil {
			return err
		}
		if cond != nil && !cond(n.Version) {
			return &Violation{Rule: RuleVersionMismatch, Detail: "The run has changed since you read it.", Way: "Read it again."}
		}
		if n.Kind == pushKind {
			return &Violation{Rule: RuleRunState, Attribute: "state", Detail: "A push goes on and ends by itself.", Way: "Approve or reject it when it is held."}
		}
		before := n.State
		c.apply(&n)
		if err := checkMove(before, n); err != nil {
			return err
		}
		if a.Admin {
			n.DecidedBy = a.Token
			return d.endRun(tx, a, &n)
		}
		if n.Partition != l.Partition {
			return invalid(LeaseHeader, "The lease is of another partition than the run.", "Claim the lease of the run's partition.")
		}
		n.Holder, n.Token = l.Holder, l.Token
		return d.progress(tx, a, l, &n, before)
	})
	return n, err
}

func checkMove(before store.RunState, n store.Run) error {
	if !slices.Contains(runMoves[before], n.State) {
		return &Violation{Rule: RuleRunState, Attribute: "state", Detail: fmt.Sprintf("A run that is %s can't become %.20q.", before, string(n.State))}
	}
	if n.State == store.RunHeld && n.PlanHash == nil {
		return &Violation{Rule: RuleRunState, Attribute: "state", Detail: "A run is held with its plan, and this one has none.", Way: "Upload the plan first."}
	}
	return nil
}

// progress writes a run that its connector moved on; the lease remembers the one
// that goes on. That a verification ended is told with the hash of its report.
func (d *Directory) progress(tx store.Tx, a Actor, l store.Lease, n *store.Run, before store.RunState) error {
	going := ""
	if n.State == store.RunRunning {
		going = n.PublicID
	}
	if l.Run != going && (going != "" || l.Run == n.PublicID) {
		l.Run = going
		if err := tx.PutLease(l); err != nil {
			return err
		}
	}
	if n.State == before || n.State == store.RunRunning || n.State == store.RunSucceeded && n.Kind != verifyKind {
		return d.putRun(tx, n)
	}
	return d.endRun(tx, a, n)
}

// seenRun finds a run that the actor may see.
func seenRun(r store.Reader, a Actor, id string) (store.Run, error) {
	if _, err := uuid.Parse(id); err != nil {
		return store.Run{}, store.ErrNotFound
	}
	n, err := r.Run(a.Tenant.ID, id)
	if err == nil && !a.Admin && n.Source != a.Source.ID {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Run{}, err
	}
	return n, nil
}

// Run gets a run that the actor sees; the plan of a held push is worked out for
// it.
func (d *Directory) Run(ctx context.Context, a Actor, id string) (n store.Run, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		n, err = seenRun(r, a, id)
		return err
	})
	if err == nil {
		n, err = d.planned(ctx, a, n)
	}
	return n, err
}

// RunSource gets the source of a run.
func (d *Directory) RunSource(ctx context.Context, n store.Run) (s store.Source, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		s, err = d.SourceInfo(r, n.Tenant, n.Source)
		return err
	})
	return s, err
}

// Runs gives runs that the actor sees, the newest first; source is the public
// id of one, "" for all that it sees.
func (d *Directory) Runs(ctx context.Context, a Actor, source string, state store.RunState, before int64, limit int) ([]store.Run, error) {
	q := store.RunQuery{Tenant: a.Tenant.ID, State: state, Before: before, Limit: limit}
	if !a.Admin {
		q.Source = a.Source.ID
	}
	var all []store.Run
	err := d.store.View(ctx, func(r store.Reader) error {
		if source != "" {
			s, err := seenSource(r, a, source)
			if err != nil {
				return err
			}
			q.Source = s.ID
		}
		var err error
		all, err = r.Runs(q)
		return err
	})
	return all, err
}

// DecideRun approves or rejects a held run for an administrator, who names the
// plan by its hash in hex: what was approved is what will be done. A connector
// does it with its next pull; of a push, the source's own server does it at once,
// so that the run has ended when this returns, unless ctx ends before. A preview
// of it is of the decision: what it would do stands in the plan.
func (d *Directory) DecideRun(ctx context.Context, a Actor, id string, approve bool, planHash, detail string) (store.Run, error) {
	if err := onlyAdmins(a); err != nil {
		return store.Run{}, err
	}
	if err := text("detail", detail, 0, 1000); err != nil {
		return store.Run{}, err
	}
	n, err := d.Run(ctx, a, id)
	if err != nil || n.Kind == pushKind {
		if err == nil {
			n, err = d.decidePush(ctx, a, n, approve, planHash, detail)
		}
		return n, err
	}
	err = d.update(ctx, a, func(tx store.Tx) error {
		if n, err = seenRun(tx, a, id); err != nil {
			return err
		}
		if err := decide(a, &n, approve, planHash, detail); err != nil {
			return err
		}
		return d.endRun(tx, a, &n)
	})
	return n, err
}

// SavePlan reads the plan of a running run, up to MaxPlan bytes, and works out
// its hash. It is stored part by part; only a plan that was read to its end
// becomes the run's, in place of the one before.
func (d *Directory) SavePlan(ctx context.Context, a Actor, id string, body io.Reader) (store.Run, error) {
	if err := onlySources(a); err != nil {
		return store.Run{}, err
	}
	a.Run = ""
	running := func(tx store.Tx) (store.Run, error) {
		if _, err := d.held(tx, a); err != nil {
			return store.Run{}, err
		}
		n, err := seenRun(tx, a, id)
		switch {
		case err != nil:
			return n, err
		case n.Partition != a.Fence.Partition:
			return n, invalid(LeaseHeader, "The lease is of another partition than the run.", "Claim the lease of the run's partition.")
		case n.State != store.RunRunning:
			return n, &Violation{Rule: RuleRunState, Attribute: "state", Detail: fmt.Sprintf("The run is %s; a plan is for a running one.", n.State)}
		}
		return n, nil
	}
	h, size, upload := sha256.New(), int64(0), rand.Int64()
	buf := make([]byte, planPart)
	for position, end := 0, false; !end; position++ {
		k, err := io.ReadFull(body, buf)
		if end = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); err != nil && !end {
			return store.Run{}, err
		}
		if size += int64(k); size > MaxPlan {
			return store.Run{}, &Violation{Rule: RuleTooMany, Detail: fmt.Sprintf("The plan is larger than %d bytes.", MaxPlan)}
		}
		if k == 0 {
			break
		}
		h.Write(buf[:k])
		err = d.update(ctx, a, func(tx store.Tx) error {
			n, err := running(tx)
			if err != nil {
				return err
			}
			return tx.PutPlanPart(n.ID, upload, position, buf[:k])
		})
		if err != nil {
			return store.Run{}, err
		}
	}
	if size == 0 {
		return store.Run{}, invalid("", "The plan is empty.", "")
	}
	var n store.Run
	err := d.update(ctx, a, func(tx store.Tx) error {
		var err error
		if n, err = running(tx); err != nil {
			return err
		}
		n.PlanHash, n.PlanSize = h.Sum(nil), size
		if err := d.putRun(tx, &n); err != nil {
			return err
		}
		return tx.KeepPlan(n.ID, upload)
	})
	return n, err
}

// Plan calls part for the parts of a run's plan, in order; store.ErrNotFound if
// it has none. Each is read by itself, so that a slow reader keeps nothing busy.
func (d *Directory) Plan(ctx context.Context, a Actor, id string, part func(n store.Run, b []byte) error) error {
	n, err := d.Run(ctx, a, id)
	if err == nil && n.PlanHash == nil {
		err = store.ErrNotFound
	}
	if err != nil {
		return err
	}
	for position, sent := 0, int64(0); sent < n.PlanSize; position++ {
		var b []byte
		err := d.store.Look(ctx, func(r store.Reader) (err error) {
			b, err = r.PlanPart(n.ID, position)
			return err
		})
		if err == nil {
			err = part(n, b)
		}
		if err != nil {
			return err
		}
		sent += int64(len(b))
	}
	return nil
}

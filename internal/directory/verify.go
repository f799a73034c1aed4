package directory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math/rand/v2"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The kinds of discrepancies (row H053).
const (
	Missing   = "missing"   // a source asserts it, and it isn't shown
	Extra     = "extra"     // it is shown, and no source asserts it
	Attribute = "attribute" // it has another value than follows from what is asserted
	Member    = "member"    // a membership that its source can't have asserted
	Index     = "index"     // what is looked up by is not what is stored
	Count     = "count"     // a total is not the number of what is there
)

// Discrepancy is one thing that is stored otherwise than it should be.
type Discrepancy struct {
	Kind      string `json:"kind"`
	Source    string `json:"source,omitempty"`    // the public id of the source that it is about
	Subject   string `json:"subject,omitempty"`   // the id of the resource
	Attribute string `json:"attribute,omitempty"` // its path
	// Stored and Expected are the two values, as JSON or as words, up to 500 bytes.
	Stored   string `json:"stored,omitempty"`
	Expected string `json:"expected,omitempty"`
	Detail   string `json:"detail"`
}

const verifyKind = "verify"

// maxTold is how many bytes of a value a report shows.
const maxTold = 500

// maxDiscrepancies is how many a report lists; all are counted.
const maxDiscrepancies = 100_000

// VerifySource compares, object by object, what a source asserted with what
// follows from it and is stored: a run of kind verify, whose report can be read
// as its plan (JSON lines, one a discrepancy) and whose planHash is the report's
// SHA-256, which the log holds too. Each resource is resolved anew from its
// links and compared with its document, class, authority and state, its index
// rows and its memberships; the totals are counted anew. The run's counts are
// resources: unchanged ones agree, failed ones don't; skipped counts the
// discrepancies by their kind. It reads one snapshot and keeps little of it in
// memory; one verification of a source goes on at a time. For administrators.
func (d *Directory) VerifySource(ctx context.Context, a Actor, source string) (store.Run, error) {
	if err := onlyAdmins(a); err != nil {
		return store.Run{}, err
	}
	v := &verification{d: d, actor: a, found: map[string]int64{}, sum: sha256.New(), upload: rand.Int64()}
	if err := v.begin(ctx, source); err != nil {
		return store.Run{}, err
	}
	err := d.store.View(ctx, func(r store.Reader) error { return v.check(ctx, r) })
	if err == nil {
		err = v.flush(ctx)
	}
	return v.finish(ctx, err)
}

// verification is one on its way.
type verification struct {
	d      *Directory
	actor  Actor
	source store.Source
	set    *schema.Set
	run    store.Run

	found    map[string]int64 // discrepancies by kind
	listed   int64
	bad      int64 // resources with a discrepancy
	subjects int64 // resources that were looked at
	report   bytes.Buffer
	sum      hash.Hash
	upload   int64
	parts    int
	size     int64
}

// begin finds the source and starts the run.
func (v *verification) begin(ctx context.Context, source string) (err error) {
	err = v.d.store.Update(ctx, func(tx store.Tx) error {
		if v.source, err = seenSource(tx, v.actor, source); err != nil {
			return err
		}
		if v.actor.Tenant, err = tx.Tenant(v.actor.Tenant.Slug); err != nil {
			return err
		}
		if err := v.d.oneAtATime(tx, v.actor, v.source.ID, verifyKind, "The run %s verifies this source right now."); err != nil {
			return err
		}
		now := v.d.now()
		v.run = store.Run{
			Tenant: v.source.Tenant, Source: v.source.ID, PublicID: v.d.newID(), Kind: verifyKind, State: store.RunRunning, Partition: verifyKind,
			Holder: v.actor.Token, Phase: "comparing", StartedAt: now, UpdatedAt: now, Version: 1,
		}
		return tx.InsertRun(&v.run, keepRuns)
	})
	if err == nil {
		v.set, err = v.d.Schema(ctx, v.actor.Tenant)
	}
	return err
}

// oneAtATime refuses a run of a source while another one of its kind goes on, and
// abandons one that was left.
func (d *Directory) oneAtATime(tx store.Tx, a Actor, source int64, kind, busy string) error {
	if err := tx.LockSource(source); err != nil {
		return err
	}
	left, err := tx.Runs(store.RunQuery{Tenant: a.Tenant.ID, Source: source, State: store.RunRunning, Limit: keepRuns})
	if err != nil {
		return err
	}
	for _, old := range left {
		switch {
		case old.Kind != kind || old.Token != 0: // a connector's has a lease
		case d.now().Sub(old.UpdatedAt) < abandonedAfter:
			return &Violation{Rule: RuleRunState, Detail: fmt.Sprintf(busy, old.PublicID), Way: "Try again when it has ended."}
		default:
			old.State, old.Detail = store.RunAbandoned, "Another run began in its place."
			if err := d.endRun(tx, a, &old); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell adds a discrepancy to the report.
func (v *verification) tell(x Discrepancy) error {
	v.found[x.Kind]++
	if v.listed++; v.listed > maxDiscrepancies {
		return nil
	}
	for _, s := range []*string{&x.Stored, &x.Expected, &x.Detail} {
		*s = document.Truncate(*s, maxTold)
	}
	line, err := json.Marshal(x)
	v.report.Write(append(line, '\n'))
	return err
}

// progress saves how far it is, and the report as far as it goes.
func (v *verification) progress(ctx context.Context) error {
	if v.report.Len() >= planPart {
		if err := v.flush(ctx); err != nil {
			return err
		}
	}
	return v.d.store.Update(ctx, func(tx store.Tx) error {
		n := v.run
		v.count(&n)
		return tx.UpdateRun(n)
	})
}

func (v *verification) count(n *store.Run) {
	n.Done, n.Counts.Failed, n.Counts.Unchanged = v.subjects, v.bad, v.subjects-v.bad
	n.Counts.Skipped, n.UpdatedAt = v.found, v.d.now()
}

// flush writes what the report has more into the run's plan.
func (v *verification) flush(ctx context.Context) error {
	part := bytes.Clone(v.report.Bytes())
	if len(part) == 0 {
		return nil
	}
	err := v.d.store.Update(ctx, func(tx store.Tx) error { return tx.PutPlanPart(v.run.ID, v.upload, v.parts, part) })
	v.sum.Write(part)
	v.parts, v.size = v.parts+1, v.size+int64(len(part))
	v.report.Reset()
	return err
}

// finish ends the run, whatever became of it.
func (v *verification) finish(ctx context.Context, failure error) (store.Run, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	var n store.Run
	err := v.d.store.Update(ctx, func(tx store.Tx) error {
		n = v.run
		v.count(&n)
		n.State, n.Phase, n.Total = store.RunSucceeded, "", n.Done
		if failure != nil {
			n.State, n.Detail = store.RunFailed, "It could not be read to its end."
			return v.d.endRun(tx, v.actor, &n)
		}
		if n.Detail = "Everything agrees."; v.listed > 0 {
			n.Detail = fmt.Sprintf("%d discrepancies.", v.listed)
			n.PlanHash, n.PlanSize = v.sum.Sum(nil), v.size
			if err := tx.KeepPlan(n.ID, v.upload); err != nil {
				return err
			}
		}
		return v.d.endRun(tx, v.actor, &n)
	})
	return n, errors.Join(failure, err)
}

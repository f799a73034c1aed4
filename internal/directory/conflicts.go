package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// ConflictState is a conflict with the public names of what it is about.
type ConflictState struct {
	store.Conflict
	SourceID string // the public id of the source that asserts
	Subject  string // the id of the resource that it collided with
}

// Tag stands for what is decided about: it is another one after a decision, and
// after the source asserted something else.
func (c ConflictState) Tag() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %d %d ", c.Decision, c.DecidedAt.UnixMicro(), c.RID)
	h.Write(c.Doc)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// ConflictFilter picks conflicts: of one source, by its public id, and those
// that nobody has decided, or that somebody has. The zero value picks all.
type ConflictFilter struct {
	Source        string
	Open, Decided bool
}

// Conflicts gives a tenant's conflicts for an administrator, the newest first:
// at most limit of those with an ID less than before, 0 to begin.
func (d *Directory) Conflicts(ctx context.Context, a Actor, f ConflictFilter, before int64, limit int) ([]ConflictState, error) {
	if err := onlyAdmins(a); err != nil {
		return nil, err
	}
	q := store.ConflictQuery{Tenant: a.Tenant.ID, Open: f.Open, Decided: f.Decided, Before: before, Limit: limit}
	var all []ConflictState
	err := d.store.View(ctx, func(r store.Reader) error {
		if f.Source != "" {
			s, err := seenSource(r, a, f.Source)
			if err != nil {
				return err
			}
			q.Source = s.ID
		}
		found, err := r.Conflicts(q)
		if err == nil {
			all, err = d.conflictStates(r, a, found)
		}
		return err
	})
	return all, err
}

func (d *Directory) conflictStates(r store.Reader, a Actor, found []store.Conflict) ([]ConflictState, error) {
	rids := make([]int64, len(found))
	for i, c := range found {
		rids[i] = c.RID
	}
	ids, err := r.IDs(a.Tenant.ID, rids)
	if err != nil {
		return nil, err
	}
	all := make([]ConflictState, len(found))
	for i, c := range found {
		s, err := d.SourceInfo(r, a.Tenant.ID, c.Source)
		if err != nil {
			return nil, err
		}
		all[i] = ConflictState{Conflict: c, SourceID: s.PublicID, Subject: ids[c.RID]}
	}
	return all, nil
}

// Conflict gets a conflict for an administrator.
func (d *Directory) Conflict(ctx context.Context, a Actor, id int64) (ConflictState, error) {
	if err := onlyAdmins(a); err != nil {
		return ConflictState{}, err
	}
	var out ConflictState
	err := d.store.View(ctx, func(r store.Reader) error {
		c, err := r.Conflict(a.Tenant.ID, id)
		if err == nil {
			out, err = d.conflictState(r, a, c)
		}
		return err
	})
	return out, err
}

func (d *Directory) conflictState(r store.Reader, a Actor, c store.Conflict) (ConflictState, error) {
	all, err := d.conflictStates(r, a, []store.Conflict{c})
	if err != nil {
		return ConflictState{}, err
	}
	return all[0], nil
}

// DecideConflict carries out an administrator's decision about a conflict
// (row H017). cond judges its Tag; nil asks for nothing.
//
//   - Adopt links the source to the resource, which keeps its id; an account that
//     was held aside for the source goes, and what it was in passes to the other.
//   - KeepApart leaves both as they are. The same assertion stays refused and
//     counts on this conflict.
//
// What was decided already is a Violation of RuleConflictDecided, unless it was
// kept apart and is now adopted by who says, with cond, that he knows. What
// can't be adopted any more, because the account is gone, has another name or
// the source has come by another one, is of RuleConflictChanged.
func (d *Directory) DecideConflict(ctx context.Context, a Actor, id int64, cond func(tag string) bool, decision store.Decision) (ConflictState, error) {
	if err := onlyAdmins(a); err != nil {
		return ConflictState{}, err
	}
	if decision != store.Adopt && decision != store.KeepApart {
		return ConflictState{}, invalid("decision", fmt.Sprintf("%.20q is no decision.", string(decision)), "Use adopt or keepApart.")
	}
	set, err := d.Schema(ctx, a.Tenant)
	if err != nil {
		return ConflictState{}, err
	}
	var out ConflictState
	_, err = d.Write(ctx, a, false, func(w *Writer) error {
		c, err := w.tx.Conflict(a.Tenant.ID, id)
		if err != nil {
			return err
		}
		if out, err = d.conflictState(w.tx, a, c); err != nil {
			return err
		}
		if err := judgeConflict(out, cond, decision); err != nil {
			return err
		}
		if decision == store.Adopt {
			err = w.adopt(set, c)
		}
		if err != nil {
			return err
		}
		out.Decision, out.DecidedBy, out.DecidedAt = decision, a.Token, w.now
		return w.decided(out)
	})
	return out, err
}

// judgeConflict sees to it that two who decide at once don't decide twice.
func judgeConflict(c ConflictState, cond func(tag string) bool, decision store.Decision) error {
	if cond != nil && !cond(c.Tag()) {
		return &Violation{Rule: RuleVersionMismatch, Detail: "The conflict has changed since you read it.", Way: "Read it again and decide then."}
	}
	if c.Open() || cond != nil && c.Decision == store.KeepApart && decision == store.Adopt {
		return nil
	}
	v := &Violation{
		Rule:   RuleConflictDecided,
		Detail: fmt.Sprintf("The conflict was decided as %s by %s at %s.", c.Decision, c.DecidedBy, c.DecidedAt.Format(time.RFC3339)),
	}
	if c.Decision == store.KeepApart && decision == store.Adopt {
		v.Way = "To adopt all the same, read it again and send its ETag as If-Match."
	}
	return v
}

// decided writes the decision, and tells it.
func (w *Writer) decided(c ConflictState) error {
	if err := w.tx.DecideConflict(c.Conflict); err != nil {
		return err
	}
	what := map[store.Decision]string{store.Adopt: "conflict.adopted", store.KeepApart: "conflict.keptApart"}[c.Decision]
	e := w.event(what, &store.Resource{ID: c.Subject, RID: c.RID})
	e.Source, e.Reason = c.Source, c.Reason
	var err error
	e.After, err = jsonOrNil(map[string]any{"conflict": c.ID, "externalId": c.ExternalID})
	return err
}

// keptApart says whether a person decided that the two of a conflict are two.
func (w *Writer) keptApart(c *store.Conflict) (bool, error) {
	found, err := w.tx.Conflicts(store.ConflictQuery{Tenant: c.Tenant, RID: c.RID, Source: c.Source, Decided: true, Limit: maxDecided})
	for _, old := range found {
		if old.ExternalID == c.ExternalID && old.Decision == store.KeepApart {
			return true, err
		}
	}
	return false, err
}

// maxDecided bounds the conflicts of one account that are looked through.
const maxDecided = 100

// kindOf finds the type that a conflict is about.
func kindOf(set *schema.Set, c store.Conflict) (*schema.ResourceType, error) {
	t := set.OfKind(c.Kind)
	if t == nil || t.UserName == nil {
		return nil, fmt.Errorf("directory: conflict %d is about the kind %d", c.ID, c.Kind)
	}
	return t, nil
}

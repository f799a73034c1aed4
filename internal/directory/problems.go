package directory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// ObjectReport is what became of one object in a run (row H047).
type ObjectReport struct {
	// Anchor names the object in its directory: 1 to 256 bytes.
	Anchor string
	// Code says what is wrong, 1 to 64 bytes; "" says that nothing is any more,
	// which clears the object's problems, and then the rest is not looked at.
	Code string
	// Kind is user, group, contact, computer, other or "".
	Kind string
	// Display names the object for people, Detail is a sentence about what is
	// wrong and what to do; up to 256 and 1000 bytes.
	Display, Detail string
	// Retry says what happens next: retrying, waiting (for a change) or givenUp.
	Retry string
}

func (o ObjectReport) check() error {
	if err := text("anchor", o.Anchor, 1, 256); err != nil || o.Code == "" {
		return err
	}
	for _, f := range []struct {
		name, value string
		least, most int
	}{{"code", o.Code, 1, 64}, {"display", o.Display, 0, 256}, {"detail", o.Detail, 0, 1000}} {
		if err := text(f.name, f.value, f.least, f.most); err != nil {
			return err
		}
	}
	if !slices.Contains([]string{"", "user", "group", "contact", "computer", "other"}, o.Kind) {
		return invalid("kind", fmt.Sprintf("%.20q is no kind of object.", o.Kind), "Use user, group, contact, computer or other.")
	}
	if !slices.Contains([]string{"retrying", "waiting", "givenUp"}, o.Retry) {
		return invalid("retry", fmt.Sprintf("%.20q doesn't say what happens next.", o.Retry), "Use retrying, waiting or givenUp.")
	}
	return nil
}

// ReportObjects records what became of objects, up to MaxReports, in a run under
// the lease that the actor claims: all or none. The same problem of the same
// object is one, which is counted up.
func (d *Directory) ReportObjects(ctx context.Context, a Actor, id string, all []ObjectReport) error {
	if err := onlySources(a); err != nil {
		return err
	}
	if len(all) == 0 || len(all) > MaxReports {
		return &Violation{Rule: RuleTooMany, Attribute: "objects", Detail: fmt.Sprintf("There are %d objects, 1 to %d can be reported at once.", len(all), MaxReports)}
	}
	for i, o := range all {
		if err := o.check(); err != nil {
			return fmt.Errorf("objects[%d]: %w", i, err)
		}
	}
	// One order of the rows, so that two who report at once don't lock each other out.
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(x, y ObjectReport) int { return cmp.Compare(x.Anchor, y.Anchor) })
	a.Run = ""
	return d.update(ctx, a, func(tx store.Tx) error {
		if _, err := d.held(tx, a); err != nil {
			return err
		}
		n, err := seenRun(tx, a, id)
		if err != nil {
			return err
		}
		now := d.now()
		for _, o := range all {
			if o.Code == "" {
				err = tx.ClearProblems(n.Source, o.Anchor)
			} else {
				err = tx.PutProblem(store.Problem{
					Tenant: n.Tenant, Source: n.Source, Anchor: o.Anchor, Code: o.Code, Kind: o.Kind, Display: o.Display, Detail: o.Detail,
					Retry: o.Retry, Run: n.PublicID, FirstAt: now, LastAt: now,
				})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ProblemsOf gives the problems of up to MaxReports objects of a source, by
// their anchors.
func (d *Directory) ProblemsOf(ctx context.Context, a Actor, source string, anchors []string) ([]store.Problem, error) {
	if len(anchors) > MaxReports {
		return nil, &Violation{Rule: RuleTooMany, Attribute: "anchors", Detail: fmt.Sprintf("There are %d anchors, up to %d can be asked about at once.", len(anchors), MaxReports)}
	}
	var all []store.Problem
	err := d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		all, err = r.ProblemsOf(s.ID, anchors)
		return err
	})
	return all, err
}

// Problems gives a source's problems behind an anchor and code, in their order.
func (d *Directory) Problems(ctx context.Context, a Actor, source, anchor, code string, limit int) ([]store.Problem, error) {
	var all []store.Problem
	err := d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		all, err = r.Problems(s.ID, anchor, code, limit)
		return err
	})
	return all, err
}

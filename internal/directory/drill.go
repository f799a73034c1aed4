package directory

import (
	"context"
	"errors"
	"fmt"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// DrillResult is what the guard made of one accident.
type DrillResult struct {
	// Scenario is emptyGroup, emptyDirectory or massDisable.
	Scenario string
	// Objects is how many objects, users or members the accident is about. What
	// would have gone through before the guard held the rest, is Through.
	Objects, Through, Held int64
	// Why is what the guard said, "" if it let everything through.
	Why string
}

// Passed says that the guard stopped the accident, or that there was nothing to
// lose.
func (r DrillResult) Passed() bool { return r.Held > 0 || r.Objects == 0 }

// drillRequests bounds the requests of one accident, and drillGroups the groups
// among which one is looked for that has members to lose.
const (
	drillRequests = 1000
	drillGroups   = 200
)

// Drill feeds accidents to the real guard of a source, each as a push of its own
// in a transaction that is rolled back: a group that becomes empty, a directory
// that does, and all users disabled. Requests end when the guard holds one, since
// it holds all after it; an accident that isn't held within 1,000 requests has
// gone through. a is an administrator.
func (d *Directory) Drill(ctx context.Context, a Actor, source string) ([]DrillResult, error) {
	if err := onlyAdmins(a); err != nil {
		return nil, err
	}
	state, err := d.SourceState(ctx, a, source)
	if err != nil {
		return nil, err
	}
	if state.Source.Kind == store.SourceWorkspace {
		return nil, invalid("source", "What administrators do by hand isn't guarded.", "Name another source.")
	}
	set, err := d.Schema(ctx, a.Tenant)
	if err != nil {
		return nil, err
	}
	as := Actor{Tenant: a.Tenant, Source: state.Source, Token: a.Token, Txn: a.Txn}
	as.Source.Mode = store.ModeActive // also of one that is disabled or in staging by now
	var out []DrillResult
	for _, one := range []struct {
		name string
		run  func(*drill) error
	}{{"emptyGroup", (*drill).emptyGroup}, {"emptyDirectory", (*drill).emptyDirectory}, {"massDisable", (*drill).massDisable}} {
		r := DrillResult{Scenario: one.name}
		_, err := d.Write(ctx, as, true, func(w *Writer) error {
			r = DrillResult{Scenario: one.name}
			w.afresh = true
			return one.run(&drill{DrillResult: &r, w: w, set: set})
		})
		if err != nil {
			return nil, fmt.Errorf("drill %s: %w", one.name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// drill is one accident under way.
type drill struct {
	*DrillResult
	w   *Writer
	set *schema.Set
}

// feed makes one request that would destroy so much, and says whether it was
// held.
func (x *drill) feed(n int64, request func() error) (bool, error) {
	before := len(x.w.events)
	if err := request(); err != nil {
		return false, err
	}
	for _, e := range x.w.events[before:] {
		if e.Outcome == OutcomeHeld {
			x.Why, x.Held = e.Detail, x.Objects-x.Through
			return true, nil
		}
	}
	x.Through += n
	return false, nil
}

// ids gives what the source sees of a type, at most so many, and how many there
// are.
func (x *drill) ids(t *schema.ResourceType, most int, fits func(*store.Record) bool) ([]store.Record, int64, error) {
	var all []store.Record
	page, err := x.w.Reading().List(store.Query{Type: t, Limit: most}, func(rec *store.Record) error {
		if fits(rec) {
			all = append(all, store.Record{Resource: store.Resource{RID: rec.RID, ID: rec.ID}})
		}
		return nil
	})
	return all, int64(page.Total), err
}

func anything(*store.Record) bool { return true }

// emptyGroup takes all members from the group, of the first ones, that has most.
func (x *drill) emptyGroup() error {
	groups, _, err := x.ids(x.set.Group, drillGroups, anything)
	if err != nil {
		return err
	}
	id := ""
	for _, g := range groups {
		n := int64(0)
		err := x.w.Reading().Members(g.RID, func(store.Member) error {
			if n++; n == drillRequests {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		if n > x.Objects {
			x.Objects, id = n, g.ID
		}
	}
	if id == "" {
		return nil
	}
	_, err = x.feed(x.Objects, func() error {
		_, err := x.w.Modify(x.set.Group, id, nil, Change{Members: []MemberOp{{Clear: true}}})
		return err
	})
	return err
}

// emptyDirectory deletes what the source has, one by one, users first.
func (x *drill) emptyDirectory() error {
	var of []*schema.ResourceType
	var all []store.Record
	for _, t := range []*schema.ResourceType{x.set.User, x.set.Group} {
		some, total, err := x.ids(t, drillRequests, anything)
		if err != nil {
			return err
		}
		x.Objects += total
		for _, rec := range some {
			all, of = append(all, rec), append(of, t)
		}
	}
	for i, rec := range all[:min(len(all), drillRequests)] {
		held, err := x.feed(1, func() error { return x.w.Delete(of[i], rec.ID, nil) })
		if held || err != nil {
			return err
		}
	}
	return nil
}

// massDisable disables all users.
func (x *drill) massDisable() error {
	t := x.set.User
	users, total, err := x.ids(t, drillRequests, func(rec *store.Record) bool {
		o, err := document.MustDecode(t, rec.Doc)
		return err == nil && o.Get(t.Active) != false
	})
	if err != nil {
		return err
	}
	if x.Objects = total; total <= drillRequests {
		x.Objects = int64(len(users)) // of few, those that are active
	}
	for _, rec := range users {
		held, err := x.feed(1, func() error {
			_, err := x.w.Modify(t, rec.ID, nil, Change{Apply: func(o *document.Object) error { o.Set(t.Active, false); return nil }})
			return err
		})
		if held || err != nil {
			return err
		}
	}
	return nil
}

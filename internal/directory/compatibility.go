package directory

import (
	"context"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Assessment is what a product comes to for a user.
type Assessment struct {
	User, Product store.Ref
	Lines         Lines
	// Alternatives are the products that the product names and of which all groups
	// fit the user.
	Alternatives []store.Ref
}

// Compatibility judges a product for a user, as an order would, without one;
// store.ErrNotFound if the tenant hasn't both.
func (d *Directory) Compatibility(ctx context.Context, a Actor, user, product string) (Assessment, error) {
	if err := onlyAdmins(a); err != nil {
		return Assessment{}, err
	}
	var out Assessment
	err := d.store.View(ctx, func(r store.Reader) error {
		judge, err := newAssessor(r, a.Tenant.ID)
		if err != nil {
			return err
		}
		rec, err := r.Record(a.View(), schema.User, user, true)
		if err != nil {
			return err
		}
		links, err := r.Links(rec.RID)
		if err != nil {
			return err
		}
		p, err := judge.person(rec.Resource, links, rec.Groups)
		if err != nil {
			return err
		}
		o, err := judge.offer(product, true)
		if err != nil {
			return err
		}
		lines, fit, err := judge.assess(o, p)
		out = Assessment{User: refTo(rec.Resource), Product: refTo(o.Resource), Lines: lines}
		for _, x := range fit {
			out.Alternatives = append(out.Alternatives, refTo(x.Resource))
		}
		return err
	})
	return out, err
}

func refTo(r store.Resource) store.Ref {
	return store.Ref{RID: r.RID, ID: r.ID, Kind: r.Kind, Display: r.Display, State: r.State}
}

// MapRow is a product of the map.
type MapRow struct {
	Product store.Ref
	// Cells are in the order of the crowds.
	Cells []MapCell
	// Unlock is the one change that lets the most people have the whole product, nil
	// for none; Unlocked is how many, Group the group that it is about, if any.
	Unlock   *reconcile.Change
	Unlocked int64
	Group    store.Ref
}

// MapCell is what a product comes to for a crowd.
type MapCell struct {
	Fits, Groups int
	// Reasons counts the groups that don't fit by their codes.
	Reasons map[string]int
}

// CompatibilityMap judges a page of products, in the order of their creation
// behind a rid, for all users: they are counted by what the rules see of them, in
// the database, and judged once for all who are alike.
func (d *Directory) CompatibilityMap(ctx context.Context, a Actor, after int64, limit int) (crowds []reconcile.Crowd, rows []MapRow, err error) {
	if err := onlyAdmins(a); err != nil {
		return nil, nil, err
	}
	err = d.store.View(ctx, func(r store.Reader) error {
		judge, err := newAssessor(r, a.Tenant.ID)
		if err != nil {
			return err
		}
		if crowds, err = judge.crowds(); err != nil {
			return err
		}
		offers, err := d.products(r, a, after, limit)
		if err != nil {
			return err
		}
		rows, err = judge.rows(offers, crowds)
		return err
	})
	return crowds, rows, err
}

// crowds counts all users by what the rules see of them.
func (a *assessor) crowds() ([]reconcile.Crowd, error) {
	counted, err := a.r.Presences(a.tenant)
	if err != nil {
		return nil, err
	}
	out := make([]reconcile.Crowd, len(counted))
	for i, p := range counted {
		out[i] = reconcile.Crowd{User: reconcile.User{Active: p.Active}, People: p.Users}
		for _, id := range p.Sources {
			out[i].Presence = append(out[i].Presence, a.sources[id])
		}
	}
	return out, nil
}

// products gives a page of products.
func (d *Directory) products(r store.Reader, a Actor, after int64, limit int) ([]offer, error) {
	var out []offer
	q := store.Query{View: a.View(), Type: d.own.Product, Limit: limit, After: &store.Position{RID: after}}
	_, err := r.List(q, func(rec *store.Record) error {
		s, err := sketchOf(rec.Doc)
		out = append(out, offer{Resource: rec.Resource, is: s})
		return err
	})
	return out, err
}

func (a *assessor) rows(offers []offer, crowds []reconcile.Crowd) ([]MapRow, error) {
	targets, err := a.targets(offers...)
	if err != nil {
		return nil, err
	}
	groups := map[string]reconcile.Group{}
	for id, res := range targets {
		if res.Kind != schema.Group {
			continue
		}
		if groups[id], err = a.group(res); err != nil {
			return nil, err
		}
	}
	out := make([]MapRow, len(offers))
	for i, o := range offers {
		all := make([]reconcile.Group, len(o.is.Groups))
		for k, ref := range o.is.Groups {
			all[k] = groups[ref.Value]
		}
		out[i] = MapRow{Product: refTo(o.Resource), Cells: cells(crowds, all)}
		out[i].Unlock, out[i].Unlocked = reconcile.Unlock(crowds, all)
		if x := out[i].Unlock; x != nil && x.Kind == reconcile.ChangeGroup {
			ref := o.is.Groups[x.Group]
			out[i].Group = store.Ref{ID: ref.Value, Display: firstNonempty(targets[ref.Value].Display, ref.Display)}
		}
	}
	return out, nil
}

func cells(crowds []reconcile.Crowd, groups []reconcile.Group) []MapCell {
	out := make([]MapCell, len(crowds))
	for i, c := range crowds {
		out[i] = MapCell{Groups: len(groups), Reasons: map[string]int{}}
		for _, g := range groups {
			if v := reconcile.Compatible(c.User, g); v.Compatible() {
				out[i].Fits++
			} else {
				out[i].Reasons[v.Code]++
			}
		}
	}
	return out
}

package storetest

import (
	"cmp"
	"slices"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

func (x *memTx) Walk(tenant int64, after string, limit int) (all []store.Loaded, err error) {
	for _, r := range x.resources {
		if r.Tenant == tenant && r.ID > after {
			links, _ := x.Links(r.RID)
			all = append(all, store.Loaded{Resource: bare(r), Links: links})
		}
	}
	slices.SortFunc(all, func(a, b store.Loaded) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(limit, len(all))], nil
}

func (x *memTx) MemberRows(tenant, group int64, row func(store.MemberRow) error) error {
	var all []membership
	for k := range x.members {
		if k.group == group && x.resources[group].Tenant == tenant {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b membership) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.member, b.member))
	})
	for _, k := range all {
		m := x.resources[k.member]
		if err := row(store.MemberRow{Source: k.source, Member: k.member, ID: m.ID, State: m.State, Link: x.linkOf(k.member, k.source).State}); err != nil {
			return err
		}
	}
	return nil
}

func (x *memTx) IndexRows(tenant int64, row func(store.IndexRow) error) error {
	tell := func(rid, view int64, keys []document.Key) error {
		for _, k := range keys {
			if err := row(store.IndexRow{Attr: k.Attr, Key: k.Text, RID: rid, View: view}); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range x.resources {
		if r.Tenant != tenant {
			continue
		}
		if err := tell(r.RID, 0, r.Keys); err != nil {
			return err
		}
		for _, l := range x.links[r.RID] {
			if l.Own {
				if err := tell(r.RID, l.Source, l.Keys); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (x *memTx) Tallies(tenant int64) (all []store.Tally, err error) {
	count := func(source int64, r store.Resource) {
		i := slices.IndexFunc(all, func(t store.Tally) bool { return t.Source == source && t.Kind == r.Kind })
		if i < 0 {
			i, all = len(all), append(all, store.Tally{Source: source, Kind: r.Kind})
		}
		all[i].Rows++
		all[i].Counter++
	}
	for _, r := range x.resources {
		if r.Tenant != tenant {
			continue
		}
		if r.State.Visible() {
			count(0, r)
		}
		for _, l := range x.links[r.RID] {
			if l.State.Live() {
				count(l.Source, r)
			}
		}
	}
	slices.SortFunc(all, func(a, b store.Tally) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Kind, b.Kind))
	})
	return all, nil
}

func (x *memTx) SchemaVersion() (int64, error) { return 0, nil }

func (x *memTx) StrayLinks(tenant int64, limit int) (all []store.Link, err error) {
	for rid, links := range x.links {
		for _, l := range links {
			if l.Tenant == tenant && l.State.Live() && x.resources[rid].Tenant != tenant {
				all = append(all, bareLink(l))
			}
		}
	}
	return all[:min(limit, len(all))], nil
}

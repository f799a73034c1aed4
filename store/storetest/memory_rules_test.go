package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func (x *memTx) Resources(tenant int64, ids []string) (out []store.Resource, err error) {
	for _, r := range x.ordered() {
		if r.Tenant == tenant && slices.Contains(ids, r.ID) {
			out = append(out, bare(r))
		}
	}
	return out, nil
}

func (x *memTx) ReferrersOf(tenant int64, attr int, rids []int64, also ...store.KeyIn) (out []int64, err error) {
	for _, r := range x.ordered() {
		names := slices.ContainsFunc(rids, func(rid int64) bool {
			to := x.resources[rid]
			return to.Tenant == tenant && slices.Contains(r.Keys, document.Key{Attr: attr, Text: to.ID})
		})
		all := !slices.ContainsFunc(also, func(k store.KeyIn) bool {
			return !slices.ContainsFunc(k.Keys, func(text string) bool { return slices.Contains(r.Keys, document.Key{Attr: k.Attr, Text: text}) })
		})
		if r.Tenant == tenant && names && all {
			out = append(out, r.RID)
		}
	}
	return out, nil
}

func (x *memTx) Ever(tenant int64, kind schema.Kind) (bool, error) {
	return slices.ContainsFunc(x.ordered(), func(r store.Resource) bool { return r.Tenant == tenant && r.Kind == kind }), nil
}

func (x *memTx) Presences(tenant int64) ([]store.Presence, error) {
	counts := map[string]*store.Presence{}
	says := func(doc []byte) bool { return !strings.Contains(string(doc), `"active":false`) }
	for _, r := range x.ordered() {
		if r.Tenant != tenant || r.Kind != schema.User || !r.State.Visible() {
			continue
		}
		p := store.Presence{Active: says(r.Doc)}
		for _, l := range x.links[r.RID] {
			if l.State == store.Linked && (!l.Own || says(l.Doc)) {
				p.Sources = append(p.Sources, l.Source)
			}
		}
		key := fmt.Sprint(p)
		if counts[key] == nil {
			counts[key] = &p
		}
		counts[key].Users++
	}
	var out []store.Presence
	for _, p := range counts {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b store.Presence) int {
		return cmp.Or(slices.Compare(a.Sources, b.Sources), -cmp.Compare(fmt.Sprint(a.Active), fmt.Sprint(b.Active)))
	})
	return out, nil
}

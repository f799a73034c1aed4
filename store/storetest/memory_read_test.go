package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func (x *memTx) Resource(tenant, rid int64) (store.Resource, error) {
	r := x.resources[rid]
	if r.RID == 0 || r.Tenant != tenant {
		return store.Resource{}, store.ErrNotFound
	}
	return bare(r), nil
}

// shown gives a resource as the view shows it.
func (x *memTx) shown(v store.View, r store.Resource) (store.Record, bool) {
	rec := store.Record{Resource: bare(r)}
	for _, l := range x.links[r.RID] {
		if l.State.Live() {
			rec.Presence = append(rec.Presence, l.Source)
		}
	}
	if v.Source == 0 {
		return rec, r.Tenant == v.Tenant && r.State.Visible()
	}
	l := x.linkOf(r.RID, v.Source)
	if l.Own {
		rec.Doc = l.Doc
	}
	rec.Version, rec.CreatedAt, rec.ModifiedAt = l.Version, l.CreatedAt, l.ModifiedAt
	return rec, r.Tenant == v.Tenant && l.State.Live()
}

func (x *memTx) linkOf(rid, source int64) store.Link {
	l, _ := find(x.links[rid], func(l store.Link) bool { return l.Source == source })
	return l
}

// ordered gives the resources in the order of their rids.
func (x *memTx) ordered() []store.Resource {
	all := make([]store.Resource, 0, len(x.resources))
	for _, rid := range slices.Sorted(maps.Keys(x.resources)) {
		all = append(all, x.resources[rid])
	}
	return all
}

func (x *memTx) Record(v store.View, kind schema.Kind, id string, groups bool) (store.Record, error) {
	r := x.resources[x.ids[name{v.Tenant, 0, id}]]
	if rec, ok := x.shown(v, r); ok && r.Kind == kind {
		return x.grouped(v, rec, groups)
	}
	return store.Record{}, store.ErrNotFound
}
func (x *memTx) grouped(v store.View, rec store.Record, groups bool) (store.Record, error) {
	if !groups {
		return rec, nil
	}
	all, err := x.Groups(v, []int64{rec.RID})
	rec.Groups = all[rec.RID]
	return rec, err
}
func (x *memTx) Load(v store.View, kind schema.Kind, id string, groups bool) (store.Loaded, error) {
	r, err := x.Resource(v.Tenant, x.ids[name{v.Tenant, 0, id}])
	if err == nil && r.Kind != kind {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Loaded{}, err
	}
	rec, err := x.grouped(v, store.Record{Resource: r}, groups)
	links, linksErr := x.Links(r.RID)
	_, notHeld := x.HeldChange(v.Source, r.RID)
	return store.Loaded{Resource: r, Links: links, Groups: rec.Groups, Held: notHeld == nil}, errors.Join(err, linksErr)
}
func (x *memTx) Foresee([]store.Identity) error { return nil }
func (x *memTx) Refs(v store.View, ids []string) (refs []store.Ref, err error) {
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if rid, ok := x.ids[name{v.Tenant, 0, id}]; ok {
			ref := refTo(x.resources[rid])
			ref.Link = x.linkOf(rid, v.Source).State
			refs = append(refs, ref)
		}
	}
	return refs, nil
}
func (x *memTx) IDs(tenant int64, rids []int64) (map[int64]string, error) {
	ids := map[int64]string{}
	for _, rid := range rids {
		if r, err := x.Resource(tenant, rid); err == nil {
			ids[rid] = r.ID
		}
	}
	return ids, nil
}
func (x *memTx) FindUnique(tenant int64, kind schema.Kind, key string) (store.Resource, error) {
	return x.Resource(tenant, x.holders[name{tenant, kind, key}])
}
func (x *memTx) FindExternalID(source int64, kind schema.Kind, externalID string) (store.Link, error) {
	return find(x.findLinks(func(l store.Link) bool {
		return l.Source == source && l.Kind == kind && l.ExternalID == externalID && externalID != ""
	}), func(store.Link) bool { return true })
}
func (x *memTx) FindAnchor(tenant int64, kind schema.Kind, anchor string) ([]store.Link, error) {
	return x.findLinks(func(l store.Link) bool {
		return l.Tenant == tenant && l.Kind == kind && l.Anchor == anchor && anchor != ""
	}), nil
}
func (x *memTx) Links(rid int64) ([]store.Link, error) {
	return x.findLinks(func(l store.Link) bool { return l.RID == rid }), nil
}
func (x *memTx) findLinks(fits func(store.Link) bool) (all []store.Link) {
	for _, links := range x.links {
		for _, l := range filtered(links, fits) {
			all = append(all, bareLink(l))
		}
	}
	slices.SortFunc(all, func(a, b store.Link) int { return cmp.Compare(a.Source, b.Source) })
	return all
}

func (x *memTx) asserted(v store.View, k membership) bool {
	g, okGroup := x.shown(v, x.resources[k.group])
	m, okMember := x.shown(v, x.resources[k.member])
	return okGroup && okMember && m.RID > 0 && (k.source == v.Source || v.Source == 0 && k.source == g.Authority)
}
func (x *memTx) Members(v store.View, group int64, row func(store.Member) error) error {
	var all []int64
	for k := range x.members {
		if k.group == group && x.asserted(v, k) {
			all = append(all, k.member)
		}
	}
	for _, rid := range sorted(all) {
		r := x.resources[rid]
		if err := row(store.Member{RID: rid, ID: r.ID, Kind: r.Kind, Display: r.Display}); err != nil {
			return err
		}
	}
	return nil
}
func (x *memTx) Groups(v store.View, rids []int64) (map[int64][]store.Membership, error) {
	above := map[int64][]int64{}
	for k := range x.members {
		if x.asserted(v, k) {
			above[k.member] = append(above[k.member], k.group)
		}
	}
	out := map[int64][]store.Membership{}
	for _, rid := range rids {
		direct, seen := map[int64]bool{}, map[int64]bool{}
		for next, first := above[rid], true; len(next) > 0; first = false {
			var further []int64
			for _, g := range next {
				if !seen[g] {
					seen[g], direct[g] = true, first
					further = append(further, above[g]...)
				}
			}
			next = further
		}
		var all []store.Membership
		for g := range seen {
			r := x.resources[g]
			all = append(all, store.Membership{RID: g, ID: r.ID, Display: r.Display, Direct: direct[g]})
		}
		slices.SortFunc(all, func(a, b store.Membership) int {
			return cmp.Or(cmp.Compare(rank(b.Direct), rank(a.Direct)), cmp.Compare(a.RID, b.RID))
		})
		out[rid] = all
	}
	return out, nil
}
func (x *memTx) Referrers(tenant int64, attr int, key string) ([]int64, error) {
	found := map[int64]bool{}
	k := document.Key{Attr: attr, Text: key}
	for rid, r := range x.resources {
		if r.Tenant == tenant && slices.Contains(r.Keys, k) {
			found[rid] = true
		}
	}
	for rid, links := range x.links {
		for _, l := range links {
			if l.Tenant == tenant && slices.Contains(l.Keys, k) {
				found[rid] = true
			}
		}
	}
	return slices.Collect(maps.Keys(found)), nil
}
func (x *memTx) Parked(source int64, ref string) (all []store.Parked, err error) {
	for p := range x.parked {
		if p.Source == source && p.Ref == ref {
			all = append(all, p)
		}
	}
	return all, nil
}
func (x *memTx) ParkedMembers(source, group int64) (refs []string, err error) {
	for p := range x.parked {
		if p.Source == source && p.RID == group && p.Kind == store.ParkedMember {
			refs = append(refs, p.Ref)
		}
	}
	slices.Sort(refs)
	return refs, nil
}
func (x *memTx) Events(tenant, after int64, limit int, row func(store.Event) error) error {
	all := filtered(x.events, func(e store.Event) bool { return e.Tenant == tenant && e.Seq > after })
	for _, e := range all[:min(limit, len(all))] {
		if err := row(e); err != nil {
			return err
		}
	}
	return nil
}
func (x *memTx) Expired(state store.State, before time.Time, limit int) ([]store.Resource, error) {
	all := filtered(x.ordered(), func(r store.Resource) bool { return r.State == state && r.StateAt.Before(before) })
	for i := range all {
		all[i] = bare(all[i])
	}
	return all[:min(limit, len(all))], nil
}

// hit is a match of a query with its place in the order.
type hit struct {
	rec store.Record
	pos store.Position
}

func (x *memTx) List(q store.Query, row func(*store.Record) error) (store.Page, error) {
	if unfilterable(q.Filter) {
		return store.Page{}, store.ErrUnfilterable
	}
	var hits []hit
	looked := 0
	for _, r := range x.ordered() {
		if r.Tenant != q.View.Tenant || r.Kind != q.Type.Kind {
			continue
		}
		rec, ok := x.shown(q.View, r)
		if !ok {
			continue
		}
		if looked++; q.MaxScan > 0 && looked > q.MaxScan && q.Filter != nil && !served(q.Filter) {
			return store.Page{}, store.ErrTooMany
		}
		o, err := document.MustDecode(q.Type, rec.Doc)
		if err != nil {
			return store.Page{}, err
		}
		d := derived{x, q, rec, o}
		if q.Filter == nil || filter.Match(q.Filter, o, d) {
			hits = append(hits, hit{rec, sortPosition(q, rec, o, d)})
		}
	}
	slices.SortFunc(hits, func(a, b hit) int { return inOrder(q, a.pos, b.pos) })
	start := min(q.Offset, len(hits))
	index := start
	if q.After != nil {
		start = 0
		for start < len(hits) && inOrder(q, hits[start].pos, *q.After) <= 0 {
			start++
		}
		index = q.After.Index
	}
	page := store.Page{Total: len(hits), Count: min(q.Limit, len(hits)-start)}
	for i := range page.Count {
		rec, err := x.grouped(q.View, hits[start+i].rec, q.Groups)
		if err != nil {
			return page, err
		}
		if err := row(&rec); err != nil {
			return page, err
		}
	}
	if end := start + page.Count; page.Count > 0 && end < len(hits) {
		page.Next = &hits[end-1].pos
		page.Next.Index = index + page.Count
	}
	return page, nil
}

func unfilterable(e filter.Expr) bool {
	switch e := e.(type) {
	case *filter.And:
		return slices.ContainsFunc(e.Terms, unfilterable)
	case *filter.Or:
		return slices.ContainsFunc(e.Terms, unfilterable)
	case *filter.Not:
		return unfilterable(e.Term)
	case *filter.Element:
		return unfilterable(e.Filter)
	case *filter.Compare:
		return e.Attr.Backing == schema.InMembers && e.Attr.Name == "$ref"
	}
	return false
}

// served says whether an index leads to the matches.
func served(e filter.Expr) bool {
	switch e := e.(type) {
	case *filter.And:
		return slices.ContainsFunc(e.Terms, served)
	case *filter.Element:
		return served(e.Filter)
	case *filter.Compare:
		return e.Attr.Index > 0 && (e.Op == ast.EQ || e.Op == ast.SW)
	}
	return false
}

func inOrder(q store.Query, a, b store.Position) int {
	c := cmp.Or(cmp.Compare(rank(a.Null), rank(b.Null)), cmp.Compare(a.Key, b.Key))
	if q.Descending {
		c = -c
	}
	return cmp.Or(c, cmp.Compare(a.RID, b.RID))
}

// sortPosition makes a key that sorts as its attribute does.
func sortPosition(q store.Query, rec store.Record, o *document.Object, d derived) store.Position {
	p := store.Position{RID: rec.RID, Null: true}
	if q.SortBy == nil {
		return p
	}
	var v document.Value
	switch {
	case q.SortBy.Backing != schema.InDocument:
		v = d.Values(q.SortBy)[0]
	case q.SortBy.Parent.MultiValued:
		list, _ := o.At(q.SortBy.Parent).(document.List)
		for i, e := range list {
			if e := e.(*document.Object); i == 0 || e.Get(q.SortBy.Parent.Sub("primary")) == true {
				v = e.Get(q.SortBy)
			}
		}
	default:
		v = o.At(q.SortBy)
	}
	switch v := v.(type) {
	case nil:
		return p
	case bool:
		p.Key = fmt.Sprint(rank(v))
	case document.Number:
		bits := math.Float64bits(number(v) + 0) // -0 is 0
		if bits>>63 == 1 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
		p.Key = fmt.Sprintf("%016x", bits)
	case string:
		if p.Key = q.SortBy.Key(v); q.SortBy.Type == schema.DateTime {
			p.Key = instant(v).UTC().Format("2006-01-02T15:04:05.000000000")
		}
	}
	p.Null = false
	return p
}

// derived gives what a document doesn't hold.
type derived struct {
	x   *memTx
	q   store.Query
	rec store.Record
	o   *document.Object
}

func (d derived) Values(a *schema.Attribute) []document.Value {
	if p := a.Parent; p.Parent != nil && !p.Extension {
		var out []document.Value
		for _, e := range d.Values(p) {
			if v := e.(*document.Object).Get(a); v != nil {
				out = append(out, v)
			}
		}
		return out
	}
	switch a {
	case d.q.Type.ID:
		return []document.Value{d.rec.ID}
	case d.q.Type.Meta:
		return []document.Value{object(a, "created", d.rec.CreatedAt.Format(time.RFC3339Nano), "lastModified", d.rec.ModifiedAt.Format(time.RFC3339Nano), "resourceType", d.q.Type.Name)}
	case d.q.Type.Schemas:
		out := []document.Value{d.q.Type.URN}
		for _, e := range d.q.Type.Extensions {
			if d.o.Get(e) != nil {
				out = append(out, e.Name)
			}
		}
		return out
	case d.q.Type.Members:
		return d.members(a)
	case d.q.Type.Groups:
		return d.groups(a)
	}
	return d.origin(a)
}

func (d derived) members(a *schema.Attribute) (out []document.Value) {
	_ = d.x.Members(d.q.View, d.rec.RID, func(m store.Member) error {
		out = append(out, object(a, "value", m.ID, "display", m.Display, "type", map[schema.Kind]string{schema.User: "User", schema.Group: "Group"}[m.Kind]))
		return nil
	})
	return out
}

func (d derived) groups(a *schema.Attribute) (out []document.Value) {
	all, _ := d.x.Groups(d.q.View, []int64{d.rec.RID})
	for _, g := range all[d.rec.RID] {
		out = append(out, object(a, "value", g.ID, "display", g.Display, "type", map[bool]string{true: "direct", false: "indirect"}[g.Direct]))
	}
	return out
}

func (d derived) origin(a *schema.Attribute) (out []document.Value) {
	sources := d.rec.Presence
	switch a.Name {
	case "class":
		return []document.Value{d.rec.Class}
	case "authority":
		sources = []int64{d.rec.Authority}
	}
	for _, s := range d.x.sources {
		if slices.Contains(sources, s.ID) {
			out = append(out, object(a, "value", s.PublicID, "kind", string(s.Kind), "display", s.Name))
		}
	}
	return out
}

func object(a *schema.Attribute, fields ...string) *document.Object {
	o := &document.Object{}
	for i := 0; i < len(fields); i += 2 {
		o.Set(a.Sub(fields[i]), fields[i+1])
	}
	return o
}

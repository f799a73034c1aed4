package storetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// The suite is tested on the simplest store that fulfils the contract, so that
// a backend's author need not wonder whether the suite is wrong.
func TestSuiteOnMemory(t *testing.T) {
	Run(t, func(*testing.T) store.Store {
		m := &memory{}
		m.data.Store(&data{resources: map[int64]store.Resource{}, links: map[int64][]store.Link{}, ids: map[name]int64{}, holders: map[name]int64{}, members: map[membership]bool{}, parked: map[store.Parked]bool{}, customs: map[int64][]schema.Custom{}})
		return m
	})
}

// memory runs writers one by one, each on a copy of the data.
type memory struct {
	writing sync.Mutex
	data    atomic.Pointer[data]
}

type membership struct{ group, member, source int64 }

// name is a resource's id, or with its kind the unique key that it holds.
type name struct {
	tenant int64
	kind   schema.Kind
	text   string
}

type data struct {
	last         int64 // the last id given
	tenants      []store.Tenant
	sources      []store.Source
	tokens       []store.Token
	federations  []store.Federation
	customs      map[int64][]schema.Custom
	resources    map[int64]store.Resource
	ids, holders map[name]int64
	links        map[int64][]store.Link // by rid, in the order of sources
	members      map[membership]bool
	parked       map[store.Parked]bool
	conflicts    []store.Conflict
	events       []store.Event
	grants       []store.Grant
	jobs         []store.Job
	stamp        int64
	records      []store.UploadRecord
	uploadJobs   []store.UploadJob
	seals        []store.Seal
	mappings     []store.Mapping
	raws         []store.Raw
	connectors
	pushes
	streams
}

func (d *data) clone() *data {
	c := *d
	c.tenants, c.sources, c.tokens = slices.Clone(d.tenants), slices.Clone(d.sources), slices.Clone(d.tokens)
	c.federations, c.conflicts, c.events = slices.Clone(d.federations), slices.Clone(d.conflicts), slices.Clone(d.events)
	c.grants, c.jobs = slices.Clone(d.grants), slices.Clone(d.jobs)
	c.records, c.uploadJobs, c.seals = slices.Clone(d.records), slices.Clone(d.uploadJobs), slices.Clone(d.seals)
	c.mappings, c.raws = slices.Clone(d.mappings), slices.Clone(d.raws)
	c.customs, c.resources, c.links = maps.Clone(d.customs), maps.Clone(d.resources), maps.Clone(d.links)
	c.members, c.parked = maps.Clone(d.members), maps.Clone(d.parked)
	c.ids, c.holders = maps.Clone(d.ids), maps.Clone(d.holders)
	c.connectors, c.pushes, c.streams = d.connectors.clone(), d.pushes.clone(), d.streams.clone()
	return &c
}

func (d *data) next() int64 { d.last++; return d.last }

func (m *memory) View(_ context.Context, fn func(store.Reader) error) error {
	return fn(&memTx{data: m.data.Load()})
}

func (m *memory) Look(ctx context.Context, fn func(store.Reader) error) error {
	return m.View(ctx, fn)
}

func (m *memory) Update(ctx context.Context, fn func(store.Tx) error) error {
	m.writing.Lock()
	defer m.writing.Unlock()
	tx := &memTx{data: m.data.Load().clone()}
	if err := fn(tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.data.Store(tx.data)
	return nil
}

func (m *memory) Backup(_ context.Context, file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, "%+v", m.data.Load())
	return err
}

func (m *memory) Ping(context.Context) error { return nil }
func (m *memory) Close() error               { return nil }

// memTx is a Reader and a Tx.
type memTx struct{ *data }

func (x *memTx) Savepoint(fn func() error) error {
	before := x.data.clone()
	err := fn()
	if err != nil {
		x.data = before
	}
	return err
}

// Awaited says no: nobody is kept waiting here.
func (x *memTx) Awaited() bool { return false }

func find[T any](all []T, fits func(T) bool) (T, error) {
	if i := slices.IndexFunc(all, fits); i >= 0 {
		return all[i], nil
	}
	var none T
	return none, store.ErrNotFound
}

// put replaces the record that fits, or says that there is none.
func put[T any](all []T, fits func(T) bool, edit func(*T)) error {
	i := slices.IndexFunc(all, fits)
	if i < 0 {
		return store.ErrNotFound
	}
	edit(&all[i])
	return nil
}

func (x *memTx) Tenant(slug string) (store.Tenant, error) {
	return find(x.tenants, func(t store.Tenant) bool { return t.Slug == slug })
}
func (x *memTx) Tenants() ([]store.Tenant, error) { return x.tenants, nil }
func (x *memTx) Source(tenant int64, name string) (store.Source, error) {
	return find(x.sources, func(s store.Source) bool { return s.Tenant == tenant && s.Name == name })
}
func (x *memTx) SourceByPublicID(id string) (store.Source, error) {
	return find(x.sources, func(s store.Source) bool { return s.PublicID == id })
}
func (x *memTx) Sources(tenant int64) ([]store.Source, error) {
	return filtered(x.sources, func(s store.Source) bool { return s.Tenant == tenant }), nil
}
func (x *memTx) Authenticate(hash []byte) (p store.Principal, err error) {
	if p.Token, err = find(x.tokens, func(t store.Token) bool { return bytes.Equal(t.Hash, hash) }); err != nil {
		return p, err
	}
	p.Tenant, _ = find(x.tenants, func(t store.Tenant) bool { return t.ID == p.Token.Tenant })
	p.Source, err = find(x.sources, func(s store.Source) bool {
		return s.Tenant == p.Tenant.ID && (s.ID == p.Token.Source || p.Token.Source == 0 && s.Kind == store.SourceWorkspace)
	})
	p.Stamp = x.stamp
	return p, err
}
func (x *memTx) Expect(stamp int64) error {
	if stamp != x.stamp {
		return store.ErrStale
	}
	return nil
}
func (x *memTx) Tokens(tenant int64) ([]store.Token, error) {
	return filtered(x.tokens, func(t store.Token) bool { return t.Tenant == tenant }), nil
}
func (x *memTx) Federations(source int64) ([]store.Federation, error) {
	return filtered(x.federations, func(f store.Federation) bool { return f.Source == source }), nil
}
func (x *memTx) CustomAttributes(tenant int64) ([]schema.Custom, error) {
	return x.customs[tenant], nil
}

func (x *memTx) CreateTenant(t *store.Tenant, publicID string) error {
	if _, err := x.Tenant(t.Slug); err == nil {
		return store.ErrExists
	}
	t.ID = x.next()
	x.tenants = append(x.tenants, *t)
	return x.CreateSource(&store.Source{Tenant: t.ID, PublicID: publicID, Name: "workspace", Kind: store.SourceWorkspace, Mode: store.ModeActive, CreatedAt: t.CreatedAt})
}
func (x *memTx) UpdateTenant(t *store.Tenant) error {
	x.stamp = x.next()
	return put(x.tenants, func(o store.Tenant) bool { return o.ID == t.ID }, func(o *store.Tenant) {
		slug, features, created := o.Slug, o.Features, o.CreatedAt
		*o = *t
		o.Slug, o.Features, o.CreatedAt = slug, features, created
	})
}
func (x *memTx) CreateSource(s *store.Source) error {
	if _, err := find(x.sources, func(o store.Source) bool {
		return o.PublicID == s.PublicID || o.Tenant == s.Tenant && (o.Name == s.Name || s.DirectoryDomain != "" && o.DirectoryDomain == s.DirectoryDomain)
	}); err == nil {
		return store.ErrExists
	}
	s.ID = x.next()
	x.sources = append(x.sources, *s)
	return nil
}
func (x *memTx) UpdateSource(s *store.Source) error {
	x.stamp = x.next()
	return put(x.sources, func(o store.Source) bool { return o.ID == s.ID && o.Tenant == s.Tenant }, func(o *store.Source) { o.DisplayName, o.Mode, o.Policies = s.DisplayName, s.Mode, s.Policies })
}
func (x *memTx) CreateToken(t *store.Token) error {
	if _, err := x.Authenticate(t.Hash); err == nil {
		return store.ErrExists
	}
	t.ID = x.next()
	x.tokens = append(x.tokens, *t)
	return nil
}
func (x *memTx) UpdateToken(t *store.Token) error {
	x.stamp = x.next()
	return put(x.tokens, func(o store.Token) bool { return o.ID == t.ID }, func(o *store.Token) {
		o.ExpiresAt, o.RevokedAt, o.LastUsedAt = t.ExpiresAt, t.RevokedAt, t.LastUsedAt
	})
}
func (x *memTx) UseToken(id int64, at time.Time) error {
	for i, t := range x.tokens {
		if t.ID == id && t.LastUsedAt.Before(at) {
			x.tokens[i].LastUsedAt = at
		}
	}
	return nil
}
func (x *memTx) DeleteExpiredTokens(before time.Time) error {
	x.tokens = filtered(x.tokens, func(t store.Token) bool {
		return t.Kind != store.TokenAccess && t.Kind != store.TokenCode || t.ExpiresAt.IsZero() || !t.ExpiresAt.Before(before)
	})
	return nil
}
func (x *memTx) PutFederation(f *store.Federation) error {
	x.federations = append(filtered(x.federations, func(o store.Federation) bool { return o != *f }), *f)
	return nil
}
func (x *memTx) DeclareAttribute(tenant int64, c *schema.Custom) error {
	all := x.customs[tenant]
	if old, err := find(all, func(o schema.Custom) bool { return strings.EqualFold(o.URN+o.Name, c.URN+c.Name) }); err == nil {
		*c = old
		return nil
	}
	if len(all) == maxCustom {
		return store.ErrTooMany
	}
	x.stamp = x.next()
	c.Index = schema.CustomIndex + len(all)
	x.customs[tenant] = append(slices.Clone(all), *c)
	return put(x.tenants, func(t store.Tenant) bool { return t.ID == tenant }, func(t *store.Tenant) { t.SchemaVersion++ })
}

func (x *memTx) InsertResource(r *store.Resource) error {
	if _, taken := x.ids[name{r.Tenant, 0, r.ID}]; taken {
		return store.ErrExists
	}
	return x.write(r, x.last+1)
}
func (x *memTx) UpdateResource(before, r *store.Resource) error {
	if old := x.resources[before.RID]; old.Tenant != r.Tenant {
		return store.ErrNotFound
	}
	return x.write(r, before.RID)
}
func (x *memTx) write(r *store.Resource, rid int64) error {
	key := name{r.Tenant, r.Kind, r.UniqueKey}
	holds := r.State.Visible() && r.UniqueKey != ""
	if holder, held := x.holders[key]; holds && held && holder != rid {
		return store.ErrExists
	}
	if old := x.resources[rid]; x.holders[name{old.Tenant, old.Kind, old.UniqueKey}] == rid {
		delete(x.holders, name{old.Tenant, old.Kind, old.UniqueKey})
	}
	if holds {
		x.holders[key] = rid
	}
	r.RID, x.last = rid, max(x.last, rid)
	x.resources[rid], x.ids[name{r.Tenant, 0, r.ID}] = *r, rid
	return nil
}
func (x *memTx) PutLink(before, l *store.Link) error {
	for _, links := range x.links {
		for _, o := range links {
			taken := o.Kind == l.Kind && (l.ExternalID != "" && o.ExternalID == l.ExternalID || l.Anchor != "" && o.Anchor == l.Anchor)
			if o.Source == l.Source && (o.RID != l.RID && taken || before == nil && o.RID == l.RID) {
				return store.ErrExists
			}
		}
	}
	x.putLink(*l)
	return nil
}
func (x *memTx) putLink(l store.Link) {
	links := append(filtered(x.links[l.RID], func(o store.Link) bool { return o.Source != l.Source }), l)
	slices.SortFunc(links, func(a, b store.Link) int { return cmp.Compare(a.Source, b.Source) })
	x.links[l.RID] = links
}
func (x *memTx) Touch(rid, source int64, resource, link bool, at time.Time) error {
	if r := x.resources[rid]; resource {
		r.Version, r.ModifiedAt = r.Version+1, at
		x.resources[rid] = r
	}
	if l := x.linkOf(rid, source); link {
		l.Version, l.ModifiedAt = l.Version+1, at
		x.putLink(l)
	}
	return nil
}

func (x *memTx) ChangeMembers(tenant, group, source int64, add, remove []int64) (added, removed []int64, err error) {
	if x.resources[group].Tenant != tenant {
		return nil, nil, store.ErrNotFound
	}
	for _, m := range add {
		if k := (membership{group, m, source}); !x.members[k] && !slices.Contains(remove, m) && x.resources[m].Tenant == tenant {
			x.members[k] = true
			added = append(added, m)
		}
	}
	for _, m := range remove {
		if k := (membership{group, m, source}); x.members[k] {
			delete(x.members, k)
			removed = append(removed, m)
		}
	}
	return added, removed, nil
}
func (x *memTx) ReplaceMembers(tenant, group, source int64, members []int64) (added, removed []int64, err error) {
	wanted := map[int64]bool{}
	for _, m := range members {
		wanted[m] = true
	}
	var gone []int64
	for k := range x.members {
		if k.group == group && k.source == source && !wanted[k.member] {
			gone = append(gone, k.member)
		}
	}
	return x.ChangeMembers(tenant, group, source, members, gone)
}
func (x *memTx) EndMemberships(source, member int64) (groups []int64, err error) {
	for k := range x.members {
		if k.source == source && k.member == member {
			delete(x.members, k)
			groups = append(groups, k.group)
		}
	}
	return groups, nil
}
func (x *memTx) Park(p store.Parked) error   { x.parked[p] = true; return nil }
func (x *memTx) Unpark(p store.Parked) error { delete(x.parked, p); return nil }
func (x *memTx) AppendEvents(events []store.Event) error {
	for i := range events {
		events[i].Seq = x.next()
	}
	x.events = append(x.events, events...)
	return nil
}

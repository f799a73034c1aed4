package gormstore

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// reader implements store.Reader.
type reader struct {
	*session
	store *Store
}

var _ store.Reader = (*reader)(nil)

const resourceColumns = "r.rid, r.tenant, r.kind, r.id, COALESCE(r.unique_key, ''), r.display, r.authority, r.chosen, r.class, r.state, r.state_at, r.version, r.created, r.modified, r.doc"

// scanner holds the destinations of one row of resources.
type scanner struct {
	r                         store.Resource
	stateAt, created, changed int64
	dest                      []any
}

func newScanner(more ...any) *scanner {
	s := &scanner{}
	r := &s.r
	s.dest = append([]any{&r.RID, &r.Tenant, &r.Kind, &r.ID, &r.UniqueKey, &r.Display, &r.Authority, &r.Chosen, &r.Class, &r.State,
		&s.stateAt, &r.Version, &s.created, &s.changed, &r.Doc}, more...)
	return s
}

// scan reads a row, with what a query selects behind it. Doc is the row's own
// copy.
func (s *scanner) scan(r rows, more ...any) error {
	s.r.Doc = nil
	if err := r.Scan(append(s.dest, more...)...); err != nil {
		return err
	}
	s.r.StateAt, s.r.CreatedAt, s.r.ModifiedAt = instant(s.stateAt), instant(s.created), instant(s.changed)
	return nil
}

// Times are microseconds since 1970; the zero Time has its own, year 1.
func micros(t time.Time) int64   { return t.UnixMicro() }
func instant(us int64) time.Time { return time.UnixMicro(us).UTC() }

// storable says whether a text can be in the database at all. PostgreSQL
// refuses the others, even as something to look for.
func storable(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}

func (s *session) resource(sql string, args ...any) (store.Resource, error) {
	sc := newScanner()
	found := false
	err := s.each(func(r rows) error {
		found = true
		return sc.scan(r)
	}, sql, args...)
	if err == nil && !found {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Resource{}, err
	}
	s.learn(sc.r.RID, sc.r.Tenant)
	return sc.r, nil
}

// learn remembers whose resource a locked row is.
func (s *session) learn(rid, tenant int64) {
	if s.write {
		s.locked[rid] = tenant
	}
}

// owned answers ErrNotFound if the resource isn't the tenant's, and locks it.
func (s *session) owned(tenant, rid int64) error {
	owner, known := s.locked[rid]
	if !known {
		if err := s.lock("SELECT 1 FROM resources r WHERE r.rid = ?", rid); err != nil {
			return err
		}
		if err := s.one([]any{&owner}, "SELECT r.tenant FROM resources r WHERE r.rid = ?", rid); err != nil {
			return err
		}
		s.learn(rid, owner)
	}
	if owner != tenant {
		return store.ErrNotFound
	}
	return nil
}

// forUpdate ends a SELECT of one table that locks what it finds. Of a row that
// it had to wait for it gives the newest version; that is why a join, whose
// other tables it would still see as they were before, locks first.
func (s *session) forUpdate() string {
	if s.write && s.locks() {
		return " FOR UPDATE"
	}
	return ""
}

// Resource implements store.Reader.
func (r *reader) Resource(tenant, rid int64) (store.Resource, error) {
	return r.resource("SELECT "+resourceColumns+" FROM resources r WHERE r.rid = ? AND r.tenant = ?"+r.forUpdate(), rid, tenant)
}

// FindUnique implements store.Reader.
func (r *reader) FindUnique(tenant int64, kind schema.Kind, key string) (store.Resource, error) {
	if key == "" || !storable(key) {
		return store.Resource{}, store.ErrNotFound
	}
	if r.free[uniqueMemo(tenant, kind, key)] {
		return store.Resource{}, store.ErrNotFound
	}
	found, err := r.resource("SELECT "+resourceColumns+" FROM resources r WHERE r.tenant = ? AND r.kind = ? AND r.unique_key = ? AND r.state <= 2"+r.forUpdate(), tenant, kind, key)
	if r.write && errors.Is(err, store.ErrNotFound) {
		r.free[uniqueMemo(tenant, kind, key)] = true
	}
	return found, err
}

// Record implements store.Reader.
func (r *reader) Record(v store.View, kind schema.Kind, id string, groups bool) (store.Record, error) {
	if !storable(id) {
		return store.Record{}, store.ErrNotFound
	}
	if err := r.lock("SELECT 1 FROM resources r WHERE r.tenant = ? AND r.id = ?", v.Tenant, id); err != nil {
		return store.Record{}, err
	}
	b := &builder{view: v}
	b.add("SELECT ").columns(r.dialect, true, r.groupsIf(groups, v)).add(" FROM resources r")
	b.joinLink(r.dialect)
	b.add(" WHERE r.tenant = ? AND r.id = ? AND r.kind = ?", v.Tenant, id, kind).visible()
	sc := newRecordScanner()
	found := false
	err := r.brief(func(rs rows) error {
		if found = rs.Next(); found {
			return sc.scan(rs)
		}
		return rs.Err()
	}, b.sql(), b.args...)
	if err == nil && !found {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Record{}, err
	}
	r.learn(sc.rec.RID, sc.rec.Tenant)
	return sc.rec, nil
}

// recordScanner reads the rows of builder.columns.
type recordScanner struct {
	*scanner
	rec              store.Record
	presence, groups string
}

func newRecordScanner(more ...any) *recordScanner {
	s := &recordScanner{}
	s.scanner = newScanner(append([]any{&s.presence, &s.groups}, more...)...)
	return s
}

func (s *recordScanner) scan(r rows) error {
	if err := s.scanner.scan(r); err != nil {
		return err
	}
	s.rec = store.Record{Resource: s.r}
	for id := range strings.SplitSeq(s.presence, ",") {
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			s.rec.Presence = append(s.rec.Presence, n)
		}
	}
	slices.Sort(s.rec.Presence)
	var err error
	s.rec.Groups, err = memberships(s.groups)
	return err
}

// refChunk bounds the ids of one statement.
const refChunk = 512

// Refs implements store.Reader. Inside an Update the rows can't change until it
// ends, so that nobody deletes what is about to become a member.
func (r *reader) Refs(v store.View, ids []string) ([]store.Ref, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !storable(id) })
	slices.Sort(ids)
	var out []store.Ref
	for chunk := range slices.Chunk(slices.Compact(ids), refChunk) {
		in, arg := r.textList(chunk)
		sql := "SELECT r.rid, r.id, r.kind, r.display, r.state, COALESCE((SELECT k.state FROM links k WHERE k.rid = r.rid AND k.source = ?), 0) FROM resources r WHERE r.tenant = ? AND r.id " + in
		if r.write && r.locks() {
			sql += " ORDER BY r.rid FOR SHARE OF r"
		}
		err := r.each(func(rs rows) error {
			var ref store.Ref
			err := rs.Scan(&ref.RID, &ref.ID, &ref.Kind, &ref.Display, &ref.State, &ref.Link)
			out = append(out, ref)
			return err
		}, sql, v.Source, v.Tenant, arg)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Resources implements store.Reader.
func (r *reader) Resources(tenant int64, ids []string) ([]store.Resource, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !storable(id) })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	in, arg := r.textList(ids)
	if err := r.lock("SELECT 1 FROM resources r WHERE r.tenant = ? AND r.id "+in, tenant, arg); err != nil {
		return nil, err
	}
	var out []store.Resource
	for chunk := range slices.Chunk(ids, refChunk) {
		in, arg := r.textList(chunk)
		sc := newScanner()
		err := r.each(func(rs rows) error {
			err := sc.scan(rs)
			r.learn(sc.r.RID, sc.r.Tenant)
			out = append(out, sc.r)
			return err
		}, "SELECT "+resourceColumns+" FROM resources r WHERE r.tenant = ? AND r.id "+in, tenant, arg)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b store.Resource) int { return cmp.Compare(a.RID, b.RID) })
	return out, nil
}

// IDs implements store.Reader.
func (r *reader) IDs(tenant int64, rids []int64) (map[int64]string, error) {
	out := map[int64]string{}
	for chunk := range slices.Chunk(unique(rids), refChunk) {
		list, arg := r.intRows(chunk)
		err := r.each(func(rs rows) error {
			var rid int64
			var id string
			err := rs.Scan(&rid, &id)
			out[rid] = id
			return err
		}, "SELECT r.rid, r.id FROM "+list+r.lookup("resources", "r", "rid", "v")+" WHERE r.tenant = ?", arg, tenant)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Expired implements store.Reader.
func (r *reader) Expired(state store.State, before time.Time, limit int) ([]store.Resource, error) {
	var out []store.Resource
	sc := newScanner()
	err := r.each(func(rs rows) error {
		err := sc.scan(rs)
		out = append(out, sc.r)
		return err
	}, "SELECT "+resourceColumns+" FROM resources r WHERE r.state <> 1 AND r.state = ? AND r.state_at < ? ORDER BY r.state_at LIMIT ?", state, micros(before), limit)
	return out, err
}

// Referrers implements store.Reader.
func (r *reader) Referrers(tenant int64, attr int, key string) ([]int64, error) {
	if !storable(key) {
		return nil, nil
	}
	return r.ids("SELECT DISTINCT rid FROM ix WHERE tenant = ? AND attr = ? AND key = ? ORDER BY rid", tenant, attr, key)
}

// ReferrersOf implements store.Reader. Each step is a look-up by the key of ix,
// whatever the planner believes: most of an attribute's rows may have the same
// key.
func (r *reader) ReferrersOf(tenant int64, attr int, rids []int64, also ...store.KeyIn) ([]int64, error) {
	var out []int64
	for chunk := range slices.Chunk(unique(rids), refChunk) {
		b := &builder{}
		list, arg := r.intRows(chunk)
		b.add("SELECT DISTINCT e.rid FROM "+list+r.lookup("resources", "x", "rid", "v"), arg)
		b.add(r.lookup("ix", "e", "tenant = ? AND attr = ? AND view = 0 AND key", "x.id"), tenant, attr).add(" WHERE x.tenant = ?", tenant)
		for _, k := range also {
			in, arg := r.textList(k.Keys)
			b.add(" AND (SELECT 1 FROM ix f WHERE f.tenant = ? AND f.attr = ? AND f.rid = e.rid AND f.view = 0 AND f.key "+in+" LIMIT 1) = 1", tenant, k.Attr, arg)
		}
		found, err := r.ids(b.sql(), b.args...)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return unique(out), nil
}

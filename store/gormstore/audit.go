package gormstore

import (
	"cmp"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Walk implements store.AuditReader.
func (r *reader) Walk(tenant int64, after string, limit int) ([]store.Loaded, error) {
	if !storable(after) {
		return nil, nil
	}
	var all []store.Loaded
	var rids []int64
	sc := newScanner()
	err := r.each(func(rs rows) error {
		err := sc.scan(rs)
		all, rids = append(all, store.Loaded{Resource: sc.r}), append(rids, sc.r.RID)
		return err
	}, "SELECT "+resourceColumns+" FROM resources r WHERE r.tenant = ? AND r.id > ? ORDER BY r.id LIMIT ?", tenant, after, limit)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	list, arg := r.intRows(rids)
	links, err := r.readLinks(selectLinks+" FROM "+list+r.lookup("links", "l", "rid", "v")+joinDocs+" ORDER BY l.rid, l.source", arg)
	if err != nil {
		return nil, err
	}
	at := make(map[int64]int, len(all))
	for i := range all {
		at[all[i].RID] = i
	}
	for _, l := range links {
		i := at[l.RID]
		all[i].Links = append(all[i].Links, l)
	}
	return all, nil
}

// MemberRows implements store.AuditReader.
func (r *reader) MemberRows(tenant, group int64, row func(store.MemberRow) error) error {
	return r.each(func(rs rows) error {
		var m store.MemberRow
		if err := rs.Scan(&m.Source, &m.Member, &m.ID, &m.State, &m.Link); err != nil {
			return err
		}
		return row(m)
	}, `SELECT m.source, m.member, COALESCE(r.id, ''), COALESCE(r.state, 0), COALESCE((SELECT k.state FROM links k WHERE k.rid = m.member AND k.source = m.source), 0)
		FROM members m LEFT JOIN resources r ON r.rid = m.member AND r.tenant = ?
		WHERE m.grp = ? AND EXISTS (SELECT 1 FROM resources g WHERE g.rid = m.grp AND g.tenant = ?) ORDER BY m.source, m.member`, tenant, group, tenant)
}

// IndexRows implements store.AuditReader.
func (r *reader) IndexRows(tenant int64, row func(store.IndexRow) error) error {
	return r.each(func(rs rows) error {
		var x store.IndexRow
		if err := rs.Scan(&x.Attr, &x.Key, &x.RID, &x.View); err != nil {
			return err
		}
		return row(x)
	}, "SELECT attr, key, rid, view FROM ix WHERE tenant = ?", tenant)
}

// Tallies implements store.AuditReader.
func (r *reader) Tallies(tenant int64) ([]store.Tally, error) {
	all := map[[2]int64]store.Tally{}
	read := func(add func(*store.Tally, int64), sql string) error {
		return r.each(func(rs rows) error {
			var source, kind, n int64
			if err := rs.Scan(&source, &kind, &n); err != nil {
				return err
			}
			t := all[[2]int64{source, kind}]
			t.Source, t.Kind = source, schema.Kind(kind)
			add(&t, n)
			all[[2]int64{source, kind}] = t
			return nil
		}, sql, tenant)
	}
	rows := func(t *store.Tally, n int64) { t.Rows += n }
	counter := func(t *store.Tally, n int64) { t.Counter += n }
	for sql, add := range map[string]func(*store.Tally, int64){
		"SELECT 0, r.kind, COUNT(*) FROM resources r WHERE r.tenant = ? AND r.state <= 2 GROUP BY r.kind":                                                                                 rows,
		"SELECT l.source, l.kind, COUNT(*) FROM sources s CROSS JOIN links l WHERE s.tenant = ? AND l.source = s.id AND l.state <= 2 GROUP BY l.source, l.kind":                           rows,
		"SELECT 0, c.kind, CAST(SUM(c.n) AS BIGINT) FROM counts c WHERE c.scope = 0 - CAST(? AS BIGINT) AND c.kind BETWEEN 1 AND 999 GROUP BY c.kind":                                     counter,
		"SELECT c.scope, c.kind, CAST(SUM(c.n) AS BIGINT) FROM sources s CROSS JOIN counts c WHERE s.tenant = ? AND c.scope = s.id AND c.kind BETWEEN 1 AND 999 GROUP BY c.scope, c.kind": counter,
	} {
		if err := read(add, sql); err != nil {
			return nil, err
		}
	}
	return slices.SortedFunc(maps.Values(all), func(a, b store.Tally) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Kind, b.Kind))
	}), nil
}

// StrayLinks implements store.AuditReader.
func (r *reader) StrayLinks(tenant int64, limit int) ([]store.Link, error) {
	return r.readLinks(selectLinks+" FROM sources s CROSS JOIN links l"+joinDocs+` WHERE s.tenant = ? AND l.source = s.id AND l.state <= 2
		AND NOT EXISTS (SELECT 1 FROM resources r WHERE r.rid = l.rid AND r.tenant = s.tenant) ORDER BY l.source, l.rid LIMIT ?`, tenant, limit)
}

// SchemaVersion implements store.AuditReader.
func (r *reader) SchemaVersion() (version int64, err error) {
	r.single()
	err = r.one([]any{&version}, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied")
	return version, err
}

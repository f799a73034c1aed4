package gormstore

import (
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// Grants implements store.Reader.
func (r *reader) Grants(q store.GrantQuery) ([]store.Grant, error) {
	b := &builder{}
	b.add("SELECT target, subject, reason, cause, since FROM grants WHERE tenant = ?", q.Tenant)
	for _, c := range []struct {
		column string
		rid    int64
	}{{"target", q.Target}, {"subject", q.Subject}, {"cause", q.Cause}} {
		if c.rid != 0 {
			b.add(" AND "+c.column+" = ?", c.rid)
		}
	}
	if len(q.Subjects) > 0 {
		in, arg := r.idList(unique(q.Subjects))
		b.add(" AND subject "+in, arg)
	}
	if q.Reason != "" {
		b.add(" AND reason = ?", q.Reason)
	}
	if a := q.After; a != nil {
		b.add(" AND (target, subject, reason, cause) > (?, ?, ?, ?)", a.Target, a.Subject, a.Reason, a.Cause)
	}
	b.add(" ORDER BY target, subject, reason, cause LIMIT ?", q.Limit)
	var out []store.Grant
	err := r.each(func(rs rows) error {
		g := store.Grant{Tenant: q.Tenant}
		var since int64
		err := rs.Scan(&g.Target, &g.Subject, &g.Reason, &g.Cause, &since)
		g.Since = instant(since)
		out = append(out, g)
		return err
	}, b.sql(), b.args...)
	return out, err
}

// PutGrants implements store.Tx.
func (t *tx) PutGrants(g store.Grant, subjects []int64) ([]int64, error) {
	if err := t.owned(g.Tenant, g.Target); err != nil {
		return nil, err
	}
	list, arg := t.intRows(unique(subjects))
	added, err := t.ids("INSERT INTO grants (tenant, target, subject, reason, cause, since) SELECT CAST(? AS BIGINT), CAST(? AS BIGINT), x.rid, ?, CAST(? AS BIGINT), CAST(? AS BIGINT) FROM "+
		list+" CROSS JOIN resources x WHERE x.rid = v AND x.tenant = ? ON CONFLICT DO NOTHING RETURNING subject",
		g.Tenant, g.Target, string(g.Reason), g.Cause, micros(g.Since), arg, g.Tenant)
	slices.Sort(added)
	return added, err
}

// ForgetGrants implements store.Tx.
func (t *tx) ForgetGrants(tenant, rid int64) error {
	for _, where := range []string{"target = ?", "subject = ?", "cause = ? AND cause <> 0"} {
		if err := t.exec("DELETE FROM grants WHERE tenant = ? AND "+where, tenant, rid); err != nil {
			return err
		}
	}
	return nil
}

// EndGrants implements store.Tx.
func (t *tx) EndGrants(g store.Grant, subjects []int64) ([]int64, error) {
	if err := t.owned(g.Tenant, g.Target); err != nil {
		return nil, err
	}
	in, arg := t.idList(unique(subjects))
	ended, err := t.ids("DELETE FROM grants WHERE tenant = ? AND target = ? AND reason = ? AND cause = ? AND subject "+in+" RETURNING subject",
		g.Tenant, g.Target, g.Reason, g.Cause, arg)
	slices.Sort(ended)
	return ended, err
}

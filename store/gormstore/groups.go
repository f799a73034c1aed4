package gormstore

import "github.com/workspace-scim/workspace/store"

// noGroups is a column in place of that of groupsOf.
var noGroups = fragment{sql: "''"}

// groupsOf gives a column with the groups of r that the view shows, for
// memberships to read. Most resources are in no group, and most groups in no
// other: to find that out first is ten times as fast as a recursive query.
func groupsOf(d dialect, v store.View) fragment {
	b := &builder{view: v}
	up := d.lookup("resources", "g", "rid", "m.grp")
	b.add("COALESCE(CASE WHEN NOT EXISTS (SELECT 1 FROM members m WHERE m.member = r.rid) THEN NULL")
	b.add(" WHEN NOT EXISTS (SELECT 1 FROM members m" + d.lookup("members", "n", "member", "m.grp") + " WHERE m.member = r.rid) THEN ")
	b.add("(SELECT " + d.lists("g.rid, g.id, g.display, 1") + " FROM members m" + up + " WHERE m.member = r.rid").groupVisible()
	// UNION drops what is there already, so a circle of groups comes to an end.
	b.add(") ELSE (WITH RECURSIVE up(grp, direct) AS (SELECT m.grp, 1 FROM members m" + up + " WHERE m.member = r.rid").groupVisible()
	b.add(" UNION SELECT m.grp, 0 FROM up" + d.lookup("members", "m", "member", "up.grp") + up + " WHERE 1 = 1").groupVisible()
	b.add(") SELECT " + d.lists("g.rid, g.id, g.display, u.direct") + " FROM (SELECT grp, MAX(direct) AS direct FROM up WHERE grp <> r.rid GROUP BY grp) u" +
		d.lookup("resources", "g", "rid", "u.grp") + ") END, '')")
	return fragment{b.sql(), b.args}
}

// groupVisible adds the conditions under which the view shows a group g that a
// row m of members names.
func (b *builder) groupVisible() *builder {
	b.add(" AND g.tenant = ?", b.view.Tenant)
	if b.view.Source == 0 {
		return b.add(" AND m.source = g.authority AND g.state <= 2")
	}
	return b.add(" AND m.source = ? AND "+linkState("g")+" <= 2", b.view.Source, b.view.Source)
}

// groupsOfOne implements dialect.
func (d sqliteDialect) groupsOfOne(v store.View) fragment { return groupsOf(d, v) }

// groupsOfOne implements dialect. PostgreSQL makes ready each subquery of a
// statement before it knows whether it is needed, which of groupsOf costs more
// than the rest of a look-up; those of a function, only when it is called.
func (postgresDialect) groupsOfOne(v store.View) fragment {
	return fragment{
		"CASE WHEN EXISTS (SELECT 1 FROM members m WHERE m.member = r.rid) THEN groups_of(r.rid, ?, ?) ELSE '' END",
		[]any{v.Tenant, v.Source},
	}
}

// groupsIf is the column of groups of a statement that gives one row.
func (s *session) groupsIf(wanted bool, v store.View) fragment {
	if !wanted {
		return noGroups
	}
	return s.groupsOfOne(v)
}

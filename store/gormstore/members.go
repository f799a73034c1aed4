package gormstore

import (
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// Members implements store.Reader. In a source's view they are the members that
// the source asserts, as long as they are not deleted, and not held for a
// source other than it.
func (r *reader) Members(v store.View, group int64, row func(store.Member) error) error {
	b := &builder{view: v}
	b.add("SELECT r.rid, r.id, r.kind, r.display FROM members m").add(r.lookup("resources", "r", "rid", "m.member"))
	if v.Source == 0 {
		b.add(" WHERE m.grp = ? AND m.source = (SELECT g.authority FROM resources g WHERE g.rid = ?)", group, group)
	} else {
		b.add(" WHERE m.grp = ? AND m.source = ?", group, v.Source)
	}
	b.add(" AND r.tenant = ?", v.Tenant).memberVisible("r").add(" ORDER BY m.member")
	return r.each(func(rs rows) error {
		var m store.Member
		if err := rs.Scan(&m.RID, &m.ID, &m.Kind, &m.Display); err != nil {
			return err
		}
		return row(m)
	}, b.sql(), b.args...)
}

// memberVisible adds the conditions under which the view shows a member.
func (b *builder) memberVisible(alias string) *builder {
	if b.view.Source == 0 {
		return b.add(" AND " + alias + ".state <= 2")
	}
	return b.add(" AND ("+alias+".state <= 2 OR "+alias+".state = 3 AND "+linkState(alias)+" <= 2)", b.view.Source)
}

// linkState is the state of the link of a source, its argument, to a resource;
// NULL if there is none. An EXISTS in its place would let PostgreSQL hash all
// links of the source.
func linkState(alias string) string {
	return "(SELECT h.state FROM links h WHERE h.rid = " + alias + ".rid AND h.source = ?)"
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

// groupChunk bounds the resources of one statement.
const groupChunk = 256

// Groups implements store.Reader.
func (r *reader) Groups(v store.View, rids []int64) (map[int64][]store.Membership, error) {
	out := map[int64][]store.Membership{}
	for chunk := range slices.Chunk(unique(rids), groupChunk) {
		if err := r.groups(v, chunk, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *reader) groups(v store.View, rids []int64, out map[int64][]store.Membership) error {
	// Most resources are in no group, and to find that out a plain look-up is
	// ten times as fast as a recursive query.
	in, arg := r.idList(rids)
	rids, err := r.ids("SELECT DISTINCT m.member FROM members m WHERE m.member "+in, arg)
	if err != nil || len(rids) == 0 {
		return err
	}
	in, arg = r.idList(rids)
	b := &builder{view: v}
	// UNION drops what is there already, so a circle of groups comes to an end.
	b.add("WITH RECURSIVE up(start, grp, direct) AS (SELECT m.member, m.grp, 1 FROM members m"+r.lookup("resources", "g", "rid", "m.grp")+" WHERE m.member "+in, arg).groupVisible()
	b.add(" UNION SELECT up.start, m.grp, 0 FROM up" + r.lookup("members", "m", "member", "up.grp") + r.lookup("resources", "g", "rid", "m.grp") + " WHERE 1 = 1").groupVisible()
	b.add(`) SELECT u.start, g.rid, g.id, g.display, u.direct = 1 FROM (SELECT start, grp, MAX(direct) AS direct FROM up WHERE start <> grp GROUP BY start, grp) u` + r.lookup("resources", "g", "rid", "u.grp") + ` ORDER BY u.start, u.direct DESC, u.grp`)
	return r.each(func(rs rows) error {
		var start int64
		var m store.Membership
		err := rs.Scan(&start, &m.RID, &m.ID, &m.Display, &m.Direct)
		out[start] = append(out[start], m)
		return err
	}, b.sql(), b.args...)
}

// ChangeMembers implements store.Tx.
func (t *tx) ChangeMembers(tenant, group, source int64, add, remove []int64) (added, removed []int64, err error) {
	if err := t.owned(tenant, group); err != nil {
		return nil, nil, err
	}
	if err := t.changing(tenant); err != nil {
		return nil, nil, err
	}
	gone := map[int64]bool{}
	for _, rid := range remove {
		gone[rid] = true
	}
	add = slices.DeleteFunc(slices.Clone(add), func(rid int64) bool { return gone[rid] })
	if len(add) > 0 {
		list, arg := t.intRows(unique(add))
		added, err = t.ids("INSERT INTO members (grp, source, member) SELECT CAST(? AS BIGINT), CAST(? AS BIGINT), x.rid FROM "+list+" CROSS JOIN resources x WHERE x.rid = v AND x.tenant = ? ON CONFLICT DO NOTHING RETURNING member", group, source, arg, tenant)
	}
	if len(remove) > 0 && err == nil {
		in, arg := t.idList(unique(remove))
		removed, err = t.ids("DELETE FROM members WHERE grp = ? AND source = ? AND member "+in+" RETURNING member", group, source, arg)
	}
	slices.Sort(added)
	slices.Sort(removed)
	return added, removed, err
}

// unique sorts a copy, so that concurrent transactions meet rows in one order.
func unique(ids []int64) []int64 { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// ReplaceMembers implements store.Tx.
func (t *tx) ReplaceMembers(tenant, group, source int64, members []int64) (added, removed []int64, err error) {
	now, err := t.ids("SELECT member FROM members WHERE grp = ? AND source = ? ORDER BY member", group, source)
	if err != nil {
		return nil, nil, err
	}
	want := unique(members)
	among := func(list []int64) func(int64) bool {
		return func(rid int64) bool {
			_, found := slices.BinarySearch(list, rid)
			return found
		}
	}
	add := slices.DeleteFunc(slices.Clone(want), among(now))
	remove := slices.DeleteFunc(slices.Clone(now), among(want))
	return t.ChangeMembers(tenant, group, source, add, remove)
}

// EndMemberships implements store.Tx.
func (t *tx) EndMemberships(source, member int64) ([]int64, error) {
	groups, err := t.ids("DELETE FROM members WHERE member = ? AND source = ? RETURNING grp", member, source)
	slices.Sort(groups)
	return groups, err
}

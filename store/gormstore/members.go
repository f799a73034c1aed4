package gormstore

import (
	"cmp"
	"encoding/json"
	"fmt"
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
	return r.eachOf(func(rs rows) error {
		var m store.Member
		if err := rs.Scan(&m.RID, &m.ID, &m.Kind, &m.Display); err != nil {
			return err
		}
		return row(m)
	}, b.sql(), b.args...)
}

// Asserting implements store.Reader. It asks for each source of the tenant in
// turn, because a group's rows stand by their source.
func (r *reader) Asserting(tenant, group, member int64) ([]int64, error) {
	return r.ids("SELECT m.source FROM sources s CROSS JOIN members m WHERE s.tenant = ? AND m.grp = ? AND m.source = s.id AND m.member = ? ORDER BY m.source", tenant, group, member)
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

// memberships reads a column of groupsOf.
func memberships(list string) ([]store.Membership, error) {
	if list == "" {
		return nil, nil
	}
	var rows []membershipRow
	if err := json.Unmarshal([]byte(list), &rows); err != nil {
		return nil, fmt.Errorf("gormstore: groups: %w", err)
	}
	out := make([]store.Membership, len(rows))
	for i, r := range rows {
		out[i] = store.Membership(r)
	}
	slices.SortFunc(out, func(a, b store.Membership) int {
		return cmp.Or(cmp.Compare(one(b.Direct), one(a.Direct)), cmp.Compare(a.RID, b.RID))
	})
	return out, nil
}

type membershipRow store.Membership

// UnmarshalJSON reads [rid, id, display, 1 or 0].
func (r *membershipRow) UnmarshalJSON(b []byte) error {
	direct := 0
	fields := []any{&r.RID, &r.ID, &r.Display, &direct}
	err := json.Unmarshal(b, &fields)
	r.Direct = direct == 1
	return err
}

// groupChunk bounds the resources of one statement.
const groupChunk = 256

// Groups implements store.Reader.
func (r *reader) Groups(v store.View, rids []int64) (map[int64][]store.Membership, error) {
	out := map[int64][]store.Membership{}
	rids = unique(rids)
	read := r.each
	if len(rids) <= groupChunk {
		read = r.eachOf
	}
	for chunk := range slices.Chunk(rids, groupChunk) {
		b := &builder{view: v}
		b.add("SELECT r.rid, ").fragment(groupsOf(r.dialect, v)).add(" FROM resources r WHERE r.rid ")
		if len(chunk) == 1 {
			b.add("= ?", chunk[0])
		} else {
			b.add(r.idList(chunk))
		}
		err := read(func(rs rows) error {
			var rid int64
			var list string
			if err := rs.Scan(&rid, &list); err != nil {
				return err
			}
			groups, err := memberships(list)
			if len(groups) > 0 {
				out[rid] = groups
			}
			return err
		}, b.sql(), b.args...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
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
		added, err = t.addedMembers(tenant, "INSERT INTO members (grp, source, member) SELECT CAST(? AS BIGINT), CAST(? AS BIGINT), x.rid FROM "+list+" CROSS JOIN resources x WHERE x.rid = v AND x.tenant = ? ON CONFLICT DO NOTHING RETURNING member, "+t.everColumn(), group, source, arg, tenant, -tenant)
	}
	if len(remove) > 0 && err == nil {
		in, arg := t.idList(unique(remove))
		removed, err = t.ids("DELETE FROM members WHERE grp = ? AND source = ? AND member "+in+" RETURNING member", group, source, arg)
	}
	slices.Sort(added)
	slices.Sort(removed)
	t.count(source, countedMemberships, int64(len(added)-len(removed)))
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
	t.count(source, countedMemberships, -int64(len(groups)))
	return groups, err
}

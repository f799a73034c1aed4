package gormstore

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// Holdings implements store.GrantReader. Members and grants are read apart, each
// in the order of target and subject, and put together.
func (r *reader) Holdings(q store.HoldingQuery) ([]store.Holding, error) {
	members, err := r.memberHoldings(q)
	if err != nil {
		return nil, err
	}
	granted, err := r.grantHoldings(q)
	if err != nil {
		return nil, err
	}
	var out []store.Holding
	for len(out) < q.Limit && len(members)+len(granted) > 0 {
		switch c := order(members, granted); {
		case c < 0:
			out, members = append(out, members[0]), members[1:]
		case c > 0:
			out, granted = append(out, granted[0]), granted[1:]
		default:
			h := granted[0]
			h.Member, h.Authority = true, members[0].Authority
			out, members, granted = append(out, h), members[1:], granted[1:]
		}
	}
	return out, nil
}

// order compares the first of two lists; an empty one comes last.
func order(a, b []store.Holding) int {
	switch {
	case len(a) == 0:
		return 1
	case len(b) == 0:
		return -1
	}
	return cmp.Or(cmp.Compare(a[0].Target, b[0].Target), cmp.Compare(a[0].Subject, b[0].Subject))
}

// memberHoldings gives the members of groups as their authorities assert them.
func (r *reader) memberHoldings(q store.HoldingQuery) ([]store.Holding, error) {
	if q.Subject != 0 {
		b := (&builder{}).add(membersBySubject(r.dialect), q.Subject, q.Tenant, q.Tenant, q.After.Target)
		if q.Target != 0 {
			b.add(" AND g.rid = ?", q.Target)
		}
		found, err := r.memberRows(b.add(" ORDER BY m.grp LIMIT ?", q.Limit+1))
		// A group that was begun is behind its subject, or at it.
		return slices.DeleteFunc(found, func(h store.Holding) bool {
			return h.Target == q.After.Target && h.Subject <= q.After.Subject
		}), err
	}
	of := max(q.Target, q.After.Target)
	if q.Target != 0 && q.After.Target > q.Target {
		return nil, nil
	}
	var out []store.Holding
	if of != 0 {
		behind := q.After.Subject
		if of > q.After.Target {
			behind = 0
		}
		var err error
		b := (&builder{}).add(membersByGroup(r.dialect)+" AND g.rid = ? AND m.member > ? ORDER BY m.member LIMIT ?", q.Tenant, q.Tenant, of, behind, q.Limit)
		if out, err = r.memberRows(b); err != nil || q.Target != 0 || len(out) == q.Limit {
			return out, err
		}
	}
	b := (&builder{}).add(membersByGroup(r.dialect)+" AND g.rid > ? ORDER BY g.rid, m.member LIMIT ?", q.Tenant, q.Tenant, of, q.Limit-len(out))
	more, err := r.memberRows(b)
	return append(out, more...), err
}

func membersByGroup(d dialect) string {
	return "SELECT g.rid, m.member, g.authority FROM resources g" + d.lookup("members", "m", "grp", "g.rid") + d.lookup("resources", "r", "rid", "m.member") +
		" WHERE g.tenant = ? AND g.kind = 2 AND g.state <= 2 AND m.source = g.authority AND r.tenant = ? AND r.state <= 2"
}

func membersBySubject(d dialect) string {
	return "SELECT g.rid, m.member, g.authority FROM members m" + d.lookup("resources", "g", "rid", "m.grp") + d.lookup("resources", "r", "rid", "m.member") +
		" WHERE m.member = ? AND g.tenant = ? AND g.kind = 2 AND g.state <= 2 AND m.source = g.authority AND r.tenant = ? AND r.state <= 2 AND m.grp >= ?"
}

func (r *reader) memberRows(b *builder) ([]store.Holding, error) {
	var out []store.Holding
	err := r.each(func(rs rows) error {
		h := store.Holding{Member: true}
		err := rs.Scan(&h.Target, &h.Subject, &h.Authority)
		out = append(out, h)
		return err
	}, b.sql(), b.args...)
	return out, err
}

// grantHoldings gives the grants between what is visible, those of one subject
// and target together.
func (r *reader) grantHoldings(q store.HoldingQuery) ([]store.Holding, error) {
	b := (&builder{}).add("SELECT g.target, g.subject, "+r.lists("g.reason, g.cause, g.since")).
		fragment(r.visibleGrants(q)).
		add(" AND (g.target, g.subject) > (?, ?) GROUP BY g.target, g.subject ORDER BY g.target, g.subject LIMIT ?", q.After.Target, q.After.Subject, q.Limit)
	var out []store.Holding
	err := r.each(func(rs rows) error {
		var h store.Holding
		var list string
		if err := rs.Scan(&h.Target, &h.Subject, &list); err != nil {
			return err
		}
		var all []reasonRow
		if err := json.Unmarshal([]byte(list), &all); err != nil {
			return fmt.Errorf("gormstore: reasons: %w", err)
		}
		for _, x := range all {
			h.Grants = append(h.Grants, store.Grant{
				Tenant: q.Tenant, Target: h.Target, Subject: h.Subject, Reason: x.reason, Cause: x.cause, Since: instant(x.since),
			})
		}
		slices.SortFunc(h.Grants, func(a, b store.Grant) int {
			return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Cause, b.Cause))
		})
		out = append(out, h)
		return nil
	}, b.sql(), b.args...)
	return out, err
}

type reasonRow struct {
	reason       store.GrantReason
	cause, since int64
}

// UnmarshalJSON reads [reason, cause, since].
func (r *reasonRow) UnmarshalJSON(b []byte) error {
	fields := []any{&r.reason, &r.cause, &r.since}
	return json.Unmarshal(b, &fields)
}

func (s *session) visibleGrants(q store.HoldingQuery) fragment {
	b := (&builder{}).add(" FROM grants g"+s.lookup("resources", "t", "rid", "g.target")+s.lookup("resources", "r", "rid", "g.subject")+
		" WHERE g.tenant = ? AND t.state <= 2 AND r.state <= 2", q.Tenant)
	if q.Target != 0 {
		b.add(" AND g.target = ?", q.Target)
	}
	if q.Subject != 0 {
		b.add(" AND g.subject = ?", q.Subject)
	}
	return fragment{b.sql(), b.args}
}

// CountHoldings implements store.GrantReader.
func (r *reader) CountHoldings(q store.HoldingQuery) (int, error) {
	members := (&builder{}).add("SELECT COUNT(*) FROM (")
	if q.Subject != 0 {
		members.add(membersBySubject(r.dialect), q.Subject, q.Tenant, q.Tenant, 0)
	} else {
		members.add(membersByGroup(r.dialect), q.Tenant, q.Tenant)
	}
	if q.Target != 0 {
		members.add(" AND g.rid = ?", q.Target)
	}
	var ofMembers, ofGrants int
	if err := r.one([]any{&ofMembers}, members.add(") x").sql(), members.args...); err != nil {
		return 0, err
	}
	others := (&builder{}).add("SELECT COUNT(*) FROM (SELECT DISTINCT g.target, g.subject").fragment(r.visibleGrants(q)).
		add(" AND NOT EXISTS (SELECT 1 FROM members m WHERE t.kind = 2 AND m.grp = g.target AND m.source = t.authority AND m.member = g.subject)) x")
	err := r.one([]any{&ofGrants}, others.sql(), others.args...)
	return ofMembers + ofGrants, err
}

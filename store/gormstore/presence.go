package gormstore

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// inactive is true of a document that says active:false, with the same argument
// twice: activeKey. In a user's document the first such key is the attribute, as
// extensions stand behind it, and inside a text its quotation marks are escaped.
func (s *session) inactive(column string) string {
	return "(" + s.position(column) + " > 0 AND substr(" + column + ", " + s.position(column) + " + 9, 5) = 'false')"
}

const activeKey = `"active":`

// Presences implements store.Reader.
func (r *reader) Presences(tenant int64) ([]store.Presence, error) {
	b := &builder{}
	b.add("SELECT p, a, COUNT(*) FROM (SELECT COALESCE((SELECT " + r.concat("k.source") + " FROM links k WHERE k.rid = r.rid AND k.state = 1")
	b.add(" AND (k.view = 0 OR NOT EXISTS (SELECT 1 FROM link_docs d WHERE d.rid = k.rid AND d.source = k.source AND "+r.inactive("d.doc")+"))), '') AS p,", activeKey, activeKey)
	b.add(" CASE WHEN "+r.inactive("r.doc")+" THEN 0 ELSE 1 END AS a", activeKey, activeKey)
	b.add(" FROM resources r WHERE r.tenant = ? AND r.kind = ? AND r.state <= 2) u GROUP BY p, a", tenant, schema.User)
	var out []store.Presence
	err := r.eachOf(func(rs rows) error {
		var sources string
		var active int
		var p store.Presence
		if err := rs.Scan(&sources, &active, &p.Users); err != nil {
			return err
		}
		p.Active = active == 1
		for id := range strings.SplitSeq(sources, ",") {
			if n, err := strconv.ParseInt(id, 10, 64); err == nil {
				p.Sources = append(p.Sources, n)
			}
		}
		slices.Sort(p.Sources)
		out = append(out, p)
		return nil
	}, b.sql(), b.args...)
	return merge(out), err
}

// merge adds up what was counted under several orders of the same sources, in
// the order of the sources, active users first.
func merge(all []store.Presence) []store.Presence {
	order := func(a, b store.Presence) int {
		return cmp.Or(slices.Compare(a.Sources, b.Sources), cmp.Compare(one(b.Active), one(a.Active)))
	}
	slices.SortFunc(all, order)
	var out []store.Presence
	for _, p := range all {
		if n := len(out); n > 0 && order(out[n-1], p) == 0 {
			out[n-1].Users += p.Users
		} else {
			out = append(out, p)
		}
	}
	return out
}

package gormstore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/scim/schema"
)

// Who adds members has to know whether products, orders and items follow, and
// mostly there are none. The statement that adds them tells that on the way,
// because to ask would cost each of them a round trip.

// everColumn gives a column with the numbers of the kinds that a tenant ever
// counted; its argument is the scope of the tenant's counters.
func (s *session) everColumn() string {
	return "COALESCE((SELECT " + s.concat("c.kind") + " FROM counts c WHERE c.scope = ?), '')"
}

// addedMembers runs a statement that gives members and everColumn.
func (t *tx) addedMembers(tenant int64, sql string, args ...any) ([]int64, error) {
	var out []int64
	err := t.each(func(r rows) error {
		var rid int64
		var kinds string
		err := r.Scan(&rid, &kinds)
		out, t.ever[tenant] = append(out, rid), kinds
		return err
	}, sql, args...)
	return out, err
}

// Ever implements store.Tx.
func (t *tx) Ever(tenant int64, kind schema.Kind) (bool, error) {
	kinds, known := t.ever[tenant]
	if !known {
		if err := t.one([]any{&kinds}, "SELECT "+t.everColumn(), -tenant); err != nil {
			return false, err
		}
		t.ever[tenant] = kinds
	}
	return t.deltas[counter{-tenant, kind}] != 0 || slices.Contains(strings.Split(kinds, ","), strconv.Itoa(int(kind))), nil
}

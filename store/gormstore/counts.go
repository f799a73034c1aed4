package gormstore

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// counter is one number of table counts: how many resources of a kind a view
// shows. It makes the total of an unfiltered list independent of its length.
type counter struct {
	scope int64 // minus the tenant for the resolved view, else the source
	kind  schema.Kind
}

// countedMemberships stands for a kind where the memberships that a source
// asserts are counted. Kinds of resources are below it. Persistent.
const countedMemberships schema.Kind = 1000

func scopeOf(v store.View) int64 {
	if v.Source != 0 {
		return v.Source
	}
	return -v.Tenant
}

// count adds to a counter; the row is written at the end of the transaction,
// because others wait for it until then.
func (s *session) count(scope int64, kind schema.Kind, n int64) {
	if n != 0 {
		s.deltas[counter{scope, kind}] += n
	}
}

// writeCounts writes what count added, in an order that is the same for all
// transactions, so that they don't deadlock.
func (s *session) writeCounts() error {
	keys := slices.SortedFunc(maps.Keys(s.deltas), func(a, b counter) int {
		return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.kind, b.kind))
	})
	var args []any
	for _, k := range keys {
		if s.deltas[k] != 0 {
			args = append(args, k.scope, k.kind, s.slot, s.deltas[k])
		}
	}
	if len(args) == 0 {
		return nil
	}
	return s.exec("INSERT INTO counts (scope, kind, slot, n) VALUES (?,?,?,?)"+strings.Repeat(",(?,?,?,?)", len(args)/4-1)+
		" ON CONFLICT (scope, kind, slot) DO UPDATE SET n = counts.n + excluded.n", args...)
}

// entered counts that n more resources (or fewer) are shown. Unless they stand
// at the end of the order of creation, being new, this moves those behind them,
// and that is counted too: as the kind with a minus sign.
func (s *session) entered(scope int64, kind schema.Kind, n int64, atEnd bool) {
	s.count(scope, kind, n)
	if n != 0 && !atEnd {
		s.count(scope, -kind, 1)
	}
}

// moves is how often resources of a kind came or went elsewhere than at the end
// of a view.
func (s *session) moves(v store.View, kind schema.Kind) (int, error) { return s.total(v, -kind) }

// total is how many resources of a kind a view shows.
func (s *session) total(v store.View, kind schema.Kind) (int, error) {
	n := 0
	scope := scopeOf(v)
	// The view of another tenant's source shows nothing.
	err := s.one([]any{&n}, `SELECT COALESCE(SUM(n), 0) FROM counts WHERE scope = ? AND kind = ?
		AND (scope < 0 OR EXISTS (SELECT 1 FROM sources WHERE id = scope AND tenant = ?))`, scope, kind, v.Tenant)
	return n + int(s.deltas[counter{scope, kind}]), err
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

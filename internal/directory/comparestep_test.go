package directory

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// sides is a reader of one group and one item alone.
type sides struct {
	store.Reader
	members []store.Assignee
	holders []store.Holder
	unknown int
}

func (s sides) MembersAfter(_, _, _, after int64, limit int) ([]store.Assignee, error) {
	i, _ := slices.BinarySearchFunc(s.members, after+1, func(a store.Assignee, rid int64) int { return int(a.RID - rid) })
	return slices.Clone(s.members[i:min(i+limit, len(s.members))]), nil
}

func (s sides) HoldersAfter(_, _, after int64, limit int) ([]store.Holder, error) {
	i, _ := slices.BinarySearchFunc(s.holders, after+1, func(h store.Holder, rid int64) int { return int(h.RID - rid) })
	return slices.Clone(s.holders[i:min(i+limit, len(s.holders))]), nil
}

func (s sides) Assignees(_ int64, rids []int64) ([]store.Assignee, error) {
	var out []store.Assignee
	for _, rid := range rids {
		out = append(out, store.Assignee{RID: rid, Kind: schema.User, Visible: true})
	}
	return out, nil
}

func (s sides) ParkedMembers(int64, int64) ([]string, error) {
	return make([]string, s.unknown), nil
}

// Chunk by chunk a comparison finds what a naive look at all of both sides finds,
// however they lie to each other and to the chunks (rows A007, A034).
func TestAComparisonInChunksIsTheNaiveOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		inGroup, inItem := rapid.Float64Range(0, 1).Draw(rt, "in the group"), rapid.Float64Range(0, 1).Draw(rt, "in the item")
		s := sides{unknown: rapid.IntRange(0, 3).Draw(rt, "unknown")}
		var add, remove, lost []int64
		inBoth, skipped := int64(0), int64(s.unknown)
		for rid := range int64(rapid.IntRange(0, 4*compareChunk).Draw(rt, "users")) {
			rid++
			member, holder, eligible, reconciled := random.Float64() < inGroup, random.Float64() < inItem, random.IntN(8) > 0, random.IntN(8) > 0
			if member {
				s.members = append(s.members, store.Assignee{RID: rid, Kind: schema.User, Visible: true, Online: eligible})
			}
			if holder {
				s.holders = append(s.holders, store.Holder{RID: rid, Reconciled: reconciled, Other: !reconciled})
			}
			switch has := holder && reconciled; {
			case member && has:
				inBoth++
				if !eligible {
					lost = append(lost, rid)
				}
			case member && eligible:
				add = append(add, rid)
			case member:
				skipped++
			case has:
				remove = append(remove, rid)
			}
		}
		b := binding{item: reconcile.Item{Provider: "entra", Entitlement: reconcile.EntitlementOnline}}
		var got assignments
		counts := store.RunCounts{Reconcile: &store.ReconcileCounts{}}
		for after, pieces := int64(0), 0; after != itemDone; pieces++ {
			p, err := compare(s, b, store.Resource{}, after)
			if err != nil || pieces > 9 {
				rt.Fatalf("piece %d: %v", pieces, err)
			}
			p.count(&counts)
			got.add, got.remove, got.lost = append(got.add, p.add...), append(got.remove, p.remove...), append(got.lost, p.lost...)
			after = p.last
		}
		if d := cmp.Diff([][]int64{add, remove, lost}, [][]int64{ridsOf(got.add), ridsOf(got.remove), ridsOf(got.lost)}, cmpopts.EquateEmpty()); d != "" {
			rt.Fatal(d)
		}
		want := store.ReconcileCounts{InBoth: inBoth, OnlyInGroup: int64(len(add)) + skipped, OnlyInItem: int64(len(remove))}
		if got := *counts.Reconcile; got != want || counts.Skipped[reconcile.SkipNotEligible] != skipped {
			rt.Fatalf("%+v, skipped %v, want %+v, skipped %d", got, counts.Skipped, want, skipped)
		}
	})
}

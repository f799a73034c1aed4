package feed

import (
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// streamsOf gives streams numbered from first on.
func streamsOf(tenant, first int64, n int) (all []store.Stream) {
	for i := range int64(n) {
		all = append(all, store.Stream{ID: first + i, Tenant: tenant})
	}
	return all
}

func idsOf(all []store.Stream) (ids []int64) {
	for _, x := range all {
		ids = append(ids, x.ID)
	}
	return ids
}

// Streams of one tenant leave room for those of others, whatever becomes of them,
// and who had no turn yet comes before who had one.
func TestStreamsTakeTurns(t *testing.T) {
	slow, other := streamsOf(1, 1, 20), streamsOf(2, 101, 1)
	turns := newTurns()
	now := turns.take(slices.Concat(slow, other))
	if got := idsOf(now); !slices.Equal(got, []int64{1, 2, 3, 4, 101}) {
		t.Errorf("first %v", got)
	}
	if !turns.end(other[0], 0) {
		t.Error("nobody waits")
	}
	if got := idsOf(turns.take(slices.Concat(slow, other))); !slices.Equal(got, []int64{101}) {
		t.Errorf("while the first ones are sent %v", got)
	}
	for _, x := range now[:4] {
		turns.end(x, 0)
	}
	if got := idsOf(turns.take(slow)); !slices.Equal(got, []int64{5, 6, 7, 8}) {
		t.Errorf("then %v", got)
	}
}

func TestNoMoreStreamsAreSentAtOnceThanThereIsRoomFor(t *testing.T) {
	var all []store.Stream
	for tenant := range int64(10) {
		all = append(all, streamsOf(tenant, 10*tenant, 3)...)
	}
	turns := newTurns()
	first := turns.take(all)
	if len(first) != pushAtOnce {
		t.Fatalf("%d at once", len(first))
	}
	for _, x := range first {
		turns.end(x, 0)
	}
	second := turns.take(all)
	for _, x := range second[:len(all)-len(first)] {
		if slices.Contains(idsOf(first), x.ID) {
			t.Errorf("%d has a second turn before all had one", x.ID)
		}
	}
}

// What is known of a stream is forgotten with it, unless it is being sent.
func TestTurnsOfStreamsThatAreGoneAreForgotten(t *testing.T) {
	turns, all := newTurns(), streamsOf(1, 1, 2)
	turns.take(all)
	turns.end(all[0], 7)
	if got := turns.seen(all[0]); got != 7 {
		t.Errorf("seen %d", got)
	}
	turns.keep(nil)
	if got := turns.seen(all[0]); got != 0 || len(turns.streams) != 1 {
		t.Errorf("seen %d, %d known", got, len(turns.streams))
	}
	turns.end(all[1], 9)
	if turns.keep(nil); len(turns.streams)+len(turns.busy) != 0 {
		t.Errorf("left are %v, %v", turns.streams, turns.busy)
	}
}

package feed

import (
	"cmp"
	"slices"
	"sync"

	"github.com/workspace-scim/workspace/store"
)

const (
	// pushAtOnce bounds the receivers to whom one process sends at the same time,
	// and pushOfTenant those of one tenant, so that receivers that don't answer
	// hold up few but their own tenant's.
	pushAtOnce, pushOfTenant = 16, 4
)

// turns says which streams are sent a batch next: those that have waited longest.
// It is safe for concurrent use.
type turns struct {
	mu      sync.Mutex
	streams map[int64]*turn
	busy    map[int64]int // by tenant: how many of its streams are being sent
	taken   int64         // how many turns there were
	waits   bool          // a stream found no room
}

// turn is what is known of one stream.
type turn struct {
	last int64 // the number of its last turn
	busy bool
	seen int64 // up to which number of the log there was nothing to send
}

func newTurns() *turns { return &turns{streams: map[int64]*turn{}, busy: map[int64]int{}} }

// keep forgets all streams but these.
func (t *turns) keep(all []store.Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := make(map[int64]*turn, len(all))
	for _, x := range all {
		if one := t.streams[x.ID]; one != nil {
			known[x.ID] = one
		}
	}
	for id, one := range t.streams {
		if one.busy {
			known[id] = one
		}
	}
	t.streams = known
}

// seen is the number up to which there is nothing to send of a stream, as far as is
// known.
func (t *turns) seen(x store.Stream) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if one := t.streams[x.ID]; one != nil {
		return max(one.seen, x.Position)
	}
	return x.Position
}

// take gives those of the streams that have something to send whose turn it is now.
// Each ends with end.
func (t *turns) take(due []store.Stream) (now []store.Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range due {
		if t.streams[x.ID] == nil {
			t.streams[x.ID] = &turn{}
		}
	}
	due = slices.SortedStableFunc(slices.Values(due), func(a, b store.Stream) int {
		return cmp.Compare(t.streams[a.ID].last, t.streams[b.ID].last)
	})
	t.waits = false
	for _, x := range due {
		one := t.streams[x.ID]
		switch {
		case one.busy:
		case t.sending() >= pushAtOnce || t.busy[x.Tenant] >= pushOfTenant:
			t.waits = true
		default:
			t.taken++
			t.busy[x.Tenant]++
			one.busy, one.last = true, t.taken
			now = append(now, x)
		}
	}
	return now
}

func (t *turns) sending() (n int) {
	for _, of := range t.busy {
		n += of
	}
	return n
}

// end ends the turn of a stream, of which there is nothing to send up to seen. It
// says whether another one waits for the room.
func (t *turns) end(x store.Stream, seen int64) (waits bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.streams[x.ID]
	one.busy, one.seen = false, seen
	if t.busy[x.Tenant]--; t.busy[x.Tenant] == 0 {
		delete(t.busy, x.Tenant)
	}
	return t.waits
}

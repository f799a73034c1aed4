package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/workspace-scim/workspace/store"
)

// useStep is how exact Token.LastUsedAt is.
const useStep = time.Minute

// uses remembers which tokens were used since the last flush, so that a request
// writes nothing. The zero value is ready; it is safe for concurrent use.
type uses struct {
	mu      sync.Mutex
	pending map[int64]time.Time // by token id
}

// note remembers that a token was used, unless the database knows already to
// the minute.
func (u *uses) note(t store.Token, at time.Time) {
	if at.Sub(t.LastUsedAt) < useStep {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pending == nil {
		u.pending = map[int64]time.Time{}
	}
	if u.pending[t.ID].Before(at) {
		u.pending[t.ID] = at
	}
}

func (u *uses) take() map[int64]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	p := u.pending
	u.pending = nil
	return p
}

// FlushUses writes LastUsedAt of the tokens that were used since the last call,
// in one transaction. Call it every minute or so and when the program ends; on
// an error what it had is kept for the next call.
func (d *Directory) FlushUses(ctx context.Context) error {
	pending := d.use.take()
	if len(pending) == 0 {
		return nil
	}
	err := d.store.Update(ctx, func(tx store.Tx) error {
		// In one order, so that two processes never wait for each other.
		for _, id := range slices.Sorted(maps.Keys(pending)) {
			if err := tx.UseToken(id, pending[id].Truncate(useStep)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for id, at := range pending {
			d.use.note(store.Token{ID: id}, at)
		}
		return fmt.Errorf("last use of %d tokens: %w", len(pending), err)
	}
	return nil
}

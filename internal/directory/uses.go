package directory

import (
	"context"
	"errors"
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
	pending map[int64]use // by token id
}

type use struct {
	hash []byte
	at   time.Time
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
		u.pending = map[int64]use{}
	}
	if u.pending[t.ID].at.Before(at) {
		u.pending[t.ID] = use{t.Hash, at}
	}
}

func (u *uses) take() map[int64]use {
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
			u := pending[id]
			// Read again: a token revoked in between has to stay revoked.
			p, err := tx.Authenticate(u.hash)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if u.at.Sub(p.Token.LastUsedAt) < useStep {
				continue // another process wrote it
			}
			p.Token.LastUsedAt = u.at.Truncate(useStep)
			if err := tx.UpdateToken(&p.Token); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for id, u := range pending {
			d.use.note(store.Token{ID: id, Hash: u.hash}, u.at)
		}
		return fmt.Errorf("last use of %d tokens: %w", len(pending), err)
	}
	return nil
}

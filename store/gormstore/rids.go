package gormstore

import (
	"fmt"
	"sync"
	"time"
)

// ridSource gives resources their numbers, which rise with the order of
// creation.
type ridSource interface {
	next(*session) (int64, error)
}

// lastRID counts on from the last row. On SQLite a writer is alone, and rows
// are never removed.
type lastRID struct{ last int64 }

func (l *lastRID) next(s *session) (int64, error) {
	if l.last == 0 {
		if err := s.one([]any{&l.last}, "SELECT COALESCE(MAX(rid), 0) FROM resources"); err != nil {
			return 0, err
		}
	}
	l.last++
	return l.last, nil
}

// ridBlocks takes numbers from a sequence in blocks, because the number is
// needed before the row is sent, and a round trip for each would cost more than
// the insert. A block is thrown away soon, so that the numbers of several
// servers, or of a quiet time, stay near the order of creation.
type ridBlocks struct {
	mu    sync.Mutex
	free  []int64
	until time.Time
}

const (
	ridBlock     = 64
	ridBlockLife = time.Second
)

func (b *ridBlocks) next(s *session) (int64, error) {
	if rid, ok := b.take(nil); ok {
		return rid, nil
	}
	// Without the mutex: others may ask at the same time and put their block on
	// top; what is lost are numbers.
	fetched, err := s.ids(fmt.Sprintf("SELECT nextval('rids') FROM generate_series(1, %d)", ridBlock))
	if err != nil {
		return 0, err
	}
	rid, _ := b.take(fetched)
	return rid, nil
}

func (b *ridBlocks) take(fetched []int64) (int64, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if fetched != nil && (len(b.free) == 0 || now.After(b.until)) {
		b.free, b.until = fetched, now.Add(ridBlockLife)
	}
	if len(b.free) == 0 || now.After(b.until) {
		return 0, false
	}
	rid := b.free[0]
	b.free = b.free[1:]
	return rid, true
}

package dirsync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// How many days a deletion is remembered where the forest doesn't say, as in one
// that began before Windows Server 2003 SP1, and at least (MS-ADTS 3.1.1.1.15;
// Windows before 2008 R2 takes less than 2 for 60).
const (
	defaultTombstoneDays = 60
	leastTombstoneDays   = 2
	mostTombstoneDays    = 100 * 365
)

// LeastTombstoneLifetime is what no forest goes below.
const LeastTombstoneLifetime = leastTombstoneDays * 24 * time.Hour

// TombstoneLifetime reads how long the forest remembers a deletion, or that a
// value of a link was removed, counted from when it was made, wherever that was.
// Then no controller tells of it any more (MS-ADTS 3.1.1.1.15, 6.1.1.2.4.1.1). It
// is at least LeastTombstoneLifetime. Each account may read it by default; to one
// that may not it seems to be unset, which is 60 days.
func (s *Session) TombstoneLifetime(ctx context.Context) (time.Duration, error) {
	days := defaultTombstoneDays
	err := s.withLookup(ctx, func(c *conn) error {
		const name = "tombstoneLifetime"
		e, err := c.one(ctx, "read of the tombstone lifetime", query{
			base: "CN=Directory Service,CN=Windows NT,CN=Services," + c.known.Configuration, attributes: []string{name},
		})
		if errors.Is(err, ErrNotFound) || isResult(err, resultInsufficientAccess) {
			return nil
		}
		if err != nil {
			return err
		}
		if text := e.text(name); text != "" {
			if days, err = strconv.Atoi(text); err != nil {
				return fmt.Errorf("dirsync: %s of %s: %w", name, c.server.url, err)
			}
		}
		return nil
	})
	return time.Duration(min(max(days, leastTombstoneDays), mostTombstoneDays)) * 24 * time.Hour, err
}

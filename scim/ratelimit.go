package scim

import (
	"math"
	"sync"

	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/workspace-scim/workspace/internal/directory"
	"golang.org/x/time/rate"
)

// rates bounds the requests of each source, so that one can't starve the
// others. It is per process: behind several, the whole allows as many times
// more. There are as many limiters as sources that spoke since the start.
type rates struct {
	perSecond float64
	mu        sync.RWMutex
	limiters  map[int64]*rate.Limiter
}

func newRates(perSecond float64) *rates {
	return &rates{perSecond: perSecond, limiters: map[int64]*rate.Limiter{}}
}

// errRate says that a source is too fast (RFC 6585 §4).
type errRate struct{ failure }

func (e errRate) Error() string { return e.Detail }

// allow takes one request from the source's budget: a second's worth at once,
// then the sustained rate.
func (l *rates) allow(a directory.Actor) error {
	if l.of(a.Source.ID).Allow() {
		return nil
	}
	return errRate{failure{
		ScimError:  scimerrors.ScimError{Status: 429, Detail: "This source sends too many requests a second. Nothing was changed; try again."},
		retryAfter: 1,
	}}
}

func (l *rates) of(source int64) *rate.Limiter {
	l.mu.RLock()
	lim := l.limiters[source]
	l.mu.RUnlock()
	if lim != nil {
		return lim
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if lim := l.limiters[source]; lim != nil {
		return lim
	}
	lim = rate.NewLimiter(rate.Limit(l.perSecond), int(math.Max(1, l.perSecond)))
	l.limiters[source] = lim
	return lim
}

// Package ratelimit bounds how often each of many may ask, so that one can't
// starve the others.
package ratelimit

import (
	"math"
	"sync"

	"golang.org/x/time/rate"
)

// Keyed has a budget for each key: a second's worth at once, then the sustained
// rate. It is per process: behind several, the whole allows as many times more.
// There are as many limiters as keys that asked since the start. It is safe for
// concurrent use.
type Keyed struct {
	perSecond float64
	mu        sync.RWMutex
	limiters  map[int64]*rate.Limiter
}

// New makes one whose keys may each ask perSecond times a second.
func New(perSecond float64) *Keyed {
	return &Keyed{perSecond: perSecond, limiters: map[int64]*rate.Limiter{}}
}

// Allow takes one from the budget of a key, if there is one.
func (l *Keyed) Allow(key int64) bool { return l.of(key).Allow() }

func (l *Keyed) of(key int64) *rate.Limiter {
	l.mu.RLock()
	lim := l.limiters[key]
	l.mu.RUnlock()
	if lim != nil {
		return lim
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if lim := l.limiters[key]; lim != nil {
		return lim
	}
	lim = rate.NewLimiter(rate.Limit(l.perSecond), int(math.Max(1, l.perSecond)))
	l.limiters[key] = lim
	return lim
}

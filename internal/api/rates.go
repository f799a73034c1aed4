package api

import (
	"math"
	"net/http"
	"sync"

	"golang.org/x/time/rate"
)

// rates bounds the requests of each key, so that one can't starve the others.
// It is per process. There are as many limiters as sources that spoke since the
// start.
type rates struct {
	perSecond float64
	mu        sync.Mutex
	limiters  map[int64]*rate.Limiter
}

func newRates(perSecond float64) *rates {
	return &rates{perSecond: perSecond, limiters: map[int64]*rate.Limiter{}}
}

// allow takes one request from the budget of a key: a second's worth at once,
// then the sustained rate.
func (l *rates) allow(key int64) error {
	l.mu.Lock()
	lim := l.limiters[key]
	if lim == nil {
		lim = rate.NewLimiter(rate.Limit(l.perSecond), int(math.Max(1, l.perSecond)))
		l.limiters[key] = lim
	}
	l.mu.Unlock()
	if lim.Allow() {
		return nil
	}
	return problem{
		Status: http.StatusTooManyRequests, Code: "tooManyRequests", Detail: "Too many requests a second. Nothing was changed.", Way: "Try again after a second.",
		retryAfter: 1,
	}
}

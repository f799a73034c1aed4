package ratelimit

import (
	"sync"
	"time"
)

// Window bounds how often each of many may ask within any stretch of time of one
// length. It is per process, as Keyed is, and safe for concurrent use; it keeps
// the times of as many calls as a key may make.
type Window struct {
	length time.Duration
	mu     sync.Mutex
	calls  map[int64][]time.Time // of each key within the window, the oldest first
}

// NewWindow makes one of a length.
func NewWindow(length time.Duration) *Window {
	return &Window{length: length, calls: map[int64][]time.Time{}}
}

// Allow notes a call of a key at a time, if there were fewer than most in the
// window that ends then. Otherwise it says after how long there will be.
func (w *Window) Allow(key int64, most int, now time.Time) (wait time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls[key]
	for len(calls) > 0 && now.Sub(calls[0]) >= w.length {
		calls = calls[1:]
	}
	if ok = len(calls) < most; ok {
		calls = append(calls, now)
	} else {
		wait = w.length - now.Sub(calls[len(calls)-most])
	}
	w.calls[key] = calls
	return wait, ok
}

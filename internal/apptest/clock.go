package apptest

import (
	"sync"
	"time"
)

// HandClock is a directory.Clock that is set by hand. It begins at noon of 22
// November 2026, UTC, and is safe for concurrent use.
type HandClock struct {
	mu    sync.Mutex
	since time.Duration
}

// Now gives the time that it was set to.
func (c *HandClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(c.since)
}

// Add moves it on.
func (c *HandClock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.since += d
}

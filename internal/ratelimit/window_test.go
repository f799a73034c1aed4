package ratelimit

import (
	"testing"
	"time"
)

func TestAWindowHasSoManyCallsWhereverItBegins(t *testing.T) {
	w, start := NewWindow(5*time.Second), time.Unix(1_000_000, 0)
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for i, c := range []struct {
		ms   int
		wait time.Duration // 0 if it is allowed
	}{
		{0, 0}, {1000, 0}, {2000, 0}, {2500, 2500 * time.Millisecond}, {4999, time.Millisecond},
		{5000, 0}, {5001, 999 * time.Millisecond}, {6000, 0}, {6500, 500 * time.Millisecond}, {20_000, 0},
	} {
		wait, ok := w.Allow(1, 3, at(c.ms))
		if ok != (c.wait == 0) || !ok && wait != c.wait {
			t.Errorf("call %d, after %d ms: allowed %v, wait %v; want wait %v", i, c.ms, ok, wait, c.wait)
		}
	}
	if _, ok := w.Allow(2, 3, at(20_000)); !ok {
		t.Error("another key has a window of its own")
	}
	if _, ok := w.Allow(1, 1, at(20_001)); ok {
		t.Error("a lower bound holds at once")
	}
}

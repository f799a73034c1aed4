package main

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestPercentileIsAValueThatWasMeasured(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, c := range []struct {
		values []time.Duration
		q      float64
		want   time.Duration
	}{
		{nil, .5, 0},
		{[]time.Duration{7}, .5, 7},
		{[]time.Duration{7}, .99, 7},
		{[]time.Duration{1, 9}, .5, 1},
		{[]time.Duration{1, 9}, .51, 9},
		{hundred, 0, 1},
		{hundred, .5, 50},
		{hundred, .95, 95},
		{hundred, .99, 99},
		{hundred, 1, 100},
	} {
		if got := percentile(c.values, c.q); got != c.want {
			t.Errorf("percentile of %d values at %g: %d, want %d", len(c.values), c.q, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v: %g, want %g", c.values, got, c.want)
		}
	}
}

func TestRatioPairsTheRounds(t *testing.T) {
	// The second round was ten times slower for both: the ratio doesn't see it.
	if got := ratio([]float64{50, 5, 50}, []float64{100, 10, 100}); got != .5 {
		t.Errorf("got %g, want 0.5", got)
	}
	if got := ratio([]float64{50}, nil); got != 0 {
		t.Errorf("without a floor: got %g, want 0", got)
	}
	if got := ratio([]float64{1, 1}, []float64{0, 2}); got != .5 {
		t.Errorf("a round in which the floor did nothing counts: got %g, want 0.5", got)
	}
}

func TestDriveEndsWithTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	_, err := drive(t.Context(), make([]*client, 4), time.Hour, func(*client) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestDriveEndsWhenTheWorkIsUsedUp(t *testing.T) {
	left := 10
	s, err := drive(t.Context(), make([]*client, 1), time.Hour, func(*client) error {
		if left == 0 {
			return errEnough
		}
		left--
		return nil
	})
	if err != nil || len(s.latencies) != 10 {
		t.Errorf("got %d steps, %v; want 10", len(s.latencies), err)
	}
}

func TestDriveEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := drive(ctx, make([]*client, 2), time.Hour, func(*client) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestProcessorTimeIsReadBehindTheProgramsName(t *testing.T) {
	stat := "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 9 0 100 200 300"
	got, err := parseCPU([]byte(stat))
	if err != nil || got != 3*time.Second {
		t.Errorf("got %s, %v; want 3s", got, err)
	}
	if _, err := parseCPU([]byte("4711 (x) S 1")); err == nil {
		t.Error("a cut line was accepted")
	}
}

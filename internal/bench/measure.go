package main

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// step does one request or one piece of work. c is the connection of the client
// that does it, nil where no server is asked.
type step func(c *client) error

// errEnough is what a step returns when the work that was prepared for the
// round is used up.
var errEnough = errors.New("no more work prepared")

// side is one of the two that a scenario compares: a server that is asked over
// HTTP, or work in this process, for which process is nil.
type side struct {
	process *process
	step    step
}

// maxSteps bounds the steps of one client in a round, and with them the memory
// for their times.
const maxSteps = 1_000_000

// sample is what one round gave.
type sample struct {
	took, cpu time.Duration
	latencies []time.Duration
}

func (s sample) rate() float64 { return float64(len(s.latencies)) / s.took.Seconds() }

// measure lets clients repeat a side's step for a time. Connections are opened
// before and closed after.
func (s side) measure(ctx context.Context, clients int, d time.Duration) (sample, error) {
	conns := make([]*client, clients)
	if s.process != nil {
		for i := range conns {
			c, err := connect(ctx, s.process.address, s.process.token)
			if err != nil {
				return sample{}, err
			}
			defer c.close()
			conns[i] = c
		}
	}
	before, err := s.cpu()
	if err != nil {
		return sample{}, err
	}
	out, err := drive(ctx, conns, d, s.step)
	if err != nil {
		return sample{}, err
	}
	after, err := s.cpu()
	out.cpu = after - before
	return out, err
}

func (s side) cpu() (time.Duration, error) {
	if s.process == nil {
		return 0, nil
	}
	return s.process.cpu()
}

// drive repeats a step on all connections at the same time. The first error
// ends it.
func drive(ctx context.Context, conns []*client, d time.Duration, do step) (sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	times := make([][]time.Duration, len(conns))
	var all sync.WaitGroup
	begin := time.Now()
	for i, c := range conns {
		all.Go(func() {
			for last := begin; last.Sub(begin) < d && len(times[i]) < maxSteps && ctx.Err() == nil; {
				err := do(c)
				if errors.Is(err, errEnough) {
					return
				}
				if err != nil {
					cancel(err)
					return
				}
				now := time.Now()
				times[i] = append(times[i], now.Sub(last))
				last = now
			}
		})
	}
	all.Wait()
	return sample{took: time.Since(begin), latencies: slices.Concat(times...)}, context.Cause(ctx)
}

// percentile is the least of the values that no more than the share q are
// below: q = 0.5 is the median. The values must be sorted; of none it is 0.
func percentile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}

// median is the middle value, or the mean of the two in the middle; 0 of none.
func median(values []float64) float64 {
	s := slices.Sorted(slices.Values(values))
	switch n := len(s); {
	case n == 0:
		return 0
	case n%2 == 1:
		return s[n/2]
	default:
		return (s[n/2-1] + s[n/2]) / 2
	}
}

// ratio is the median of the ratios of two figures round by round, so that
// what slowed both in a round cancels out. It is 0 if one of them is missing.
func ratio(a, b []float64) float64 {
	var r []float64
	for i := range min(len(a), len(b)) {
		if b[i] > 0 {
			r = append(r, a[i]/b[i])
		}
	}
	return median(r)
}

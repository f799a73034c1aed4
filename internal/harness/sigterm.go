package main

import (
	"fmt"
	"slices"
	"time"
)

// sigterm asks the server to end while it is at work (RELIABILITY R5): what it
// has begun it answers, so nothing is found afterwards that nobody was told of;
// and it ends in order, with exit status 0.
func sigterm(t *trial) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	var took []time.Duration
	acknowledged := 0
	for round := range t.rounds {
		load := s.startLoad(fmt.Sprintf("r%d", round))
		if err := load.warm(); err != nil {
			return err
		}
		d, err := s.server.stop()
		if err != nil {
			return fmt.Errorf("after SIGTERM: %w", err)
		}
		took = append(took, d)
		load.wait()
		if err := s.start(); err != nil {
			return err
		}
		seen, err := s.check()
		if err != nil {
			return err
		}
		if seen.unanswered > 0 {
			t.fault("%d writes were carried out and not answered", seen.unanswered)
		}
		if d > 10*time.Second {
			t.fault("the server took %s to end", d)
		}
		acknowledged += load.acknowledged()
		if t.faulty() {
			break
		}
	}
	t.say("            %d acknowledged, all there; ended in %s (median), %s (longest)",
		acknowledged, median(took), slices.Max(took).Round(time.Millisecond))
	return s.close()
}

package main

import (
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"time"
)

// dbrestart ends the PostgreSQL server under the running server, by a crash or
// in order, and starts it again (RELIABILITY R3): meanwhile requests hear 503,
// afterwards work goes on by itself, and nothing that was acknowledged is lost.
func dbrestart(t *trial) error {
	c, err := t.newCluster()
	if err != nil {
		return err
	}
	s := t.on(c.url())
	if err := s.fill(); err != nil {
		return err
	}
	var back []time.Duration
	acknowledged, unavailable, ambiguous := 0, 0, 0
	for round := range t.rounds {
		load := s.startLoad(fmt.Sprintf("r%d", round))
		if err := load.warm(); err != nil {
			return err
		}
		c.signal([]syscall.Signal{syscall.SIGKILL, syscall.SIGINT, syscall.SIGQUIT}[round%3])
		if err := s.hearsUnavailable(); err != nil {
			t.fault("while the database is down: %v", err)
		}
		if err := c.start(); err != nil {
			load.end()
			return err
		}
		began, before := time.Now(), load.acknowledged()
		err := t.until(30*time.Second, "a write after the database is back", func() bool { return load.acknowledged() > before })
		back = append(back, time.Since(began))
		load.end()
		if err != nil {
			return err
		}
		seen, err := s.check()
		if err != nil {
			return err
		}
		if n := load.count(0); n > 0 {
			t.fault("%d requests had no answer", n)
		}
		acknowledged, unavailable, ambiguous = acknowledged+load.acknowledged(), unavailable+load.count(http.StatusServiceUnavailable), ambiguous+seen.uncertain
		if t.faulty() {
			break
		}
	}
	t.say("            %d acknowledged, all there; %d times 503, of which %d had been committed; back after %s (median), %s (longest)",
		acknowledged, unavailable, ambiguous, median(back), slices.Max(back).Round(time.Millisecond))
	return s.close()
}

// hearsUnavailable asks for a resource and for readiness.
func (s *site) hearsUnavailable() error {
	a, err := s.client.send(s.t.ctx, http.MethodGet, "/Users?count=1", nil)
	if err != nil {
		return err
	}
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		return fmt.Errorf("GET /Users: %d %s, Retry-After %q", a.status, a.body, a.header.Get("Retry-After"))
	}
	resp, err := http.Get(s.server.url + "/readyz")
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		return fmt.Errorf("/readyz: %d", resp.StatusCode)
	}
	return nil
}

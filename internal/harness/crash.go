package main

import (
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// kill9 ends the server under load as kill -9 does, again and again, now and
// then once more while it starts, and first of all while it makes its tables
// (RELIABILITY R1, R2, R17).
func kill9(t *trial) error { return t.crash() }

// powercut is kill9 on a disk that keeps only what was fsynced (R4).
func powercut(t *trial) error {
	var err error
	if t.power, err = newPower(t); err != nil {
		return err
	}
	return t.crash()
}

func (t *trial) crash() error {
	s, err := t.empty()
	if err != nil {
		return err
	}
	for range 5 {
		if err := s.crashAtStart(); err != nil {
			return err
		}
	}
	if err := s.fill(); err != nil {
		return err
	}
	var ready []time.Duration
	acknowledged, applied := 0, 0
	for round := range t.rounds {
		load := s.startLoad(fmt.Sprintf("r%d", round))
		if err := load.warm(); err != nil {
			return err
		}
		if err := s.crash(); err != nil {
			return err
		}
		load.wait()
		if t.rng.IntN(4) == 0 {
			if err := s.crashAtStart(); err != nil {
				return err
			}
		}
		if err := s.start(); err != nil {
			return err
		}
		ready = append(ready, s.server.ready)
		seen, err := s.check()
		if err != nil {
			return err
		}
		if s.file != "" {
			if err := integrity(t.ctx, s.file); err != nil {
				return err
			}
		}
		acknowledged += load.acknowledged()
		applied += seen.unanswered
		if t.faulty() {
			break
		}
	}
	t.say("            %d acknowledged, all there; %d applied whose answer was lost; ready in %s (median), %s (longest)",
		acknowledged, applied, median(ready), slices.Max(ready).Round(time.Millisecond))
	return s.close()
}

// crash ends the server at once, and with it what its disk had not taken yet.
func (s *site) crash() error {
	if err := s.killBoth(); err != nil || s.t.power == nil {
		return err
	}
	return s.t.power.cut()
}

// killBoth kills the server and, now and then, another program that is at work
// on the database: on SQLite that one moves the log to the database file.
func (s *site) killBoth() error {
	defer s.server.kill()
	if s.t.rng.IntN(3) > 0 {
		return nil
	}
	beside := exec.Command(s.t.binary, "tenant", "list", "--database", s.database)
	beside.Env = s.t.environment()
	if err := beside.Start(); err != nil {
		return err
	}
	s.t.wait(100 * time.Millisecond)
	s.server.kill()
	beside.Process.Kill() // fails only if it has ended
	_ = beside.Wait()     // how it ended is of no interest
	return nil
}

// crashAtStart starts the server and kills it before it is ready, or just
// after.
func (s *site) crashAtStart() error {
	var err error
	if s.server, _, err = s.t.launch(s.database, s.flags...); err != nil {
		return err
	}
	s.t.wait(150 * time.Millisecond)
	return s.crash()
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2].Round(time.Millisecond)
}

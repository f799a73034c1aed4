package main

import (
	"fmt"
	"net/http"
	"time"
)

// diskError has the disk fail for a while under load, once because it is full
// and once because it can't sync (RELIABILITY R7): writers hear 503, nothing
// that was refused is done, readers are served, and work goes on by itself.
func diskError(t *trial) error {
	var err error
	if t.power, err = newPower(t); err != nil {
		return err
	}
	s, err := t.open()
	if err != nil {
		return err
	}
	for round := range t.rounds {
		for _, how := range []string{diskFull, diskBroken} {
			if err := s.breakDisk(fmt.Sprintf("%s-%d", how, round), how); err != nil {
				return err
			}
		}
		if t.faulty() {
			break
		}
	}
	return s.close()
}

func (s *site) breakDisk(name, how string) error {
	t := s.t
	load := s.startLoad(name)
	defer load.end()
	if err := load.warm(); err != nil {
		return err
	}
	if err := t.power.breaks(how); err != nil {
		return err
	}
	err := t.until(20*time.Second, "a refused write", func() bool { return load.count(http.StatusServiceUnavailable) > 2*writers })
	if err != nil {
		return err
	}
	if err := s.client.get(t.ctx, "/Users?count=1", new(page)); err != nil {
		t.fault("while the disk fails (%s): %v", how, err)
	}
	if err := t.power.mends(); err != nil {
		return err
	}
	before := load.acknowledged()
	err = t.until(20*time.Second, "a write after the disk has recovered", func() bool { return load.acknowledged() > before })
	load.end()
	if err != nil {
		return err
	}
	if _, err := s.check(); err != nil {
		return err
	}
	if n := load.count(0); n > 0 {
		t.fault("%d requests had no answer", n)
	}
	t.say("            disk error (%s): %d acknowledged, %d answered 503", how, load.acknowledged(), load.count(http.StatusServiceUnavailable))
	return integrity(t.ctx, s.file)
}

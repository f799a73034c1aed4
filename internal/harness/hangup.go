package main

import "fmt"

// hangup has clients break off a part of their requests at any moment: what
// they asked for is done whole or not at all, and nobody else notices.
func hangup(t *trial) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	acknowledged, brokenOff, applied := 0, 0, 0
	for round := range t.rounds {
		load := s.startLoad(fmt.Sprintf("r%d", round))
		load.hasty.Store(true)
		err := load.warm()
		load.end()
		if err != nil {
			return err
		}
		// What was broken off may still be at work; the end of the server waits.
		if _, err := s.server.stop(); err != nil {
			return err
		}
		if err := s.start(); err != nil {
			return err
		}
		seen, err := s.check()
		if err != nil {
			return err
		}
		acknowledged, brokenOff, applied = acknowledged+load.acknowledged(), brokenOff+load.count(0), applied+seen.unanswered
		if t.faulty() {
			break
		}
	}
	t.say("            %d acknowledged, all there; %d broken off, %d of them carried out", acknowledged, brokenOff, applied)
	return s.close()
}

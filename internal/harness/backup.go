package main

import (
	"fmt"
	"path/filepath"
	"time"
)

// backup copies the database under load and runs a server on the copy
// (RELIABILITY R18): all that was acknowledged before the copy began is there.
func backup(t *trial) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	for round := range t.rounds {
		load := s.startLoad(fmt.Sprintf("r%d", round))
		if err := load.warm(); err != nil {
			return err
		}
		copied := filepath.Join(t.dir, fmt.Sprintf("copy-%d.db", round))
		mark := s.ledger.mark()
		began := time.Now()
		_, err := s.command("backup", copied)
		took := time.Since(began)
		load.end()
		if err != nil {
			return err
		}
		if err := s.restore(copied, mark); err != nil {
			return fmt.Errorf("the copy: %w", err)
		}
		if _, err := s.check(); err != nil {
			return err
		}
		t.say("            %d acknowledged, the copy took %s beside them", load.acknowledged(), took.Round(time.Millisecond))
		if t.faulty() {
			break
		}
	}
	return s.close()
}

// restore runs a server on the copy and looks what it has.
func (s *site) restore(file string, mark int) error {
	other := &site{
		t: s.t, flags: s.flags, database: "sqlite:" + file, file: file,
		token: s.token, admin: s.admin, ledger: s.ledger, shared: s.shared,
	}
	if err := other.start(); err != nil {
		return err
	}
	seen, err := other.look(mark)
	if err != nil {
		return err
	}
	if err := seen.hasEvents(); err != nil {
		return err
	}
	return other.close()
}

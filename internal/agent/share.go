package agent

import (
	"sync"
	"time"

	"github.com/workspace-scim/workspace/connectors/runner"
)

// share decides on how many partitions of the source this agent works: its fair
// share of them, and those that others leave free. The lease decides who works
// on one; a share that is wrong for a while moves partitions, and does no harm.
type share struct {
	lease time.Duration

	mu     sync.Mutex
	agents int // how many work for the source, as the server says; 0: not known
	held   map[runner.Part]time.Time
	// steady is since when nothing was given up.
	steady time.Time
}

func newShare(lease time.Duration) *share {
	return &share{lease: lease, held: map[runner.Part]time.Time{}, steady: time.Now()}
}

func (s *share) among(agents int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.agents = agents
}

// fair is how many of p's kind an agent has if all have as many. Who doesn't
// know of the others begins with one.
func (s *share) fair(p runner.Part) int {
	if s.agents == 0 {
		return 1
	}
	return (max(p.Of, 1) + s.agents - 1) / s.agents
}

// take says whether the agent may try to get a partition. More than its share
// it takes where those who have less had the time of a lease to come first.
func (s *share) take(p runner.Part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) >= s.fair(p) && time.Since(s.steady) < s.lease {
		return false
	}
	s.held[p] = time.Now()
	return true
}

// leave notes that the agent doesn't have a partition.
func (s *share) leave(p runner.Part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, p)
}

// idle says whether the agent has no partition.
func (s *share) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held) == 0
}

// surplus says whether the agent is to give a partition to others. Who has got
// it a lease ago or later keeps it: the server may count one that has just died.
func (s *share) surplus(p runner.Part) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) <= s.fair(p) || time.Since(s.held[p]) < s.lease {
		return false
	}
	delete(s.held, p)
	s.steady = time.Now()
	return true
}

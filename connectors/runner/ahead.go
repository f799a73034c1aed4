package runner

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/workspace-scim/workspace/connectors"
)

// The bounds of what a source may be ahead.
const (
	aheadChanges = 256
	aheadBytes   = 16 << 10 // of one change
)

// ahead is a sink that lets a source read on while the sink behind it writes
// what was told before, in the order told. Only changes that are whole are taken
// ahead, and problems: Begin, a checkpoint, a change with a Read, and one that is
// large wait until all before them is taken. After a change with a Read
// everything waits until a checkpoint has settled it, because a source has to do
// nothing else while it is read from.
type ahead struct {
	to     connectors.Sink
	queue  chan told
	failed chan struct{} // closed after err was set
	err    error
	done   chan struct{}
	// dropped says that what is in the queue isn't wanted any more.
	dropped atomic.Bool
	// reads says that a change with a Read may not be settled yet.
	reads bool
}

// told is one of a change, a problem, and somebody who waits.
type told struct {
	change  *connectors.Change
	problem *connectors.Problem
	waits   chan<- struct{}
}

func newAhead(to connectors.Sink) *ahead {
	a := &ahead{to: to, queue: make(chan told, aheadChanges), failed: make(chan struct{}), done: make(chan struct{})}
	go a.take()
	return a
}

// take passes on what is told, until end. After an error it only reads.
func (a *ahead) take() {
	defer close(a.done)
	for t := range a.queue {
		var err error
		switch {
		case t.waits != nil:
			close(t.waits)
		case a.err != nil || a.dropped.Load():
		default:
			err = a.pass(t)
		}
		if err != nil {
			a.err = err
			close(a.failed)
		}
	}
}

// pass passes on a change or a problem. A panic is an error: nothing above this
// goroutine could tell of it.
func (a *ahead) pass(t told) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the runner panicked: %v", p)
		}
	}()
	if t.problem != nil {
		return a.to.Skip(*t.problem)
	}
	return a.to.Change(*t.change)
}

// put is for what the sink may take later. It fails if the sink has.
func (a *ahead) put(t told) error {
	select {
	case <-a.failed:
		return a.err
	case a.queue <- t:
		return nil
	}
}

// wait returns when the sink has taken all that was told.
func (a *ahead) wait() error {
	taken := make(chan struct{})
	a.queue <- told{waits: taken}
	<-taken
	select {
	case <-a.failed:
		return a.err
	default:
		return nil
	}
}

// end ends a pull that returned pulled, and says how it went: the sink's error
// first, unless the pull gave it back. What is in the queue of a pull that
// failed is dropped: the next one tells it again. Nothing may be told after it.
func (a *ahead) end(pulled error) error {
	a.dropped.Store(pulled != nil)
	close(a.queue)
	<-a.done
	switch {
	case pulled == nil:
		return a.err
	case a.err == nil || errors.Is(pulled, a.err):
		return pulled
	}
	return errors.Join(a.err, pulled)
}

// Begin fulfils [connectors.Sink], as the other methods do.
func (a *ahead) Begin(p connectors.Pull) error {
	if err := a.wait(); err != nil {
		return err
	}
	return a.to.Begin(p)
}

func (a *ahead) Change(c connectors.Change) error {
	a.reads = a.reads || c.Read != nil
	if !a.reads && weight(c) <= aheadBytes {
		return a.put(told{change: &c})
	}
	if err := a.wait(); err != nil {
		return err
	}
	return a.to.Change(c)
}

func (a *ahead) Skip(p connectors.Problem) error {
	if !a.reads {
		return a.put(told{problem: &p})
	}
	if err := a.wait(); err != nil {
		return err
	}
	return a.to.Skip(p)
}

func (a *ahead) Checkpoint(checkpoint []byte) error {
	if err := a.wait(); err != nil {
		return err
	}
	a.reads = false
	return a.to.Checkpoint(checkpoint)
}

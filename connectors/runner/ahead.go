package runner

import "github.com/workspace-scim/workspace/connectors"

// The bounds of what a source may be ahead.
const (
	aheadChanges = 256
	aheadBytes   = 16 << 10 // of one change
)

// ahead is a sink that lets a source read on while the sink behind it writes
// what was told before, in the order told. Only changes that are whole are taken
// ahead, and problems: Begin, a checkpoint, and a change whose Read is valid
// until Pull returns, wait until all before them is taken, and so does one that
// is large.
type ahead struct {
	to     connectors.Sink
	queue  chan told
	failed chan struct{} // closed after err was set
	err    error
	done   chan struct{}
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
		case a.err != nil:
		case t.problem != nil:
			err = a.to.Skip(*t.problem)
		default:
			err = a.to.Change(*t.change)
		}
		if err != nil {
			a.err = err
			close(a.failed)
		}
	}
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

// end waits too. Nothing may be told after it.
func (a *ahead) end() error {
	close(a.queue)
	<-a.done
	return a.err
}

// Begin fulfils [connectors.Sink], as the other methods do.
func (a *ahead) Begin(p connectors.Pull) error {
	if err := a.wait(); err != nil {
		return err
	}
	return a.to.Begin(p)
}

func (a *ahead) Change(c connectors.Change) error {
	if c.Read == nil && weight(c) <= aheadBytes {
		return a.put(told{change: &c})
	}
	if err := a.wait(); err != nil {
		return err
	}
	return a.to.Change(c)
}

func (a *ahead) Skip(p connectors.Problem) error { return a.put(told{problem: &p}) }

func (a *ahead) Checkpoint(checkpoint []byte) error {
	if err := a.wait(); err != nil {
		return err
	}
	return a.to.Checkpoint(checkpoint)
}

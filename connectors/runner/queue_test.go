package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/connectors"
)

// taker is a sink that notes the anchors it takes.
type taker struct {
	mu      sync.Mutex
	anchors []string
	change  func(anchor string) error
}

func (s *taker) Begin(connectors.Pull) error     { return nil }
func (s *taker) Skip(p connectors.Problem) error { return s.take(p.Anchor) }
func (s *taker) Checkpoint([]byte) error         { return nil }

func (s *taker) Change(c connectors.Change) error { return s.take(c.Anchor) }

func (s *taker) take(anchor string) error {
	s.mu.Lock()
	s.anchors = append(s.anchors, anchor)
	s.mu.Unlock()
	if s.change == nil {
		return nil
	}
	return s.change(anchor)
}

func (s *taker) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.anchors)
}

// TestASourceWaitsWhileItMayBeReadFrom: after a change with a Read nothing is
// taken while the source goes on, until a checkpoint has settled that change.
func TestASourceWaitsWhileItMayBeReadFrom(t *testing.T) {
	t.Parallel()
	const many = 100
	s := &taker{}
	a := newAhead(s)
	read := func(context.Context) (connectors.Change, error) { return connectors.Change{}, nil }
	for i := range many {
		err := errors.Join(a.Change(connectors.Change{Anchor: "a", Read: read}), a.Change(connectors.Change{Anchor: "b"}), a.Skip(connectors.Problem{Anchor: "c"}))
		if n := len(s.taken()); err != nil || n != 3*(i+1) {
			t.Fatalf("%v, and %d of %d are taken", err, n, 3*(i+1))
		}
	}
	if err := errors.Join(a.Checkpoint(nil), a.end(nil)); err != nil || a.reads {
		t.Errorf("%v, and it still waits: %v", err, a.reads)
	}
}

// TestTheEndOfAPullTellsWhatWentWrongOnEitherSide: the sink's error, which may
// say that the lease is lost, isn't hidden by the source's, and comes once.
func TestTheEndOfAPullTellsWhatWentWrongOnEitherSide(t *testing.T) {
	t.Parallel()
	fenced, broken := errors.New("fenced"), errors.New("the connection broke")
	for name, c := range map[string]struct {
		sink, pull error
		want       string
	}{
		"neither":  {nil, nil, ""},
		"sink":     {fenced, nil, "fenced"},
		"source":   {nil, broken, "the connection broke"},
		"both":     {fenced, broken, "fenced\nthe connection broke"},
		"the same": {fenced, fenced, "fenced"},
	} {
		a := newAhead(&taker{change: func(string) error { return c.sink }})
		_ = a.Skip(connectors.Problem{}) // the end tells
		_ = a.wait()
		got := ""
		if err := a.end(c.pull); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestWhatAFailedPullToldAheadIsDropped: the next pull tells it again.
func TestWhatAFailedPullToldAheadIsDropped(t *testing.T) {
	t.Parallel()
	first, goOn := make(chan struct{}), make(chan struct{})
	s := &taker{change: func(anchor string) error {
		if anchor == "first" {
			close(first)
			<-goOn
		}
		return nil
	}}
	a := newAhead(s)
	for _, anchor := range []string{"first", "second", "third"} {
		if err := a.Change(connectors.Change{Anchor: anchor}); err != nil {
			t.Fatal(err)
		}
	}
	<-first
	a.dropped.Store(true) // as end does first
	close(goOn)
	if err := a.end(errors.New("the connection broke")); err == nil || len(s.taken()) != 1 {
		t.Errorf("%v, and %v are taken, want the first alone", err, s.taken())
	}
}

// TestAPanicWhileSettlingAheadIsAnError: it doesn't end the program, and the
// source isn't left waiting.
func TestAPanicWhileSettlingAheadIsAnError(t *testing.T) {
	t.Parallel()
	a := newAhead(&taker{change: func(string) error { panic("boom") }})
	if err := a.Change(connectors.Change{Anchor: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := a.wait(); err == nil {
		t.Error("the source is told nothing")
	}
	if err := a.end(nil); err == nil || err.Error() != "the runner panicked: boom" {
		t.Error(err)
	}
}

// TestAChangeWeighsWhatItsValuesTake: so that few large ones are a page, and are
// not taken ahead.
func TestAChangeWeighsWhatItsValuesTake(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10_000)
	for name, v := range map[string]any{
		"text": long, "list": []any{long}, "list of objects": []any{map[string]any{"type": "work", "value": long}}, "object": map[string]any{"value": long},
	} {
		if w := weight(connectors.Change{Attributes: map[string]any{"description": v}}); w < len(long) || w > 2*len(long) {
			t.Errorf("%s of %d bytes weighs %d", name, len(long), w)
		}
	}
}

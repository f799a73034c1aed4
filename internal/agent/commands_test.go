package agent_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// watched is what an agent's connector was made with and how often it pulled.
type watched struct {
	connectors.Source
	mu        sync.Mutex
	documents []string
	pulls     int
}

func (w *watched) Pull(ctx context.Context, after []byte, to connectors.Sink) error {
	w.mu.Lock()
	w.pulls++
	w.mu.Unlock()
	return w.Source.Pull(ctx, after, to)
}

func (w *watched) seen() (documents []string, pulls int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.documents, w.pulls
}

// watch makes an agent whose connector is watched.
func (s *site) watch(name string) (*host, *watched) {
	w := &watched{Source: s.dir}
	return s.enrol(name, func(o *agent.Options) {
		o.New = func(document json.RawMessage) (connectors.Source, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.documents = append(w.documents, string(document))
			return w, nil
		}
	}), w
}

// command tells the agents of the source something and gives the command's
// number.
func (s *site) command(name, agent string) int64 {
	s.t.Helper()
	c, err := s.Directory.AddCommand(context.Background(), s.admin, s.source, agent, name)
	if err != nil {
		s.t.Fatal(err)
	}
	return c.ID
}

// obeys waits for the agent to acknowledge a command.
func (h *host) obeys(command int64) {
	h.s.t.Helper()
	h.s.await("the agent acknowledges", func() bool { return h.seen().Acknowledged >= command })
}

// beats waits for so many heartbeats from now on.
func (h *host) beats(n int) {
	h.s.t.Helper()
	for range n {
		last := h.seen().SeenAt
		h.s.await("the heart beats", func() bool { return h.seen().SeenAt.After(last) })
	}
}

// seen is what the server knows of the agent.
func (h *host) seen() store.Agent {
	h.s.t.Helper()
	all, err := h.s.Directory.Agents(context.Background(), h.s.admin, "", 100)
	if err != nil {
		h.s.t.Fatal(err)
	}
	for _, a := range all {
		if a.PublicID == h.id {
			return a
		}
	}
	h.s.t.Fatal("no agent ", h.id)
	return store.Agent{}
}

func TestAPausedAgentPullsNothingUntilItResumes(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database)
		h, w := s.watch("a")
		h.run()
		s.put("ada")
		s.arrives("ada")
		h.obeys(s.command("pause", ""))
		s.await("the agent gives its lease back", func() bool { return len(s.workers()) == 0 })
		if state := h.seen().State; state != "paused" {
			t.Errorf("its state is %s", state)
		}
		_, before := w.seen()
		s.put("bob")
		h.beats(10)
		if _, pulls := w.seen(); pulls != before {
			t.Errorf("it pulled %d times", pulls-before)
		}
		h.obeys(s.command("resume", h.id))
		s.arrives("bob")
		h.stop()
	})
}

func TestAResyncReadsEverythingOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, apptest.SQLite(t))
	h, _ := s.watch("a")
	h.run()
	s.put("ada")
	s.arrives("ada")
	resyncs := func() (n int) {
		for _, r := range s.runs() {
			if r.Kind == "resync" && r.State == store.RunSucceeded {
				n++
			}
		}
		return n
	}
	h.obeys(s.command("resync", ""))
	s.await("a resync succeeds", func() bool { return resyncs() > 0 })
	s.put("bob")
	s.arrives("bob")
	if n := resyncs(); n != 1 {
		t.Errorf("%d resyncs, want 1", n)
	}
	h.stop()
}

func TestARestartIsAcknowledgedBeforeTheProgramEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, apptest.SQLite(t))
	h, _ := s.watch("a")
	h.run()
	h.beats(1)
	command := s.command("restart", h.id)
	if err := <-h.ended; !errors.Is(err, agent.ErrRestart) {
		t.Errorf("it ended with %v", err)
	}
	if h.seen().Acknowledged != command {
		t.Error("it didn't say so before")
	}
	if w := s.workers(); len(w) != 0 {
		t.Errorf("it keeps its lease: %v", w)
	}
	// Started again, it isn't told a second time.
	again := h.run()
	h.beats(3)
	again.stop()
}

func TestACommandForOneAgentIsNotForAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t, apptest.SQLite(t))
	first, _ := s.watch("first")
	second, _ := s.watch("second")
	first.run()
	second.run()
	second.obeys(s.command("pause", second.id))
	s.put("ada")
	s.arrives("ada")
	if first.seen().State == "paused" || first.seen().Acknowledged != 0 {
		t.Errorf("the other one obeyed: %+v", first.seen())
	}
	first.stop()
	second.stop()
}

// hash is that of the source's newest configuration.
func (s *site) hash() []byte {
	s.t.Helper()
	all, err := s.Directory.Configurations(context.Background(), s.admin, s.source, 0, 1)
	if err != nil || len(all) == 0 {
		s.t.Fatal(all, err)
	}
	return all[0].Hash
}

// TestE012AnotherConfigurationReachesEveryAgent while they run, and row E014:
// both say that they work by it; the directory is read by it.
func TestE012AnotherConfigurationReachesEveryAgent(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database)
		s.configure(`{"scope":{"first":true}}`)
		first, works := s.watch("first")
		first.run()
		s.put("ada")
		s.arrives("ada")
		second, waits := s.watch("second")
		second.run()
		old := s.hash()
		s.configure(`{"scope":{"second":true}}`)
		s.put("bob")
		s.arrives("bob")
		for _, h := range []*host{first, second} {
			s.await("the agent works by it", func() bool { return bytes.Equal(h.seen().Hash, s.hash()) })
		}
		if bytes.Equal(old, s.hash()) {
			t.Fatal("the hash is the old one")
		}
		for _, w := range []*watched{works, waits} {
			if documents, _ := w.seen(); documents[len(documents)-1] != `{"scope":{"second":true}}` {
				t.Errorf("it works by %v", documents)
			}
		}
		first.stop()
		second.stop()
	})
}

// TestE014AnAgentOfAnotherConfigurationIsFenced though it hears nothing of the
// new one, because its heartbeats are lost: its lease ended with the old one.
func TestE014AnAgentOfAnotherConfigurationIsFenced(t *testing.T) {
	t.Parallel()
	s := newSite(t, apptest.SQLite(t))
	s.configure(`{"scope":{"first":true}}`)
	h, w := s.watch("a")
	h.run()
	s.put("ada")
	s.arrives("ada")
	h.deaf.Store(true)
	s.configure(`{"scope":{"second":true}}`)
	s.put("bob")
	s.arrives("bob")
	documents, _ := w.seen()
	if last := documents[len(documents)-1]; last != `{"scope":{"second":true}}` {
		t.Errorf("it brought bob by %s", last)
	}
	h.stop()
}

package agent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// api sends a request to /api/v1 as an administrator.
func (s *site) api(status int, method, path, body string) apptest.Response {
	s.t.Helper()
	req, err := http.NewRequest(method, s.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.AdminToken)
	r := s.Send(req)
	if r.Status != status {
		s.t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Text)
	}
	return r
}

// TestE017TheAPIReachesEveryAgent and E002: an administrator enables, pauses,
// re-scopes and restarts all agents of a source by requests to the server, and
// touches no agent's machine.
func TestE017TheAPIReachesEveryAgent(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database)
		source := "/sources/" + s.source
		s.api(200, "PATCH", source, `{"mode":"disabled"}`)
		s.put("ada")
		first, reads := s.watch("first")
		second, reads2 := s.watch("second")
		agents := []*host{first.run(), second.run()}
		for _, h := range agents {
			h.beats(2)
		}
		if n := s.Do("GET", "/Users", s.AdminToken, "").Body["totalResults"]; n != 0.0 {
			t.Errorf("%v users are there, of a disabled source", n)
		}
		s.api(200, "PATCH", source, `{"mode":"active"}`)
		s.arrives("ada")

		s.api(201, "POST", source+"/commands", `{"command":"pause"}`)
		for _, h := range agents {
			s.await("the agent is paused", func() bool { return h.seen().State == "paused" })
		}
		s.await("no lease is held", func() bool { return len(s.workers()) == 0 })
		s.api(201, "POST", source+"/commands", `{"command":"resume"}`)
		s.put("bob")
		s.arrives("bob")

		const scope = `{"scope":{"containers":{"include":["8f3f9e9e-2f7c-4c2a-9d7a-1f6f5a3c2b10"]}}}`
		s.api(200, "PATCH", source, `{"configuration":`+scope+`}`)
		for i, w := range []*watched{reads, reads2} {
			s.await("the agent works by the new scope", func() bool { return bytes.Equal(agents[i].seen().Hash, s.hash()) })
			if documents, _ := w.seen(); documents[len(documents)-1] != scope {
				t.Errorf("it reads by %s", documents)
			}
		}

		s.api(201, "POST", source+"/commands", `{"command":"restart"}`)
		for _, h := range agents {
			if err := <-h.ended; !errors.Is(err, agent.ErrRestart) {
				t.Errorf("told to restart: %v", err)
			}
		}
	})
}

// TestE017APauseWhileTheWorkBegins: it comes when there is nothing yet that could
// be ended, and holds all the same.
func TestE017APauseWhileTheWorkBegins(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database)
		s.put("ada")
		begins, goesOn := make(chan struct{}, 100), make(chan struct{})
		h := s.enrol("late", func(o *agent.Options) {
			o.New = func(json.RawMessage) (connectors.Source, error) {
				begins <- struct{}{}
				<-goesOn
				return s.dir, nil
			}
		}).run()
		<-begins
		h.obeys(s.command("pause", h.id))
		close(goesOn)
		h.beats(10)
		if at := s.workers(); len(at) != 0 || len(s.runs()) != 0 {
			t.Errorf("it is paused and works: %v, %d runs", at, len(s.runs()))
		}
		h.obeys(s.command("resume", h.id))
		s.arrives("ada")
		h.stop()
	})
}

// H006: nobody is asked to do anything: what changed in the directory is in
// Workspace when the next pull has ended, one interval later.
func TestH006WhatChangedIsThereAfterTheNextPull(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database)
		h, w := s.watch("a")
		h.run()
		for _, name := range []string{"ada", "bob", "eve"} {
			s.put(name)
			_, before := w.seen()
			// One may have begun before the change; the one after that next has begun
			// when the next has ended.
			s.await("the next pull has ended", func() bool { _, pulls := w.seen(); return pulls >= before+2 })
			if r := s.Do("GET", "/Users?count=1000", s.token, ""); !strings.Contains(string(r.Text), name+"@") {
				t.Errorf("%s isn't there: %s", name, r.Text)
			}
		}
		h.stop()
	})
}

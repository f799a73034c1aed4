package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// site is a real server with a source of kind ad and a directory for it.
type site struct {
	*apptest.App
	t      *testing.T
	admin  directory.Actor
	token  string // of the source
	source string // its id
	dir    *connectortest.Directory
}

func newSite(t *testing.T, database string) *site {
	t.Helper()
	app := apptest.Start(t, apptest.On(database))
	s := &site{App: app, t: t, token: app.AddSource(store.SourceAD, "corp"), dir: connectortest.NewDirectory(1)}
	var err error
	if s.admin, err = app.Directory.Administrator(context.Background(), "test", apptest.Tenant); err != nil {
		t.Fatal(err)
	}
	sources, err := app.Directory.Sources(context.Background(), apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range sources {
		if x.Name == "corp" {
			s.source = x.PublicID
		}
	}
	return s
}

// configure gives the source a configuration.
func (s *site) configure(document string) {
	s.t.Helper()
	change := directory.SourceChange{Configuration: []byte(document)}
	if _, err := s.Directory.ChangeSource(context.Background(), s.admin, s.source, nil, change); err != nil {
		s.t.Fatal(err)
	}
}

// put puts a user into the directory.
func (s *site) put(name string) {
	s.dir.Put(connectortest.Object{Kind: connectors.User, Anchor: "anchor-" + name, Attributes: map[string]any{"userName": name + "@contoso.com"}})
}

// await waits for a condition to hold.
func (s *site) await(what string, holds func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("it doesn't come true that %s", what)
		}
	}
}

// arrives waits for a user to be in Workspace.
func (s *site) arrives(name string) {
	s.t.Helper()
	s.await(name+" arrives", func() bool {
		return strings.Contains(string(s.Do("GET", "/Users?count=1000", s.token, "").Text), name+"@")
	})
}

// host is a machine that an agent runs on.
type host struct {
	s     *site
	agent *agent.Agent
	id    string
	dead  atomic.Bool
	deaf  atomic.Bool // its heartbeats are lost
	end   context.CancelFunc
	ended chan error
}

// enrol makes an agent of the source, whose connector reads the directory.
func (s *site) enrol(name string, change ...func(*agent.Options)) *host {
	s.t.Helper()
	ctx := context.Background()
	code, _, err := s.Directory.AddCode(ctx, s.admin, s.source, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := scimclient.New(scimclient.Config{URL: s.URL})
	if err != nil {
		s.t.Fatal(err)
	}
	got, err := c.Enrol(ctx, code, name)
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(s.t.TempDir(), "identity.json")
	if err := (agent.Identity{URL: s.URL, Agent: got.Agent, Source: got.Source, Token: got.Token}).Save(file); err != nil {
		s.t.Fatal(err)
	}
	id, err := agent.LoadIdentity(file)
	if err != nil {
		s.t.Fatal(err)
	}
	h := &host{s: s, id: got.Agent, ended: make(chan error, 1)}
	o := agent.Options{
		Identity: id, Transport: h, Version: "test", Interval: 20 * time.Millisecond, Beat: 50 * time.Millisecond, Lease: 5 * time.Second,
		New: func(json.RawMessage) (connectors.Source, error) { return s.dir, nil },
	}
	for _, f := range change {
		f(&o)
	}
	if h.agent, err = agent.New(o); err != nil {
		s.t.Fatal(err)
	}
	return h
}

// RoundTrip is the host's network, which is gone when the host is dead.
func (h *host) RoundTrip(req *http.Request) (*http.Response, error) {
	if h.dead.Load() {
		return nil, errors.New("the host is dead")
	}
	if h.deaf.Load() && strings.HasSuffix(req.URL.Path, "/heartbeat") {
		return nil, errors.New("the heartbeat is lost")
	}
	return http.DefaultTransport.RoundTrip(req)
}

// run runs the agent until stop, or the end of the test.
func (h *host) run() *host {
	ctx, cancel := context.WithCancel(context.Background())
	h.end = cancel
	go func() { h.ended <- h.agent.Run(ctx) }()
	h.s.t.Cleanup(cancel)
	return h
}

// stop ends the agent and waits for that.
func (h *host) stop() {
	h.s.t.Helper()
	h.end()
	if err := <-h.ended; err != nil {
		h.s.t.Error(err)
	}
}

// kill ends the agent without a word to the server.
func (h *host) kill() {
	h.s.t.Helper()
	h.dead.Store(true)
	h.stop()
}

// runs are the source's runs, the newest first.
func (s *site) runs() []store.Run {
	s.t.Helper()
	all, err := s.Directory.Runs(context.Background(), s.admin, s.source, "", 0, 500)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

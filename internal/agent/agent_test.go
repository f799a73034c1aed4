package agent_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// TestE018AnotherAgentTakesOver: two agents run; when the one that works ends,
// the other brings what changes from then on.
func TestE018AnotherAgentTakesOver(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database)
		first := s.enrol("first").run()
		s.put("ada")
		s.arrives("ada")
		second := s.enrol("second").run()
		first.stop()
		s.put("bob")
		s.arrives("bob")
		second.stop()
	})
}

// closing is a source that keeps something open.
type closing struct {
	*connectortest.Directory
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }

func TestASourceIsClosedWhenNoPullComes(t *testing.T) {
	t.Parallel()
	s := newSite(t, apptest.SQLite(t))
	source := &closing{Directory: s.dir}
	h := s.enrol("once", func(o *agent.Options) {
		o.New = func(json.RawMessage) (connectors.Source, error) { return source, nil }
	})
	if _, err := h.agent.Once(context.Background(), false); err != nil || source.closed != 1 {
		t.Errorf("closed %d times, want once: %v", source.closed, err)
	}
	if _, err := h.agent.Preview(context.Background(), nil, func(runner.Line) error { return nil }); err != nil || source.closed != 2 {
		t.Errorf("closed %d times, want twice: %v", source.closed, err)
	}
}

func TestOncePullsOneTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, apptest.SQLite(t))
	s.put("ada")
	h := s.enrol("once")
	r, err := h.agent.Once(context.Background(), false)
	if err != nil || r.Counts.Created != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = h.agent.Once(context.Background(), true); err != nil || r.Kind != "resync" || r.Counts.Unchanged != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

// untrusting is a network, or a directory, where every certificate is somebody
// else's.
type untrusting struct{}

func (untrusting) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
}

func (untrusting) Pull(context.Context, []byte, connectors.Sink) error {
	return &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
}

// W021: a server that isn't trusted ends the agent; a directory that isn't, and
// may be mended while the agent waits, doesn't.
func TestW021AnUntrustedServerEndsTheAgent(t *testing.T) {
	t.Parallel()
	s := newSite(t, apptest.SQLite(t))
	h := s.enrol("a", func(o *agent.Options) { o.Transport = untrusting{} }).run()
	if err := <-h.ended; !scimclient.Untrusted(err) {
		t.Errorf("it ended with %v", err)
	}
	h = s.enrol("b", func(o *agent.Options) {
		o.New = func(json.RawMessage) (connectors.Source, error) { return untrusting{}, nil }
	}).run()
	s.await("it fails", func() bool { return h.seen().State == "error" })
	h.beats(2)
	h.stop()
}

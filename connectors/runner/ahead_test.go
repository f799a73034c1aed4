package runner_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// reader tells 600 users, and closes told when it has told 510 of them, which is
// more than a page.
type reader struct {
	told chan struct{}
	once sync.Once
}

func (r *reader) Pull(_ context.Context, _ []byte, to connectors.Sink) error {
	if err := to.Begin(connectors.Pull{Full: true, Absence: true, Reason: "initial"}); err != nil {
		return err
	}
	for i := range 600 {
		name := fmt.Sprintf("u%04d", i)
		if err := to.Change(connectors.Change{Kind: connectors.User, Anchor: name, Presence: connectors.Present, Whole: true,
			Attributes: map[string]any{"userName": name + "@contoso.com"}}); err != nil {
			return err
		}
		if i == 510 {
			r.once.Do(func() { close(r.told) })
		}
	}
	return to.Checkpoint([]byte("all"))
}

// gate lets no bulk request through before told is closed.
type gate struct {
	http.RoundTripper
	told <-chan struct{}
}

func (g gate) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/Bulk") {
		select {
		case <-g.told:
		case <-time.After(20 * time.Second):
			return nil, fmt.Errorf("the source waits for the first page to be written")
		}
	}
	return g.RoundTripper.RoundTrip(r)
}

// TestASourceReadsOnWhileAPageIsWritten: reading the directory and writing to
// the server overlap.
func TestASourceReadsOnWhileAPageIsWritten(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 6)
	source := &reader{told: make(chan struct{})}
	client, err := scimclient.New(scimclient.Config{
		URL: "http://127.0.0.1:1", Token: func() string { return h.token }, Transport: gate{h.wire, source.told}, Tries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	held, lease, release, err := runner.Hold(context.Background(), client, runner.Claim{Source: h.source, Partition: "default", Holder: "test", TTL: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	r, err := runner.Cycle(held, runner.Config{Client: client, Source: h.source, Partition: "default", Limits: h.limits}, lease, source, runner.Options{})
	if err != nil || r.Counts.Created != 600 {
		t.Errorf("%+v %v", r, err)
	}
}

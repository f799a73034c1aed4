package runner_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// slowBulk makes the first bulk request take longer than a third of the lease,
// and notes in which order requests under the lease and renewals begin and end.
type slowBulk struct {
	http.RoundTripper

	mu    sync.Mutex
	order []string
	slow  sync.Once
}

func (s *slowBulk) note(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = append(s.order, what)
}

func (s *slowBulk) RoundTrip(r *http.Request) (*http.Response, error) {
	what := "write"
	switch {
	case strings.Contains(r.URL.Path, "/leases/"):
		what = "renewal"
	case strings.HasSuffix(r.URL.Path, "/Bulk"):
		what = "bulk"
	}
	s.note(what)
	if what == "bulk" {
		s.slow.Do(func() { time.Sleep(shortLease/3 + time.Second) })
	}
	answer, err := s.RoundTripper.RoundTrip(r)
	s.note("end of " + what)
	return answer, err
}

// shortLease leaves a busy machine time, after a third of it, to write a page.
const shortLease = 15 * time.Second

// TestARenewalComesBetweenTwoWrites: a renewal that is due while a write goes on
// is sent after it, where the server's transactions of this lease can't hold it
// up, and before the next write.
func TestARenewalComesBetweenTwoWrites(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 8)
	wire := &slowBulk{RoundTripper: h.wire}
	client, err := scimclient.New(scimclient.Config{URL: "http://127.0.0.1:1", Token: func() string { return h.token }, Transport: wire})
	if err != nil {
		t.Fatal(err)
	}
	held, lease, release, err := runner.Hold(context.Background(), client, runner.Claim{Source: h.source, Partition: "default", Holder: "test", TTL: shortLease})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	source := &reader{told: make(chan struct{})}
	r, err := runner.Cycle(held, runner.Config{Client: client, Source: h.source, Partition: "default", Limits: h.limits}, lease, source, runner.Options{})
	if err != nil || r.Counts.Created != 600 {
		t.Fatalf("%+v %v", r, err)
	}
	wire.mu.Lock()
	defer wire.mu.Unlock()
	order := strings.Join(wire.order, ", ")
	if !strings.Contains(order, "bulk, end of bulk, renewal, end of renewal, ") {
		t.Errorf("the order was %s", order)
	}
}

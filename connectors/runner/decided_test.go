package runner_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// moment is the way to the server, on which something happens when the answer to a
// request is on its way; an error of it is what the client gets instead.
type moment struct {
	http.RoundTripper
	mu   sync.Mutex
	then func(request string) error // of "METHOD path?query body"
}

func (m *moment) RoundTrip(req *http.Request) (*http.Response, error) {
	text := req.Method + " " + req.URL.RequestURI()
	if req.Body != nil && strings.Contains(req.URL.Path, "/runs/") {
		b, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		text += " " + string(b)
		req.Body = io.NopCloser(bytes.NewReader(b))
	}
	resp, err := m.RoundTripper.RoundTrip(req)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil || m.then == nil {
		return resp, err
	}
	if err := m.then(text); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// waiting is a house whose runs are held from the third deletion on.
type waiting struct {
	*house
	wire *moment
}

func newWaiting(t *testing.T) waiting {
	t.Helper()
	h := waiting{house: newHouse(t, apptest.SQLite(t), 11)}
	h.wire = &moment{RoundTripper: h.house.wire}
	var err error
	h.client, err = scimclient.New(scimclient.Config{
		URL: "http://127.0.0.1:1", Token: func() string { return h.token }, Transport: h.wire, Tries: 4, Backoff: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	h.limits.Deletes = 2
	for i := range 12 {
		h.dir.Put(person(fmt.Sprintf("u%02d", i), fmt.Sprintf("u%02d", i), true))
	}
	h.pull()
	return h
}

func (h waiting) vanish(from, to int) (was []connectortest.Object) {
	for i := from; i < to; i++ {
		o, _ := h.dir.Get(fmt.Sprintf("u%02d", i))
		was = append(was, o)
		h.dir.Delete(o.Anchor)
	}
	return was
}

func (h waiting) approve(id string) {
	h.t.Helper()
	n := h.api("GET", "/runs/"+id, h.AdminToken, "")
	h.api("POST", "/runs/"+id+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
}

func (h waiting) state(id string) any {
	h.t.Helper()
	return h.api("GET", "/runs/"+id, h.AdminToken, "")["state"]
}

// held are the ids of the runs that wait for a person.
func (h waiting) held() (ids []string) {
	h.t.Helper()
	for _, x := range h.api("GET", "/runs?state=held", h.AdminToken, "")["items"].([]any) {
		ids = append(ids, x.(map[string]any)["id"].(string))
	}
	return ids
}

// when does something once, at the answer to the first request with these words;
// nothing afterwards.
func (h waiting) when(words []string, do func() error) {
	h.wire.mu.Lock()
	defer h.wire.mu.Unlock()
	h.wire.then = func(request string) error {
		for _, w := range words {
			if !strings.Contains(request, w) {
				return nil
			}
		}
		h.wire.then = nil
		return do()
	}
}

// TestAPlanThatIsApprovedWhileAnotherIsMadeIsDoneFirst: the pull that looked at the
// plan while it waited, and is about to replace it, finds that it is approved.
func TestAPlanThatIsApprovedWhileAnotherIsMadeIsDoneFirst(t *testing.T) {
	t.Parallel()
	for name, at := range map[string][]string{
		"before the open runs are read": {"GET /scim/v2/Users?count=0"},
		"while they are read":           {"/runs?", "state=held"},
		"after they are read":           {"/runs?", "state=approved"},
	} {
		for _, full := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", full ", full), func(t *testing.T) {
				t.Parallel()
				h := newWaiting(t)
				h.vanish(0, 4)
				first := h.pull()
				h.vanish(4, 8)
				h.when(at, func() error { h.approve(first.Run); return nil })
				second := h.resync(full)
				if h.state(first.Run) != "succeeded" || len(h.view()) != 8 {
					t.Errorf("the approved run is %v and %d objects are there, want succeeded and 8", h.state(first.Run), len(h.view()))
				}
				if second.State != "held" || h.state(second.Run) != "held" {
					t.Fatalf("%+v", second)
				}
				h.approve(second.Run)
				h.resync(full)
				h.same()
			})
		}
	}
}

// TestAPlanThatIsApprovedWhileTheDirectoryTakesItBackIsDoneForWhatItStillSays: which
// is nobody here.
func TestAPlanThatIsApprovedWhileTheDirectoryTakesItBackIsDoneForWhatItStillSays(t *testing.T) {
	t.Parallel()
	h := newWaiting(t)
	was := h.vanish(0, 4)
	first := h.pull()
	for _, o := range was {
		h.dir.Put(o)
	}
	h.when([]string{"PATCH /api/v1/runs/", `"phase":"reading"`}, func() error {
		// The next look at the run that waits is the last before it gives way.
		h.wire.then = func(request string) error {
			if request == "GET /api/v1/runs/"+first.Run {
				h.wire.then = nil
				h.approve(first.Run)
			}
			return nil
		}
		return nil
	})
	h.resync(true)
	if h.state(first.Run) != "succeeded" {
		t.Errorf("the approved run is %v", h.state(first.Run))
	}
	h.same()
}

// TestAPlanIsApprovedBeforeItsRunLetsGo: the run is held and the plan approved, and
// then something goes wrong before the runner has noted it. The approval stands and
// is carried out, whatever else has vanished by then.
func TestAPlanIsApprovedBeforeItsRunLetsGo(t *testing.T) {
	t.Parallel()
	becomesHeld := []string{"PATCH /api/v1/runs/", `"state":"held"`}
	for name, fails := range map[string]func(h waiting) error{
		"the answer is lost": func(waiting) error { return connectortest.ErrCut },
		"the checkpoint can't be saved": func(h waiting) error {
			h.wire.then = func(request string) error {
				if strings.HasPrefix(request, "PUT /api/v1/sources/") {
					return connectortest.ErrCut
				}
				return nil
			}
			return nil
		},
		"the agent dies": func(h waiting) error {
			h.wire.then = func(string) error { return connectortest.ErrCut }
			return connectortest.ErrCut
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newWaiting(t)
			h.vanish(0, 4)
			var first string
			h.when(becomesHeld, func() error {
				first = h.held()[0]
				h.approve(first)
				return fails(h)
			})
			_, err := h.cycle(context.Background(), 0, "a", runner.Options{})
			t.Log(err)
			h.wire.mu.Lock()
			h.wire.then = nil
			h.wire.mu.Unlock()
			if first == "" || h.state(first) != "approved" {
				t.Fatalf("the run %q is %v, want approved", first, h.state(first))
			}
			h.vanish(4, 8)
			if r := h.pull(); h.state(first) != "succeeded" || r.State != "held" || len(h.view()) != 8 {
				t.Errorf("%+v, the approved run is %v, %d objects are there", r, h.state(first), len(h.view()))
			}
			h.approve(h.held()[0])
			h.pull()
			h.same()
		})
	}
}

package scimclient_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// server answers as a test says and keeps what it was asked.
type server struct {
	mu     sync.Mutex
	asked  []string // "METHOD path"
	answer func(n int, w http.ResponseWriter, r *http.Request)
}

// ServeHTTP answers the n-th request, counted from 1. ServiceProviderConfig is
// answered by itself unless the test does.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path)
	n := len(s.asked)
	s.mu.Unlock()
	s.answer(n, w, r)
}

func (s *server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// connect gives a client of the server that waits little between two tries.
func (s *server) connect(t *testing.T) *scimclient.Client {
	t.Helper()
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return client(t, scimclient.Config{URL: h.URL, Tries: 4, Backoff: time.Millisecond})
}

func client(t *testing.T, c scimclient.Config) *scimclient.Client {
	t.Helper()
	out, err := scimclient.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// RoundTrip carries a request to the server without a network, for tests in
// which time is not that of the clock on the wall.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	out := w.Result()
	out.Request = r
	return out, nil
}

// limits answers ServiceProviderConfig.
func limits(operations, bytes string) string {
	return `{"bulk":{"supported":true,"maxOperations":` + operations + `,"maxPayloadSize":` + bytes + `},"filter":{"maxResults":200}}`
}

func isConfig(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/ServiceProviderConfig") }

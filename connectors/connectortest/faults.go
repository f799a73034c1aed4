package connectortest

import (
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
)

// Wire is the way to a server, on which things go wrong. It is safe for
// concurrent use.
type Wire struct {
	mu     sync.Mutex
	random *rand.Rand
	host   string
	faults float64
	kill   func()
	killAt int
	writes []string
}

// NewWire makes a way to the server at this host without faults.
func NewWire(seed uint64, host string) *Wire {
	return &Wire{random: rand.New(rand.NewPCG(seed, 2)), host: host}
}

// Lead makes the way end at another host: the server was started again.
func (w *Wire) Lead(host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.host = host
}

// Faults says how likely it is that a request goes wrong.
func (w *Wire) Faults(p float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = p
}

// KillAt calls kill when the n-th request from now has been carried out and its
// answer is on its way: nobody hears it any more.
func (w *Wire) KillAt(n int, kill func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.killAt, w.kill = n, kill
}

// Writes gives the SCIM writes since the last call, as "METHOD path".
func (w *Wire) Writes() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.writes
	w.writes = nil
	return out
}

// ErrCut is a connection that broke.
var ErrCut = errors.New("connection reset by test")

type fault int

const (
	none fault = iota
	cutBefore
	cutAfter
	tooMany
	unavailable
)

// RoundTrip implements http.RoundTripper.
func (w *Wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	f := none
	if w.random.Float64() < w.faults {
		f = fault(1 + w.random.IntN(4))
	}
	kill := w.kill
	if w.killAt--; w.killAt > 0 || kill == nil {
		kill = nil
	} else {
		w.kill = nil
	}
	host := w.host
	if strings.HasPrefix(req.URL.Path, "/scim/") && req.Method != http.MethodGet && !strings.HasSuffix(req.URL.Path, "/.search") &&
		req.URL.Query().Get("dryRun") == "" {
		w.writes = append(w.writes, req.Method+" "+req.URL.Path)
	}
	w.mu.Unlock()
	if req.Body != nil && f != none && f != cutAfter {
		req.Body.Close()
	}
	switch f {
	case cutBefore:
		return nil, ErrCut
	case tooMany, unavailable:
		status := map[fault]int{tooMany: http.StatusTooManyRequests, unavailable: http.StatusServiceUnavailable}[f]
		return &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
			Header: http.Header{"Retry-After": {"0"}}, Body: io.NopCloser(strings.NewReader("{}")),
		}, nil
	}
	req = req.Clone(req.Context())
	req.URL.Host = host
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil && (f == cutAfter || kill != nil) {
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if kill != nil {
			kill()
		}
		return nil, ErrCut
	}
	return resp, err
}

package embedded_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/embedded"
)

func TestTransportIsAnHTTPConnection(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Seen", r.Method+" "+r.RequestURI+" "+r.Host+" "+r.RemoteAddr+" "+r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusAccepted)
		w.Header().Set("X-Late", "after the status, so it isn't sent")
		if _, err := io.Copy(w, r.Body); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half of"))
		panic(http.ErrAbortHandler)
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) {
		var err error
		for p := make([]byte, 1<<20); err == nil; {
			_, err = w.Write(p)
		}
	})
	mux.HandleFunc("/wait", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	client := http.Client{Transport: embedded.Transport{Handler: mux}}
	do := func(ctx context.Context, path string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+path, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer x")
		resp, err := client.Do(req)
		if err == nil {
			t.Cleanup(func() { resp.Body.Close() })
		}
		return resp, err
	}
	resp, err := do(t.Context(), "/echo?a=b")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 202 || string(body) != "hello" || resp.Header.Get("X-Late") != "" || resp.Header.Get("Date") == "" ||
		resp.Header.Get("X-Seen") != "POST /echo?a=b localhost 127.0.0.1:0 Bearer x" {
		t.Errorf("%d %v %q %v", resp.StatusCode, resp.Header, body, err)
	}
	for path, says := range map[string]string{"/cut": "broken off", "/large": "larger than 64 MiB"} {
		if _, err := do(t.Context(), path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := do(ctx, "/wait"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

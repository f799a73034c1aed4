package scimclient_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// bulkServer carries bulk requests out, and refuses those over its limits.
type bulkServer struct {
	server
	operations, bytes int // what it announces
	takes             int // how many bytes it really takes; 0 for what it announces
	sizes             []int
	done              []string
}

func newBulkServer(operations, bytes int) *bulkServer {
	s := &bulkServer{operations: operations, bytes: bytes}
	s.answer = func(_ int, w http.ResponseWriter, r *http.Request) {
		if isConfig(r) {
			_, _ = io.WriteString(w, limits(fmt.Sprint(s.operations), fmt.Sprint(s.bytes)))
			return
		}
		s.carryOut(w, r)
	}
	return s
}

func (s *bulkServer) carryOut(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if takes := max(s.takes, 0); takes > 0 && len(body) > takes {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/Bulk") {
		s.done = append(s.done, strings.TrimPrefix(r.URL.Path, "/scim/v2"))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var in struct{ Operations []struct{ Path string } }
	if json.Unmarshal(body, &in) != nil || len(in.Operations) > s.operations || s.takes == 0 && len(body) > s.bytes {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	s.sizes = append(s.sizes, len(in.Operations))
	out := map[string]any{"Operations": []any{}}
	for _, o := range in.Operations {
		s.done = append(s.done, o.Path)
		out["Operations"] = append(out["Operations"].([]any), map[string]string{"location": "https://contoso.com" + o.Path, "status": "204"})
	}
	_ = json.NewEncoder(w).Encode(out)
}

// puts are n writes with so many bytes each.
func puts(n, size int) []scimclient.Operation {
	ops := make([]scimclient.Operation, n)
	for i := range ops {
		data, _ := json.Marshal(map[string]string{"displayName": strings.Repeat("x", size)})
		ops[i] = scimclient.Operation{Method: http.MethodPut, Path: fmt.Sprint("/Users/", i), Version: `W/"1"`, Data: data}
	}
	return ops
}

// all wants each operation to be carried out once, in order.
func (s *bulkServer) all(t *testing.T, n int, out []scimclient.Outcome, err error) {
	t.Helper()
	if err != nil || len(out) != n || len(s.done) != n {
		t.Fatalf("%d outcomes, %d carried out, of %d: %v", len(out), len(s.done), n, err)
	}
	for i, o := range out {
		if o.Err != nil || o.ID != fmt.Sprint(i) || s.done[i] != fmt.Sprint("/Users/", i) {
			t.Errorf("operation %d: %+v", i, o)
		}
	}
}

func TestBulkKeepsWithinTheServersOperations(t *testing.T) {
	s := newBulkServer(7, 1<<20)
	out, err := s.connect(t).Write(t.Context(), puts(22, 10))
	s.all(t, 22, out, err)
	if fmt.Sprint(s.sizes) != "[7 7 7]" {
		t.Errorf("requests of %v operations, want 7 in each, and one by itself", s.sizes)
	}
}

func TestBulkKeepsWithinTheServersBytes(t *testing.T) {
	for _, size := range []int{1, 90, 500, 1500, 1900} {
		s := newBulkServer(1000, 2000)
		out, err := s.connect(t).Write(t.Context(), puts(40, size))
		s.all(t, 40, out, err)
	}
}

// TestABodyThatIsTooLargeIsHalved: the server, or what stands before it, takes
// less than it announces. What is too large by itself is refused by itself.
func TestABodyThatIsTooLargeIsHalved(t *testing.T) {
	s := newBulkServer(1000, 1<<20)
	s.takes = 3000
	out, err := s.connect(t).Write(t.Context(), puts(50, 200))
	s.all(t, 50, out, err)

	s = newBulkServer(1000, 1<<20)
	s.takes = 3000
	ops := puts(9, 200)
	ops[4].Data = puts(1, 5000)[0].Data
	out, err = s.connect(t).Write(t.Context(), ops)
	if err != nil || len(out) != 9 {
		t.Fatalf("%d outcomes: %v", len(out), err)
	}
	for i, o := range out {
		if (o.Err != nil) != (i == 4) {
			t.Errorf("operation %d: %v", i, o.Err)
		}
	}
	if out[4].Status != http.StatusRequestEntityTooLarge {
		t.Errorf("the status is %d", out[4].Status)
	}
}

// TestAnAnswerThatIsNotWhatWasAskedForIsAnError and nothing is made of it.
func TestAnAnswerThatIsNotWhatWasAskedForIsAnError(t *testing.T) {
	for name, body := range map[string]string{
		"no JSON":            `<html>Sign in</html>`,
		"a list":             `[]`,
		"too few operations": `{"Operations":[{"status":"204"}]}`,
		"no status":          `{"Operations":[{"status":"204"},{"location":"/Users/1"}]}`,
		"nothing":            ``,
	} {
		s := &server{answer: func(_ int, w http.ResponseWriter, r *http.Request) {
			if isConfig(r) {
				_, _ = io.WriteString(w, limits("10", "100000"))
				return
			}
			_, _ = io.WriteString(w, body)
		}}
		out, err := s.connect(t).Write(t.Context(), puts(2, 1))
		if s.count() != 2 {
			t.Errorf("%s: asked %v", name, s.asked)
		}
		for _, o := range out {
			if err == nil && o.Err == nil {
				t.Errorf("%s: %+v", name, o)
			}
		}
		if err == nil && len(out) == 0 {
			t.Errorf("%s: no error", name)
		}
	}
	s := &server{answer: func(_ int, w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) }}
	if _, err := s.connect(t).Limits(t.Context()); err == nil || !strings.Contains(err.Error(), "JSON") || strings.Contains(err.Error(), "<html>") {
		t.Errorf("%v", err)
	}
}

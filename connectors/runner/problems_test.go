package runner_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// eavesdropper keeps what was answered to questions about problems.
type eavesdropper struct {
	http.RoundTripper
	answers []string
}

func (e *eavesdropper) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := e.RoundTripper.RoundTrip(r)
	if err != nil || !strings.Contains(r.URL.Path, "/problems") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	e.answers = append(e.answers, string(body))
	return resp, err
}

// TestProblemsAreAskedForAsFarAsObjectsChanged, not all that the source has.
func TestProblemsAreAskedForAsFarAsObjectsChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 1)
	ear := &eavesdropper{RoundTripper: h.wire}
	client, err := scimclient.New(scimclient.Config{URL: "http://127.0.0.1:1", Token: func() string { return h.token }, Transport: ear, Tries: 1, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	h.client, h.retry = client, time.Hour
	h.dir.Put(person("first", "ada", true))
	h.pull()
	if len(ear.answers) != 1 || strings.Contains(ear.answers[0], "anchor") {
		t.Errorf("a source without problems was asked: %q", ear.answers)
	}
	for i := range 30 { // each with the name of the first one
		h.dir.Put(person(fmt.Sprint("same", i), "ada", true))
	}
	h.pull()
	problems := func() []any { return h.api("GET", "/sources/"+h.source+"/problems", h.AdminToken, "")["items"].([]any) }
	if n := len(problems()); n != 30 {
		t.Fatalf("%d problems", n)
	}
	ear.answers = nil
	h.dir.Put(person("other", "bob", true))
	h.pull()
	if n := strings.Count(strings.Join(ear.answers, ""), `"anchor"`); n > 1 {
		t.Errorf("%d problems were read for one object that has none: %q", n, ear.answers)
	}
	h.dir.Put(person("same7", "carol", true))
	h.pull()
	for _, p := range problems() {
		if p.(map[string]any)["anchor"] == "same7" {
			t.Error("its problem stays though it is well")
		}
	}
	if n := len(problems()); n != 29 {
		t.Errorf("%d problems, want 29", n)
	}
}

package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// get sends a GET to a path of the server, outside the SCIM endpoint.
func get(t *testing.T, a *apptest.App, path string) apptest.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, a.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.Send(req)
}

// lines gives the log lines with this message.
func lines(t *testing.T, a *apptest.App, message string) []map[string]any {
	t.Helper()
	var found []map[string]any
	for text := range strings.Lines(a.Log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("log line %q: %v", text, err)
		}
		if line["msg"] == message {
			found = append(found, line)
		}
	}
	return found
}

package runner_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/runner"
)

func TestPartitionsAreReadFromTheConfiguration(t *testing.T) {
	for document, want := range map[string]int{``: 1, `{}`: 1, `{"partitions":1}`: 1, `{"partitions":16,"scope":{}}`: 16} {
		if n, err := runner.ReadParts(json.RawMessage(document)); err != nil || n != want {
			t.Errorf("%s: %d %v, want %d", document, n, err, want)
		}
	}
	for _, document := range []string{`{"partitions":0}`, `{"partitions":-1}`, `{"partitions":17}`, `{"partitions":1.5}`, `{"partitions":"2"}`, `{"partitions":`} {
		if n, err := runner.ReadParts(json.RawMessage(document)); err == nil || !strings.Contains(err.Error(), "partitions") {
			t.Errorf("%s: %d %v, want an error that names the field", document, n, err)
		}
	}
}

func TestPartitionsHaveNamesOfTheirOwn(t *testing.T) {
	for part, want := range map[runner.Part]string{{}: "default", {Index: 0, Of: 1}: "default", {Index: 0, Of: 2}: "1of2", {Index: 2, Of: 3}: "3of3"} {
		if got := part.Name(); got != want {
			t.Errorf("%+v is called %s, want %s", part, got, want)
		}
	}
}

package directory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// The limits of a source stand in its configuration, under "limits", whether a
// connector judges by them or the guard of what is pushed: one place, one
// vocabulary, and a version for each change.

// limitsOf gives the limits by which what a source pushes is judged.
func limitsOf(c *store.Configuration) reconcile.Limits {
	if c == nil {
		return reconcile.DefaultLimits()
	}
	l, _ := reconcile.ReadLimits(c.Document) // the defaults, if it can't be read
	return l
}

// checkLimits refuses a configuration whose limits can't be read.
func checkLimits(document []byte) error {
	var bad *reconcile.LimitError
	if _, err := reconcile.ReadLimits(document); errors.As(err, &bad) {
		return invalid(bad.Name, bad.Name+" of the configuration can't be read.", bad.Way)
	}
	// A name that is misspelt would leave the default without a word.
	var given struct {
		Limits json.RawMessage `json:"limits"`
	}
	if err := json.Unmarshal(document, &given); err != nil || given.Limits == nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(given.Limits))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&reconcile.Limits{}); err != nil {
		name := strings.TrimPrefix(err.Error(), "json: unknown field ")
		return invalid("limits", fmt.Sprintf("There is no limit %.100s.", name), "docs/rules.md lists them.")
	}
	return nil
}

// withLimits gives a configuration document, nil for none, with other limits.
func withLimits(document, limits []byte) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if document != nil {
		if err := json.Unmarshal(document, &fields); err != nil {
			return nil, err
		}
	}
	fields["limits"] = limits
	b, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return canonical(b)
}

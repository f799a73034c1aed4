package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// Whatever goes wrong between the commit and the answer, the answer must not
// say that nothing was changed, or that there is nothing.
func TestNoAnswerDeniesAWriteThatMayBeDone(t *testing.T) {
	for _, after := range []error{
		store.ErrNotFound, store.ErrUnavailable, store.ErrTooMany, context.DeadlineExceeded, errors.New("a fault of ours"),
		errScim(http.StatusBadRequest, "invalidValue", "title must be a string."), &directory.Violation{Rule: directory.RuleTooMany},
	} {
		f := explain(fmt.Errorf("%w: after the commit: %w", store.ErrUncertain, after))
		if f.Status != http.StatusServiceUnavailable || !strings.Contains(f.Detail, "read the resource") {
			t.Errorf("%v: %d %s", after, f.Status, f.Detail)
		}
	}
}

func TestWhoHangsUpIsNoFaultOfTheServer(t *testing.T) {
	for _, err := range []error{context.Canceled, fmt.Errorf("%w: after the commit: %w", store.ErrUncertain, context.Canceled)} {
		if f := explain(err); f.Status != statusClientClosed || f.fault(err) != nil {
			t.Errorf("%v: %d", err, f.Status)
		}
	}
}

package runner_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// TestAnApprovedPlanIsDoneWhateverElseIsHeld: between the approval and the next
// pull more vanishes than the limits allow. What was approved is done, and the
// rest waits by itself, in a pull of changes as in a full one.
func TestAnApprovedPlanIsDoneWhateverElseIsHeld(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprint("full ", full), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, apptest.SQLite(t), 11)
			h.limits.Deletes = 2
			for i := range 12 {
				h.dir.Put(person(fmt.Sprintf("u%02d", i), fmt.Sprintf("u%02d", i), true))
			}
			h.pull()
			vanish := func(from, to int) {
				for i := from; i < to; i++ {
					h.dir.Delete(fmt.Sprintf("u%02d", i))
				}
			}
			approve := func(id string) {
				n := h.api("GET", "/runs/"+id, h.AdminToken, "")
				h.api("POST", "/runs/"+id+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
			}
			state := func(id string) any { return h.api("GET", "/runs/"+id, h.AdminToken, "")["state"] }
			vanish(0, 4)
			first := h.pull()
			if first.State != "held" {
				t.Fatalf("%+v", first)
			}
			approve(first.Run)
			vanish(4, 8)
			second := h.resync(full)
			if state(first.Run) != "succeeded" || len(h.view()) != 8 {
				t.Errorf("the approved run is %v and %d objects are there, want succeeded and 8", state(first.Run), len(h.view()))
			}
			if second.State != "held" || state(second.Run) != "held" {
				t.Fatalf("%+v", second)
			}
			approve(second.Run)
			if r := h.resync(full); r.State != "succeeded" || state(second.Run) != "succeeded" {
				t.Errorf("%+v, and the second run is %v", r, state(second.Run))
			}
			h.same()
		})
	}
}

// TestAPlanThatAFullPullOvertakesIsMadeOnceMore: who is to be disabled is told as
// present by a full pull, so the approved plan leaves them, and that pull makes a new
// plan. The next pull carries it out: it isn't full for that reason again.
func TestAPlanThatAFullPullOvertakesIsMadeOnceMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 11)
	h.limits.Disables = 2
	for i := range 12 {
		h.dir.Put(person(fmt.Sprintf("u%02d", i), fmt.Sprintf("u%02d", i), true))
	}
	h.pull()
	for i := range 4 {
		h.dir.Put(person(fmt.Sprintf("u%02d", i), fmt.Sprintf("u%02d", i), false))
	}
	var last runner.Result
	for i, full := range []bool{false, true} {
		if last = h.resync(full); last.State != "held" {
			t.Fatalf("pull %d: %+v", i, last)
		}
		n := h.api("GET", "/runs/"+last.Run, h.AdminToken, "")
		h.api("POST", "/runs/"+last.Run+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
	}
	if r := h.pull(); r.Kind != "delta" || r.State != "succeeded" {
		t.Errorf("%+v", r)
	}
	h.same()
}

// resync is a cycle that reads everything if full, where nothing may go wrong.
func (h *house) resync(full bool) runner.Result {
	h.t.Helper()
	r, err := h.cycle(context.Background(), 0, "a", runner.Options{Resync: full})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

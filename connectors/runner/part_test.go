package runner_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// pullPart is a cycle of one part where nothing may go wrong.
func (h *house) pullPart(index int) runner.Result {
	h.t.Helper()
	r, err := h.cycle(context.Background(), index, "a", runner.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// TestAPlanOfOnePartMeetsWhatAnotherPartDidSince: a member leaves the scope, and
// its deletion is held; it comes back, which its groups' part is told first; then
// the old plan is carried out. It is there in the end, and a member.
func TestAPlanOfOnePartMeetsWhatAnotherPartDidSince(t *testing.T) {
	t.Parallel()
	for _, parts := range []int{1, 2} {
		t.Run(fmt.Sprint(parts, " parts"), func(t *testing.T) {
			t.Parallel()
			apptest.Each(t, func(t *testing.T, database string) {
				h := newHouse(t, database, 7)
				h.parts, h.limits.Deletes = parts, 0
				var all []string
				for i := range 8 {
					all = append(all, fmt.Sprint("u", i))
					h.dir.Put(person(all[i], all[i], true))
				}
				for i := range 8 {
					h.dir.Put(group(fmt.Sprint("g", i), fmt.Sprint("Group ", i), all...))
				}
				h.pull()
				h.same()
				leaves := func(out bool) {
					for _, a := range all[:4] {
						o, _ := h.dir.Get(a)
						o.OutOfScope = out
						h.dir.Put(o)
					}
				}
				leaves(true)
				if r := h.pull(); r.State != "held" {
					t.Fatalf("%+v", r)
				}
				leaves(false)
				for i := range parts {
					h.pullPart(i)
				}
				for _, x := range h.api("GET", "/runs?state=held", h.AdminToken, "")["items"].([]any) {
					n := x.(map[string]any)
					h.api("POST", "/runs/"+n["id"].(string)+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
				}
				h.pull()
				h.pull()
				h.same()
			})
		})
	}
}

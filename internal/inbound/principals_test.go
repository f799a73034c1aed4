package inbound

import (
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// A job's words are those of Graph's enumerations, whatever it does: some SDKs refuse
// any other.
func TestJobsAreDescribedInGraphsWords(t *testing.T) {
	runs := []store.Run{{}}
	for _, state := range []store.RunState{store.RunQueued, store.RunRunning, store.RunSucceeded, store.RunFailed} {
		runs = append(runs, store.Run{PublicID: "r", State: state}, store.Run{PublicID: "r", State: state, Counts: store.RunCounts{Failed: 1}})
	}
	for _, n := range runs {
		for _, waiting := range []int{0, 5} {
			for _, paused := range []bool{false, true} {
				j := showJob(directory.UploadJob{Paused: paused, Waiting: waiting, Last: n})
				if want := map[bool]string{false: "Active", true: "Paused"}[paused]; j.Status.Code != want || j.Schedule.State != want {
					t.Errorf("%d wait, paused %t: %+v", waiting, paused, j)
				}
				// "" is left out.
				if e := j.Status.LastExecution; e != nil && !slices.Contains([]string{"", "Succeeded", "EntryLevelErrors", "Failed"}, e.State) {
					t.Errorf("a run that is %s: %s", n.State, e.State)
				}
			}
		}
	}
}

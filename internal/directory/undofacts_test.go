package directory

import (
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// An undo takes back what a source said. Members that came and went with a group's
// authority no source added or removed, so they are no deed of the run's.
func TestNoDeedIsReadFromAnotherAuthority(t *testing.T) {
	e := store.Event{Type: "group.membersChanged", Outcome: OutcomeApplied, Subject: "g", Before: []byte(`{"members":["a"]}`), After: []byte(`{"members":["b"]}`)}
	for reason, want := range map[string]bool{"": true, reasonReferenceArrived: true, "memberDeleted": true, reasonAuthority: false} {
		e.Reason = reason
		d, ok, err := readDeed(schema.Must(), e)
		if err != nil || ok != want || ok && (len(d.came) != 1 || len(d.went) != 1) {
			t.Errorf("%q: %+v, %v, %v", reason, d, ok, err)
		}
	}
}

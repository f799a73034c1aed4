package acceptance_test

import (
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// An approved push is a run like any other: it can be undone (R15). What a person
// undoes isn't held, whatever it destroys.
func TestR15AnApprovedPushIsUndone(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.staff(store.SourceAPI)
		s.limits(object{"disables": 1})
		for _, id := range s.users[:3] {
			s.source.patch("/Users/"+id, op("replace", "active", false)).status(200)
		}
		run := s.onlyHeld()
		s.approve()
		undo := func(run string) (undone string) {
			t.Helper()
			preview := n.api("POST", "/runs/"+run+"/undo?dryRun=true", object{}).status(200)
			return n.api("POST", "/runs/"+run+"/undo", object{"planHash": preview.at("planHash")}).status(201).is("run/state", "succeeded").text("run/id")
		}
		if got := s.active(); got != staffUsers-3 {
			t.Errorf("%d are active", got)
		}
		undone := undo(run)
		if got := s.active(); got != staffUsers {
			t.Errorf("undone: %d are active", got)
		}
		undo(undone)
		if got := s.active(); got != staffUsers-3 || len(s.held()) != 0 {
			t.Errorf("the undo undone: %d are active, held %v", got, s.held())
		}
	})
}

package agent_test

import (
	"context"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// TestE018AnotherAgentTakesOver: two agents run; when the one that works ends,
// the other brings what changes from then on.
func TestE018AnotherAgentTakesOver(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database)
		first := s.enrol("first").run()
		s.put("ada")
		s.arrives("ada")
		second := s.enrol("second").run()
		first.stop()
		s.put("bob")
		s.arrives("bob")
		second.stop()
	})
}

func TestOncePullsOneTime(t *testing.T) {
	t.Parallel()
	s := newSite(t, apptest.SQLite(t))
	s.put("ada")
	h := s.enrol("once")
	r, err := h.agent.Once(context.Background(), false)
	if err != nil || r.Counts.Created != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = h.agent.Once(context.Background(), true); err != nil || r.Kind != "resync" || r.Counts.Unchanged != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

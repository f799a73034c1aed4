package agent_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// workers are the agents that hold a partition of the source now.
func (s *site) workers() map[string]int {
	s.t.Helper()
	all, err := s.Directory.Leases(s.t.Context(), s.admin, s.source)
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]int{}
	for _, l := range all {
		if l.Holder != "" {
			out[l.Holder]++
		}
	}
	return out
}

// TestE013TwoAgentsShareTheWorkOfOneSource, and row E087: both bring objects of
// one and the same initial load, each object once, groups with members of both
// parts included. When one dies, the other does its part as well; when another
// comes, it gives one up.
func TestE013TwoAgentsShareTheWorkOfOneSource(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		s := newSite(t, database)
		s.configure(`{"partitions":2}`)
		const users, groups = 60, 6
		var all []string
		for i := range users {
			s.put(fmt.Sprint("u", i))
			all = append(all, fmt.Sprint("anchor-u", i))
		}
		for i := range groups {
			s.dir.Put(connectortest.Object{
				Kind: connectors.Group, Anchor: fmt.Sprint("group-", i), Attributes: map[string]any{"displayName": fmt.Sprint("Group ", i)}, Members: all,
			})
		}
		slowly := func(o *agent.Options) { o.Interval = 300 * time.Millisecond } // so that the list of runs goes back to the first
		first, second := s.enrol("first", slowly), s.enrol("second", slowly)
		first.run()
		second.run()
		s.await("each agent has a partition", func() bool { w := s.workers(); return w[first.id] == 1 && w[second.id] == 1 })
		s.await("everything is there", func() bool {
			r := s.Do("GET", "/Groups?count=100", s.token, "")
			list, _ := r.Body["Resources"].([]any)
			full := 0
			for _, g := range list {
				if members, _ := g.(map[string]any)["members"].([]any); len(members) == users {
					full++
				}
			}
			return full == groups
		})
		s.await("both initial runs have ended", func() bool {
			created := map[string]int64{}
			for _, n := range s.runs() {
				if n.Kind == "full" && n.State == store.RunSucceeded {
					created[n.Partition] += n.Counts.Created
				}
			}
			return created["1of2"] > 0 && created["2of2"] > 0 && created["1of2"]+created["2of2"] == users+groups
		})
		once := 0
		for _, e := range s.Events(0, users+groups) {
			if e.Type == "user.created" || e.Type == "group.created" {
				once++
			}
		}
		if once != users+groups {
			t.Errorf("%d were created, want %d", once, users+groups)
		}

		first.kill()
		for i := range 8 { // of both parts
			s.put(fmt.Sprint("late", i))
		}
		for i := range 8 {
			s.arrives(fmt.Sprint("late", i))
		}
		third := s.enrol("third", slowly).run()
		s.await("the newcomer has a partition", func() bool { return s.workers()[third.id] == 1 })
		s.put("last")
		s.arrives("last")
		second.stop()
		third.stop()
	})
}

package runner_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// groupFirst tells everything, a group before its members.
type groupFirst struct{ users int }

func (g groupFirst) anchor(i int) string { return fmt.Sprintf("u%04d", i) }

func (g groupFirst) Pull(_ context.Context, _ []byte, to connectors.Sink) error {
	if err := to.Begin(connectors.Pull{Full: true, Absence: true, Reason: "initial"}); err != nil {
		return err
	}
	everybody := connectors.Change{Kind: connectors.Group, Anchor: "g", Presence: connectors.Present, Whole: true,
		AllMembers: true, Attributes: map[string]any{"displayName": "Everybody"}}
	for i := range g.users {
		everybody.Members = append(everybody.Members, g.anchor(i))
	}
	if err := to.Change(everybody); err != nil {
		return err
	}
	for i := range g.users {
		err := to.Change(connectors.Change{Kind: connectors.User, Anchor: g.anchor(i), Presence: connectors.Present, Whole: true,
			Attributes: map[string]any{"userName": g.anchor(i) + "@contoso.com"}})
		if err != nil {
			return err
		}
	}
	return to.Checkpoint([]byte("all"))
}

// TestGroupsOfAFullPullWaitForTheirMembers: members that are told after their
// group, on a later page even, needn't be parked.
func TestGroupsOfAFullPullWaitForTheirMembers(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		h := newHouse(t, database, 5)
		held, lease, release, err := runner.Hold(context.Background(), h.client, runner.Claim{Source: h.source, Partition: "default", Holder: "test", TTL: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		source := groupFirst{users: 600}
		r, err := runner.Cycle(held, runner.Config{Client: h.client, Source: h.source, Partition: "default", Limits: h.limits}, lease, source, runner.Options{})
		if err != nil || r.Counts.Created != 601 {
			t.Fatalf("%+v %v", r, err)
		}
		if got := len(h.view()["g"].Members); got != source.users {
			t.Errorf("the group has %d members, want %d", got, source.users)
		}
		parked := 0
		for _, e := range h.Events(0, 601) {
			if e.Type == "group.memberParked" {
				parked++
			}
		}
		if parked > 0 {
			t.Errorf("%d members were parked", parked)
		}
	})
}

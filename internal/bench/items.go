package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/workspace-scim/workspace/scim"
)

// The names of the scenarios about items that follow groups.
const (
	nameFollow    = "add one member, 5 items follow"
	nameReconcile = "first comparison of an item"
)

// followers is how many items follow each group.
const followers = 5

// items lets items follow the groups and measures what that makes of adding a
// member, and how long the first comparison of an item takes, which assigns every
// member.
func (b *bench) items(ctx context.Context, groups []*group) ([]figure, error) {
	b.tell("items")
	admins := map[*world]string{}
	compared, memory := make([]gathering, len(groups)), make([]int64, len(groups))
	for i, g := range groups {
		compared[i].unit = g.members
		var err error
		if admins[g.world] == "" {
			if admins[g.world], err = g.world.reconciling(ctx); err != nil {
				return nil, err
			}
		}
		if memory[i], err = g.follow(ctx, admins[g.world], &compared[i]); err != nil {
			return nil, fmt.Errorf("%s: items of a group of %d: %w", g.world, g.members, err)
		}
	}
	added := make([]gathering, len(groups))
	for range b.rounds {
		for i, g := range groups {
			s, err := side{g.world.server, g.add}.measure(ctx, 1, b.round())
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", nameFollow, g.world, err)
			}
			added[i].unit = 1
			added[i].add(s)
			if _, err := (side{g.world.server, g.remove}).measure(ctx, 1, b.round()); err != nil {
				return nil, err
			}
		}
	}
	var figures []figure
	for i, g := range groups {
		follow, compare := added[i].figure(nameFollow, g.world, 1), compared[i].figure(nameReconcile, g.world, 1)
		follow.Members, compare.Members, compare.Memory = g.members, g.members, memory[i]
		figures = append(figures, follow, compare)
	}
	return figures, nil
}

// reconciling switches on what items need to follow groups, and gives an admin
// token.
func (w *world) reconciling(ctx context.Context) (admin string, err error) {
	return administer(ctx, w.program, w.url, [][]string{
		{"feature", "set", "--tenant", tenantName, "groupReconciliation", "on"},
		{"job", "set", "--tenant", tenantName, "reconcile", "enabled", "--interval", "720h"},
		{"token", "add", "--tenant", tenantName, "--admin"},
	})
}

// follow makes the items of a group, one after the other, and waits for the run
// that compares each. It gives the most memory that the server was seen with
// meanwhile.
func (g *group) follow(ctx context.Context, admin string, times *gathering) (memory int64, err error) {
	c, err := connect(ctx, g.world.server.address, admin)
	if err != nil {
		return 0, err
	}
	defer c.close()
	if _, _, err := g.world.compared(ctx, c, "items"); err != nil { // the one that the job begins with
		return 0, err
	}
	for n := range followers {
		body := fmt.Appendf(nil, `{"schemas":["urn:workspace:scim:schemas:core:2.0:WorkspaceItem"],"displayName":"Item %d","provider":"entra","keepInSync":"on","group":{"value":%q}}`,
			n, g.path[len(scimGroups)+1:])
		answer, err := c.want(http.StatusCreated, http.MethodPost, scim.Prefix+"/WorkspaceItems", body)
		if err != nil {
			return 0, err
		}
		var made struct{ ID string }
		if err := json.Unmarshal(answer, &made); err != nil {
			return 0, err
		}
		took, most, err := g.world.compared(ctx, c, "item-"+made.ID)
		if err != nil {
			return 0, err
		}
		memory = max(memory, most)
		times.add(sample{took: took, latencies: []time.Duration{took}})
	}
	return memory, nil
}

// compared waits until the newest run of a partition is done, and gives how long
// it worked and the most memory that the server was seen with.
func (w *world) compared(ctx context.Context, c *client, partition string) (took time.Duration, memory int64, err error) {
	for {
		now, _, err := w.server.memory()
		if err != nil {
			return 0, 0, err
		}
		memory = max(memory, now)
		n, err := newestRun(c, partition)
		if err != nil {
			return 0, 0, err
		}
		switch n.State {
		case "", "queued", "running":
		case "succeeded":
			return max(time.Millisecond, time.Duration(n.Seconds*float64(time.Second))), memory, nil
		default:
			return 0, 0, fmt.Errorf("the comparison %s: %s", n.State, n.Detail)
		}
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// shownRun is a run as far as it is of interest here.
type shownRun struct {
	Partition, State, Detail string
	Seconds                  float64
}

// newestRun gives the newest run of a partition, one without a state if there is
// none.
func newestRun(c *client, partition string) (shownRun, error) {
	answer, err := c.want(http.StatusOK, http.MethodGet, "/api/v1/runs?limit=100", nil)
	if err != nil {
		return shownRun{}, err
	}
	var runs struct{ Items []shownRun }
	if err := json.Unmarshal(answer, &runs); err != nil {
		return shownRun{}, err
	}
	for _, n := range runs.Items {
		if n.Partition == partition {
			return n, nil
		}
	}
	return shownRun{}, nil
}

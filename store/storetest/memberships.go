package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

func membershipChecks() []check {
	return []check{{"any changes leave the members and groups that a model says, for filters too", membershipsAgree}}
}

// edge is a membership by the positions of its ends among the resources.
type edge struct {
	group, member int
	source        int64
}

// graph is a drawn set of groups and users, all linked to both sources, with
// the memberships that a model holds. The first resources are groups.
type graph struct {
	*world
	all   []store.Resource
	edges map[edge]bool
}

const graphGroups, graphUsers = 5, 3

func membershipsAgree(t *testing.T, s store.Store) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGraph(t, s)
		steps := rapid.SliceOfN(rapid.Custom(g.step), 1, 12).Draw(t, "steps")
		g.update(func(tx store.Tx) error {
			g.edges = map[edge]bool{}
			for i, step := range steps {
				if err := step.run(g, tx); err != nil {
					return fmt.Errorf("step %d, %v: %w", i, step, err)
				}
			}
			return nil
		})
		for i, source := range []int64{0, g.ad, g.hr} {
			view := []string{"resolved view", "the AD's view", "the HR tool's view"}[i]
			var got map[string][]string
			g.view(func(r store.Reader) (err error) {
				got, err = g.read(r, source)
				return err
			})
			equal(g.world, view, got, g.model(source))
			g.filtersAgree(t, source)
		}
	})
}

// asked says whether callers would ask a view about a resource: those that the
// resolved view doesn't show have no members or groups there to speak of.
func asked(source int64, r store.Resource) bool { return source != 0 || r.State.Visible() }

// read gives the members of each group and the groups of each resource. That a
// group is its own, in a cycle, is left to the backend and passed over.
func (g *graph) read(r store.Reader, source int64) (map[string][]string, error) {
	out := map[string][]string{}
	for _, group := range g.all[:graphGroups] {
		if !asked(source, group) {
			continue
		}
		err := r.Members(g.as(source), group.RID, func(m store.Member) error {
			out["members of "+group.Display] = append(out["members of "+group.Display], m.Display)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	all, err := r.Groups(g.as(source), rids(g.all...))
	for _, member := range g.all {
		for _, m := range all[member.RID] {
			if m.RID != member.RID && asked(source, member) {
				out["groups of "+member.Display] = append(out["groups of "+member.Display], kinship(m.Display, m.Direct))
			}
		}
	}
	return out, err
}

func kinship(group string, direct bool) string {
	if direct {
		return group + " direct"
	}
	return group + " indirect"
}

// model is what read should give.
func (g *graph) model(source int64) map[string][]string {
	out := map[string][]string{}
	for i, r := range g.all {
		for j, group := range g.all[:graphGroups] {
			if slices.ContainsFunc([]int64{g.ad, g.hr}, func(by int64) bool { return g.shows(source, edge{j, i, by}) }) {
				out["members of "+group.Display] = append(out["members of "+group.Display], r.Display)
			}
		}
		direct, every := g.groupsAbove(source, i)
		for _, wanted := range []bool{true, false} {
			for j, group := range g.all[:graphGroups] {
				if i != j && every[j] && direct[j] == wanted {
					out["groups of "+r.Display] = append(out["groups of "+r.Display], kinship(group.Display, wanted))
				}
			}
		}
	}
	return out
}

func drawGraph(t *rapid.T, s store.Store) *graph {
	g := &graph{world: newWorld(t, s)}
	for i := range graphGroups + graphUsers {
		authority := rapid.SampledFrom([]int64{1, 2}).Draw(t, "authority")
		r := g.newGroup(map[int64]int64{1: g.ad, 2: g.hr}[authority], fmt.Sprint("g", i), "")
		if i >= graphGroups {
			r = g.newUser(g.ad, fmt.Sprint("u", i), "")
		}
		r.State = rapid.SampledFrom([]store.State{store.Live, store.Live, store.Live, store.Held}).Draw(t, "state")
		g.all = append(g.all, r)
	}
	g.update(func(tx store.Tx) error {
		for i := range g.all {
			if err := tx.InsertResource(&g.all[i]); err != nil {
				return err
			}
			for _, source := range []int64{g.ad, g.hr} {
				l := newLink(source, g.all[i])
				if err := tx.PutLink(nil, &l); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return g
}

// step is one call that changes memberships.
type step struct {
	Call        string
	Source      int // 0 for the AD, 1 for the HR tool
	Group       int
	Add, Remove []int
}

func (g *graph) step(t *rapid.T) step {
	anyone := rapid.SliceOfN(rapid.IntRange(0, graphGroups+graphUsers-1), 0, 5)
	return step{
		Call:   rapid.SampledFrom([]string{"change", "change", "replace", "end"}).Draw(t, "call"),
		Source: rapid.IntRange(0, 1).Draw(t, "source"),
		Group:  rapid.IntRange(0, graphGroups-1).Draw(t, "group"),
		Add:    anyone.Draw(t, "add"), Remove: anyone.Draw(t, "remove"),
	}
}

// run makes the call and compares what it says has changed with the model.
func (s step) run(g *graph, tx store.Tx) error {
	source := []int64{g.ad, g.hr}[s.Source]
	before := g.edgesNow()
	var got changes
	var err error
	switch s.Call {
	case "change":
		got.Added, got.Removed, err = tx.ChangeMembers(g.tenant, g.all[s.Group].RID, source, g.ridsAt(s.Add), g.ridsAt(s.Remove))
		for _, m := range s.Add {
			g.edges[edge{s.Group, m, source}] = true
		}
		for _, m := range s.Remove {
			delete(g.edges, edge{s.Group, m, source})
		}
	case "replace":
		got.Added, got.Removed, err = tx.ReplaceMembers(g.tenant, g.all[s.Group].RID, source, g.ridsAt(s.Add))
		for m := range g.all {
			delete(g.edges, edge{s.Group, m, source})
		}
		for _, m := range s.Add {
			g.edges[edge{s.Group, m, source}] = true
		}
	case "end":
		got.Removed, err = tx.EndMemberships(source, g.all[s.Group].RID)
		for group := range graphGroups {
			delete(g.edges, edge{group, s.Group, source})
		}
	}
	if err != nil {
		return err
	}
	want := g.difference(before, s.Call == "end")
	if !slices.Equal(sorted(got.Added), want.Added) || !slices.Equal(sorted(got.Removed), want.Removed) {
		return fmt.Errorf("changed %v, want %v", got, want)
	}
	return nil
}

func (g *graph) edgesNow() map[edge]bool {
	now := map[edge]bool{}
	for e := range g.edges {
		now[e] = true
	}
	return now
}

// difference gives the members that came and went since, or the groups if
// wanted.
func (g *graph) difference(before map[edge]bool, groups bool) changes {
	end := func(e edge) int64 {
		if groups {
			return g.all[e.group].RID
		}
		return g.all[e.member].RID
	}
	var c changes
	for e := range g.edges {
		if !before[e] {
			c.Added = append(c.Added, end(e))
		}
	}
	for e := range before {
		if !g.edges[e] {
			c.Removed = append(c.Removed, end(e))
		}
	}
	return changes{sorted(c.Added), sorted(c.Removed)}
}

func (g *graph) ridsAt(positions []int) []int64 {
	var out []int64
	for _, i := range positions {
		out = append(out, g.all[i].RID)
	}
	return out
}

// shows says whether a view shows a membership: a source's its own, the
// resolved one those of the group's authority, between visible resources.
func (g *graph) shows(source int64, e edge) bool {
	if !g.edges[e] {
		return false
	}
	if source != 0 {
		return e.source == source
	}
	return e.source == g.all[e.group].Authority && g.all[e.group].State.Visible() && g.all[e.member].State.Visible()
}

// groupsAbove gives the groups that a resource is in, directly and at all.
func (g *graph) groupsAbove(source int64, member int) (direct, every map[int]bool) {
	direct, every = map[int]bool{}, map[int]bool{}
	for e := range g.edges {
		if e.member == member && g.shows(source, e) {
			direct[e.group], every[e.group] = true, true
		}
	}
	for n := -1; n < len(every); {
		n = len(every)
		for e := range g.edges {
			if every[e.member] && g.shows(source, e) {
				every[e.group] = true
			}
		}
	}
	return direct, every
}

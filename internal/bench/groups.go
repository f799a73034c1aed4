package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/workspace-scim/workspace/scim"
)

// The names of the scenarios about groups.
const (
	nameAddMember    = "add one member"
	nameRemoveMember = "remove one member"
	nameGetGroup     = "GET group without members"
)

const (
	scimGroups = scim.Prefix + "/Groups"
	// spareUsers are users that no group has, to be added to them; a round ends
	// early when all of them were.
	spareUsers = 2000
	// memberBatch is how many members one PATCH adds while a group is filled.
	memberBatch = 5000
)

// group is a group with many members.
type group struct {
	world   *world
	members int
	path    string
	extra   int // of the spare users, how many it has
}

// groups measures memberships, on the largest server of each database.
func (b *bench) groups(ctx context.Context) ([]figure, error) {
	b.tell("groups")
	var groups []*group
	for _, w := range b.largest() {
		if err := w.load(ctx, max(len(w.ids), b.groupSizes[len(b.groupSizes)-1]+spareUsers)); err != nil {
			return nil, fmt.Errorf("%s: loading members: %w", w, err)
		}
		for _, n := range b.groupSizes {
			g, err := newGroup(ctx, w, n)
			if err != nil {
				return nil, fmt.Errorf("%s: a group of %d: %w", w, n, err)
			}
			groups = append(groups, g)
		}
	}
	figures, err := b.measureGroups(ctx, groups)
	if err != nil {
		return figures, err
	}
	more, err := b.items(ctx, groups)
	return append(figures, more...), err
}

// newGroup makes a group whose members are the first users of the world.
func newGroup(ctx context.Context, w *world, members int) (*group, error) {
	c, err := connect(ctx, w.server.address, w.token)
	if err != nil {
		return nil, err
	}
	defer c.close()
	body := fmt.Appendf(nil, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"All %d","externalId":"bench-group-%[1]d"}`, members)
	answer, err := c.want(http.StatusCreated, http.MethodPost, scimGroups, body)
	if err != nil {
		return nil, err
	}
	var made struct{ ID string }
	if err := json.Unmarshal(answer, &made); err != nil {
		return nil, err
	}
	g := &group{world: w, members: members, path: scimGroups + "/" + made.ID}
	for from := 0; from < members; from += memberBatch {
		ids := w.ids[from:min(from+memberBatch, members)]
		if _, err := c.want(http.StatusNoContent, http.MethodPatch, g.path, appendMembers(body[:0], "Add", ids...)); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// appendMembers appends a PATCH of members as Entra sends it.
func appendMembers(b []byte, op string, ids ...string) []byte {
	b = append(b, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":`...)
	b = append(strconv.AppendQuote(b, op), `,"path":"members","value":[`...)
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(append(b, `{"value":`...), id), '}')
	}
	return append(b, `]}]}`...)
}

// measureGroups adds members one by one, removes them again, and reads the
// group, in rounds over all groups.
func (b *bench) measureGroups(ctx context.Context, groups []*group) ([]figure, error) {
	names := []string{nameAddMember, nameRemoveMember, nameGetGroup}
	all := make([][]gathering, len(names))
	for i := range all {
		all[i] = make([]gathering, len(groups))
	}
	for range b.rounds {
		for i, g := range groups {
			for j, do := range []step{g.add, g.remove, g.get} {
				s, err := side{g.world.server, do}.measure(ctx, 1, b.round())
				if err != nil {
					return nil, fmt.Errorf("%s, %s, a group of %d: %w", names[j], g.world, g.members, err)
				}
				all[j][i].unit = 1
				all[j][i].add(s)
			}
		}
	}
	var figures []figure
	for j, name := range names {
		for i, g := range groups {
			f := all[j][i].figure(name, g.world, 1)
			f.Members = g.members
			figures = append(figures, f)
		}
	}
	return figures, nil
}

// spare is a user that isn't among the group's first members.
func (g *group) spare(n int) string { return g.world.ids[g.members+n] }

func (g *group) add(c *client) error {
	if g.extra == spareUsers {
		return errEnough
	}
	c.scratch = appendMembers(c.scratch[:0], "Add", g.spare(g.extra))
	_, err := c.want(http.StatusNoContent, http.MethodPatch, g.path, c.scratch)
	g.extra++
	return err
}

func (g *group) remove(c *client) error {
	if g.extra == 0 {
		return errEnough
	}
	g.extra--
	c.scratch = appendMembers(c.scratch[:0], "Remove", g.spare(g.extra))
	_, err := c.want(http.StatusNoContent, http.MethodPatch, g.path, c.scratch)
	return err
}

func (g *group) get(c *client) error {
	_, err := c.want(http.StatusOK, http.MethodGet, g.path+"?excludedAttributes=members", nil)
	return err
}

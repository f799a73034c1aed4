package runner

import (
	"maps"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// life is what a pull tells of an object that was deleted and came back. What else
// Workspace has of it, or lets wait for it, is of an earlier life: a directory
// doesn't tell groups and reports of a member's and a manager's deletion.
type life struct {
	kind connectors.Kind
	// told are the anchors of the groups that have it as a member, and of the users
	// whose manager it is.
	told map[string]bool
}

// maxLives bounds how many are kept; more lead to a full pull, which tells each
// group and user whole.
const maxLives = 1000

// codeRestored is why the next pull is full after objects came back of which it
// isn't known what is of an earlier life.
const codeRestored = "restored"

// managerPath is where a user's manager is.
const managerPath = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

func isManager(path string) bool { return path == "manager" || strings.HasSuffix(path, ":manager") }

// noteLives notes who comes back, and what is told of them from then on, by whatever
// object and in whichever part.
func (c *cycle) noteLives(ch connectors.Change) {
	back := c.lastGone == ch.Anchor && ch.Presence == connectors.Present
	c.lastGone = ""
	switch {
	case ch.Presence == connectors.Deleted:
		c.lastGone = ch.Anchor
		delete(c.lives, ch.Anchor)
		return
	case ch.Presence != connectors.Present:
		return
	case back && c.Part.owns(ch.Anchor):
		c.lives[ch.Anchor] = &life{ch.Kind, map[string]bool{}}
	}
	if len(c.lives) == 0 {
		return
	}
	for _, m := range slices.Concat(ch.Members, ch.Added) {
		if l := c.lives[m]; l != nil {
			l.told[ch.Anchor] = true
		}
	}
	for path, v := range ch.Attributes {
		if m, ok := v.(string); ok && isManager(path) && c.lives[m] != nil {
			c.lives[m].told[ch.Anchor] = true
		}
	}
	if len(c.lives) > maxLives {
		clear(c.lives)
		c.state.fullNow(codeRestored)
	}
}

// depart notes an object that was deleted before Workspace had it: groups and users
// may wait for it. A full pull tells those whole.
func (c *cycle) depart(it *item) {
	if c.index == nil && it.Presence != connectors.Present && (it.deleted || it.Presence == connectors.Deleted) {
		c.departed = append(c.departed, it.Anchor)
	}
}

func (c *cycle) tellDeparted() error {
	if len(c.departed) == 0 {
		return nil
	}
	anchors := c.departed
	c.departed = nil
	return c.scim.Departed(c.ctx, c.Source, anchors)
}

// endFormerLives ends what Workspace has of those who came back and the pull didn't
// tell: memberships, like any other removal of members, and managers.
func (c *cycle) endFormerLives() error {
	for _, anchor := range slices.Sorted(maps.Keys(c.lives)) {
		if err := c.endFormerLife(anchor, c.lives[anchor]); err != nil {
			return err
		}
	}
	clear(c.lives)
	return c.flush()
}

func (c *cycle) endFormerLife(anchor string, l *life) error {
	found, err := c.scim.FindExternal(c.ctx, endpointOf(l.kind), []string{anchor})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		// It was refused. When it arrives, all that waits for it gets it.
		c.state.fullNow(codeRestored)
		return nil
	}
	ends := []struct {
		endpoint, attribute, value string
		change                     connectors.Change
	}{
		{scimclient.Groups, "members.value", found[0].ID, connectors.Change{Kind: connectors.Group, Removed: []string{anchor}}},
		// A source sees a manager as it has said it: by the anchor.
		{scimclient.Users, managerPath + ".value", anchor, connectors.Change{Kind: connectors.User, Attributes: map[string]any{managerPath: nil}}},
	}
	for _, end := range ends {
		refs, err := c.scim.FindReferring(c.ctx, end.endpoint, end.attribute, end.value)
		if err != nil {
			return err
		}
		for _, r := range refs {
			if r.ExternalID == "" || l.told[r.ExternalID] || c.leaves(r.ExternalID) {
				continue
			}
			end.change.Anchor, end.change.Presence = r.ExternalID, connectors.Present
			if err := c.take(&item{Change: end.change, reason: string(connectors.Present), former: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// leaves says whether an object is about to be deleted.
func (c *cycle) leaves(anchor string) bool {
	it, k := c.aside[anchor], c.state.Kept[anchor]
	return it != nil && it.Presence != connectors.Present || k != nil && k.Change.Presence != connectors.Present
}

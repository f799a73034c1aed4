package runner

import (
	"maps"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// life is what is told of an object since it was deleted and came back. What else
// the part's groups and users have of it in Workspace, or wait for, is of an earlier
// life: a directory doesn't tell groups and reports of a member's and a manager's
// deletion. Each part ends that in its own groups and users, whosever the object is,
// because only the order in which it reads itself says what it told before.
type life struct {
	Kind connectors.Kind `json:"kind,omitempty"`
	// Present says that it was told as present since, not only as out of scope.
	Present bool `json:"present,omitempty"`
	// Told are the anchors of the part's groups that have it as a member, and of the
	// part's users whose manager it is.
	Told map[string]bool `json:"told,omitempty"`
}

// The bounds of the lives that are kept; more lead to a full pull, which tells each
// group and user of the part whole.
const (
	maxLives     = 1000     // during a pull
	maxLivesSize = 64 << 10 // bytes of JSON in a checkpoint
)

// codeRestored is why the next pull is full after objects came back of which it
// isn't known what is of an earlier life.
const codeRestored = "restored"

// managerPath is where a user's manager is.
const managerPath = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

func isManager(path string) bool { return path == "manager" || strings.HasSuffix(path, ":manager") }

// noteLives notes who comes back, in whichever part, and what the part's groups and
// users say of them from then on.
func (c *cycle) noteLives(ch connectors.Change) {
	lives := c.state.Lives
	back := c.lastGone == ch.Anchor
	c.lastGone = ""
	if ch.Presence == connectors.Deleted {
		c.lastGone = ch.Anchor
		delete(lives, ch.Anchor)
		return
	}
	if back {
		lives[ch.Anchor] = &life{}
	}
	if ch.Presence != connectors.Present || len(lives) == 0 {
		return
	}
	if l := lives[ch.Anchor]; l != nil {
		l.Kind, l.Present = ch.Kind, true
	}
	if c.Part.owns(ch.Anchor) {
		tellLives(lives, ch)
	}
	if len(lives) > maxLives {
		clear(lives)
		c.state.fullNow(codeRestored)
	}
}

// tellLives notes whom an object has as members and as its manager.
func tellLives(lives map[string]*life, ch connectors.Change) {
	tell := func(referent string) {
		l := lives[referent]
		if l == nil {
			return
		}
		if l.Told == nil {
			l.Told = map[string]bool{}
		}
		l.Told[ch.Anchor] = true
	}
	for _, m := range slices.Concat(ch.Members, ch.Added) {
		tell(m)
	}
	for path, v := range ch.Attributes {
		if m, ok := v.(string); ok && isManager(path) {
			tell(m)
		}
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

// endFormerLives ends what the part's groups and users have in Workspace of those
// who came back and weren't told to have: memberships, like any other removal of
// members, and managers. Who isn't in Workspace (yet) is kept for the next pull.
func (c *cycle) endFormerLives() error {
	ids, err := c.arrived()
	if err != nil {
		return err
	}
	for _, anchor := range slices.Sorted(maps.Keys(c.state.Lives)) {
		l, id := c.state.Lives[anchor], ids[anchor]
		switch {
		case id != "":
			if err := c.endFormerLife(anchor, id, l); err != nil {
				return err
			}
		case c.toldAll():
		default:
			if l.Present && c.Part.owns(anchor) {
				// It was refused. When it arrives, all that waits for it gets it.
				c.state.fullNow(codeRestored)
			}
			continue
		}
		delete(c.state.Lives, anchor)
	}
	return c.flush()
}

// arrived gives the ids of those who came back and are in Workspace, by anchor.
func (c *cycle) arrived() (map[string]string, error) {
	ids := map[string]string{}
	for _, kind := range bothKinds {
		var anchors []string
		for anchor, l := range c.state.Lives {
			if l.Present && l.Kind == kind {
				anchors = append(anchors, anchor)
			}
		}
		if len(anchors) == 0 {
			continue
		}
		found, err := c.scim.FindExternal(c.ctx, endpointOf(kind), anchors)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			ids[r.ExternalID] = r.ID
		}
	}
	return ids, nil
}

func (c *cycle) endFormerLife(anchor, id string, l *life) error {
	ends := []struct {
		endpoint, attribute, value string
		change                     connectors.Change
	}{
		{scimclient.Groups, "members.value", id, connectors.Change{Kind: connectors.Group, Removed: []string{anchor}}},
		// A source sees a manager as it has said it: by the anchor.
		{scimclient.Users, managerPath + ".value", anchor, connectors.Change{Kind: connectors.User, Attributes: map[string]any{managerPath: nil}}},
	}
	for _, end := range ends {
		refs, err := c.scim.FindReferring(c.ctx, end.endpoint, end.attribute, end.value)
		if err != nil {
			return err
		}
		for _, r := range refs {
			if r.ExternalID == "" || !c.Part.owns(r.ExternalID) || l.Told[r.ExternalID] || c.leaves(r.ExternalID) {
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

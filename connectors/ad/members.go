package ad

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

const (
	// mostMembers bounds the members of one group that are told whole.
	mostMembers = 1_000_000
	// fewMembers are looked up one by one; for more, all computers are read.
	fewMembers = 32
	// tries is how often a link is read that changes while it is.
	tries = 5
)

// links reads all values of a link of an object, none if that isn't there.
func (p *pull) links(ctx context.Context, id dirsync.GUID, name string) ([]dirsync.Link, error) {
	links, err := p.linksOfOne(ctx, id, name)
	if isGone(err) {
		return nil, nil
	}
	return links, err
}

// linksOfOne does the same for an object that should be there: isGone tells of
// its error that it isn't, or that the account may not read it.
func (p *pull) linksOfOne(ctx context.Context, id dirsync.GUID, name string) (links []dirsync.Link, err error) {
	for range tries {
		if links, err = p.linksOnce(ctx, id, name); !errors.Is(err, dirsync.ErrChanged) {
			break
		}
	}
	return links, err
}

func (p *pull) linksOnce(ctx context.Context, id dirsync.GUID, name string) (links []dirsync.Link, err error) {
	for link, err := range p.session.LinkValues(ctx, id, name) {
		if err != nil {
			return nil, err
		}
		if links = append(links, link); len(links) > mostMembers {
			return nil, fmt.Errorf("ad: %v has more than %d values of %s", id, mostMembers, name)
		}
	}
	return links, nil
}

// members are the anchors of all members of a group, and how many were left out.
// all is false if some couldn't be looked up.
func (p *pull) members(ctx context.Context, o *dirsync.Object, entryLinks bool) (anchors []string, left int, all bool, err error) {
	if p.flattens() {
		return p.below(ctx, o)
	}
	var links []dirsync.Link
	all = true
	if entryLinks {
		for _, l := range o.Links {
			if l.Attribute == linkMember && l.Added {
				links = append(links, l.To)
			}
		}
	} else if links, err = p.linksOfOne(ctx, o.GUID, linkMember); isGone(err) {
		all = false
	} else if err != nil {
		return nil, 0, false, err
	}
	if p.policies.PrimaryGroups == include {
		primary, err := p.primaryMembers(ctx, o)
		if err != nil {
			return nil, 0, false, err
		}
		links = append(links, primary...)
	}
	anchors, left, err = p.anchors(ctx, links)
	slices.Sort(anchors)
	return slices.Compact(anchors), left, all, err
}

// anchors are those of the links that can be members: users, contacts and, if
// policy has it so, groups. The others are counted.
func (p *pull) anchors(ctx context.Context, links []dirsync.Link) (anchors []string, left int, err error) {
	for _, l := range links {
		fit, err := p.fits(ctx, l, len(links))
		if err != nil {
			return nil, 0, err
		}
		if fit != member {
			left++
			continue
		}
		anchors = append(anchors, l.GUID.String())
	}
	return anchors, left, nil
}

// fit is what something that a group's link leads to is for the group.
type fit int

const (
	notMember fit = iota
	member
	within // a group whose members are the outer group's
)

// fits says what a link leads to. Of many links all computers, and groups if
// they matter, are read at once.
func (p *pull) fits(ctx context.Context, l dirsync.Link, many int) (fit, error) {
	if strings.Contains(l.DN, ",CN=ForeignSecurityPrincipals,") {
		return notMember, nil
	}
	if p.full || many > fewMembers || p.othersKnown() {
		others, err := p.notPeople(ctx)
		if c, listed := others[l.GUID]; listed {
			return p.fitOf(c), err
		}
		return member, err
	}
	o, err := p.session.Object(ctx, l.GUID, linkMember, linkManager)
	if isGone(err) {
		return member, nil // gone since; its tombstone ends it
	}
	if err != nil {
		return notMember, err
	}
	return p.fitOf(classify(o)), nil
}

func (p *pull) fitOf(c class) fit {
	switch {
	case c == group && p.flattens():
		return within
	case c == group && p.policies.Nested == skip, c.kind() == "":
		return notMember
	}
	return member
}

// notPeople reads what can't be a member, or not as it is, and its class. It is
// kept until something of it may have changed.
func (p *pull) notPeople(ctx context.Context) (map[dirsync.GUID]class, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.others != nil {
		return p.others, nil
	}
	filter := "(objectClass=computer)"
	if p.nestingMatters() {
		filter = "(|(objectClass=computer)(objectClass=group))"
	}
	found := map[dirsync.GUID]class{}
	for o, err := range p.session.Find(ctx, dirsync.GUID{}, filter, linkMember, linkManager) {
		if err != nil {
			return nil, err
		}
		found[o.GUID] = classify(o)
	}
	p.others = found
	return found, nil
}

func (p *pull) othersKnown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.others != nil
}

// nestingMatters says whether groups aren't members as everybody else.
func (r rules) nestingMatters() bool { return r.policies.Nested == skip || r.flattens() }

// forgetOthers lets notPeople be read anew: the page that follows may name a
// group that was made since.
func (p *pull) forgetOthers() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nestingMatters() {
		p.others = nil
	}
}

// memberChanges fills what came to and left a group, and says how many were
// left out.
func (p *pull) memberChanges(ctx context.Context, o *dirsync.Object, change *connectors.Change) (left int, err error) {
	var added []dirsync.Link
	var removed []dirsync.GUID
	for _, l := range o.Links {
		switch {
		case l.Attribute != linkMember:
		case l.Added:
			added = append(added, l.To)
		default:
			removed = append(removed, l.To.GUID)
		}
	}
	if change.Added, left, err = p.anchors(ctx, added); err != nil {
		return 0, err
	}
	if p.policies.PrimaryGroups == include && len(removed) > 0 {
		if removed, err = p.withoutPrimary(ctx, o.GUID, removed); err != nil {
			return 0, err
		}
	}
	for _, id := range removed {
		change.Removed = append(change.Removed, id.String())
	}
	return left, nil
}

// notMembers says that some of a group's members can't be any here.
func (p *pull) notMembers(o *dirsync.Object, left int) []connectors.Problem {
	if left == 0 {
		return nil
	}
	return []connectors.Problem{{Kind: connectors.Group, Anchor: o.GUID.String(), Name: o.DN, Code: codeMember,
		Sentence: fmt.Sprintf("%d of its members aren't brought: they are computers, principals of other domains, or groups where the policy nested says so.", left)}}
}

// hiddenMembers says that a group's members, or those of one within it, can't be
// looked up.
func hiddenMembers(o *dirsync.Object) connectors.Problem {
	return connectors.Problem{Kind: connectors.Group, Anchor: o.GUID.String(), Name: o.DN, Code: codeMembersHidden,
		Sentence: "Its members, or those of a group within it, can't be looked up, so nobody is taken out of it; let the account read these groups."}
}

// primaryMembers are the users that have a group as their primary group.
func (p *pull) primaryMembers(ctx context.Context, o *dirsync.Object) (links []dirsync.Link, err error) {
	sid, err := o.SID()
	if err != nil || sid == "" {
		return nil, err
	}
	filter := fmt.Sprintf("(&(primaryGroupID=%d)(!(objectClass=computer)))", sid.RID())
	for member, err := range p.session.Find(ctx, dirsync.GUID{}, filter, linkMember, linkManager) {
		if err != nil {
			return nil, err
		}
		links = append(links, dirsync.Link{GUID: member.GUID, DN: member.DN})
	}
	return links, nil
}

// withoutPrimary takes out of the members that left a group those that now have
// it as their primary group: the server moves the link when that changes
// (MS-SAMR 3.1.1.8.2).
func (p *pull) withoutPrimary(ctx context.Context, id dirsync.GUID, removed []dirsync.GUID) (left []dirsync.GUID, err error) {
	o, err := p.session.Object(ctx, id, linkMember, linkManager)
	if isGone(err) {
		return removed, nil
	}
	if err != nil {
		return nil, err
	}
	sid, err := o.SID()
	if err != nil {
		return nil, err
	}
	rid := strconv.FormatUint(uint64(sid.RID()), 10)
	for _, member := range removed {
		m, err := p.session.Object(ctx, member, linkMember, linkManager)
		if err != nil && !isGone(err) {
			return nil, err
		}
		if err != nil || m.Life.Deleted() || text(m, "primaryGroupID") != rid {
			left = append(left, member)
		}
	}
	return left, nil
}

// primaryGroup is the group that is told to be an object's primary one, if
// policy takes that for a membership.
func (p *pull) primaryGroup(ctx context.Context, o *dirsync.Object) (g dirsync.Link, found bool, err error) {
	id := text(o, "primaryGroupID")
	if p.policies.PrimaryGroups != include || id == "" {
		return g, false, nil
	}
	of, err := p.session.ObjectByDN(ctx, fmt.Sprintf("<SID=%s-%s>", p.changes.Facts.DomainSID, id), linkMember, linkManager)
	if err != nil {
		if isGone(err) {
			err = nil
		}
		return g, false, err
	}
	return dirsync.Link{GUID: of.GUID, DN: of.DN}, true, nil
}

// joinPrimary tells that an object came to the group that is told to be its
// primary group. Leaving the one before is told by its link.
func (p *pull) joinPrimary(ctx context.Context, o *dirsync.Object) error {
	g, found, err := p.primaryGroup(ctx, o)
	if err != nil || !found {
		return err
	}
	links, left, err := p.anchors(ctx, []dirsync.Link{{GUID: o.GUID, DN: o.DN}})
	if err != nil || left > 0 {
		return err
	}
	groups := []dirsync.Link{g}
	if p.flattens() {
		if groups, err = p.above(ctx, g); err != nil {
			return err
		}
	}
	return p.joined(groups, links)
}

// joined tells that somebody is in some groups.
func (p *pull) joined(groups []dirsync.Link, anchors []string) error {
	for _, g := range groups {
		change := connectors.Change{Kind: connectors.Group, Anchor: g.GUID.String(), Name: g.DN,
			Presence: connectors.Present, Added: anchors, Read: p.reader(g.GUID)}
		if err := p.to.Change(change); err != nil {
			return err
		}
	}
	return nil
}

// rejoin tells the memberships of an object, and whose manager it is: when it
// left the scope, the server ended them.
func (p *pull) rejoin(ctx context.Context, o *dirsync.Object, c class) error {
	anchor := o.GUID.String()
	if c != group || !p.nestingMatters() {
		groups, err := p.memberships(ctx, o)
		if err != nil {
			return err
		}
		if err := p.joined(groups, []string{anchor}); err != nil {
			return err
		}
	}
	reports, err := p.links(ctx, o.GUID, "directReports")
	if err != nil {
		return err
	}
	for _, report := range reports {
		change := connectors.Change{Kind: connectors.User, Anchor: report.GUID.String(), Name: report.DN,
			Presence: connectors.Present, Attributes: map[string]any{}, Read: p.reader(report.GUID)}
		for _, t := range p.translators[user].affected(map[string]bool{linkManager: true}) {
			change.Attributes[t.root] = anchor
		}
		if err := p.send(change, nil); err != nil {
			return err
		}
	}
	return nil
}

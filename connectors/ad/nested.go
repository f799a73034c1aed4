package ad

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// With the policy nested flatten a group's members are the people in it and in
// any group within it. Who they are changes with groups that are told of no
// change, so an increment tells those too:
//
//   - people came or left: these, of the group and of each above it. One who left
//     and is there by another way stays.
//   - a group came or left: all members of the group and of each above it. So a
//     path between two groups that is cut is noticed by what remains above the
//     cut, whatever else was cut meanwhile.
//   - a group was deleted: who was above it is known no more, so all groups.
//   - what changed of a group isn't known (ModeUSNChanged): the group and each
//     above it, with all members.
//
// All of it is looked up at that moment, as everywhere here.

// flattens says whether members of nested groups are told as members of those
// around them.
func (r rules) flattens() bool { return r.policies.Nested == flatten }

// above are some groups and all that these are in, by way of others too.
func (p *pull) above(ctx context.Context, groups ...dirsync.Link) ([]dirsync.Link, error) {
	all := slices.Clone(groups)
	seen := map[dirsync.GUID]bool{}
	for _, g := range all {
		seen[g.GUID] = true
	}
	for i := 0; i < len(all); i++ {
		outer, err := p.links(ctx, all[i].GUID, "memberOf")
		if err != nil {
			return nil, err
		}
		for _, g := range outer {
			if !seen[g.GUID] {
				seen[g.GUID] = true
				all = append(all, g)
			}
		}
	}
	return all, nil
}

// tellAbove tells the groups that a group is in, by way of others too, whose
// members follow from its own.
func (p *pull) tellAbove(ctx context.Context, o *dirsync.Object) error {
	if !p.flattens() || classify(o) != group {
		return nil
	}
	groups, err := p.above(ctx, dirsync.Link{GUID: o.GUID, DN: o.DN})
	if err != nil {
		return err
	}
	for _, g := range groups[1:] {
		if err := p.reviewByID(ctx, g.GUID, false); err != nil {
			return err
		}
	}
	return nil
}

// below are the anchors of the people in a group and in those within it, and how
// many others are. all is false if one of the groups couldn't be looked up.
func (p *pull) below(ctx context.Context, o *dirsync.Object) (anchors []string, left int, all bool, err error) {
	all = true
	seen := map[dirsync.GUID]bool{o.GUID: true}
	todo := []dirsync.GUID{o.GUID}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		links, err := p.directMembers(ctx, id)
		if isGone(err) {
			all = false
			continue
		}
		if err != nil {
			return nil, 0, false, err
		}
		for _, l := range links {
			if seen[l.GUID] {
				continue
			}
			seen[l.GUID] = true
			fit, err := p.fits(ctx, l, len(links))
			switch {
			case err != nil:
				return nil, 0, false, err
			case fit == within:
				todo = append(todo, l.GUID)
			case fit == notMember:
				left++
			case len(anchors) == mostMembers:
				return nil, 0, false, fmt.Errorf("ad: %s and the groups within it have more than %d members", o.DN, mostMembers)
			default:
				anchors = append(anchors, l.GUID.String())
			}
		}
	}
	slices.Sort(anchors)
	return anchors, left, all, nil
}

// directMembers are the links of one group, with those who have it as their
// primary group if policy says so. isGone may tell of its error.
func (p *pull) directMembers(ctx context.Context, id dirsync.GUID) ([]dirsync.Link, error) {
	links, err := p.linksOfOne(ctx, id, linkMember)
	if err != nil || p.policies.PrimaryGroups != include {
		return links, err
	}
	o, err := p.session.Object(ctx, id, linkMember, linkManager)
	if err != nil {
		return nil, err
	}
	primary, err := p.primaryMembers(ctx, o)
	return append(links, primary...), err
}

// nestedChange tells what links that came to or left a group mean for it and for
// those above it. It says whether the group was told whole; otherwise its other
// attributes are still to be told.
func (p *pull) nestedChange(ctx context.Context, o *dirsync.Object) (whole bool, err error) {
	groups, err := p.above(ctx, dirsync.Link{GUID: o.GUID, DN: o.DN})
	if err != nil {
		return false, err
	}
	added, left, few, err := p.peopleChanged(ctx, o)
	if err != nil {
		return false, err
	}
	if !few {
		for _, g := range groups {
			if err := p.reviewByID(ctx, g.GUID, false); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	for _, g := range groups {
		change := connectors.Change{Kind: connectors.Group, Anchor: g.GUID.String(), Name: g.DN, Presence: connectors.Present,
			Added: added, Read: p.reader(g.GUID)}
		for id, stays := range left {
			if !stays[g.GUID] {
				change.Removed = append(change.Removed, id.String())
			}
		}
		slices.Sort(change.Removed)
		if err := p.send(change, nil); err != nil {
			return false, err
		}
	}
	return false, nil
}

// peopleChanged are the anchors of the people that came to a group, and those who
// left it with all groups that they are still in. few is false if it isn't a
// matter of a few people alone: a group came or left, or they are many.
func (p *pull) peopleChanged(ctx context.Context, o *dirsync.Object) (added []string, left map[dirsync.GUID]map[dirsync.GUID]bool, few bool, err error) {
	links := slices.DeleteFunc(slices.Clone(o.Links), func(l dirsync.LinkChange) bool { return l.Attribute != linkMember })
	if slices.Contains(o.AllLinks, linkMember) || len(links) > fewMembers {
		return nil, nil, false, nil
	}
	left = map[dirsync.GUID]map[dirsync.GUID]bool{}
	for _, l := range links {
		m, err := p.session.Object(ctx, l.To.GUID, linkMember, linkManager)
		switch {
		case isGone(err) || err == nil && m.Life.Deleted():
			left[l.To.GUID] = nil // its tombstone says what else that means
			continue
		case err != nil:
			return nil, nil, false, err
		}
		switch c := classify(m); {
		case c == group:
			return nil, nil, false, nil
		case c.kind() == "":
		case l.Added:
			added = append(added, l.To.GUID.String())
		default:
			in, err := p.memberships(ctx, m)
			if err != nil {
				return nil, nil, false, err
			}
			left[l.To.GUID] = map[dirsync.GUID]bool{}
			for _, g := range in {
				left[l.To.GUID][g.GUID] = true
			}
		}
	}
	return added, left, true, nil
}

// memberships are the groups that an object is told as a member of.
func (p *pull) memberships(ctx context.Context, o *dirsync.Object) ([]dirsync.Link, error) {
	groups, err := p.links(ctx, o.GUID, "memberOf")
	if err != nil {
		return nil, err
	}
	primary, found, err := p.primaryGroup(ctx, o)
	if err != nil {
		return nil, err
	}
	if found {
		groups = append(groups, primary)
	}
	if !p.flattens() {
		return groups, nil
	}
	return p.above(ctx, groups...)
}

// tellGroups tells all groups anew, with all their members.
func (p *pull) tellGroups(ctx context.Context) error {
	others, err := p.notPeople(ctx) // rather than member by member
	if err != nil {
		return err
	}
	p.noteUntold(others)
	for o, err := range p.session.Find(ctx, dirsync.GUID{}, "(objectClass=group)", linkMember, linkManager) {
		if err != nil {
			return err
		}
		delete(p.untold, o.GUID)
		if err := p.review(ctx, o, false); err != nil {
			return err
		}
	}
	return p.tellPassedOver(ctx)
}

// noteUntold adds to what can't be a member the groups that the stream told and
// the search for them passed over: what is within them isn't taken for nobody.
func (p *pull) noteUntold(others map[dirsync.GUID]class) {
	all := maps.Clone(others) // Read may be looking at it
	for id := range p.untold {
		all[id] = group
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others = all
}

// tellPassedOver tells the groups that the stream had and the search for all
// groups hadn't: one that moved between its pages, or that the account is told of
// and can't look up. That isn't absence.
func (p *pull) tellPassedOver(ctx context.Context) error {
	for id, dn := range p.untold {
		delete(p.untold, id)
		o, err := p.session.Object(ctx, id, linkMember)
		switch {
		case isGone(err):
			err = p.to.Skip(connectors.Problem{Kind: connectors.Group, Anchor: id.String(), Name: dn, Code: codeHidden, Dropped: true,
				Sentence: "The group is told of and can't be looked up, so it stays as it was; let the account read it."})
		case err != nil:
		case o.Life.Deleted():
			err = p.deleted(o)
		default:
			err = p.review(ctx, o, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groupDeleted notes that a group may have been deleted: who was above it is
// known no more.
func (p *pull) groupDeleted(ctx context.Context, o *dirsync.Object) error {
	if _, told := o.Values("objectClass"); !told {
		whole, err := p.session.Object(ctx, o.GUID, linkMember, linkManager)
		if err != nil && !isGone(err) {
			return err
		}
		if err == nil {
			o = whole
		}
	}
	_, told := o.Values("objectClass")
	p.regroup = p.regroup || !told || classify(o) == group
	return nil
}

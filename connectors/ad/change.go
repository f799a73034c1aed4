package ad

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// required is what nothing can be brought without, by class.
var required = map[class]string{user: "userName", contact: "userName", group: "displayName"}

// subject makes an object ready for a translator. whole says that all its links
// to a manager are told.
func (p *pull) subject(o *dirsync.Object, whole bool) subject {
	s := subject{values: o, anchor: o.GUID.String(), domain: domainName(p.changes.Facts.DomainRoot), now: p.now,
		managerTold: whole || changesLink(o, linkManager)}
	for _, l := range o.Links {
		if l.Attribute == linkManager && l.Added {
			s.manager = l.To.GUID.String()
		}
	}
	return s
}

// domainName is the DNS name of a domain by its root's DN (RFC 2247).
func domainName(root string) string {
	var labels []string
	for part := range strings.SplitSeq(root, ",") {
		if key, label, _ := strings.Cut(part, "="); strings.EqualFold(key, "DC") {
			labels = append(labels, strings.ToLower(label))
		}
	}
	return strings.Join(labels, ".")
}

// whole tells all of an object that is in scope. The change is empty if it can't
// be brought at all, and isn't Whole if only what the server knows already may be
// changed by it. entryLinks says that o has all its members.
func (p *pull) whole(ctx context.Context, o *dirsync.Object, c class, entryLinks bool) (connectors.Change, []connectors.Problem, error) {
	s := p.subject(o, true)
	p.noteExpiry(s)
	attributes, faults := p.translators[c].whole(s)
	problems := p.problems(o, c, faults)
	if attributes[required[c]] == nil {
		return connectors.Change{}, append(problems, p.missing(o, c)), nil
	}
	change := connectors.Change{Kind: c.kind(), Anchor: s.anchor, Name: o.DN, Presence: connectors.Present, Whole: true, Attributes: attributes}
	if lacking, problem := p.lacksName(o, c, s); len(lacking) > 0 {
		p.keep(attributes, lacking)
		change.Whole, change.Read = false, p.reader(o.GUID)
		problems = append(problems, problem)
	}
	if c == group {
		members, left, all, err := p.members(ctx, o, entryLinks)
		if err != nil {
			return connectors.Change{}, nil, err
		}
		problems = append(problems, p.notMembers(o, left)...)
		if change.AllMembers = all; all {
			change.Members = members
		} else {
			change.Added = members
			problems = append(problems, hiddenMembers(o))
		}
	}
	return change, problems, nil
}

// partial tells what changed of an object that the change can't have moved into
// or out of scope. It is looked up only if the change alone doesn't say what it
// is, or a rule reads what isn't told.
func (p *pull) partial(ctx context.Context, o *dirsync.Object, changed map[string]bool) error {
	membership := changesLink(o, linkMember)
	if len(changed) == 0 && !membership {
		return nil
	}
	c := p.guess(changed, membership)
	s := p.subject(o, false)
	from := o
	if c == other || slices.ContainsFunc(p.translators[c].affected(changed), func(t *target) bool { return !t.complete(s) }) {
		var err error
		if from, err = p.session.Object(ctx, o.GUID, linkMember); err != nil {
			if isGone(err) {
				return nil
			}
			return err
		}
		if from.Life.Deleted() {
			return p.deleted(from)
		}
		c = classify(from)
		code, err := p.judge(ctx, from, c)
		if err != nil || code != "" {
			return err // not in scope, as before
		}
		s = p.subject(from, true)
	}
	p.noteExpiry(s)
	attributes, faults := p.translators[c].fill(s, p.translators[c].affected(changed))
	problems := p.problems(from, c, faults)
	if value, told := attributes[required[c]]; told && value == nil {
		delete(attributes, required[c])
		problems = append(problems, p.missing(from, c))
	}
	if changed["givenname"] || changed["sn"] {
		if lacking, problem := p.lacksName(from, c, s); len(lacking) > 0 {
			p.keep(attributes, lacking)
			problems = append(problems, problem)
		}
	}
	change := connectors.Change{Kind: c.kind(), Anchor: o.GUID.String(), Name: o.DN, Presence: connectors.Present,
		Attributes: attributes, Read: p.reader(o.GUID)}
	if membership {
		if slices.Contains(o.AllLinks, linkMember) {
			return p.reviewByID(ctx, o.GUID, false)
		}
		left, err := p.memberChanges(ctx, o, &change)
		if err != nil {
			return err
		}
		problems = append(problems, p.notMembers(o, left)...)
	}
	return p.send(change, problems)
}

// send tells a partial change, if there is something in it.
func (p *pull) send(change connectors.Change, problems []connectors.Problem) error {
	for _, problem := range problems {
		if err := p.to.Skip(problem); err != nil {
			return err
		}
	}
	if len(change.Attributes)+len(change.Added)+len(change.Removed) == 0 {
		return nil
	}
	return p.to.Change(change)
}

// ofPeople are attributes, in small letters, that groups can't have: those of
// person, organizationalPerson and user (MS-ADSC), as far as the default mapping
// reads them. Others, such as description, telephoneNumber and extensionAttribute1,
// any object may have.
var ofPeople = []string{
	"givenname", "sn", "middlename", "title", "preferredlanguage", "mobile", "homephone", "facsimiletelephonenumber", "pager",
	"streetaddress", "l", "st", "postalcode", "c", "department", "company", "division", "employeeid", "employeenumber",
	"userprincipalname", "useraccountcontrol", "accountexpires", linkManager,
}

// guess says what an object is by which of its attributes changed; other if that
// doesn't tell. Computers are taken for users: the server knows none of them, and
// Read says so.
func (p *pull) guess(changed map[string]bool, membership bool) class {
	switch {
	case membership || changed["grouptype"]:
		return group
	case p.policies.Contacts == include:
		return other // they have rules of their own
	case slices.ContainsFunc(ofPeople, func(name string) bool { return changed[name] }):
		return user
	}
	return other
}

func (p *pull) problems(o *dirsync.Object, c class, faults []fault) (problems []connectors.Problem) {
	for _, f := range faults {
		problems = append(problems, connectors.Problem{Kind: c.kind(), Anchor: o.GUID.String(), Name: o.DN, Code: f.code, Sentence: f.sentence})
	}
	return problems
}

func (p *pull) missing(o *dirsync.Object, c class) connectors.Problem {
	return connectors.Problem{Kind: c.kind(), Anchor: o.GUID.String(), Name: o.DN, Code: codeMissing, Dropped: true,
		Sentence: fmt.Sprintf("Nothing gives %s, which every object needs; set the attribute that its rule reads.", required[c])}
}

// lacksName says which of the names that policy requires a user lacks (row
// W009), as far as they are told.
func (p *pull) lacksName(o *dirsync.Object, c class, s subject) (lacking map[string]bool, problem connectors.Problem) {
	if c != user || p.policies.Names == accept {
		return nil, problem
	}
	lacking = map[string]bool{}
	for _, name := range []string{"givenname", "sn"} {
		if value, _ := s.first(name); strings.TrimSpace(value) == "" && (o.Whole || s.told(name)) {
			lacking[name] = true
		}
	}
	return lacking, connectors.Problem{Kind: connectors.User, Anchor: s.anchor, Name: o.DN, Code: codeNameRequired,
		Sentence: "givenName or sn has no value: the user isn't brought if it isn't known yet, and otherwise that name stays as it was. Set it, or use the policy names.",
	}
}

// keep takes out what is made of attributes that have no value.
func (p *pull) keep(attributes map[string]any, lacking map[string]bool) {
	for _, t := range p.translators[user].affected(lacking) {
		delete(attributes, t.root)
	}
}

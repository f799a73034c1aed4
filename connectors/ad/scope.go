package ad

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// class is what an object is for us.
type class int

const (
	other class = iota
	user
	contact
	group
	container
	device
	foreign
)

// classify says what an object is whose objectClass is told. A computer is a
// user too, for the directory, and so is a managed service account.
func classify(o *dirsync.Object) class {
	switch {
	case o.Is("computer"):
		return device
	case o.Is("user"):
		return user
	case o.Is("contact"):
		return contact
	case o.Is("group"):
		return group
	case o.Is("foreignSecurityPrincipal"):
		return foreign
	case o.Is("organizationalUnit"), o.Is("container"), o.Is("builtinDomain"), o.Is("domainDNS"), o.Is("lostAndFound"):
		return container
	}
	return other
}

// kind is the SCIM resource type of a class; empty for what isn't brought.
func (c class) kind() connectors.Kind {
	switch c {
	case user, contact:
		return connectors.User
	case group:
		return connectors.Group
	}
	return ""
}

// rules are a document, ready to be used.
type rules struct {
	translators map[class]*translator
	clauses     map[class]conditions
	include     map[dirsync.GUID]bool
	exclude     map[dirsync.GUID]bool
	groups      map[dirsync.GUID]bool
	policies    Policies

	// scoping are the attributes that clauses look at, in small letters.
	scoping map[string]bool
}

func compile(d Document) (rules, error) {
	r := rules{
		translators: map[class]*translator{}, clauses: map[class]conditions{}, policies: d.Policies, scoping: map[string]bool{},
		include: parsed(d.Scope.Containers.Include), exclude: parsed(d.Scope.Containers.Exclude), groups: parsed(d.Scope.Groups),
	}
	mapping := d.Mapping.withDefaults()
	for _, kind := range []struct {
		class   class
		rules   []Rule
		clauses [][]Clause
	}{
		{user, mapping.Users, d.Scope.Users},
		{group, mapping.Groups, d.Scope.GroupObjects},
		{contact, mapping.Contacts, d.Scope.Contacts},
	} {
		var err, fault error
		r.translators[kind.class], err = newTranslator(kind.rules)
		r.clauses[kind.class], fault = compileClauses(kind.clauses)
		if err := errors.Join(err, fault); err != nil {
			return rules{}, err
		}
		for _, name := range r.clauses[kind.class].attributes() {
			r.scoping[name] = true
		}
	}
	return r, nil
}

// Attributes that are read whatever the mapping says.
var always = []string{"isCriticalSystemObject", "accountExpires", "givenName", "sn", "mail"}

// attributes are those to ask for.
func (r rules) attributes() []string {
	names := maps.Clone(r.scoping)
	for _, t := range r.translators {
		maps.Copy(names, t.inputs)
	}
	for _, name := range always {
		names[strings.ToLower(name)] = true
	}
	delete(names, linkManager)
	return slices.Sorted(maps.Keys(names))
}

// placed says whether the place of an object matters.
func (r rules) placed() bool { return len(r.include) > 0 || len(r.exclude) > 0 }

// Codes of objects that aren't brought; docs/ad.md explains them.
const (
	codeDevice        = "deviceObject"
	codeContact       = "contactObject"
	codeOther         = "otherClass"
	codeSystem        = "systemAccount"
	codeBuiltin       = "builtinGroup"
	codeNameConflict  = "nameConflict"
	codeNameRequired  = "nameRequired"
	codeUnreadable    = "unreadable"
	codeMember        = "memberNotBrought"
	codeMembersHidden = "membersHidden"
	codeHidden        = "hidden"
	codeNested        = "nestedGroup"
	codeMailEnabled   = "mailEnabledGroup"
	codeMissing       = "requiredMissing"
)

// barred says why an object is never brought, whatever the scope; empty if it
// may be.
func (r rules) barred(o *dirsync.Object, c class) string {
	account, _ := o.Text("sAMAccountName")
	critical, _ := o.Text("isCriticalSystemObject")
	control, _ := o.Text("userAccountControl")
	switch {
	case c == device:
		return codeDevice
	case c == contact && r.policies.Contacts != include:
		return codeContact
	case c.kind() == "":
		return codeOther
	case o.Conflict():
		return codeNameConflict
	case c == user && (critical == "TRUE" || strings.HasSuffix(account, "$") || bits(control)&uacTrusts != 0):
		return codeSystem
	case c == group && bits(text(o, "groupType"))&groupBuiltin != 0:
		return codeBuiltin
	}
	return ""
}

func text(o *dirsync.Object, name string) string {
	value, _ := o.Text(name)
	return value
}

// bits reads a number that is a set of bits; one that can't be read is empty,
// and said by the mapping.
func bits(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// selected says whether an object that is told whole is in scope.
func (p *pull) selected(ctx context.Context, o *dirsync.Object, c class) (bool, error) {
	if !p.clauses[c].hold(o) {
		return false, nil
	}
	included := len(p.include) == 0 && len(p.groups) == 0
	if p.placed() {
		verdict, err := p.place(ctx, o.Parent)
		if err != nil || verdict == excluded {
			return false, err
		}
		included = included || verdict == includedHere
	}
	return included || p.inGroups[o.GUID] || p.reached[o.GUID], nil
}

// verdict is what the nearest container says that the scope names.
type verdict int

const (
	unnamed verdict = iota
	includedHere
	excluded
)

// mostDepth bounds how deep containers may stand in each other.
const mostDepth = 256

// place judges by the containers at and above one.
func (p *pull) place(ctx context.Context, id dirsync.GUID) (verdict, error) {
	for range mostDepth {
		switch {
		case id.IsZero():
			return unnamed, nil
		case p.include[id]:
			return includedHere, nil
		case p.exclude[id]:
			return excluded, nil
		}
		parent, known := p.parent(id)
		if !known {
			// Made after the tree was read, or an object of another class.
			o, err := p.session.Object(ctx, id, linkMember, linkManager)
			if err != nil && !errors.Is(err, dirsync.ErrNotFound) {
				return unnamed, err
			}
			if err == nil {
				parent = o.Parent
			}
			p.stands(id, parent)
		}
		id = parent
	}
	return unnamed, fmt.Errorf("ad: containers stand in each other more than %d deep at %v", mostDepth, id)
}

// parent says where a container stands.
func (p *pull) parent(id dirsync.GUID) (parent dirsync.GUID, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	parent, known = p.tree[id]
	return parent, known
}

// stands keeps where a container stands, if that matters.
func (p *pull) stands(id, parent dirsync.GUID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tree != nil {
		p.tree[id] = parent
	}
}

// readTree reads where containers stand, and finds those that the scope names.
func (p *pull) readTree(ctx context.Context) error {
	if !p.placed() {
		return nil
	}
	p.tree = map[dirsync.GUID]dirsync.GUID{}
	for c, err := range p.session.Containers(ctx) {
		if err != nil {
			return err
		}
		p.tree[c.GUID] = c.Parent
	}
	for _, ids := range []map[dirsync.GUID]bool{p.include, p.exclude} {
		for id := range ids {
			if _, there := p.tree[id]; !there {
				return fmt.Errorf("%w: container %v", ErrScopeMissing, id)
			}
		}
	}
	return nil
}

// scopeGroups finds the groups whose members are in scope: those that are named
// and, if policy says so, those within them. problems are those of them whose
// members aren't.
func (p *pull) scopeGroups(ctx context.Context) (reached map[dirsync.GUID]bool, problems []connectors.Problem, err error) {
	reached = map[dirsync.GUID]bool{}
	todo := slices.Collect(maps.Keys(p.groups))
	for len(todo) > 0 {
		id := todo[0]
		todo = todo[1:]
		if reached[id] {
			continue
		}
		o, err := p.session.Object(ctx, id, linkMember, linkManager)
		switch {
		case errors.Is(err, dirsync.ErrNotFound), err == nil && (o.Life.Deleted() || classify(o) != group):
			if p.groups[id] {
				return nil, nil, fmt.Errorf("%w: group %v", ErrScopeMissing, id)
			}
			continue
		case err != nil:
			return nil, nil, err
		}
		if kind := text(o, "groupType"); p.policies.ScopeMailEnabled != include && (bits(kind)&groupSecurity == 0 || text(o, "mail") != "") {
			problems = append(problems, connectors.Problem{
				Kind: connectors.Group, Anchor: id.String(), Name: o.DN, Code: codeMailEnabled, Dropped: true,
				Sentence: "The scope names this group, and it is a distribution or mail-enabled group: nobody is brought for it. Use a security group without mail, or the policy scopeMailEnabled.",
			})
			continue
		}
		reached[id] = true
		nested, err := p.nested(ctx, o, &problems)
		if err != nil {
			return nil, nil, err
		}
		todo = append(todo, nested...)
	}
	return reached, problems, nil
}

// nested gives the groups within one of the scope's, if they are to be followed.
func (p *pull) nested(ctx context.Context, o *dirsync.Object, problems *[]connectors.Problem) (ids []dirsync.GUID, err error) {
	for member, err := range p.session.Find(ctx, dirsync.GUID{}, "(&(objectClass=group)(memberOf="+dirsync.EscapeFilter(o.DN)+"))", linkMember, linkManager) {
		if err != nil {
			return nil, err
		}
		if p.policies.ScopeNested == flatten {
			ids = append(ids, member.GUID)
			continue
		}
		*problems = append(*problems, connectors.Problem{
			Kind: connectors.Group, Anchor: member.GUID.String(), Name: member.DN, Code: codeNested,
			Sentence: fmt.Sprintf("It is in %s, which the scope names; its own members aren't brought for that. Name it too, or use the policy scopeNested.", o.DN),
		})
	}
	return ids, nil
}

// readScopeMembers reads who is in the scope's groups.
func (p *pull) readScopeMembers(ctx context.Context) (err error) {
	var problems []connectors.Problem
	if p.reached, problems, err = p.scopeGroups(ctx); err != nil {
		return err
	}
	p.inGroups = map[dirsync.GUID]bool{}
	for id := range p.reached {
		links, err := p.links(ctx, id, linkMember)
		if err != nil {
			return err
		}
		for _, l := range links {
			p.inGroups[l.GUID] = true
		}
	}
	if !p.full {
		return nil // the full pull said it, and a change of it leads to another
	}
	for _, problem := range problems {
		if err := p.to.Skip(problem); err != nil {
			return err
		}
	}
	return nil
}

// sumOf stands for a set of groups.
func sumOf(set map[dirsync.GUID]bool) [sha256.Size]byte {
	ids := slices.SortedFunc(maps.Keys(set), func(a, b dirsync.GUID) int { return bytes.Compare(a[:], b[:]) })
	var b []byte
	for _, id := range ids {
		b = append(b, id[:]...)
	}
	return sha256.Sum256(b)
}

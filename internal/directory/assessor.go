package directory

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/store"
)

// assessor looks at a tenant for the rules of compatibility.
type assessor struct {
	r       store.Reader
	tenant  int64
	sources map[int64]store.Source // with the policies that hold now
}

func newAssessor(r store.Reader, tenant int64) (*assessor, error) {
	all, err := r.Sources(tenant)
	if err != nil {
		return nil, err
	}
	a := &assessor{r: r, tenant: tenant, sources: map[int64]store.Source{}}
	for _, s := range all {
		a.sources[s.ID] = s
	}
	return a, nil
}

// sketch is what the rules read of a stored document, of any kind. It needs no
// schema: what a tenant declared besides makes no difference.
type sketch struct {
	Active       *bool
	UserName     string
	DisplayName  string
	KeepInSync   string
	Groups       []pointedAt
	Items        []pointedAt
	Alternatives []pointedAt
	Group        pointedAt
	OfUser       struct{ SAMAccountName, OriginSID string } `json:"urn:ietf:params:scim:schemas:extension:workspace:2.0:User"`
	OfGroup      struct {
		SAMAccountName, OriginSID, GroupType, GroupScope string
	} `json:"urn:ietf:params:scim:schemas:extension:workspace:2.0:Group"`
}

// pointedAt is a reference to a resource, with its name as it was.
type pointedAt struct {
	Value   string `json:"value"`
	Display string `json:"display"`
}

func sketchOf(doc []byte) (sketch, error) {
	var s sketch
	if err := json.Unmarshal(doc, &s); err != nil {
		return s, fmt.Errorf("directory: stored document: %w", err)
	}
	return s, nil
}

// person is a user as the rules see it.
type person struct {
	store.Resource
	is    reconcile.User
	names map[int64]reconcile.Identity // by source
	in    map[int64]bool               // the groups of which it is a member, as their authorities assert
}

// person reads a user with its groups.
func (a *assessor) person(res store.Resource, links []store.Link, groups []store.Membership) (person, error) {
	resolved, err := sketchOf(res.Doc)
	if err != nil {
		return person{}, err
	}
	p := person{Resource: res, names: map[int64]reconcile.Identity{}, in: map[int64]bool{}}
	p.is.Active = res.State == store.Live && (resolved.Active == nil || *resolved.Active)
	for _, l := range links {
		says := resolved
		if l.Own {
			if says, err = sketchOf(l.Doc); err != nil {
				return person{}, err
			}
		}
		if l.State != store.Linked || says.Active != nil && !*says.Active && l.Own {
			continue
		}
		source := a.sources[l.Source]
		p.is.Presence = append(p.is.Presence, source)
		p.names[l.Source] = reconcile.Identity{Source: source, ExternalID: l.ExternalID, Anchor: l.Anchor,
			SAMAccount: says.OfUser.SAMAccountName, SID: says.OfUser.OriginSID, UserName: says.UserName}
	}
	for _, g := range groups {
		if g.Direct {
			p.in[g.RID] = true
		}
	}
	return p, nil
}

// group is a group as the rules see it; one that isn't visible doesn't exist.
func (a *assessor) group(res store.Resource) (reconcile.Group, error) {
	if !res.State.Visible() {
		return reconcile.Group{}, nil
	}
	s, err := sketchOf(res.Doc)
	return reconcile.Group{Exists: true, Authority: a.sources[res.Authority], Class: res.Class, Type: s.OfGroup.GroupType, Scope: s.OfGroup.GroupScope}, err
}

// command gives the directory command that makes a person a member of a group,
// "" where there is none.
func (a *assessor) command(p person, res store.Resource, g reconcile.Group) (string, error) {
	links, err := a.r.Links(res.RID)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(links, func(l store.Link) bool { return l.Source == res.Authority })
	if i < 0 {
		return "", nil
	}
	doc := res.Doc
	if links[i].Own {
		doc = links[i].Doc
	}
	s, err := sketchOf(doc)
	if err != nil {
		return "", err
	}
	group := reconcile.Identity{Source: g.Authority, ExternalID: links[i].ExternalID, Anchor: links[i].Anchor,
		SAMAccount: s.OfGroup.SAMAccountName, SID: s.OfGroup.OriginSID}
	for _, member := range p.candidates(g.Authority) {
		if c := reconcile.Command(g, group, member); c != "" {
			return c, nil
		}
	}
	return "", nil
}

// candidates gives how the sources know a person, as far as the authority of a
// group can take that: itself, those that it trusts, and of a group of the cloud
// whose home is on-premises all.
func (p person) candidates(authority store.Source) []reconcile.Identity {
	var out []reconcile.Identity
	for _, s := range p.is.Presence {
		switch {
		case s.ID == authority.ID && s.Kind == store.SourceAD:
			return []reconcile.Identity{p.names[s.ID]}
		case authority.Kind == store.SourceEntra, slices.Contains(authority.Policies.Trusts, s.Name):
			out = append(out, p.names[s.ID])
		}
	}
	return out
}

package ad_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// object is what the model knows of one object.
type object struct {
	Kind       connectors.Kind
	Attributes map[string]any
	Members    map[string]bool
}

// model is a sink that keeps what it was told, as harshly as the server does:
// what leaves loses its memberships and the references to it.
type model struct {
	t        *testing.T
	objects  map[string]*object
	begun    connectors.Pull
	changes  []connectors.Change
	problems []connectors.Problem
	kept     []byte // the last checkpoint
	seen     map[string]bool
}

func newModel(t *testing.T) *model { return &model{t: t, objects: map[string]*object{}} }

const managerPath = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

func (m *model) Begin(p connectors.Pull) error {
	m.begun, m.changes, m.problems, m.seen = p, nil, nil, map[string]bool{}
	return nil
}

func (m *model) Skip(p connectors.Problem) error {
	m.problems = append(m.problems, p)
	m.seen[p.Anchor] = true
	return nil
}

func (m *model) Checkpoint(b []byte) error {
	m.kept = slices.Clone(b)
	return nil
}

func (m *model) Change(c connectors.Change) error {
	m.changes = append(m.changes, c)
	m.seen[c.Anchor] = true
	if c.Presence == connectors.Present && !c.Whole && m.objects[c.Anchor] == nil {
		var err error
		if c, err = c.Read(m.t.Context()); err != nil {
			return err
		}
		if c.Presence != connectors.Present {
			return nil
		}
		if !c.Whole {
			return fmt.Errorf("Read of %s gives a part", c.Name)
		}
	}
	return m.apply(c)
}

func (m *model) apply(c connectors.Change) error {
	if c.Presence != connectors.Present {
		m.forget(c.Anchor)
		return nil
	}
	o := m.objects[c.Anchor]
	if o == nil {
		o = &object{Kind: c.Kind, Members: map[string]bool{}}
		m.objects[c.Anchor] = o
	}
	if o.Kind != c.Kind {
		return fmt.Errorf("%s is told as a %s and was a %s", c.Name, c.Kind, o.Kind)
	}
	if c.Whole || o.Attributes == nil {
		o.Attributes = map[string]any{}
	}
	for name, value := range c.Attributes {
		if value == nil {
			delete(o.Attributes, name)
			continue
		}
		o.Attributes[name] = value
	}
	if c.AllMembers {
		o.Members = map[string]bool{}
	}
	for _, id := range slices.Concat(c.Members, c.Added) {
		o.Members[id] = true
	}
	for _, id := range c.Removed {
		delete(o.Members, id)
	}
	return nil
}

func (m *model) forget(anchor string) {
	delete(m.objects, anchor)
	for _, o := range m.objects {
		delete(o.Members, anchor)
		if o.Attributes[managerPath] == anchor {
			delete(o.Attributes, managerPath)
		}
	}
}

// pull pulls after a checkpoint, and ends what an absence ends.
func (m *model) pull(s *ad.Source, after []byte) {
	m.t.Helper()
	if err := s.Pull(m.t.Context(), after, m); err != nil {
		m.t.Fatal(err)
	}
	if m.begun.Absence {
		for anchor := range maps.Clone(m.objects) {
			if !m.seen[anchor] {
				m.forget(anchor)
			}
		}
	}
}

// next pulls after the last checkpoint.
func (m *model) next(s *ad.Source) { m.t.Helper(); m.pull(s, m.kept) }

// view is what can be seen: references to what isn't known wait.
func (m *model) view() map[string]object {
	view := map[string]object{}
	for anchor, o := range m.objects {
		seen := object{Kind: o.Kind, Attributes: maps.Clone(o.Attributes), Members: map[string]bool{}}
		for id := range o.Members {
			if m.objects[id] != nil {
				seen.Members[id] = true
			}
		}
		if id, ok := o.Attributes[managerPath].(string); ok && m.objects[id] == nil {
			delete(seen.Attributes, managerPath)
		}
		view[anchor] = seen
	}
	return view
}

// agrees compares the model with what a full pull gives somebody who knows
// nothing.
func (m *model) agrees(s *ad.Source) {
	m.t.Helper()
	fresh := newModel(m.t)
	fresh.pull(s, nil)
	if diff := cmp.Diff(fresh.view(), m.view()); diff != "" {
		m.t.Fatalf("a full pull (-) and what was told (+) differ:\n%s", diff)
	}
}

// site is a domain with a service account.
type site struct {
	*adtest.Domain
	service adtest.Service
	mode    dirsync.Mode // of its sources
}

func newSite(t *testing.T) site {
	t.Helper()
	d := adtest.Start(t, adtest.Settings{})
	s := site{Domain: d, service: d.Service("svc")}
	d.Grant(s.service.DN, adtest.ReplicatingChanges)
	d.Grant(s.service.DN, adtest.ReadDeletedObjects)
	return s
}

func (s site) directory() dirsync.Config {
	return dirsync.Config{Mode: s.mode, Servers: []string{s.URL()}, CAFile: s.CAFile(), ServerName: s.Name(), Account: s.service.Name, PasswordFile: s.service.PasswordFile}
}

func (s site) source(t *testing.T, document string) *ad.Source {
	t.Helper()
	d, err := ad.ParseDocument([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	source, err := ad.New(ad.Config{Directory: s.directory(), Document: d})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// id gives the anchor of an object.
func (s site) id(dn string) string { return s.GUID(dn) }

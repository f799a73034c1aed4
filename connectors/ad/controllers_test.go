package ad_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// pair is a domain with two controllers, of which the first is preferred.
type pair struct {
	site
	other *adtest.Domain
}

func newPair(t *testing.T, mode dirsync.Mode) pair {
	t.Helper()
	first, second := adtest.StartPair(t, adtest.Settings{})
	p := pair{site{Domain: first, service: first.Service("svc"), mode: mode}, second}
	p.Grant(p.service.DN, adtest.ReplicatingChanges)
	p.Grant(p.service.DN, adtest.ReadDeletedObjects)
	return p
}

// source reads from the first that answers, and compares again after an hour or,
// if soon, at once.
func (p pair) source(t *testing.T, soon bool) *ad.Source {
	t.Helper()
	return p.sourceOf(t, soon, `{"policies":{"names":"accept"}}`)
}

func (p pair) sourceOf(t *testing.T, soon bool, document string) *ad.Source {
	t.Helper()
	var both []byte
	for _, d := range []*adtest.Domain{p.Domain, p.other} {
		b, err := os.ReadFile(d.CAFile())
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, b...)
	}
	c := p.directory()
	c.Servers, c.ServerName, c.CAFile = []string{p.URL(), p.other.URL()}, "", filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(c.CAFile, both, 0o600); err != nil {
		t.Fatal(err)
	}
	c.CompareEvery = time.Hour
	if soon {
		c.CompareEvery = time.Nanosecond
	}
	d, err := ad.ParseDocument([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ad.New(ad.Config{Directory: c, Document: d})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// killer is a sink that ends a controller in the middle of a pull.
type killer struct {
	*model
	victim *adtest.Domain
}

func (k killer) Begin(p connectors.Pull) error {
	if err := k.victim.Kill(); err != nil {
		return err
	}
	return k.model.Begin(p)
}

// The first of two controllers dies in the middle of a pull and the second goes
// on: from the checkpoint if that knows it, else with a full pull. Whether it has
// all that the first had or is behind it, nothing is removed that is there, and
// nothing is missed in the end.
func TestTheSecondControllerGoesOn(t *testing.T) {
	for _, test := range []struct {
		name          string
		mode          dirsync.Mode
		known, behind bool
	}{
		{"known", dirsync.ModeDirSync, true, false},
		{"known, behind", dirsync.ModeDirSync, true, true},
		{"unknown", dirsync.ModeDirSync, false, false},
		{"unknown, behind", dirsync.ModeDirSync, false, true},
		{"by uSNChanged", dirsync.ModeUSNChanged, true, false},
		{"by uSNChanged, behind", dirsync.ModeUSNChanged, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPair(t, test.mode)
			ou := p.OU("people", "")
			user := func(name string) string { return p.User(name, ou, names(name, name)) }
			ada, bob, old, tom := user("ada"), user("bob"), user("old"), user("tom")
			crew := p.Group("crew", ou, ada, bob, old, tom)
			p.other.PullFrom(p.Domain)
			if test.known {
				p.PullFrom(p.other)
			}
			source := p.source(t, false)
			m := newModel(t)
			m.next(source)

			eve := user("eve") // told, and then
			p.AddMembers(crew, eve)
			m.next(source)
			p.Set(ada, "title", "Countess") // this isn't any more
			dan := user("dan")
			p.AddMembers(crew, dan)
			p.RemoveMembers(crew, tom)
			ids := map[string]string{}
			for _, dn := range []string{ada, bob, old, tom, crew, eve, dan} {
				ids[dn] = p.id(dn)
			}
			p.Delete(old)
			if !test.behind {
				p.other.PullFrom(p.Domain)
			}
			before := string(m.kept)
			if err := source.Pull(t.Context(), m.kept, killer{m, p.Domain}); err == nil || string(m.kept) != before {
				t.Fatalf("its controller died: %v", err)
			}

			m.next(source)
			full := !test.known || test.mode == dirsync.ModeUSNChanged
			if m.begun.Full != full || full && m.begun.Reason != string(dirsync.FullOtherController) || m.begun.Absence {
				t.Errorf("the second: %+v, want full %t and no absence", m.begun, full)
			}
			if full != m.notes("controllerChanged") {
				t.Errorf("notes: %+v", m.begun.Notes)
			}
			for _, dn := range []string{ada, bob, eve, crew} {
				if m.objects[ids[dn]] == nil {
					t.Errorf("%s is gone", dn)
				}
			}
			checkpoint := m.kept
			other := p.sourceOf(t, false, `{"policies":{"names":"accept","contacts":"include"}}`)
			m.next(other) // another full pull soon after doesn't know more
			if m.begun.Reason != "configurationChanged" || m.begun.Absence || !m.notes("controllerChanged") || m.objects[ids[eve]] == nil {
				t.Errorf("another full pull: %+v, eve %v", m.begun, m.objects[ids[eve]])
			}
			m.kept = checkpoint
			if !m.objects[ids[crew]].Members[ids[eve]] || !m.objects[ids[crew]].Members[ids[bob]] {
				t.Error("members are gone that nobody removed")
			}
			if !test.behind && (m.objects[ids[dan]] == nil || !m.objects[ids[crew]].Members[ids[dan]] || m.objects[ids[old]] != nil ||
				m.objects[ids[ada]].Attributes["title"] != "Countess") {
				t.Errorf("not all is told: %v", m.objects[ids[crew]])
			}

			if test.behind {
				if err := p.Start(); err != nil {
					t.Fatal(err)
				}
				p.other.PullFrom(p.Domain)
				if err := p.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			m.next(source)
			if m.begun.Full {
				t.Errorf("the second went on: %+v", m.begun)
			}
			soon := p.source(t, true) // what was removed and isn't known to be is found by comparing
			m.next(soon)
			for end := time.Now().Add(10 * time.Second); !m.begun.Full && time.Now().Before(end); {
				m.next(soon)
			}
			if m.begun.Reason != string(dirsync.FullComparison) || m.notes("controllerChanged") {
				t.Errorf("a comparison: %+v", m.begun)
			}
			m.agrees(source)
		})
	}
}

// A controller that was set back lacks what it told before, which others may
// have: no full pull at it ends that, until somebody asks for everything anew.
func TestAControllerThatWasSetBackEndsNothing(t *testing.T) {
	for _, mode := range []dirsync.Mode{dirsync.ModeDirSync, dirsync.ModeUSNChanged} {
		t.Run(string(mode), func(t *testing.T) { setBackEndsNothing(t, mode) })
	}
}

func setBackEndsNothing(t *testing.T, mode dirsync.Mode) {
	d := newSite(t)
	d.mode = mode
	ou := d.OU("people", "")
	ada := d.User("ada", ou, names("Ada", "L"))
	crew := d.Group("crew", ou, ada)
	source, m := d.source(t, `{}`), newModel(t)
	m.next(source)
	setBack := d.MustSnapshot()
	eve := d.User("eve", ou, names("Eve", "E"))
	d.AddMembers(crew, eve)
	group, user := d.id(crew), d.id(eve)
	m.next(source)
	before := m.kept
	setBack()

	config := d.directory()
	config.CompareEvery = time.Nanosecond
	comparing, err := ad.New(ad.Config{Directory: config})
	if err != nil {
		t.Fatal(err)
	}
	pull := func(from *ad.Source, reason string) {
		t.Helper()
		m.next(from)
		if m.begun.Reason != reason || m.begun.Absence || m.begun.Full != m.notes("controllerSetBack") || m.objects[user] == nil || !m.objects[group].Members[user] {
			t.Errorf("%+v, eve %v, crew %v", m.begun, m.objects[user], m.objects[group])
		}
	}
	changed := d.source(t, `{"policies":{"contacts":"include"}}`)
	pull(source, string(dirsync.FullRolledBack))
	pull(changed, "configurationChanged")
	pull(changed, "")
	pull(comparing, "configurationChanged")
	pull(comparing, "")
	m.kept = before
	pull(changed, "configurationChanged") // both in one go

	if mode == dirsync.ModeUSNChanged {
		return // a full pull knows what is gone by tombstones alone
	}
	m.pull(source, nil)
	if m.objects[user] != nil {
		t.Error("everything was asked for anew, and eve is still there")
	}
	m.agrees(source)
}

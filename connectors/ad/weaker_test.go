package ad_test

import (
	"slices"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

func (m *model) notes(code string) bool {
	return slices.ContainsFunc(m.begun.Notes, func(n connectors.Note) bool { return n.Code == code })
}

// A033: an account without any right of its own brings everything by uSNChanged,
// finds what was deleted by comparing, and each pull says that this is weaker.
func TestA033WithoutAnyRightNoRemovalIsMissed(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	s := site{Domain: d, service: d.Service("svc"), mode: dirsync.ModeUSNChanged}
	ou := d.OU("people", "")
	ada, bob := d.User("ada", ou, names("Ada", "L")), d.User("bob", ou, names("Bob", "B"))
	crew := d.Group("crew", ou, ada, bob)
	config := s.directory()
	config.CompareEvery = time.Nanosecond
	comparing, err := ad.New(ad.Config{Directory: config})
	if err != nil {
		t.Fatal(err)
	}
	source := s.source(t, `{}`)
	m := newModel(t)
	pull := func(from *ad.Source) {
		t.Helper()
		m.next(from)
		if !m.notes("usnChanged") || !m.notes("deletionsHidden") {
			t.Errorf("the notes are %+v", m.begun.Notes)
		}
	}
	pull(source)
	d.RemoveMembers(crew, bob)
	d.Set(ada, "title", "Countess")
	pull(source)
	if m.begun.Full || m.begun.Absence || len(m.objects[s.id(crew)].Members) != 1 || m.objects[s.id(ada)].Attributes["title"] != "Countess" {
		t.Errorf("an increment: %+v, crew %v", m.begun, m.objects[s.id(crew)])
	}
	id := s.id(ada)
	d.Delete(ada)
	pull(source)
	if m.objects[id] == nil {
		t.Error("an increment guesses a deletion")
	}
	pull(comparing)
	for end := time.Now().Add(10 * time.Second); !m.begun.Full && time.Now().Before(end); {
		pull(comparing) // the controller tells its time in seconds
	}
	if m.begun.Reason != "comparison" || !m.begun.Absence || m.objects[id] != nil || m.objects[s.id(bob)] == nil {
		t.Errorf("a comparison: %+v; ada %v", m.begun, m.objects[id])
	}
	m.agrees(source)
}

// Who left a group of the scope isn't told by uSNChanged, so a change of such a
// group leads to a full pull.
func TestUSNChangedReadsAllAgainWhenAScopeGroupChanges(t *testing.T) {
	d := newSite(t)
	d.mode = dirsync.ModeUSNChanged
	ou := d.OU("people", "")
	ada, bob := d.User("ada", ou, names("Ada", "L")), d.User("bob", ou, names("Bob", "B"))
	crew := d.Group("crew", ou, ada, bob)
	source := d.source(t, `{"scope":{"groups":["`+d.id(crew)+`"]}}`)
	m := newModel(t)
	m.next(source)
	m.next(source)
	if m.begun.Full {
		t.Fatalf("nothing changed: %+v", m.begun)
	}
	d.RemoveMembers(crew, bob)
	m.next(source)
	if m.begun.Reason != "scopeGroupsChanged" || m.begun.Absence || m.objects[d.id(bob)] != nil || m.objects[d.id(ada)] == nil {
		t.Errorf("%+v; bob %v", m.begun, m.objects[d.id(bob)])
	}
	m.agrees(source)
}

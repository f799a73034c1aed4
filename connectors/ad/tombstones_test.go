package ad_test

import (
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

const day = 24 * time.Hour

// aged is the last checkpoint as if it had been made so many days ago, and an hour:
// a kept session judges by the controller's time at which it began, some seconds
// before the checkpoint.
func (m *model) aged(days int) []byte {
	m.t.Helper()
	b, err := ad.Aged(m.kept, time.Duration(days)*day+time.Hour)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// TestADeletionThatTheDirectoryHasForgottenIsFound: after a pull that is older than
// the lifetime of tombstones an increment can't tell what was deleted, nor who left
// a group. Everything is read and compared instead.
func TestADeletionThatTheDirectoryHasForgottenIsFound(t *testing.T) {
	d := newSite(t)
	ou := d.OU("people", "")
	ada, eve := d.User("ada", ou, names("Ada", "L")), d.User("eve", ou, names("Eve", "E"))
	d.Group("crew", ou, ada, eve)
	source, m := d.source(t, `{}`), newModel(t)
	m.next(source)
	gone := d.id(ada)
	d.Delete(ada)
	d.ForgetDeletions()

	m.pull(source, m.aged(178))
	if m.begun.Full || m.objects[gone] == nil {
		t.Fatalf("within the lifetime: %+v, ada %v", m.begun, m.objects[gone])
	}
	m.pull(source, m.aged(179))
	if !m.begun.Full || m.begun.Reason != "deletionsForgotten" || !m.begun.Absence || !m.notes("deletionsForgotten") {
		t.Errorf("beyond it: %+v", m.begun)
	}
	m.agrees(source)
	if m.objects[gone] != nil {
		t.Error("ada is still there")
	}
	m.next(source)
	if m.begun.Full {
		t.Errorf("the next pull is full again: %+v", m.begun)
	}
}

// TestTheLifetimeOfTombstonesIsTheForests: 60 days where it isn't set, and never
// less than 2.
func TestTheLifetimeOfTombstonesIsTheForests(t *testing.T) {
	d := newSite(t)
	service := "CN=Directory Service,CN=Windows NT,CN=Services,CN=Configuration," + d.Base()
	for _, test := range []struct {
		value    []string
		lifetime int
	}{{[]string{"180"}, 180}, {nil, 60}, {[]string{"7"}, 7}, {[]string{"1"}, 2}} {
		d.Set(service, "tombstoneLifetime", test.value...)
		source, m := d.source(t, `{}`), newModel(t)
		m.next(source)
		first := m.kept
		for before, full := range map[int]bool{test.lifetime - 2: false, test.lifetime - 1: true} {
			m.kept = first
			m.pull(source, m.aged(before))
			if m.begun.Full != full {
				t.Errorf("lifetime %v, %d days after the pull: %+v", test.value, before, m.begun)
			}
		}
	}
}

// TestAWeakerWaySaysThatForgottenDeletionsStay: it doesn't take absence for a
// deletion, so somebody has to look.
func TestAWeakerWaySaysThatForgottenDeletionsStay(t *testing.T) {
	for _, mode := range []dirsync.Mode{dirsync.ModeObjectSecurity, dirsync.ModeUSNChanged} {
		t.Run(string(mode), func(t *testing.T) {
			d := newSite(t)
			d.mode = mode
			source, m := d.source(t, `{}`), newModel(t)
			m.next(source)
			m.pull(source, m.aged(179))
			if !m.begun.Full || m.begun.Absence || m.begun.Reason != "deletionsForgotten" || !m.notes("deletionsForgotten") {
				t.Errorf("%+v", m.begun)
			}
		})
	}
}

package dirsync_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// What changed is told whole, a group with all its members, by an account that
// has no right but to see deleted objects.
func TestUSNChangedTellsWhatChangedWhole(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	s := d.Service("svc")
	d.Grant(s.DN, adtest.ReadDeletedObjects)
	c := configOf(d, s)
	c.Mode = dirsync.ModeUSNChanged
	ou, users := people(d, 3)
	other := d.OU("other", "")
	dead := d.User("dead", ou, nil)
	d.Delete(dead)
	r := open(t, c)

	first := r.poll()
	if first.full != dirsync.FullInitial || !first.deletions || first.absence {
		t.Errorf("the first read: full %q, deletions %t, absence %t", first.full, first.deletions, first.absence)
	}
	if !first.byName(t, "dead").Life.Deleted() || !first.byName(t, "user000").Whole {
		t.Error("a tombstone, or a user, isn't told as what it is")
	}
	if again := r.poll(); again.full != dirsync.Incremental || len(again.objects) != 0 {
		t.Errorf("nothing changed: full %q, %d objects", again.full, len(again.objects))
	}

	members := func(names ...string) (all []string) {
		for _, name := range names {
			all = append(all, "+member="+name)
		}
		return all
	}
	for _, test := range []struct {
		name   string
		do     func(d *adtest.Domain)
		object string
		want   []string // links
	}{
		{"attribute cleared", func(d *adtest.Domain) { d.Set(users[0], "mail") }, "user000", nil},
		{"member removed", func(d *adtest.Domain) { d.RemoveMembers("CN=everybody,"+ou, users[1]) }, "everybody", members("user000", "user002")},
		{"member added", func(d *adtest.Domain) { d.AddMembers("CN=everybody,"+ou, users[1]) }, "everybody", members("user000", "user001", "user002")},
		{"manager set", func(d *adtest.Domain) { d.Set(users[0], "manager", users[1]) }, "user000", []string{"+manager=user001"}},
		{"manager cleared", func(d *adtest.Domain) { d.Set(users[0], "manager") }, "user000", nil},
		{"moved", func(d *adtest.Domain) { users[2] = d.Move(users[2], other) }, "user002", nil},
		{"container renamed", func(d *adtest.Domain) { other = d.Rename(other, "elsewhere"); users[2] = "CN=user002," + other }, "elsewhere", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.do(d.For(t))
			o := r.poll().only(t, test.object)
			got := links(o)
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" || !o.Whole || o.Life != dirsync.LifeUnchanged {
				t.Errorf("whole %t, life %d, links %s", o.Whole, o.Life, diff)
			}
			if !slices.Contains(o.AllLinks, "member") || !slices.Contains(o.AllLinks, "manager") {
				t.Errorf("all of %q are told", o.AllLinks)
			}
		})
	}
	t.Run("read again", func(t *testing.T) {
		before := r.checkpoint
		d.For(t).Set(users[1], "mail", "again@test.example")
		r.poll().only(t, "user001")
		r.checkpoint = before
		r.poll().only(t, "user001")
	})
	t.Run("deleted, restored, changed", func(t *testing.T) {
		d := d.For(t)
		id := first.byName(t, "user001").GUID
		d.Delete(users[1])
		if o := r.poll().only(t, "user001"); !o.Life.Deleted() || o.GUID != id {
			t.Errorf("deleted, told as %+v", o)
		}
		for _, hidden := range []bool{false, true} { // hidden: both between two reads
			if hidden {
				d.Delete(users[1])
			}
			d.Restore(id.String(), users[1])
			if o := r.poll().only(t, "user001"); o.Life != dirsync.LifeRestored || o.GUID != id {
				t.Errorf("restored, told as %+v", o)
			}
			d.Set(users[1], "mail", fmt.Sprintf("back%t@test.example", hidden))
			if o := r.poll().only(t, "user001"); o.Life != dirsync.LifeUnchanged {
				t.Errorf("changed after it was restored, told as %+v", o)
			}
		}
	})
}

// What changes while everything is read is told by the same read again: an object
// that moved ahead of a search in pages would seem to be gone.
func TestUSNChangedTellsAgainWhatChangedDuringAFullRead(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	_, users := people(d, 3)
	r := open(t, configIn(d, dirsync.ModeUSNChanged))
	changes, err := r.session.Changes(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer changes.Close()
	d.Set(users[0], "mail", "new@test.example")
	var last string
	for {
		change, err := changes.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if change.Checkpoint != nil {
			r.checkpoint = change.Checkpoint
		}
		if o := change.Object; o != nil && strings.HasPrefix(o.DN, "CN=user000,") {
			last, _ = o.Text("mail")
		}
	}
	if last != "new@test.example" {
		t.Errorf("told last: mail %q", last)
	}
	r.poll().only(t, "user000") // and by the next one, which is harmless
}

// A033: without the right to see deleted objects a deletion is found by a full
// comparison, and what was deleted while it lacked is told when it's there. Each
// read says which.
func TestA033USNChangedMissesNoDeletion(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	ou, users := people(d, 3)
	s := d.Service("svc")
	c := configOf(d, s)
	c.Mode = dirsync.ModeUSNChanged
	r := open(t, c)
	if first := r.poll(); first.deletions || !first.absence || first.full != dirsync.FullInitial {
		t.Fatalf("the first read: full %q, deletions %t, absence %t", first.full, first.deletions, first.absence)
	}
	d.Delete(users[0])
	if got := r.poll(); got.full != dirsync.Incremental || got.deletions || len(got.objects) != 0 {
		t.Errorf("an increment: full %q, deletions %t, %d objects", got.full, got.deletions, len(got.objects))
	}

	c.CompareEvery = time.Nanosecond
	comparing := open(t, c)
	comparing.checkpoint = r.checkpoint
	got := comparing.poll()
	for end := time.Now().Add(10 * time.Second); got.full == dirsync.Incremental && time.Now().Before(end); {
		got = comparing.poll() // the controller tells its time in seconds
	}
	if got.full != dirsync.FullComparison || !got.absence {
		t.Errorf("a comparison: full %q, absence %t", got.full, got.absence)
	}
	for _, o := range got.objects {
		if strings.HasPrefix(o.DN, "CN=user000") {
			t.Errorf("what is gone is told: %s", o.DN)
		}
	}
	got.byName(t, "user001")

	d.Grant(s.DN, adtest.ReadDeletedObjects)
	r.checkpoint = comparing.checkpoint
	d.Delete(users[1])
	got = r.poll()
	if got.full != dirsync.FullComparison || got.absence || !got.byName(t, "user000").Life.Deleted() || !got.byName(t, "user001").Life.Deleted() {
		t.Errorf("with the right: full %q, absence %t", got.full, got.absence)
	}
	d.Delete(users[2])
	if got := r.poll(); got.full != dirsync.Incremental || !got.byName(t, "user002").Life.Deleted() {
		t.Errorf("after it: full %q", got.full)
	}
	d.Revoke(s.DN, adtest.ReadDeletedObjects)
	d.User("late", ou, nil)
	r.poll().only(t, "late")
}

package dirsync_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

func TestEachKindOfChangeIsTold(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	r := open(t, config(d))
	ou := d.OU("people", "")
	other := d.OU("other", "")
	ada := d.User("ada", ou, adtest.Attrs{"mail": {"ada@test.example"}, "proxyAddresses": {"SMTP:ada@test.example", "smtp:a@test.example"}})
	bob := d.User("bob", ou, nil)
	eve := d.User("eve", ou, nil)
	group := d.Group("crew", ou, ada, eve)
	d.RemoveMembers(group, eve)
	gone := d.User("gone", ou, nil)
	d.Delete(gone)

	first := r.poll()
	if first.full != dirsync.FullInitial || !first.deletions || !first.absence {
		t.Errorf("the first read: full %q, deletions %t, absence %t", first.full, first.deletions, first.absence)
	}
	adaTold, ouTold := first.byName(t, "ada"), first.byName(t, "people")
	if !adaTold.Whole || adaTold.Parent != ouTold.GUID || !adaTold.Is("user") || adaTold.Name() != "ada" {
		t.Errorf("a new user is told as %+v", adaTold)
	}
	if values, _ := adaTold.Values("PROXYADDRESSES"); len(values) != 2 {
		t.Errorf("proxyAddresses: %q", values)
	}
	if sid, err := adaTold.SID(); err != nil || sid.Domain() != r.session.Facts().DomainSID {
		t.Errorf("objectSid: %v, %v", sid, err)
	}
	crew := links(first.byName(t, "crew"))
	slices.Sort(crew)
	if diff := cmp.Diff([]string{"+member=ada", "-member=eve"}, crew); diff != "" {
		t.Errorf("a former member is told apart from a present one: %s", diff)
	}
	if dead := first.byName(t, "gone"); !dead.Life.Deleted() {
		t.Errorf("a tombstone in the first read: %+v", dead)
	}
	for _, l := range first.byName(t, "crew").Links {
		if l.Added && l.To.GUID != adaTold.GUID {
			t.Errorf("the member's GUID is %v, the user's %v", l.To.GUID, adaTold.GUID)
		}
	}

	if again := r.poll(); again.full != dirsync.Incremental || len(again.objects) != 0 {
		t.Errorf("nothing changed: full %q, %d objects", again.full, len(again.objects))
	}

	t.Run("same value again", func(t *testing.T) {
		d := d.For(t)
		d.Set(ada, "mail", "ada@test.example")
		if got := r.poll(); len(got.objects) != 0 {
			t.Errorf("told: %d objects", len(got.objects))
		}
	})
	t.Run("attribute cleared", func(t *testing.T) {
		d := d.For(t)
		d.Set(ada, "mail")
		o := r.poll().only(t, "ada")
		if values, told := o.Values("mail"); !told || len(values) != 0 || o.Whole {
			t.Errorf("mail: %q told %t, whole %t; want told without values", values, told, o.Whole)
		}
		if _, told := o.Values("proxyAddresses"); told {
			t.Error("an attribute that didn't change is told")
		}
	})
	t.Run("renamed", func(t *testing.T) {
		d := d.For(t)
		ada = d.Rename(ada, "ada, countess \"of\" Lovelace = Åsa")
		o := r.poll().only(t, "ada")
		if o.Name() != "ada, countess \"of\" Lovelace = Åsa" || o.GUID != adaTold.GUID || o.Parent != ouTold.GUID {
			t.Errorf("told as %+v", o)
		}
	})
	t.Run("moved", func(t *testing.T) {
		d := d.For(t)
		bob = d.Move(bob, other)
		o := r.poll().only(t, "bob")
		if o.Parent != first.byName(t, "other").GUID {
			t.Errorf("parent %v, want that of OU=other", o.Parent)
		}
	})
	t.Run("container renamed", func(t *testing.T) {
		d := d.For(t)
		other = d.Rename(other, "elsewhere")
		o := r.poll().only(t, "elsewhere")
		if o.GUID != first.byName(t, "other").GUID {
			t.Errorf("GUID %v", o.GUID)
		}
		bob = "CN=bob," + other
	})
	for _, test := range []struct {
		name   string
		do     func(d *adtest.Domain)
		object string
		want   []string
	}{
		{"member added", func(d *adtest.Domain) { d.AddMembers(group, bob) }, "crew", []string{"+member=bob"}},
		{"member removed", func(d *adtest.Domain) { d.RemoveMembers(group, bob) }, "crew", []string{"-member=bob"}},
		{"member added and removed", func(d *adtest.Domain) { d.AddMembers(group, eve); d.RemoveMembers(group, eve) }, "crew", []string{"-member=eve"}},
		{"member removed and added", func(d *adtest.Domain) {
			d.AddMembers(group, bob)
			d.RemoveMembers(group, bob)
			d.AddMembers(group, bob)
		}, "crew", []string{"+member=bob"}},
		{"one in and one out", func(d *adtest.Domain) { d.AddMembers(group, eve); d.RemoveMembers(group, bob) }, "crew", []string{"+member=eve", "-member=bob"}},
		{"manager set", func(d *adtest.Domain) { d.Set(bob, "manager", eve) }, "bob", []string{"+manager=eve"}},
		{"manager cleared", func(d *adtest.Domain) { d.Set(bob, "manager") }, "bob", []string{"-manager=eve"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.do(d.For(t))
			got := links(r.poll().only(t, test.object))
			slices.Sort(got)
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("a deleted member is told alone, and comes back with few attributes", func(t *testing.T) {
		d := d.For(t)
		d.Delete(eve)
		o := r.poll().only(t, "eve")
		if !o.Life.Deleted() || o.LastParent.GUID != ouTold.GUID || o.GUID != first.byName(t, "eve").GUID {
			t.Errorf("told as %+v", o)
		}
		d.Restore(o.GUID.String(), eve)
		back := r.poll().only(t, "eve")
		if back.Life != dirsync.LifeRestored || back.Whole || back.GUID != o.GUID {
			t.Errorf("restored, told as %+v", back)
		}
		whole, err := r.session.Object(t.Context(), o.GUID)
		if err != nil {
			t.Fatal(err)
		}
		if name, _ := whole.Text("sAMAccountName"); name != "eve" || !whole.Whole || whole.Life.Deleted() {
			t.Errorf("read whole: %+v", whole)
		}
	})
	t.Run("primary group", func(t *testing.T) {
		d := d.For(t)
		d.AddMembers(group, bob)
		r.poll()
		sid, err := first.byName(t, "crew").SID()
		if err != nil {
			t.Fatal(err)
		}
		d.Set(group, "groupType", "-2147483646") // a primary group is global or universal; both will do
		r.poll()
		d.Set(bob, "primaryGroupID", ridText(sid))
		got := r.poll()
		if id, _ := got.byName(t, "bob").Text("primaryGroupID"); id != ridText(sid) {
			t.Errorf("primaryGroupID %s, want %s", id, ridText(sid))
		}
		if diff := cmp.Diff([]string{"-member=bob"}, links(got.byName(t, "crew"))); diff != "" {
			t.Errorf("the link to the new primary group: %s", diff)
		}
		var members []string
		for o, err := range r.session.Find(t.Context(), dirsync.GUID{}, "(primaryGroupID="+ridText(sid)+")") {
			if err != nil {
				t.Fatal(err)
			}
			members = append(members, o.DN)
		}
		if diff := cmp.Diff([]string{bob}, members); diff != "" {
			t.Errorf("who has it as primary group: %s", diff)
		}
	})
}

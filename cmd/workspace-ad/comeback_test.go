//go:build !windows

package main

import (
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// Who leaves the scope, or the directory, and comes back is the same user, and
// the manager and member again of those that the directory says, by itself.
func TestWhoComesBackIsManagerAndMemberAgain(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	apptest.Each(t, func(t *testing.T, database string) {
		d := d.For(t)
		suffix, _, _ := strings.Cut(database, ":")
		const unit = `{"scope":{"containers":{"include":["OU"]}}}`
		b := newBranch(t, apptest.Start(t, apptest.On(database)), d, "here-"+suffix, unit)
		user := func(name string) string {
			return d.User(name+"-"+suffix, b.ou, adtest.Attrs{"givenName": {name}, "sn": {"X"}})
		}
		boss, ada := user("boss"), user("ada")
		d.Set(ada, "manager", boss)
		inner := d.Group("inner-"+suffix, b.ou, boss)
		outer := d.Group("outer-"+suffix, b.ou, ada, inner)
		elsewhere := d.OU("elsewhere-"+suffix, "")
		b.pull()
		id := b.one("/Users", boss)["id"]
		innerID := b.one("/Groups", inner)["id"]
		check := func(when string, there bool) {
			t.Helper()
			if got := b.manager(ada); (got == id) != there {
				t.Errorf("%s: the manager is %v", when, got)
			}
			if got := members(b.one("/Groups", outer)); got[innerID] != there || len(got) < 1 {
				t.Errorf("%s: members of the outer group: %v", when, got)
			}
			if !there {
				return
			}
			if got := b.one("/Users", boss)["id"]; got != id {
				t.Errorf("%s: the manager is another user", when)
			}
			if got := members(b.one("/Groups", inner)); !got[id] {
				t.Errorf("%s: members of the inner group: %v", when, got)
			}
		}
		check("at first", true)

		out, outInner := d.Move(boss, elsewhere), d.Move(inner, elsewhere)
		b.pull()
		check("out of scope", false)
		d.Move(out, b.ou)
		d.Move(outInner, b.ou)
		b.pull()
		check("back in scope", true)

		// By another scope everything is read again, in whatever order.
		for range 3 {
			b.configure(`{"scope":{"containers":{"include":["OU"]},"users":[[{"attribute":"givenName","operator":"NOT EQUALS","value":"boss"}]],` +
				`"groupObjects":[[{"attribute":"name","operator":"NOT EQUALS","value":"inner-` + suffix + `"}]]}}`)
			b.pull()
			check("by another scope", false)
			b.configure(unit)
			b.pull()
			check("by the first scope again", true)
		}

		// Where the directory itself forgets, Workspace does too.
		guid := d.GUID(boss)
		d.Delete(boss)
		b.pull()
		if got := b.manager(ada); got != nil {
			t.Errorf("the manager of a deleted one's report is %v", got)
		}
		d.Restore(guid, boss)
		d.Set(boss, "givenName", "boss") // which a tombstone keeps neither
		d.Set(boss, "sn", "X")
		b.pull()
		if got := b.manager(ada); got != nil || len(d.Read(ada, "manager")) != 0 {
			t.Errorf("the manager after the restore is %v, in the directory %v", got, d.Read(ada, "manager"))
		}
		d.Set(ada, "manager", boss)
		d.AddMembers(inner, boss)
		b.pull()
		check("restored", true)
	})
}

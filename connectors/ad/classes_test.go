package ad_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// E090, E091: contacts are off by default, computers never come, and neither is
// a problem of its own.
func TestE090E091ContactsAndComputers(t *testing.T) {
	d := newSite(t)
	ou := d.OU("people", "")
	contact := d.Create("CN=friend,"+ou, []string{"contact"}, adtest.Attrs{"mail": {"friend@else.example"}, "sn": {"Friend"}})
	computer := d.Create("CN=pc,"+ou, []string{"computer"}, adtest.Attrs{"sAMAccountName": {"pc$"}})
	crew := d.Group("crew", ou, contact, computer)
	scope := `"scope":{"containers":{"include":["` + d.id(ou) + `"]}}`
	without, with := newModel(t), newModel(t)
	without.next(d.source(t, "{"+scope+"}"))
	if len(without.objects) != 1 || !without.says("deviceObject", "") || !without.says("contactObject", "") || !without.says("memberNotBrought", d.id(crew)) {
		t.Errorf("%d objects, %+v", len(without.objects), without.problems)
	}
	with.next(d.source(t, "{"+scope+`,"policies":{"contacts":"include"}}`))
	o := with.objects[d.id(contact)]
	if o == nil || o.Attributes["userType"] != "Contact" || o.Attributes["active"] != false || o.Attributes["userName"] != "friend@else.example" {
		t.Fatalf("contact: %+v", o)
	}
	if members := with.objects[d.id(crew)].Members; len(members) != 1 || !members[d.id(contact)] {
		t.Errorf("members: %v", members)
	}
}

// An account that expires is told, though nothing changes in the directory.
func TestAnAccountThatExpiresIsTold(t *testing.T) {
	d := newSite(t)
	ada := d.User("ada", "CN=Users,"+d.Base(), names("Ada", "Lovelace"))
	at := time.Now().Add(10 * time.Second)
	d.Set(ada, "accountExpires", fmt.Sprint(dirsync.FileTime(at)))
	source := d.source(t, `{}`)
	m := newModel(t)
	m.next(source)
	if m.objects[d.id(ada)].Attributes["active"] != true {
		t.Fatal("expired before the first pull, which took longer than 10 s")
	}
	time.Sleep(time.Until(at.Add(2 * time.Second)))
	m.next(source)
	if len(m.changes) != 1 || m.objects[d.id(ada)].Attributes["active"] != false {
		t.Errorf("told %+v", m.changes)
	}
	m.next(source)
	if len(m.changes) != 0 {
		t.Errorf("told again: %+v", m.changes)
	}
}

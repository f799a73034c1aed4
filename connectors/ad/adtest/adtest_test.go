package adtest

import (
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

func TestADomainIsThereAndComesBackWithWhatItHeld(t *testing.T) {
	started := time.Now()
	d := Start(t, Settings{})
	t.Logf("started in %v", time.Since(started))
	ou := d.OU("people", "")
	ada := d.User("ada", ou, Attrs{"mail": {"ada@test.example"}})
	group := d.Group("all", ou, ada)

	for _, hard := range []bool{false, true} {
		d.MustRestart(hard)
		if got := d.Read(group, "member"); len(got) != 1 || got[0] != ada {
			t.Errorf("after a restart (killed: %t) the members are %q, want %q", hard, got, ada)
		}
	}

	setBack := d.MustSnapshot()
	d.Delete(ada)
	setBack()
	if got := d.Read(ada, "mail"); len(got) != 1 {
		t.Errorf("set back to before the deletion, mail is %q", got)
	}
}

func TestTwoDomainsRunSideBySide(t *testing.T) {
	a, b := Start(t, Settings{}), Start(t, Settings{Realm: "OTHER.EXAMPLE", Host: "DC9"})
	if a.Address == b.Address || a.Base() == b.Base() {
		t.Errorf("both are at %s with %s", a.Address, a.Base())
	}
	a.User("ada", "CN=Users,"+a.Base(), nil)
	b.User("ada", "CN=Users,"+b.Base(), nil)
}

func TestTwoControllersOfOneDomainReplicateWhenTheyAreTold(t *testing.T) {
	a, b := StartPair(t, Settings{})
	ada := a.User("ada", "CN=Users,"+a.Base(), nil)
	find := func(d *Domain) int {
		t.Helper()
		result, err := d.Admin().Search(ldap.NewSearchRequest(d.Base(), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(sAMAccountName=ada)", []string{"title"}, nil))
		if err != nil {
			t.Fatal(err)
		}
		return len(result.Entries)
	}
	if n := find(b); n != 0 {
		t.Errorf("before it was told to, the second has %d", n)
	}
	b.PullFrom(a)
	if n := find(b); n != 1 {
		t.Fatalf("the second has %d of it", n)
	}
	b.Set(ada, "title", "Countess")
	a.PullFrom(b)
	if got := a.Read(ada, "title"); len(got) != 1 || got[0] != "Countess" {
		t.Errorf("back at the first: %q", got)
	}
}

func TestARightIsGrantedAndRevoked(t *testing.T) {
	d := Start(t, Settings{})
	s := d.Service("svc")
	dirSync := func() bool {
		conn, err := d.Connect()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.Bind(s.Name, s.Password); err != nil {
			t.Fatal(err)
		}
		request := ldap.NewSearchRequest(d.Base(), ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=domainDNS)", []string{"name"}, nil)
		_, err = conn.DirSync(request, 0, 0, nil)
		if err != nil && !ldap.IsErrorWithCode(err, ldap.LDAPResultInsufficientAccessRights) {
			t.Fatal(err)
		}
		return err == nil
	}
	if dirSync() {
		t.Error("an account without the right may replicate")
	}
	d.Grant(s.DN, ReplicatingChanges)
	if !dirSync() {
		t.Error("an account with the right may not replicate")
	}
	d.Revoke(s.DN, ReplicatingChanges)
	if dirSync() {
		t.Error("an account that lost the right may replicate")
	}
}

package ad_test

import (
	"errors"
	"os"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// TestPullsShareTheirConnections: a pull that finds the last one's connections
// makes none; where they are dead, or the controller is, it goes on with new
// ones, and with the next controller.
func TestPullsShareTheirConnections(t *testing.T) {
	d := newSite(t)
	proxy := adtest.NewProxy(t, d.Address+":636")
	directory := d.directory()
	directory.Servers, directory.ServerName = []string{"ldaps://" + proxy.HostPort(), d.URL()}, d.Name()
	source, err := ad.New(ad.Config{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	m := newModel(t)
	arrives := func(name string) {
		t.Helper()
		dn := d.User(name, "CN=Users,"+d.Base(), names("Ada", name))
		m.next(source)
		if m.objects[d.id(dn)] == nil {
			t.Errorf("%s isn't told", name)
		}
	}
	arrives("first")
	proxy.Arm(adtest.Fault{})
	arrives("second")
	if n := proxy.Accepted(); n != 0 {
		t.Errorf("the second pull made %d connections, want those of the first", n)
	}

	d.MustRestart(true)
	arrives("after a restart")
	if n := proxy.Accepted(); n == 0 {
		t.Error("a pull made no connection to a controller that was restarted")
	}

	proxy.Arm(adtest.Fault{Then: adtest.Reset})
	arrives("by the second controller")

	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	arrives("after Close")
}

// A password that was changed since the last pull is tried once: each further
// try brings the account nearer to being locked.
func TestAKeptSessionIsRefusedOnce(t *testing.T) {
	d := newSite(t)
	d.Set(d.Base(), "lockoutThreshold", "5") // without one Samba doesn't count
	source := d.source(t, "{}")
	m := newModel(t)
	m.next(source)
	d.MustRestart(true)
	if err := os.WriteFile(d.service.PasswordFile, []byte("not it"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := source.Pull(t.Context(), m.kept, m); !errors.As(err, new(*dirsync.BindError)) {
		t.Fatal(err)
	}
	if got := d.Read(d.service.DN, "badPwdCount"); len(got) != 1 || got[0] != "1" {
		t.Errorf("badPwdCount %q, want 1", got)
	}
}

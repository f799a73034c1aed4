package ad_test

import (
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/adtest"
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

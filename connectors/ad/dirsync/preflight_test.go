package dirsync_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// E080: what is missing is named with its command, what is too wide too.
func TestPreflight(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	s := d.Service("svc")
	c := configOf(d, s)
	// codes are the faults and warnings, without that of the short-lived
	// certificate and that of an ordinary account, which may sign in anywhere.
	codes := func(c dirsync.Config) (all []string, findings []dirsync.Finding) {
		findings = dirsync.Preflight(t.Context(), c)
		for _, f := range findings {
			if f.Severity != dirsync.Note && f.WayOut == "" {
				t.Errorf("%+v has no way out", f)
			}
			if f.Severity != dirsync.Note && f.Code != "certificateExpires" && f.Code != "interactiveLogon" {
				all = append(all, f.Code)
			}
		}
		return all, findings
	}
	check := func(name string, c dirsync.Config, want ...string) {
		t.Helper()
		if got, findings := codes(c); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q: %+v", name, got, want, findings)
		}
	}

	check("no right", c, "rightMissing", "deletedObjects")
	_, findings := codes(c)
	for _, f := range findings {
		if f.Code == "rightMissing" && !(strings.Contains(f.WayOut, d.Base()) && strings.Contains(f.WayOut, s.Name) && strings.Contains(f.WayOut, "dsacls")) {
			t.Errorf("the way out %q doesn't name command, account and root", f.WayOut)
		}
	}
	weaker := c
	weaker.Mode = dirsync.ModeObjectSecurity
	check("object security", weaker, "objectSecurity", "deletedObjects")
	weaker.Mode = dirsync.ModeUSNChanged
	check("by uSNChanged", weaker, "usnChanged", "deletedObjects")
	d.Grant(s.DN, adtest.ReplicatingChanges)
	check("no deleted objects", c, "deletedObjects")
	d.Grant(s.DN, adtest.ReadDeletedObjects)
	check("all that is needed", c)

	for _, right := range []adtest.Right{adtest.ReplicatingChangesAll, adtest.FullControl, adtest.WriteAttributes, adtest.ResetPassword} {
		d.Grant(s.DN, right)
		check("too wide", c, "rightsTooWide")
		d.Revoke(s.DN, right)
	}
	// By a group, too.
	d.AddMembers("CN=Administrators,CN=Builtin", s.DN)
	check("an administrator", c, "rightsTooWide")
	d.RemoveMembers("CN=Administrators,CN=Builtin", s.DN)

	second := c
	second.Servers = []string{"ldaps://127.0.0.1:1", d.URL()}
	check("one server is dead", second, "serverUnreachable")
	other := adtest.Start(t, adtest.Settings{Realm: "OTHER.EXAMPLE"})
	foreign := c
	foreign.Servers = []string{d.URL(), other.URL()}
	check("another domain's server has another CA", foreign, "certificateRefused")
	foreign.Servers, foreign.ServerName = []string{d.URL()}, "dc9.test.example"
	check("another name", foreign, "certificateRefused")
	if _, findings := codes(foreign); !strings.Contains(findings[0].WayOut, "--server-name") {
		t.Errorf("the way out is %q", findings[0].WayOut)
	}
	wrong := c
	wrong.Account = d.NetBIOS + `\nobody`
	// One refusal is enough: each further try brings an account nearer to being
	// locked.
	wrong.Servers = []string{d.URL(), d.PlainURL()}
	check("wrong account", wrong, "accountRefused")
	if _, err := dirsync.Open(t.Context(), wrong); err == nil || strings.Count(err.Error(), "refuses the account") != 1 {
		t.Errorf("a wrong account at two servers: %v", err)
	}
	check("nothing", dirsync.Config{}, "configuration")
}

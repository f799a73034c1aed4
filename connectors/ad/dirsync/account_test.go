package dirsync_test

import (
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// E081: who could take the connector's account over is told, by name and power;
// so is where it may sign in, how old its password is, and who keeps it.
func TestPreflightLooksAtTheAccountItself(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{})
	s := d.Service("svc")
	d.Grant(s.DN, adtest.ReplicatingChanges)
	d.Grant(s.DN, adtest.ReadDeletedObjects)
	find := func(code string) dirsync.Finding {
		t.Helper()
		for _, f := range dirsync.Preflight(t.Context(), configOf(d, s)) {
			if f.Code == code {
				return f
			}
		}
		return dirsync.Finding{}
	}
	says := func(code string, severity dirsync.Severity, parts ...string) {
		t.Helper()
		f := find(code)
		for _, part := range parts {
			if f.Severity != severity || !strings.Contains(f.Sentence, part) || (f.WayOut == "") != (severity == dirsync.Note) {
				t.Errorf("%s: %+v, want %s and %q", code, f, severity, part)
			}
		}
	}
	says("notManaged", dirsync.Note, "no gMSA")
	says("secretAge", dirsync.Note, "0 days old")
	says("interactiveLogon", dirsync.Warning, "at any computer")
	says("accountControl", dirsync.Note, "Domain Admins (controls it")
	if f := find("accountControlled"); f.Code != "" {
		t.Errorf("of a fresh account: %+v", f)
	}

	helpdesk := d.User("helpdesk", "CN=Users,"+d.Base(), nil)
	d.GrantOver(helpdesk, s.DN, adtest.ResetPassword)
	ops := d.Group("ops", "CN=Users,"+d.Base())
	d.GrantOver(ops, s.DN, adtest.WriteAttributes)
	says("accountControlled", dirsync.Warning, "helpdesk (resets its password)", "ops (changes it)")
	// A built-in group counts as soon as somebody is in it.
	d.AddMembers("CN=Account Operators,CN=Builtin", helpdesk)
	says("accountControlled", dirsync.Warning, "Account Operators (controls it)")

	d.Set(s.DN, "userWorkstations", "DC1")
	says("interactiveLogon", dirsync.Note, "at DC1 alone")
	d.Set(s.DN, "userAccountControl", "4260384") // 0x20 no password, 0x200 normal, 0x10000 never expires, 0x400000 no pre-authentication
	says("accountWeak", dirsync.Warning, "needs no password", "pre-authentication")
}

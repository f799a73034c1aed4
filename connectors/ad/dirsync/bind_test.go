package dirsync

import (
	"errors"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/kerberos"
)

// The words of controllers that refused a bind: of Windows as reported in
// github.com/Pennyw0rth/NetExec issue 1406, of Samba 4.22.11 and 4.17.12 as seen.
func TestWhatARefusedBindMeans(t *testing.T) {
	for _, test := range []struct {
		name       string
		code       int
		diagnostic string
		kerberos   bool
		want       string
	}{
		{"binding, Windows", 49, "80090346: LdapErr: DSID-0C0906F9, comment: AcceptSecurityContext error, data 80090346, v4f7c", true, codeChannelBindingRefused},
		{"binding, Samba", 49, "80090346: LdapErr: DSID-0C090711, comment: AcceptSecurityContext error, data 35b, v1db1", true, codeChannelBindingRefused},
		{"no SASL inside TLS", 8, "SASL:[GSS-SPNEGO]: Sign or Seal are required.", true, codeKerberosRefused},
		{"no plain simple bind", 8, "BindSimple: Transport encryption required.", false, codeAccountRefused},
		{"unknown", 49, "no idea", true, codeAccountRefused},
	} {
		got := refusalOf(&ResultError{Code: test.code, Diagnostic: test.diagnostic}, test.kerberos)
		if got.code != test.want || got.reason == "" || got.wayOut == "" {
			t.Errorf("%s: %+v, want %s", test.name, got, test.want)
		}
	}
}

// A server that takes any ticket, and can't read it, isn't the controller.
func TestAControllerThatProvesNothingIsLeft(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{KDC: true})
	svc := d.Service("svc")
	const name = "example.com" // which the fake has a certificate for
	d.Set(svc.DN, "servicePrincipalName", "ldap/"+name)
	c := newFake(t, func(*fakeDC) {}).config()
	c.ServerName, c.Account, c.PasswordFile = name, "svc@"+d.Realm, svc.PasswordFile
	c.Kerberos = &Kerberos{KDCs: []string{d.KDCAddress()}}
	_, err := Open(t.Context(), c)
	if e, ok := errors.AsType[*kerberos.Error](err); !ok || e.Fault != kerberos.ServiceUnproven {
		t.Errorf("err %v, want %s", err, kerberos.ServiceUnproven)
	}
}

package adconfig

import "testing"

func TestTheFlagsOfABindFitIt(t *testing.T) {
	for _, test := range []struct {
		name string
		d    Domain
		ok   bool
	}{
		{"password", Domain{Bind: "simple", PasswordFile: "p"}, true},
		{"ticket by password", Domain{Bind: "kerberos", PasswordFile: "p", KDC: []string{"dc1"}}, true},
		{"ticket by keytab", Domain{Bind: "kerberos", Keytab: "k"}, true},
		{"nothing", Domain{Bind: "simple"}, false},
		{"no ticket without a secret", Domain{Bind: "kerberos"}, false},
		{"keytab for a simple bind", Domain{Bind: "simple", PasswordFile: "p", Keytab: "k"}, false},
		{"KDC for a simple bind", Domain{Bind: "simple", PasswordFile: "p", KDC: []string{"dc1"}}, false},
	} {
		test.d.Server, test.d.Account, test.d.Interval = []string{"ldaps://dc1.contoso.com"}, "svc@contoso.com", MinInterval
		if err := test.d.Check(); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

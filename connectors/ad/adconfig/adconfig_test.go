package adconfig

import (
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

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

// A controller may be silent as long as is said, within bounds.
func TestTheTimeOfSilenceIsBounded(t *testing.T) {
	d := Domain{Server: []string{"ldaps://dc1.contoso.com"}, Account: "svc@contoso.com", PasswordFile: "p", Interval: MinInterval}
	for idle, ok := range map[time.Duration]bool{0: true, MinIdle: true, MaxIdle: true, MinIdle - 1: false, MaxIdle + 1: false, -1: false} {
		if d.Idle = idle; (d.Check() == nil) != ok || d.Directory().Idle != idle {
			t.Errorf("%s: %v, and the directory gets %s", idle, d.Check(), d.Directory().Idle)
		}
	}
}

// H006: as an agent is installed, it looks every two minutes or more often.
func TestH006TheDefaultIntervalIsTwoMinutesAtMost(t *testing.T) {
	var d Domain
	parser, err := kong.New(&d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil || d.Interval < MinInterval || d.Interval > 2*time.Minute {
		t.Errorf("%s, %v", d.Interval, err)
	}
}

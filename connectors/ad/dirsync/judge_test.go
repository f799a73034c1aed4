package dirsync

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// An account as Windows shows it, in the states that a controller for tests
// can't be brought into.
func TestJudgementsOfAnAccount(t *testing.T) {
	of := func(attributes map[string]string) *entry {
		e := &entry{dn: "CN=svc,DC=contoso,DC=com"}
		for name, value := range attributes {
			e.attributes = append(e.attributes, attribute{name: name, values: [][]byte{[]byte(value)}})
		}
		return e
	}
	days := func(n int) string { return fmt.Sprint(FileTime(time.Now().Add(-time.Duration(n) * 24 * time.Hour))) }
	for name, test := range map[string]struct {
		attributes map[string]string
		managed    bool
		want       []string
	}{
		"old password":            {map[string]string{"pwdLastSet": days(400), "userAccountControl": "66048"}, false, []string{"warning secretOld", "warning interactiveLogon"}},
		"managed":                 {map[string]string{"pwdLastSet": days(400), "userAccountControl": "4096"}, true, []string{"note secretAge", "note interactiveLogon"}},
		"smart card":              {map[string]string{"pwdLastSet": days(1), "userAccountControl": "328192"}, false, []string{"note secretAge", "note interactiveLogon"}},
		"expires":                 {map[string]string{"pwdLastSet": days(1), "userAccountControl": "512", "userWorkstations": "DC1"}, false, []string{"note secretAge", "note secretExpires", "note interactiveLogon"}},
		"trusted for delegation":  {map[string]string{"pwdLastSet": days(1), "userAccountControl": "590336", "userWorkstations": "DC1"}, false, []string{"note secretAge", "warning accountWeak", "note interactiveLogon"}},
		"nothing of it is shown":  {nil, false, []string{"warning secretAgeUnknown", "warning interactiveLogonUnknown"}},
		"it has to be set anew":   {map[string]string{"pwdLastSet": "0", "userAccountControl": "66048", "userWorkstations": "DC1"}, false, []string{"warning secretAgeUnknown", "note interactiveLogon"}},
		"what is shown is no age": {map[string]string{"pwdLastSet": "x", "userAccountControl": "y"}, false, []string{"warning secretAgeUnknown", "warning interactiveLogonUnknown"}},
	} {
		p := &preflight{}
		p.secret(of(test.attributes), test.managed)
		p.flags(of(test.attributes), test.managed)
		var got []string
		for _, f := range p.findings {
			got = append(got, string(f.Severity)+" "+f.Code)
			if (f.WayOut == "") != (f.Severity == Note) {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	p := &preflight{}
	p.controllers(t.Context(), nil, of(nil))
	if len(p.findings) != 1 || p.findings[0].Code != "accountControlUnknown" {
		t.Errorf("no descriptor: %+v", p.findings)
	}
}

func TestTheOwnerOfADescriptor(t *testing.T) {
	descriptor := append([]byte{1, 0, 0, 0x80, 20, 0, 0, 0}, make([]byte, 12)...)
	descriptor = append(descriptor, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0)
	if sid, err := owner(descriptor); err != nil || sid != "S-1-5-18" {
		t.Errorf("%q %v", sid, err)
	}
	for n := range descriptor {
		if sid, err := owner(descriptor[:n]); err == nil {
			t.Errorf("of %d bytes: %q", n, sid)
		}
	}
	if sid, err := owner(make([]byte, 20)); err != nil || sid != "" {
		t.Errorf("none: %q %v", sid, err)
	}
}

//go:build !windows

package main

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
)

// unwritten gives what fails the test if an object of the domain was written
// since now, by its update sequence number, but the account that binds: its
// logons are counted there.
func unwritten(t *testing.T, d *adtest.Domain, account string) func(what string) {
	t.Helper()
	search := func(base string, scope int, filter, attribute string) []*ldap.Entry {
		t.Helper()
		r, err := d.Admin().Search(ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, 0, 0, false, filter, []string{attribute},
			[]ldap.Control{ldap.NewControlMicrosoftShowDeleted()}))
		if err != nil {
			t.Fatal(err)
		}
		return r.Entries
	}
	root := search("", ldap.ScopeBaseObject, "(objectClass=*)", "highestCommittedUSN")
	number, err := strconv.Atoi(root[0].GetAttributeValue("highestCommittedUSN"))
	if err != nil {
		t.Fatal(err)
	}
	return func(what string) {
		t.Helper()
		for _, e := range search(d.Base(), ldap.ScopeWholeSubtree, fmt.Sprintf("(uSNChanged>=%d)", number+1), "uSNChanged") {
			if e.DN != account {
				t.Errorf("%s: %s was written", what, e.DN)
			}
		}
	}
}

//go:build !windows

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
)

// W014: the account is proven by a ticket, from its password or a keytab; check
// says so, and what is wrong.
func TestW014CheckBindsWithATicket(t *testing.T) {
	d := adtest.Start(t, adtest.Settings{KDC: true, Options: []string{"ldap server require strong auth = allow_sasl_over_tls"}})
	svc := d.Service("svc")
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("not it"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		says string
		args []string
	}{
		{"kerberos: svc@test.example was proven", []string{"--password-file", svc.PasswordFile, "--kdc", d.KDCAddress()}},
		{"kerberos: svc@test.example was proven", []string{"--keytab", d.Keytab("svc"), "--kdc", d.KDCAddress()}},
		{"accountRefused:", []string{"--password-file", wrong, "--kdc", d.KDCAddress()}},
		{"kdcUnreachable:", []string{"--password-file", svc.PasswordFile, "--kdc", "127.0.0.1:1"}},
		{"configuration:", []string{"--password-file", svc.PasswordFile, "--keytab", wrong}},
	} {
		args := append([]string{"--identity", filepath.Join(t.TempDir(), "none.json"), "check", "--bind", "kerberos", "--account", "svc@test.example",
			"--server", d.URL(), "--server-name", d.Name(), "--ldap-ca", d.CAFile()}, test.args...)
		var out bytes.Buffer
		if run(context.Background(), args, &out, &out); !strings.Contains(out.String(), test.says) {
			t.Errorf("%q doesn't say %q:\n%s", test.args, test.says, &out)
		}
	}
}

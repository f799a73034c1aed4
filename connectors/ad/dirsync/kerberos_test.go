package dirsync_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/ad/adtest"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
	"github.com/workspace-scim/workspace/connectors/ad/kerberos"
)

// kerberosDomain is a domain whose controller takes Kerberos inside TLS, which
// Samba before 4.20.3 does only if it is told to.
func kerberosDomain(t *testing.T) *adtest.Domain {
	t.Helper()
	return adtest.Start(t, adtest.Settings{KDC: true, Options: []string{"ldap server require strong auth = allow_sasl_over_tls"}})
}

// withTicket is a configuration that binds with a ticket in place of its
// password.
func withTicket(d *adtest.Domain, c dirsync.Config) dirsync.Config {
	_, name, _ := strings.Cut(c.Account, `\`)
	c.Account = name + "@" + strings.ToLower(d.Realm)
	c.Kerberos = &dirsync.Kerberos{KDCs: []string{d.KDCAddress()}}
	return c
}

func TestChangesAreReadWithATicket(t *testing.T) {
	d := kerberosDomain(t)
	ou, _ := people(d, 3)
	plain := config(d)
	keytab := d.Keytab("svc")
	conf := filepath.Join(t.TempDir(), "krb5.conf")
	text := fmt.Sprintf("[libdefaults]\n default_realm = ELSEWHERE\n[realms]\n %s = {\n  kdc = %s\n }\n", d.Realm, d.KDCAddress())
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *dirsync.Config){
		"LDAPS":          func(*dirsync.Config) {},
		"StartTLS":       func(c *dirsync.Config) { c.Servers = []string{d.PlainURL()} },
		"keytab":         func(c *dirsync.Config) { c.PasswordFile, c.Kerberos.KeytabFile = "", keytab },
		"krb5.conf":      func(c *dirsync.Config) { c.Kerberos.KDCs, c.Kerberos.ConfFile = nil, conf },
		"first KDC dead": func(c *dirsync.Config) { c.Kerberos.KDCs = []string{"127.0.0.1:1", d.KDCAddress()} },
	} {
		t.Run(name, func(t *testing.T) {
			c := withTicket(d, plain)
			change(&c)
			r := open(t, c)
			r.poll().byName(t, "user000")
			user := d.For(t).User("late"+strings.ReplaceAll(name, " ", ""), ou, nil)
			d.MustRestart(true)
			r.poll().only(t, strings.TrimPrefix(strings.Split(user, ",")[0], "CN=")) // with a new ticket, on a new connection
		})
	}
}

func TestAKerberosBindIsRefused(t *testing.T) {
	d := kerberosDomain(t)
	good := withTicket(d, config(d))
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("not it"), 0o600); err != nil {
		t.Fatal(err)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	other := d.Service("other")
	oldKeytab := d.Keytab("other")
	d.SetPassword(other.DN, other.Password+"2")
	disabled := d.Service("disabled")
	d.Set(disabled.DN, "userAccountControl", "514")
	foreign := adtest.Start(t, adtest.Settings{KDC: true, Realm: "OTHER.EXAMPLE"})

	for _, test := range []struct {
		name, code string
		change     func(c *dirsync.Config)
	}{
		{"wrong password", "accountRefused", func(c *dirsync.Config) { c.PasswordFile = wrong }},
		{"old keytab", "accountRefused", func(c *dirsync.Config) {
			c.Account, c.PasswordFile, c.Kerberos.KeytabFile = "other@"+d.Realm, "", oldKeytab
		}},
		{"no such account", "accountRefused", func(c *dirsync.Config) { c.Account = "nobody@" + d.Realm }},
		{"disabled", "accountRefused", func(c *dirsync.Config) {
			c.Account, c.PasswordFile = "disabled@"+d.Realm, disabled.PasswordFile
		}},
		{"another domain's KDC", "accountRefused", func(c *dirsync.Config) { c.Kerberos.KDCs = []string{foreign.KDCAddress()} }},
		{"keytab of another account", "keytabUnusable", func(c *dirsync.Config) { c.PasswordFile, c.Kerberos.KeytabFile = "", oldKeytab }},
		{"no keytab", "keytabUnusable", func(c *dirsync.Config) { c.PasswordFile, c.Kerberos.KeytabFile = "", wrong }},
		{"no KDC", "kdcUnreachable", func(c *dirsync.Config) { c.Kerberos.KDCs = []string{"127.0.0.1:1"} }},
		{"silent KDC", "kdcUnreachable", func(c *dirsync.Config) { c.Kerberos.KDCs = []string{silent.Addr().String()} }},
		{"no such service", "serviceUnknown", func(c *dirsync.Config) { c.ServerName = "localhost" }},
		{"missing file", "configuration", func(c *dirsync.Config) { c.PasswordFile = wrong + "er" }},
		{"no Kerberos inside TLS", "kerberosRefused", func(c *dirsync.Config) { *c = withTicket(foreign, config(foreign)) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good
			k := *good.Kerberos
			c.Kerberos = &k
			test.change(&c)
			_, err := dirsync.Open(t.Context(), c)
			if err == nil {
				t.Fatal("it isn't refused")
			}
			var got string
			if refused, ok := errors.AsType[*dirsync.BindError](err); ok {
				got = refused.Code
			} else if ticket, ok := errors.AsType[*kerberos.Error](err); ok {
				got = string(ticket.Fault)
			} else if errors.Is(err, os.ErrNotExist) {
				got = "configuration"
			}
			if got != test.code {
				t.Errorf("%v: %s, want %s", err, got, test.code)
			}
			if strings.Contains(err.Error(), "not it") || strings.Contains(err.Error(), other.Password) {
				t.Errorf("a secret is in the error %q", err)
			}
			var codes []string
			for _, f := range dirsync.Preflight(t.Context(), c) {
				codes = append(codes, f.Code)
				if f.Severity == dirsync.Fault && f.WayOut == "" {
					t.Errorf("%+v has no way out", f)
				}
			}
			if len(codes) != 1 || codes[0] != test.code {
				t.Errorf("preflight finds %q, want %s", codes, test.code)
			}
		})
	}
}

// Each further try brings an account nearer to being locked.
func TestAWrongPasswordIsGivenToTheKDCOnce(t *testing.T) {
	d := kerberosDomain(t)
	d.Set(d.Base(), "lockoutThreshold", "5") // without one Samba doesn't count
	svc := d.Service("svc")
	if err := os.WriteFile(svc.PasswordFile, []byte("not it"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := withTicket(d, configOf(d, svc))
	_, port, err := net.SplitHostPort(adtest.NewProxy(t, d.Address+":636").HostPort())
	if err != nil {
		t.Fatal(err)
	}
	c.Servers, c.ServerName = []string{"ldaps://localhost:" + port, "ldaps://localhost:" + port}, ""
	c.Kerberos.KDCs = []string{d.KDCAddress(), d.KDCAddress()}
	if _, err := dirsync.Open(t.Context(), c); !errors.As(err, new(*dirsync.BindError)) {
		t.Fatal(err)
	}
	if got := d.Read(svc.DN, "badPwdCount"); len(got) != 1 || got[0] != "1" {
		t.Errorf("badPwdCount %q, want 1", got)
	}
}

func TestAConfigurationWithKerberosIsChecked(t *testing.T) {
	good := dirsync.Config{Servers: []string{"ldaps://dc1.test.example"}, Account: "svc@test.example", PasswordFile: "p", Kerberos: &dirsync.Kerberos{}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for field, change := range map[string]func(c *dirsync.Config){
		"Account:":                 func(c *dirsync.Config) { c.Account = `TEST\svc` },
		"name one of them":         func(c *dirsync.Config) { c.PasswordFile = "" },
		"Kerberos.KeytabFile:":     func(c *dirsync.Config) { c.Kerberos.KeytabFile = "k" },
		"Kerberos.KDCs: 17":        func(c *dirsync.Config) { c.Kerberos.KDCs = make([]string, 17) },
		"Kerberos.KDCs: kerberos:": func(c *dirsync.Config) { c.Kerberos.KDCs = []string{"http://dc1"} },
		"ServerName:": func(c *dirsync.Config) {
			c.Servers, c.ServerName = append(c.Servers, "ldaps://dc2.test.example"), "dc1.test.example"
		},
		"DNS name": func(c *dirsync.Config) { c.Servers = append(c.Servers, "ldaps://192.0.2.1") },
	} {
		c := good
		c.Kerberos = &dirsync.Kerberos{}
		change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v doesn't say %s", err, field)
		}
	}
}

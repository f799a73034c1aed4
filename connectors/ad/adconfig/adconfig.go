// Package adconfig is what a program has to be told to read a domain, in an
// agent and inside the server: flags and keys of a YAML file of the same names.
package adconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/ad"
	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// Domain says where the domain is, as whom it is read and how often. It is all
// that the server doesn't know: what is brought is in the source's
// configuration. The tags are kong's.
type Domain struct {
	// Server are the domain controllers in order of preference, 1 to 16.
	Server []string `name:"server" placeholder:"URL" help:"A domain controller, ldaps://HOST, or ldap://HOST with StartTLS; several in order of preference."`
	// ServerName is the name in the controllers' certificates; "" for that of
	// each URL.
	ServerName string `placeholder:"NAME" help:"Name that the controllers' certificates have, if not their own."`
	// LDAPCA is a PEM file; "" for the certificates that the system trusts.
	LDAPCA string `name:"ldap-ca" type:"path" placeholder:"FILE" help:"PEM file with the only certificates that the controllers' may be signed by."`
	// Account is name@domain, DOMAIN\name or a DN; for Kerberos the first.
	Account string `placeholder:"NAME" help:"Account to read as: name@domain, DOMAIN\\name, or a DN; with Kerberos name@domain."`
	// PasswordFile is read at each bind, so that a password can be changed
	// while the program runs.
	PasswordFile string `type:"path" placeholder:"FILE" help:"File with the account's password; read at each bind."`
	// Bind is simple, or kerberos, for which the next three are.
	Bind string `enum:"simple,kerberos" default:"simple" help:"How the account is proven, over TLS: simple sends its password, kerberos a ticket."`
	// Keytab is a file with the account's keys, read at each bind; "" for the
	// password.
	Keytab string `type:"path" placeholder:"FILE" help:"With --bind kerberos: file with the account's keys, in place of --password-file; read at each bind."`
	// KDC are hosts, with ports if not 88; none for those of DNS or KerberosConf.
	KDC []string `name:"kdc" placeholder:"HOST[:PORT]" help:"With --bind kerberos: who gives out tickets, which each domain controller does; if not named, DNS is asked."`
	// KerberosConf is a krb5.conf, of which only the realm's kdc lines are read.
	KerberosConf string `name:"kerberos-conf" type:"path" placeholder:"FILE" help:"With --bind kerberos: a krb5.conf, of which only the realm's kdc lines are read."`
	// ChangeTracking is a dirsync.Mode.
	ChangeTracking string `name:"tracking" enum:"dirSync,objectSecurity,usnChanged" default:"dirSync" help:"How changes are tracked: dirSync, or without the right Replicating Directory Changes objectSecurity or usnChanged, which are weaker (docs/ad.md)."`
	// Idle is how long a controller may say nothing while an answer is due, from
	// MinIdle to MaxIdle; 0 for dirsync's default.
	Idle time.Duration `default:"150s" help:"How long a controller may say nothing while an answer is due, 10s to 1h (default ${default})."`
	// Interval is the time between two pulls, at least MinInterval.
	Interval time.Duration `default:"60s" help:"Time between two pulls, at least 30s (default ${default})."`
}

const (
	// MinInterval is the least time between two pulls.
	MinInterval = 30 * time.Second
	// MinIdle and MaxIdle bound Domain.Idle.
	MinIdle = 10 * time.Second
	MaxIdle = time.Hour
)

// Directory is the part that says how the domain is reached.
func (d Domain) Directory() dirsync.Config {
	c := dirsync.Config{
		Servers: d.Server, ServerName: d.ServerName, CAFile: d.LDAPCA, Account: d.Account, PasswordFile: d.PasswordFile,
		Mode: dirsync.Mode(d.ChangeTracking), Idle: d.Idle,
	}
	if d.Bind == "kerberos" {
		c.Kerberos = &dirsync.Kerberos{KeytabFile: d.Keytab, KDCs: d.KDC, ConfFile: d.KerberosConf}
	}
	return c
}

// Check says what is missing or wrong, without opening anything.
func (d Domain) Check() error {
	if d.Interval < MinInterval {
		return fmt.Errorf("interval: %s is shorter than %s", d.Interval, MinInterval)
	}
	if d.Idle != 0 && (d.Idle < MinIdle || d.Idle > MaxIdle) {
		return fmt.Errorf("idle: %s isn't from %s to %s", d.Idle, MinIdle, MaxIdle)
	}
	if d.Bind != "kerberos" && (d.Keytab != "" || len(d.KDC) > 0 || d.KerberosConf != "") {
		return errors.New("keytab, kdc and kerberos-conf are for bind: kerberos")
	}
	return d.Directory().Check()
}

// Source makes the connector for the configuration of a source, nil for none.
func (d Domain) Source(configuration json.RawMessage) (connectors.Source, error) {
	document, err := ad.ParseDocument(configuration)
	if err != nil {
		return nil, err
	}
	source, err := ad.New(ad.Config{Directory: d.Directory(), Document: document})
	if err != nil {
		return nil, err // not a nil *ad.Source in an interface
	}
	return source, nil
}

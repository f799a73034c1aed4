package dirsync

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/workspace-scim/workspace/connectors/ad/kerberos"
)

// Kerberos says how the account gets a ticket. It is asked for anew at each bind
// and isn't kept. The name of the service is ldap/NAME, with Config.ServerName or
// the host in the server's URL, which must be the controller's full DNS name. With
// several servers it is the URLs' alone: one name can't be each controller's.
type Kerberos struct {
	// KeytabFile holds the account's keys, AES, and is read at each bind; then
	// Config.PasswordFile must be empty. If empty, the password's is the key.
	KeytabFile string
	// KDCs give out the tickets: HOST or HOST:PORT (88 if left out), asked by TCP
	// in this order, at most 16. If there are none, those that ConfFile names for
	// the account's realm, else those that DNS does (_kerberos._tcp).
	KDCs []string
	// ConfFile is a krb5.conf. Only its section realms is read, and of that only
	// kdc. It may be empty.
	ConfFile string
}

// mostKDCs bounds Kerberos.KDCs.
const mostKDCs = 16

// check says what is wrong with a configuration that has Kerberos.
func (k *Kerberos) check(c Config) []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("dirsync: "+format, args...)) }
	if _, err := kerberos.Realm(c.Account); err != nil && c.Account != "" {
		fault("Account: %.200q, want name@domain with Kerberos", c.Account)
	}
	if (c.PasswordFile == "") == (k.KeytabFile == "") {
		fault("PasswordFile, Kerberos.KeytabFile: name one of them")
	}
	if len(k.KDCs) > mostKDCs {
		fault("Kerberos.KDCs: %d are named, want at most %d", len(k.KDCs), mostKDCs)
	}
	for _, kdc := range k.KDCs {
		if err := kerberos.CheckKDC(kdc); err != nil {
			fault("Kerberos.KDCs: %w", err)
		}
	}
	if c.ServerName != "" && len(c.Servers) > 1 {
		fault("ServerName: it is one controller's, and %d are named; with Kerberos give each its own DNS name in its URL", len(c.Servers))
	}
	for _, url := range c.Servers {
		if s, err := parseServer(url); err == nil && net.ParseIP(c.name(s)) != nil {
			fault("Servers: %s: Kerberos needs the controller's DNS name, in the URL or as ServerName", url)
		}
	}
	return faults
}

// kerberosAccount reads what proves the account.
func (c Config) kerberosAccount() (kerberos.Account, error) {
	a := kerberos.Account{Name: c.Account, KDCs: c.Kerberos.KDCs}
	if c.Kerberos.KeytabFile == "" {
		password, err := c.password()
		if err != nil {
			return a, err
		}
		a.Password = string(password)
	} else {
		keytab, err := readBounded(c.Kerberos.KeytabFile, mostConfigFile)
		if err != nil {
			return a, &fileError{"Kerberos.KeytabFile", err}
		}
		a.Keytab = keytab
	}
	if len(a.KDCs) > 0 || c.Kerberos.ConfFile == "" {
		return a, nil
	}
	conf, err := readBounded(c.Kerberos.ConfFile, mostConfigFile)
	if err != nil {
		return a, &fileError{"Kerberos.ConfFile", err}
	}
	realm, err := kerberos.Realm(c.Account)
	if err != nil {
		return a, err
	}
	a.KDCs = kerberos.ParseKDCs(conf, realm)
	return a, nil
}

// channelBinding is that of the connection's TLS; nil if its certificate has
// none.
func (c *conn) channelBinding() []byte {
	over, ok := c.stream.(*tls.Conn)
	if !ok {
		return nil
	}
	return kerberos.ServerEndPoint(over.ConnectionState().PeerCertificates[0])
}

// bindKerberos binds with a ticket by SASL's GSS-SPNEGO (RFC 4511 §4.2, MS-ADTS
// 5.1.1.1). TLS protects the connection, so none of SASL's layers is asked for: a
// controller refuses them inside TLS.
func (c *conn) bindKerberos(ctx context.Context, config Config) error {
	account, err := config.kerberosAccount()
	if err != nil {
		return err
	}
	exchange, err := kerberos.Start(ctx, account, "ldap/"+config.name(c.server), c.channelBinding())
	if err != nil {
		return c.noTicket(config, err)
	}
	a, err := c.send(ctx, "bind", tlv(bindRequest, integer(version3), octets(""),
		tlv(saslAuth, octets("GSS-SPNEGO"), tlv(tagOctets, exchange.Token))))
	if err != nil {
		return err
	}
	err = a.drain()
	answer := a.saslCredentials()
	if err == nil {
		return c.noTicket(config, exchange.Finish(answer))
	}
	if answer != nil && !errors.Is(err, ErrIncomplete) {
		// A refusal may bring Kerberos' own reason.
		if reason, ok := errors.AsType[*kerberos.Error](exchange.Finish(answer)); ok && reason.Fault != kerberos.ServiceUnproven {
			return c.noTicket(config, reason)
		}
	}
	return c.bound(config, err)
}

// noTicket says at which server there was no ticket. An account that the KDC
// refuses is refused as by the server itself.
func (c *conn) noTicket(config Config, err error) error {
	if err == nil {
		return nil
	}
	if reason, ok := errors.AsType[*kerberos.Error](err); ok && reason.Fault == kerberos.AccountRefused {
		return fmt.Errorf("%w (%w)", &BindError{Server: c.server.url, Account: config.Account, Code: codeAccountRefused, Reason: reason.Reason, WayOut: reason.WayOut}, reason.Err)
	}
	return fmt.Errorf("dirsync: bind at %s: %w", c.server.url, err)
}

// saslCredentials are what the server says to a SASL mechanism (RFC 4511 §4.2.2);
// nil if it says nothing.
func (a *answer) saslCredentials() []byte {
	const serverSASLCreds = 0x87
	for rest := a.more; len(rest) > 0; {
		e, after, err := cut(rest)
		if err != nil {
			return nil
		}
		if e.tag == serverSASLCreds {
			return e.content
		}
		rest = after
	}
	return nil
}

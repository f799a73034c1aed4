package dirsync

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Parts of a bind (RFC 4511 §4.2).
const (
	bindRequest = 0x60
	version3    = 3
	simpleAuth  = 0x80
	saslAuth    = 0xa3
)

// bind binds the account, over TLS.
func (c *conn) bind(ctx context.Context, config Config) error {
	if config.Kerberos != nil {
		return c.bindKerberos(ctx, config)
	}
	password, err := config.password()
	if err != nil {
		return err
	}
	a, err := c.send(ctx, "bind", tlv(bindRequest, integer(version3), octets(config.Account), tlv(simpleAuth, password)))
	if err != nil {
		return err
	}
	return c.bound(config, a.drain())
}

// bound makes of a bind's result, if it is final, what it means.
func (c *conn) bound(config Config, err error) error {
	refused, ok := errors.AsType[*ResultError](err)
	if !ok || !final(refused.Code) {
		return err
	}
	r := refusalOf(refused, config.Kerberos != nil)
	return fmt.Errorf("%w (%w)", &BindError{Server: c.server.url, Account: config.Account, Code: r.code, Reason: r.reason, WayOut: r.wayOut}, err)
}

// final says whether a bind's result stays the same for all servers.
func final(code int) bool { return code != resultBusy && code != resultUnavailable }

// refusal is what a refused bind means and what to do.
type refusal struct{ code, reason, wayOut string }

// Codes of refusals, in docs/ad.md.
const (
	codeAccountRefused        = "accountRefused"
	codeChannelBindingRefused = "channelBindingRefused"
	codeKerberosRefused       = "kerberosRefused"
)

// refusals are the Windows error codes that follow "data" in the diagnostic
// message of a refused bind, in hexadecimal (Microsoft, "Common Active Directory
// Bind Errors"; MS-ERREF 2.1, 2.2).
var refusals = map[string]refusal{
	"525":      {codeAccountRefused, "there is no such account", "check its name: DOMAIN\\name or name@domain"},
	"52e":      {codeAccountRefused, "wrong name or password", "check the name (DOMAIN\\name or name@domain) and the password file"},
	"530":      {codeAccountRefused, "the account may not sign in at this time", "widen its hours"},
	"531":      {codeAccountRefused, "the account may not sign in from here", "allow it this computer"},
	"532":      {codeAccountRefused, "the password has expired", "set a new one, and let a service account's not expire"},
	"533":      {codeAccountRefused, "the account is disabled", "enable it"},
	"568":      {codeAccountRefused, "the account is in too many groups", "take it out of some"},
	"57":       {codeChannelBindingRefused, "the server wants channel binding", "let its certificate be signed with RSA or ECDSA, for which a binding is defined"},
	"701":      {codeAccountRefused, "the account has expired", "give it a later end, or none"},
	"773":      {codeAccountRefused, "the password must be changed first", "set a new one without that demand"},
	"775":      {codeAccountRefused, "the account is locked", "unlock it, and look for who uses an old password"},
	"35b":      badBinding, // Samba's word for it
	"80090346": badBinding, // SEC_E_BAD_BINDINGS
}

var badBinding = refusal{codeChannelBindingRefused, "the bind isn't bound to the TLS connection that the server sees",
	"connect to the controller itself: a proxy or load balancer in between must not end TLS"}

// refusalOf says what a refused bind means.
func refusalOf(e *ResultError, kerberos bool) refusal {
	if e.Code == resultStrongAuth && kerberos {
		return refusal{codeKerberosRefused, "the server takes no Kerberos inside TLS",
			"on Samba before 4.20.3 set ldap server require strong auth = allow_sasl_over_tls, or bind with a password"}
	}
	if e.Code == resultStrongAuth {
		return refusal{codeAccountRefused, "the server wants a stronger kind of bind", "use ldaps://"}
	}
	_, after, found := strings.Cut(e.Diagnostic, ", data ")
	if code, _, _ := strings.Cut(after, ","); found {
		if known, ok := refusals[strings.ToLower(strings.TrimSpace(code))]; ok {
			return known
		}
	}
	return refusal{codeAccountRefused, "no reason that is known", "see the server's log"}
}

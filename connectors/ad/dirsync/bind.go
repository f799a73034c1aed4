package dirsync

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// bind binds the account with its password (RFC 4511 §4.2), over TLS.
func (c *conn) bind(ctx context.Context, config Config) error {
	password, err := config.password()
	if err != nil {
		return err
	}
	const (
		bindRequest = 0x60
		version3    = 3
		simple      = 0x80
	)
	a, err := c.send(ctx, "bind", tlv(bindRequest, integer(version3), octets(config.Account), tlv(simple, password)))
	if err != nil {
		return err
	}
	err = a.drain()
	if refused, ok := errors.AsType[*ResultError](err); ok && final(refused.Code) {
		bindErr := &BindError{Server: c.server.url, Account: config.Account}
		bindErr.Reason, bindErr.WayOut = refusal(refused)
		return fmt.Errorf("%w (%w)", bindErr, err)
	}
	return err
}

// final says whether a bind's result stays the same for all servers.
func final(code int) bool { return code != resultBusy && code != resultUnavailable }

// refusals are the Windows error codes that follow "data" in the diagnostic
// message of a refused bind, in hexadecimal (Microsoft, "Common Active Directory
// Bind Errors"; MS-ERREF 2.2).
var refusals = map[string][2]string{
	"525": {"there is no such account", "check its name: DOMAIN\\name or name@domain"},
	"52e": {"wrong name or password", "check the name (DOMAIN\\name or name@domain) and the password file"},
	"530": {"the account may not sign in at this time", "widen its hours"},
	"531": {"the account may not sign in from here", "allow it this computer"},
	"532": {"the password has expired", "set a new one, and let a service account's not expire"},
	"533": {"the account is disabled", "enable it"},
	"568": {"the account is in too many groups", "take it out of some"},
	"57":  {"the server wants channel binding", "use a simple bind over TLS"},
	"701": {"the account has expired", "give it a later end, or none"},
	"773": {"the password must be changed first", "set a new one without that demand"},
	"775": {"the account is locked", "unlock it, and look for who uses an old password"},
}

// refusal says what a refused bind means and what to do.
func refusal(e *ResultError) (reason, wayOut string) {
	if e.Code == resultStrongAuth {
		return "the server wants a stronger kind of bind", "use ldaps://"
	}
	_, after, found := strings.Cut(e.Diagnostic, ", data ")
	if code, _, _ := strings.Cut(after, ","); found {
		if known, ok := refusals[strings.ToLower(strings.TrimSpace(code))]; ok {
			return known[0], known[1]
		}
	}
	return "no reason that is known", "see the server's log"
}

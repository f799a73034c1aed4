package kerberos

import (
	"errors"
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/iana/errorcode"
	"github.com/jcmturner/gokrb5/v8/messages"
)

// Fault is what stands in the way of a ticket, by its code in docs/ad.md.
type Fault string

const (
	// AccountRefused: the KDC refuses the account. Another try with the same
	// secret fails too, and may lock the account.
	AccountRefused Fault = "accountRefused"
	// KDCUnreachable: none answers, or none is known.
	KDCUnreachable Fault = "kdcUnreachable"
	// ClockSkew: this machine's clock and the domain's are too far apart.
	ClockSkew Fault = "clockSkew"
	// ServiceUnknown: the domain has no service of that name, or another account
	// holds the name.
	ServiceUnknown Fault = "serviceUnknown"
	// KeytabUnusable: the keytab holds no key that can be used for the account.
	KeytabUnusable Fault = "keytabUnusable"
	// ServiceUnproven: the service's answer doesn't prove that it is the one that
	// was asked for.
	ServiceUnproven Fault = "serviceUnproven"
	// TicketRefused is everything else.
	TicketRefused Fault = "ticketRefused"
)

// Error says why there is no ticket, or why the service didn't take it.
type Error struct {
	Fault  Fault
	Reason string
	WayOut string
	Err    error // the KDC's words, or the network's; nil if there are none
}

func (e *Error) Error() string {
	text := "kerberos: " + e.Reason
	if e.WayOut != "" {
		text += "; " + e.WayOut
	}
	if e.Err != nil {
		text += fmt.Sprintf(" (%v)", e.Err)
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// refusals are the error codes of RFC 4120 §7.5.9 that an administrator can do
// something about.
var refusals = map[int32]Error{
	errorcode.KDC_ERR_NAME_EXP:            {Fault: AccountRefused, Reason: "the account has expired", WayOut: "give it a later end, or none"},
	errorcode.KDC_ERR_C_PRINCIPAL_UNKNOWN: {Fault: AccountRefused, Reason: "there is no such account in the realm", WayOut: "check its name: name@REALM, with the domain's DNS name for REALM"},
	errorcode.KDC_ERR_WRONG_REALM:         {Fault: AccountRefused, Reason: "the account is of another realm", WayOut: "write it as name@REALM, with the DNS name of its own domain"},
	errorcode.KDC_ERR_POLICY:              {Fault: AccountRefused, Reason: "a policy forbids the account to sign in", WayOut: "look at its hours, its workstations, and authentication policies"},
	errorcode.KDC_ERR_CLIENT_REVOKED:      {Fault: AccountRefused, Reason: "the account is disabled, expired, locked, or outside its hours", WayOut: "look at the account"},
	errorcode.KDC_ERR_KEY_EXPIRED:         {Fault: AccountRefused, Reason: "the password has expired, or must be changed first", WayOut: "set a new one, and let a service account's not expire"},
	errorcode.KDC_ERR_PREAUTH_FAILED:      {Fault: AccountRefused, Reason: "wrong password, or a keytab from before the last change of it", WayOut: "check the password file, or make the keytab anew"},
	errorcode.KDC_ERR_ETYPE_NOSUPP: {Fault: AccountRefused, Reason: "the account has no key of a kind that both sides know",
		WayOut: "allow it AES (msDS-SupportedEncryptionTypes) and set its password anew, or make the keytab with AES keys"},
	errorcode.KDC_ERR_S_PRINCIPAL_UNKNOWN: {Fault: ServiceUnknown, Reason: "the domain has no such service", WayOut: "name the controller by its full DNS name, not an alias or the domain's name"},
	errorcode.KRB_AP_ERR_MODIFIED:         {Fault: ServiceUnknown, Reason: "the service can't read the ticket: its name belongs to another account", WayOut: "look for a second holder: setspn -X"},
	errorcode.KRB_AP_ERR_SKEW:             {Fault: ClockSkew, Reason: "this machine's clock is too far from the domain's", WayOut: "let both take their time from the same source"},
	errorcode.KRB_AP_ERR_TKT_NYV:          {Fault: ClockSkew, Reason: "the ticket isn't valid yet: the clocks are too far apart", WayOut: "let all take their time from the same source"},
}

// refusal explains an error message of Kerberos.
func refusal(e messages.KRBError, now time.Time) *Error {
	known, ok := refusals[e.ErrorCode]
	if !ok {
		known = Error{Fault: TicketRefused, Reason: "the ticket is refused", WayOut: "see the KDC's words and its log"}
	}
	if known.Fault == ClockSkew && !e.STime.IsZero() {
		known.Reason += ", which is " + apart(e.STime.Sub(now))
	}
	known.Err = kdcWords(e)
	return &known
}

// apart says where another clock is.
func apart(d time.Duration) string {
	d = d.Round(time.Second)
	if d < 0 {
		return fmt.Sprintf("%v behind it", -d)
	}
	return fmt.Sprintf("%v ahead of it", d)
}

// noTicket makes an *Error of any that isn't one.
func noTicket(err error) error {
	if err == nil || errors.As(err, new(*Error)) {
		return err
	}
	return &Error{Fault: TicketRefused, Reason: "no ticket could be had", WayOut: "check that the KDC is a domain controller's", Err: err}
}

// unproven is a service's answer that isn't what it should be.
func unproven(format string, args ...any) error {
	return &Error{Fault: ServiceUnproven, Reason: "the service didn't prove that it is the one that was asked for",
		WayOut: "check where its name leads", Err: fmt.Errorf(format, args...)}
}

// kdcWords are the code and text of an error, bounded: they come from the
// network.
func kdcWords(e messages.KRBError) error {
	const longest = 200
	if e.EText == "" {
		return fmt.Errorf("%s", errorcode.Lookup(e.ErrorCode))
	}
	return fmt.Errorf("%s: %.*q", errorcode.Lookup(e.ErrorCode), longest, e.EText)
}

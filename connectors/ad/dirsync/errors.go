package dirsync

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrIncomplete means that an answer ended before it was whole: the
	// connection was cut or stalled, the server ran into a limit, or the control
	// that closes an answer was missing. What came before is true and not
	// everything; no checkpoint was given for it. Reading again from the last
	// checkpoint repeats it.
	ErrIncomplete = errors.New("dirsync: the answer is incomplete")
	// ErrStalled means that the server said nothing for Config.Idle. It is an
	// ErrIncomplete too.
	ErrStalled = fmt.Errorf("%w: the server fell silent", ErrIncomplete)
	// ErrNotFound means that no object has that GUID or DN, or none that the
	// account may see.
	ErrNotFound = errors.New("dirsync: no such object")
	// ErrForeignDomain means that the checkpoint was made in another domain. It
	// isn't answered with a full read, because then everything of the first
	// domain would seem to be gone. The way out is the first domain's server, or
	// a source of its own for the second.
	ErrForeignDomain = errors.New("dirsync: the checkpoint is another domain's")
	// ErrOtherController means that one name led to two domain controllers. What
	// one has told needn't be at the other yet, so objects must be read where
	// their changes came from. The way out is to configure the controllers by
	// their own names.
	ErrOtherController = errors.New("dirsync: the server's name leads to more than one domain controller; configure the controllers by their own names")
	// ErrPlain means that a server offers no encryption, so that no password was
	// sent to it.
	ErrPlain = errors.New("dirsync: the server offers no TLS")
)

// ResultError is an LDAP result that isn't success (RFC 4511 §4.1.9).
type ResultError struct {
	Operation  string
	Code       int    // RFC 4511 appendix A
	Diagnostic string // the server's words, shortened
}

func (e *ResultError) Error() string {
	return fmt.Sprintf("dirsync: %s: LDAP result %d (%s): %s", e.Operation, e.Code, resultNames[e.Code], e.Diagnostic)
}

// Result codes of RFC 4511 appendix A that mean something to us.
const (
	resultSuccess            = 0
	resultOperationsError    = 1
	resultProtocolError      = 2
	resultTimeLimit          = 3
	resultSizeLimit          = 4
	resultStrongAuth         = 8
	resultReferral           = 10
	resultAdminLimit         = 11
	resultCriticalExtension  = 12
	resultNoSuchObject       = 32
	resultInvalidCredentials = 49
	resultInsufficientAccess = 50
	resultBusy               = 51
	resultUnavailable        = 52
	resultUnwillingToPerform = 53
)

var resultNames = map[int]string{
	resultOperationsError: "operationsError", resultProtocolError: "protocolError",
	resultTimeLimit: "timeLimitExceeded", resultSizeLimit: "sizeLimitExceeded",
	resultStrongAuth: "strongerAuthRequired", resultReferral: "referral",
	resultAdminLimit: "adminLimitExceeded", resultCriticalExtension: "unavailableCriticalExtension",
	resultNoSuchObject: "noSuchObject", resultInvalidCredentials: "invalidCredentials",
	resultInsufficientAccess: "insufficientAccessRights", resultBusy: "busy",
	resultUnavailable: "unavailable", resultUnwillingToPerform: "unwillingToPerform",
}

// BindError means that the server refused the account. Trying again doesn't
// help and may lock the account, so no other server is asked.
type BindError struct {
	Server  string
	Account string
	Code    string // of docs/ad.md
	Reason  string // what the server's sub-code means, or its words
	WayOut  string
}

func (e *BindError) Error() string {
	return fmt.Sprintf("dirsync: %s refuses the account %s: %s; %s", e.Server, e.Account, e.Reason, e.WayOut)
}

// RightError means that the account lacks the right Replicating Directory
// Changes at the domain's root.
type RightError struct {
	Account    string
	DomainRoot string // DN
}

func (e *RightError) Error() string {
	return fmt.Sprintf(`dirsync: the account %s lacks the right "Replicating Directory Changes" at %s; grant it: %s (Samba: %s)`,
		e.Account, e.DomainRoot, e.WindowsCommand(), e.SambaCommand())
}

// WindowsCommand grants the right, on a domain controller as an administrator.
func (e *RightError) WindowsCommand() string {
	return fmt.Sprintf(`dsacls "%s" /G "%s:CA;Replicating Directory Changes"`, e.DomainRoot, e.Account)
}

// SambaCommand does the same on Samba. It wants the account's DN.
func (e *RightError) SambaCommand() string {
	return fmt.Sprintf(`samba-tool dsacl set --action=allow --car=get-changes --objectdn="%s" --trusteedn="$(samba-tool user show %s --attributes=dn | sed -n 's/^dn: //p')"`,
		e.DomainRoot, accountName(e.Account))
}

// accountName is the name alone of DOMAIN\name and name@domain.
func accountName(account string) string {
	if _, name, found := strings.Cut(account, `\`); found {
		return name
	}
	name, _, _ := strings.Cut(account, "@")
	return name
}

package dirsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What of userAccountControl matters here (MS-ADTS 2.2.16).
const (
	uacPasswordNotRequired = 0x20
	uacReversible          = 0x80
	uacNeverExpires        = 0x10000
	uacSmartcard           = 0x40000
	uacDelegation          = 0x80000
	uacNoPreauth           = 0x400000
)

// oldSecret is the age from which a password that people set is worth a word.
const oldSecret = 365 * 24 * time.Hour

// account looks at the account itself, as far as it may read its own object (row
// E081): whether the domain keeps its password, how old that is, where it may be
// used to sign in, and who could take the account over.
func (p *preflight) account(ctx context.Context, c *conn) {
	e, err := c.own(ctx)
	if err != nil {
		p.add(Warning, "accountUnknown", "look at the account by hand", "the account's own object can't be read: %v", err)
		return
	}
	managed := e.isOf("msDS-GroupManagedServiceAccount") || e.isOf("msDS-ManagedServiceAccount")
	if managed {
		p.add(Note, "managedAccount", "", "%s is a managed service account: the domain changes its password", e.dn)
	} else {
		p.add(Note, "notManaged", "", "%s is an ordinary account (no gMSA): somebody has to change its password", e.dn)
	}
	p.secret(e, managed)
	p.flags(e, managed)
	p.controllers(ctx, c, e)
}

// mostHolds is how many SIDs are looked at for the account's own, which is the
// first at the controllers that we know.
const mostHolds = 16

// own reads the account's object: the one of what it acts with that is a user.
func (c *conn) own(ctx context.Context) (*entry, error) {
	holds, err := c.holds(ctx)
	if err != nil {
		return nil, err
	}
	const ownerAndDACL = 5
	for _, sid := range holds[:min(len(holds), mostHolds)] {
		e, err := c.one(ctx, "read of the account", query{
			base:       "<SID=" + string(sid) + ">",
			attributes: []string{"objectClass", "objectSid", "userAccountControl", "pwdLastSet", "userWorkstations", "nTSecurityDescriptor"},
			controls:   [][]byte{control(oidSDFlags, tlv(tagSequence, integer(ownerAndDACL)))},
		})
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, err
		case e.isOf("user"):
			return e, nil
		}
	}
	return nil, errors.New("the server doesn't say who the account is")
}

// isOf says whether an entry is of an object class.
func (e *entry) isOf(class string) bool {
	return slices.ContainsFunc(e.values("objectClass"), func(v []byte) bool { return strings.EqualFold(string(v), class) })
}

// secret judges how old the password is.
func (p *preflight) secret(e *entry, managed bool) {
	at, never, err := ParseFileTime(e.text("pwdLastSet"))
	switch {
	case err != nil || never:
		p.add(Warning, "secretAgeUnknown", "let the account read its own pwdLastSet, or look by hand", "when the password of %s was set can't be read", e.dn)
	case time.Since(at) >= oldSecret && !managed:
		p.add(Warning, "secretOld", "set another password, and write it into the password file or make the keytab anew", "the password of %s is %d days old", e.dn, int(time.Since(at).Hours()/24))
	default:
		p.add(Note, "secretAge", "", "the password of %s is %d days old", e.dn, int(time.Since(at).Hours()/24))
	}
}

// flags judges how the account may be used.
func (p *preflight) flags(e *entry, managed bool) {
	uac, err := strconv.ParseInt(e.text("userAccountControl"), 10, 64)
	if err != nil {
		p.add(Warning, "interactiveLogonUnknown", "look at the account by hand", "userAccountControl of %s can't be read, so whether somebody may sign in with it isn't known", e.dn)
		return
	}
	var weak []string
	for _, f := range []struct {
		bit  int64
		name string
	}{
		{uacPasswordNotRequired, "needs no password"}, {uacReversible, "has its password stored reversibly"},
		{uacDelegation, "is trusted for delegation to any service"}, {uacNoPreauth, "needs no Kerberos pre-authentication"},
	} {
		if uac&f.bit != 0 {
			weak = append(weak, f.name)
		}
	}
	if len(weak) > 0 {
		p.add(Warning, "accountWeak", "take these flags off the account", "%s %s", e.dn, strings.Join(weak, ", "))
	}
	if uac&uacNeverExpires == 0 && !managed {
		p.add(Note, "secretExpires", "", "the password of %s expires by the domain's policy, and synchronisation ends then", e.dn)
	}
	switch places := e.text("userWorkstations"); {
	case managed || uac&uacSmartcard != 0:
		p.add(Note, "interactiveLogon", "", "nobody can sign in interactively as %s with a password", e.dn)
	case places != "":
		p.add(Note, "interactiveLogon", "", "%s may sign in at %s alone", e.dn, places)
	default:
		p.add(Warning, "interactiveLogon", `name the domain controllers alone under "Log On To" (userWorkstations), or deny it local and remote desktop logon by a group policy, which isn't seen here`,
			"nothing in the directory keeps anybody from signing in interactively as %s, at any computer", e.dn)
	}
}

// controllers tells who could reset the account's password or change the
// account, by the access control list and as the owner of its object. What holds
// by containers' own lists alone isn't seen.
func (p *preflight) controllers(ctx context.Context, c *conn, e *entry) {
	descriptor := []byte(e.text("nTSecurityDescriptor"))
	grants, err := parseGrants(descriptor)
	var belongs SID
	if err == nil {
		belongs, err = owner(descriptor)
	}
	if err != nil || len(grants) == 0 {
		p.add(Warning, "accountControlUnknown", "let the account read its own rights, or look by hand", "who may change %s can't be read", e.dn)
		return
	}
	own, err := DecodeSID([]byte(e.text("objectSid")))
	if err != nil {
		own = ""
	}
	powers := takeovers(grants, own)
	if belongs != "" && belongs != own {
		powers[belongs] = append(powers[belongs], "owns it")
	}
	var admins, others []string
	for sid, can := range powers {
		name, empty := c.trustee(ctx, sid)
		slices.Sort(can)
		text := fmt.Sprintf("%s (%s)", name, strings.Join(slices.Compact(can), ", "))
		switch {
		case empty:
		case rules(sid):
			admins = append(admins, text)
		default:
			others = append(others, text)
		}
	}
	slices.Sort(admins)
	slices.Sort(others)
	if len(others) > 0 {
		p.add(Warning, "accountControlled", "take these entries off the account's access control list, or move it where they aren't inherited",
			"besides administrators, these can take %s over: %s", e.dn, strings.Join(others, "; "))
	}
	p.add(Note, "accountControl", "", "administrators of %s: %s", e.dn, strings.Join(admins, "; "))
}

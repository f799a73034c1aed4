package dirsync

import (
	"context"
	"strings"
)

// takeovers are what each trustee could do to take an account over by its
// access control list, its own SID and what stands for it left out.
func takeovers(grants []grant, own SID) map[SID][]string {
	const self, creatorOwner = "S-1-5-10", "S-1-3-0"
	powers := map[SID][]string{}
	for _, g := range grants {
		if g.below || g.to == own || g.to == self || g.to == creatorOwner {
			continue
		}
		if can := takeover(g); can != "" {
			powers[g.to] = append(powers[g.to], can)
		}
	}
	return powers
}

// takeover says how a grant lets its holder take an account over; "" if it
// doesn't.
func takeover(g grant) string {
	all := g.right.IsZero()
	switch {
	case g.mask&accessOwns != 0:
		return "controls it"
	case g.mask&accessControl != 0 && (all || g.right == rightResetPassword):
		return "resets its password"
	case g.mask&accessAllWrites != 0, g.mask&accessWrite != 0 && all:
		return "changes it"
	case g.mask&accessWrite == 0:
		return ""
	}
	switch g.right.String() {
	case "5b47d60f-6090-40b2-9f37-2a4de88f3063": // msDS-KeyCredentialLink
		return "adds keys to sign in with"
	case "00fbf30c-91fe-11d1-aebc-0000f80367c1": // altSecurityIdentities
		return "adds certificates to sign in with"
	case "f3a64788-5306-11d1-a9c5-0000f80367c1": // servicePrincipalName
		return "names services of it, whose tickets can be cracked"
	case "bf967a68-0de6-11d0-a285-00aa003049e2", "4c164200-20c0-11d0-a768-00aa006e0529": // userAccountControl and its property set
		return "changes its restrictions"
	}
	return ""
}

// rules says whether a SID is one of those that rule a domain anyway: the system
// and the groups of administrators, and those of the domain's own keys.
func rules(sid SID) bool {
	if sid == "S-1-5-18" || sid == "S-1-5-9" || sid == "S-1-5-32-544" {
		return true
	}
	switch sid.RID() {
	case 500, 512, 516, 518, 519, 526, 527: // Administrator, Domain Admins, controllers, Schema, Enterprise, Key and Enterprise Key Admins
		return strings.HasPrefix(string(sid), "S-1-5-21-")
	}
	return false
}

// wellKnown are SIDs that no object of a domain has (MS-DTYP 2.4.2.4).
var wellKnown = map[SID]string{
	"S-1-1-0": "Everyone", "S-1-5-7": "Anonymous", "S-1-5-9": "Enterprise Domain Controllers", "S-1-5-11": "Authenticated Users", "S-1-5-18": "the system",
}

// trustee names who has a SID, by its SID if the account may not read more. A
// built-in group without members, such as Account Operators on a domain where
// nobody uses it, is nobody.
func (c *conn) trustee(ctx context.Context, sid SID) (name string, empty bool) {
	if known := wellKnown[sid]; known != "" {
		return known, false
	}
	e, err := c.one(ctx, "read of a trustee", query{base: "<SID=" + string(sid) + ">", attributes: []string{"sAMAccountName", "member"}})
	if err != nil || e.text("sAMAccountName") == "" {
		return string(sid), false
	}
	members := false
	for _, a := range e.attributes {
		lower := strings.ToLower(a.name) // member;range=0-1499 for a large group
		members = members || len(a.values) > 0 && (lower == "member" || strings.HasPrefix(lower, "member;"))
	}
	return e.text("sAMAccountName"), sid.Domain() == "S-1-5-32" && !members
}

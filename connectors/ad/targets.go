package ad

import (
	"fmt"
	"regexp"
	"strings"
)

// attributeNames are the attributes that a mapping may fill: those that
// Workspace has and that a client may write. It would ignore any other in a new
// user without a word (RFC 7644 §3.3). Keys are in small letters, without URNs of
// the core schemas: "title", "name.givenname", "emails" for a whole list,
// "emails[].value" for an element's part.
type attributeNames map[string]bool

// userNames are those of users and contacts (RFC 7643 §4.1, §4.3), groupNames
// those of groups (§4.2).
var (
	userNames = func() attributeNames {
		n := attributeNames{}
		n.add("", "userName", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage", "locale", "timezone", "active")
		n.add("name.", "formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
		for _, list := range []string{"emails", "phoneNumbers", "ims", "photos", "entitlements", "roles", "x509Certificates"} {
			n.add("", list)
			n.add(list+"[].", "value", "display", "primary")
		}
		n.add("", "addresses")
		n.add("addresses[].", "primary", "formatted", "streetAddress", "locality", "region", "postalCode", "country")
		n.add(enterprise, "employeeNumber", "costCenter", "organization", "division", "department", "manager")
		n.add(workspaceUser, "originAnchor", "originSid", "originDomain", "sAMAccountName", "employeeHireDate", "employeeLeaveDateTime")
		for i := 1; i <= 15; i++ {
			n.add(workspaceUser, fmt.Sprintf("extensionAttribute%d", i))
		}
		return n
	}()
	groupNames = func() attributeNames {
		n := attributeNames{}
		n.add("", "displayName")
		n.add(workspaceGroup, "groupType", "groupScope", "description", "sAMAccountName", "originAnchor", "originSid")
		return n
	}()
)

func (n attributeNames) add(prefix string, names ...string) {
	for _, name := range names {
		n[strings.ToLower(prefix+name)] = true
	}
}

// URNs of the core schemas, which a target may name before an attribute.
const (
	coreUser  = "urn:ietf:params:scim:schemas:core:2.0:User:"
	coreGroup = "urn:ietf:params:scim:schemas:core:2.0:Group:"
)

// customTarget is an attribute of a tenant's own, of a form that Workspace takes
// from sources of kind ad: it knows it from the first value on.
var customTarget = regexp.MustCompile(`(?i)^urn:ietf:params:scim:schemas:extension:([a-z][a-z0-9_-]{0,63}):2\.0:user:[a-z][a-z0-9_-]{0,63}$`)

// check says whether Workspace has a target of a kind of objects.
func (n attributeNames) check(target string, p path, users bool) error {
	name, core := strings.ToLower(p.root), coreGroup
	if users {
		core = coreUser
	}
	name = strings.TrimPrefix(name, strings.ToLower(core))
	if p.kind != "" {
		name += "[]." + strings.ToLower(p.sub)
	}
	if n[name] {
		return nil
	}
	if m := customTarget.FindStringSubmatch(target); m != nil && users && !strings.EqualFold(m[1], "enterprise") && !strings.EqualFold(m[1], "workspace") {
		return nil
	}
	if users {
		return fmt.Errorf("target %s: no user has this attribute; one of your own is urn:ietf:params:scim:schemas:extension:NAME:2.0:User:ATTRIBUTE", target)
	}
	return fmt.Errorf("target %s: no group has this attribute, and groups have none of your own", target)
}

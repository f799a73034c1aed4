package ad

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Mapping says which SCIM attribute comes from what, for each kind of object. A
// list that is nil is the default one ([DefaultMapping]); one that isn't replaces
// it as a whole.
type Mapping struct {
	Users    []Rule `json:"users,omitempty"`
	Groups   []Rule `json:"groups,omitempty"`
	Contacts []Rule `json:"contacts,omitempty"`
}

// Rule fills one SCIM attribute.
type Rule struct {
	// Target is a SCIM path: "userName", "name.familyName",
	// "urn:…:2.0:User:department", or an element of a list by its type:
	// `phoneNumbers[type eq "mobile"].value`. Elements come in the order of their
	// rules, and one without any value is left out.
	Target string   `json:"target"`
	Kind   RuleKind `json:"kind"`
	// Sources are attributes of the directory, or $anchor (objectGUID), $domain
	// (the domain's DNS name), $name (the name in the container). At most 16.
	Sources []string `json:"sources,omitempty"`
	// Format says how a direct rule reads its sources; text if empty.
	Format Format `json:"format,omitempty"`
	// Separator stands between the parts of a join.
	Separator string `json:"separator,omitempty"`
	// Cases are the values of a switch by the source's value, case-sensitive.
	Cases map[string]string `json:"cases,omitempty"`
	// Value is what a constant rule gives: text, a number or a boolean.
	Value any `json:"value,omitempty"`
	// Default comes in place of no value; without it the attribute is cleared.
	Default any `json:"default,omitempty"`
}

// RuleKind is how a rule gets its value.
type RuleKind string

// The kinds of rules.
const (
	// Direct takes the first of its sources that has a value; a Format may take
	// all of them into account.
	Direct RuleKind = "direct"
	// Constant takes Value.
	Constant RuleKind = "constant"
	// Join takes all its sources with Separator in between, and nothing if one
	// of them has no value.
	Join RuleKind = "join"
	// Switch takes the case of its source's value.
	Switch RuleKind = "switch"
)

// Format is how a direct rule reads its sources.
type Format string

// The formats.
const (
	Text            Format = "text"
	Boolean         Format = "boolean"         // TRUE, FALSE
	Number          Format = "number"          // a whole number up to 2^53
	SIDText         Format = "sid"             // S-1-5-21-…
	GeneralizedTime Format = "generalizedTime" // 20260131120000Z; a date and time of SCIM comes out
	FileTime        Format = "fileTime"        // 100 ns since 1601; 0 and 2^63-1 are no value
	// AccountEnabled reads userAccountControl and accountExpires.
	AccountEnabled Format = "accountEnabled"
	// UserName reads userPrincipalName, or makes sAMAccountName@domain.
	UserName Format = "userName"
	// Addresses reads mail and proxyAddresses into a whole list of e-mail
	// addresses; the target has to be a list.
	Addresses Format = "addresses"
	// GroupKind reads groupType and mail: security, mailEnabledSecurity,
	// distribution.
	GroupKind Format = "groupKind"
	// GroupScope reads groupType: global, domainLocal, universal.
	GroupScope Format = "groupScope"
	// Reference reads manager: the anchor of another object.
	Reference Format = "reference"
)

// fixed are the formats that read certain attributes, whatever their order.
var fixed = map[Format][]string{
	AccountEnabled: {"userAccountControl", "accountExpires"},
	UserName:       {"userPrincipalName", "sAMAccountName"},
	Addresses:      {"mail", "proxyAddresses"},
	GroupKind:      {"groupType", "mail"},
	GroupScope:     {"groupType"},
	Reference:      {"manager"},
}

var freeFormats = []Format{"", Text, Boolean, Number, SIDText, GeneralizedTime, FileTime}

// Sources that aren't attributes.
const (
	sourceAnchor = "$anchor"
	sourceDomain = "$domain"
	sourceName   = "$name"
)

// URNs of the schemas that the default mapping fills.
const (
	enterprise     = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:"
	workspaceUser  = "urn:ietf:params:scim:schemas:extension:workspace:2.0:User:"
	workspaceGroup = "urn:ietf:params:scim:schemas:extension:workspace:2.0:Group:"
)

// DefaultMapping is what is brought if a document says nothing else, as
// docs/ad.md has it in a table.
func DefaultMapping() Mapping {
	person := []Rule{
		direct("name.givenName", "givenName"),
		direct("name.familyName", "sn"),
		direct("name.middleName", "middleName"),
		direct("displayName", "displayName", sourceName),
		direct("title", "title"),
		direct("preferredLanguage", "preferredLanguage"),
		formatted("emails", Addresses),
		direct(`phoneNumbers[type eq "work"].value`, "telephoneNumber"),
		direct(`phoneNumbers[type eq "mobile"].value`, "mobile"),
		direct(`phoneNumbers[type eq "home"].value`, "homePhone"),
		direct(`phoneNumbers[type eq "fax"].value`, "facsimileTelephoneNumber"),
		direct(`phoneNumbers[type eq "pager"].value`, "pager"),
		direct(`addresses[type eq "work"].streetAddress`, "streetAddress"),
		direct(`addresses[type eq "work"].locality`, "l"),
		direct(`addresses[type eq "work"].region`, "st"),
		direct(`addresses[type eq "work"].postalCode`, "postalCode"),
		direct(`addresses[type eq "work"].country`, "c"),
		direct(enterprise+"department", "department"),
		direct(enterprise+"organization", "company"),
		direct(enterprise+"division", "division"),
		formatted(enterprise+"manager", Reference),
		direct(workspaceUser+"originAnchor", sourceAnchor),
		direct(workspaceUser+"originDomain", sourceDomain),
	}
	user := append(slices.Clone(person),
		formatted("userName", UserName),
		formatted("active", AccountEnabled),
		direct(workspaceUser+"sAMAccountName", "sAMAccountName"),
		direct(enterprise+"employeeNumber", "employeeID", "employeeNumber"),
		Rule{Target: workspaceUser + "originSid", Kind: Direct, Sources: []string{"objectSid"}, Format: SIDText},
		Rule{Target: workspaceUser + "employeeHireDate", Kind: Direct, Sources: []string{"extensionAttribute1"}, Format: GeneralizedTime},
		Rule{Target: workspaceUser + "employeeLeaveDateTime", Kind: Direct, Sources: []string{"extensionAttribute2"}, Format: GeneralizedTime},
	)
	for n := 1; n <= 15; n++ {
		name := fmt.Sprintf("extensionAttribute%d", n)
		user = append(user, direct(workspaceUser+name, name))
	}
	// A contact can't sign in, and needs some name: its first address, or its
	// anchor.
	contact := append(slices.Clone(person),
		direct("userName", "mail", sourceAnchor),
		Rule{Target: "active", Kind: Constant, Value: false},
		Rule{Target: "userType", Kind: Constant, Value: "Contact"},
	)
	return Mapping{
		Users:    user,
		Contacts: contact,
		Groups: []Rule{
			direct("displayName", "displayName", sourceName),
			formatted(workspaceGroup+"groupType", GroupKind),
			formatted(workspaceGroup+"groupScope", GroupScope),
			direct(workspaceGroup+"description", "description"),
			direct(workspaceGroup+"sAMAccountName", "sAMAccountName"),
			direct(workspaceGroup+"originAnchor", sourceAnchor),
			{Target: workspaceGroup + "originSid", Kind: Direct, Sources: []string{"objectSid"}, Format: SIDText},
		},
	}
}

func direct(target string, sources ...string) Rule {
	return Rule{Target: target, Kind: Direct, Sources: sources}
}

func formatted(target string, format Format) Rule {
	return Rule{Target: target, Kind: Direct, Sources: fixed[format], Format: format}
}

func (m Mapping) withDefaults() Mapping {
	standard := DefaultMapping()
	if m.Users == nil {
		m.Users = standard.Users
	}
	if m.Groups == nil {
		m.Groups = standard.Groups
	}
	if m.Contacts == nil {
		m.Contacts = standard.Contacts
	}
	return m
}

// reserved are filled by the connector and the server: externalId is the anchor.
var reserved = []string{"externalId", "id", "meta", "schemas", "members", "groups", "password"}

// path is a target, taken apart.
type path struct {
	root string // key in Change.Attributes: the whole target, or the list's name
	kind string // type of the list's element; empty if the target isn't an element
	sub  string // of the list's element
}

var (
	plainTarget = regexp.MustCompile(`^(?:urn:[A-Za-z0-9][A-Za-z0-9._:-]{0,198}:)?[A-Za-z$][A-Za-z0-9_$-]{0,63}(?:\.[A-Za-z$][A-Za-z0-9_$-]{0,63})?$`)
	listTarget  = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]{0,63})\[type eq "([A-Za-z0-9_-]{1,64})"\]\.([A-Za-z][A-Za-z0-9_-]{0,63})$`)
)

func parseTarget(target string) (path, error) {
	if m := listTarget.FindStringSubmatch(target); m != nil {
		return path{root: m[1], kind: m[2], sub: m[3]}, nil
	}
	if plainTarget.MatchString(target) {
		return path{root: target}, nil
	}
	return path{}, fmt.Errorf(`target %.100q: want an attribute, "name.familyName", "urn:…:attribute", or list[type eq "work"].value`, target)
}

func (m Mapping) check(faults *faultList) {
	for _, kind := range []struct {
		name   string
		rules  []Rule
		wanted string
		names  attributeNames
	}{
		{"users", m.Users, "userName", userNames},
		{"groups", m.Groups, "displayName", groupNames},
		{"contacts", m.Contacts, "userName", userNames},
	} {
		if kind.rules == nil {
			continue
		}
		at := "mapping." + kind.name
		if len(kind.rules) > mostRules {
			faults.add(at, "%d rules, want at most %d", len(kind.rules), mostRules)
		}
		shapes := map[string]bool{} // whether a root is a list of elements
		seen := map[string]bool{}
		for i, r := range kind.rules {
			here := fmt.Sprintf("%s[%d]", at, i)
			target, err := r.check()
			if err == nil {
				err = kind.names.check(r.Target, target, kind.name != "groups")
			}
			if err != nil {
				faults.add(here, "%w", err)
				continue
			}
			key := strings.ToLower(r.Target)
			if seen[key] {
				faults.add(here, "target %s has a rule already", r.Target)
			}
			seen[key] = true
			root := strings.ToLower(target.root)
			if list, known := shapes[root]; known && list != (target.kind != "") {
				faults.add(here, "target %s is filled as a whole and by its elements", target.root)
			}
			shapes[root] = target.kind != ""
		}
		if !seen[strings.ToLower(kind.wanted)] {
			faults.add(at, "nothing fills %s, which every object needs", kind.wanted)
		}
	}
}

// check says what is wrong with one rule.
func (r Rule) check() (path, error) {
	target, err := parseTarget(r.Target)
	if err != nil {
		return path{}, err
	}
	if slices.ContainsFunc(reserved, func(name string) bool { return strings.EqualFold(name, target.root) }) {
		return path{}, fmt.Errorf("target %s isn't a matter of the mapping", target.root)
	}
	for _, name := range r.Sources {
		if !isAttribute(name) && name != sourceAnchor && name != sourceDomain && name != sourceName {
			return path{}, fmt.Errorf("source %.60q is no attribute's name, nor %s, %s or %s", name, sourceAnchor, sourceDomain, sourceName)
		}
		if slices.Contains(unscopable, strings.ToLower(name)) && r.Format != Reference {
			return path{}, fmt.Errorf("source %s is a link; only manager can be read, by the format %s", name, Reference)
		}
	}
	if r.Kind != Direct && r.Format != "" {
		return path{}, fmt.Errorf("a %s rule has no format", r.Kind)
	}
	if err := r.checkKind(); err != nil {
		return path{}, err
	}
	if target.kind != "" && r.Format == Addresses {
		return path{}, fmt.Errorf("the format %s fills a whole list, such as emails", Addresses)
	}
	for _, v := range []any{r.Value, r.Default} {
		switch v.(type) {
		case nil, bool, float64, string:
		default:
			return path{}, fmt.Errorf("a value has to be text, a number or a boolean")
		}
	}
	return target, nil
}

func (r Rule) checkKind() error {
	const mostSources = 16
	sources := len(r.Sources)
	switch r.Kind {
	case Direct:
		if wanted, ok := fixed[r.Format]; ok {
			if !sameNames(r.Sources, wanted) {
				return fmt.Errorf("the format %s reads %q", r.Format, wanted)
			}
			return nil
		}
		if !slices.Contains(freeFormats, r.Format) {
			return fmt.Errorf("format %.60q isn't known", r.Format)
		}
		if sources == 0 || sources > mostSources {
			return fmt.Errorf("a direct rule has 1 to %d sources, not %d", mostSources, sources)
		}
	case Constant:
		if sources != 0 || r.Value == nil {
			return fmt.Errorf("a constant rule has a value and no source")
		}
	case Join:
		if sources < 2 || sources > mostSources {
			return fmt.Errorf("a join has 2 to %d sources, not %d", mostSources, sources)
		}
	case Switch:
		if sources != 1 || len(r.Cases) == 0 || len(r.Cases) > mostRules {
			return fmt.Errorf("a switch has one source and 1 to %d cases", mostRules)
		}
	default:
		return fmt.Errorf("kind %.60q, want %s, %s, %s or %s", r.Kind, Direct, Constant, Join, Switch)
	}
	return nil
}

func sameNames(a, b []string) bool {
	return slices.EqualFunc(a, b, strings.EqualFold)
}

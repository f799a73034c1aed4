package ad

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

// Document is the configuration of a source of kind ad, as the server keeps it
// and an administrator edits it. The zero value brings all users and groups by
// the default mapping.
type Document struct {
	Scope    Scope    `json:"scope"`
	Mapping  Mapping  `json:"mapping"`
	Policies Policies `json:"policies"`
	// Limits, Interval and Partitions are the runner's, and no part of what is
	// brought.
	Limits     json.RawMessage `json:"limits,omitempty"`
	Interval   json.RawMessage `json:"interval,omitempty"`
	Partitions json.RawMessage `json:"partitions,omitempty"`
}

// Scope says which objects are brought. Containers and groups are named by
// objectGUID, so that a rename changes nothing.
type Scope struct {
	// Containers are organizational units or other containers, at most 1,000 in
	// all. The nearest one that is named, at or above where an object stands,
	// decides. An object in an excluded one is never brought; if neither Include
	// nor Groups names anything, every other object is.
	Containers Containers `json:"containers"`
	// Groups, at most 1,000, bring themselves and their direct members, besides
	// what Containers includes.
	Groups []string `json:"groups,omitempty"`
	// Users, GroupObjects and Contacts are conditions on top of that: an object
	// is brought if it fulfils all clauses of one of the lists, or there is none.
	// At most 100 clauses each.
	Users        [][]Clause `json:"users,omitempty"`
	GroupObjects [][]Clause `json:"groupObjects,omitempty"`
	Contacts     [][]Clause `json:"contacts,omitempty"`
}

// Containers are lists of objectGUIDs.
type Containers struct {
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
}

// Policies decide what isn't a matter of scope or mapping. An empty one is the
// default, which is named first.
type Policies struct {
	// Names says what becomes of a user without givenName or sn: "require" brings
	// none that isn't known yet and leaves the names of one that is, with the
	// problem nameRequired; "accept" brings it as it is.
	Names string `json:"names,omitempty"`
	// Contacts: "skip" or "include".
	Contacts string `json:"contacts,omitempty"`
	// PrimaryGroups: "skip" brings the members that a group's object lists;
	// "include" also those who have it as their primary group, such as everybody
	// Domain Users.
	PrimaryGroups string `json:"primaryGroups,omitempty"`
	// Nested: "keep" brings groups that are members as members; "skip" doesn't;
	// "flatten" brings their members, by way of others too, instead of them.
	Nested string `json:"nested,omitempty"`
	// ScopeNested: "skip" takes the direct members of the scope's groups only;
	// "flatten" takes those of groups within them too.
	ScopeNested string `json:"scopeNested,omitempty"`
	// ScopeMailEnabled: "skip" brings nobody for a distribution or mail-enabled
	// group of the scope; "include" treats it as any other.
	ScopeMailEnabled string `json:"scopeMailEnabled,omitempty"`
}

// Values of policies.
const (
	require = "require"
	accept  = "accept"
	skip    = "skip"
	include = "include"
	keep    = "keep"
	flatten = "flatten"
)

// Bounds of a document.
const (
	mostDocument   = 256 << 10 // bytes, as the server's bound
	mostContainers = 1000
	mostGroups     = 1000
	mostClauses    = 100
	mostRules      = 256
	mostText       = 4096 // bytes of a value
)

// ParseDocument reads a document. A field that doesn't exist is refused by its
// name; empty bytes are the zero Document. The result has been checked.
func ParseDocument(b []byte) (Document, error) {
	var d Document
	if len(b) > mostDocument {
		return d, fmt.Errorf("ad: the configuration has %d bytes, want at most %d", len(b), mostDocument)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return d, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, fmt.Errorf("ad: configuration: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return d, errors.New("ad: configuration: something follows the JSON object")
	}
	return d, d.Check()
}

// Check says all that is wrong with a document, each with where it stands.
func (d Document) Check() error {
	faults := faultList{}
	d.Scope.check(&faults)
	d.Mapping.check(&faults)
	for _, p := range []struct {
		name, value string
		allowed     []string
	}{
		{"names", d.Policies.Names, []string{require, accept}},
		{"contacts", d.Policies.Contacts, []string{skip, include}},
		{"primaryGroups", d.Policies.PrimaryGroups, []string{skip, include}},
		{"nested", d.Policies.Nested, []string{keep, skip, flatten}},
		{"scopeNested", d.Policies.ScopeNested, []string{skip, flatten}},
		{"scopeMailEnabled", d.Policies.ScopeMailEnabled, []string{skip, include}},
	} {
		if p.value != "" && !slices.Contains(p.allowed, p.value) {
			faults.add("policies."+p.name, "%.60q, want one of %q", p.value, p.allowed)
		}
	}
	return errors.Join(faults.all...)
}

// faultList collects what is wrong.
type faultList struct{ all []error }

func (f *faultList) add(at, format string, args ...any) {
	f.all = append(f.all, fmt.Errorf("ad: %s: "+format, append([]any{at}, args...)...))
}

func (s Scope) check(faults *faultList) {
	guids(faults, "scope.containers.include", s.Containers.Include, mostContainers)
	guids(faults, "scope.containers.exclude", s.Containers.Exclude, mostContainers)
	for _, id := range s.Containers.Include {
		if slices.Contains(s.Containers.Exclude, id) {
			faults.add("scope.containers", "%s is included and excluded", id)
		}
	}
	guids(faults, "scope.groups", s.Groups, mostGroups)
	checkClauses(faults, "scope.users", s.Users)
	checkClauses(faults, "scope.groupObjects", s.GroupObjects)
	checkClauses(faults, "scope.contacts", s.Contacts)
}

func guids(faults *faultList, at string, ids []string, most int) {
	if len(ids) > most {
		faults.add(at, "%d are named, want at most %d", len(ids), most)
	}
	for i, id := range ids {
		if _, err := dirsync.ParseGUID(id); err != nil {
			faults.add(fmt.Sprintf("%s[%d]", at, i), "%.60q is no objectGUID, such as 5f2c1a90-0d5e-4a4e-9d3c-6a1f0b7c8d9e", id)
		}
	}
}

// parsed gives GUIDs that were checked.
func parsed(ids []string) map[dirsync.GUID]bool {
	set := make(map[dirsync.GUID]bool, len(ids))
	for _, text := range ids {
		id, err := dirsync.ParseGUID(text)
		if err == nil {
			set[id] = true
		}
	}
	return set
}

// sum stands for all that decides what is brought, defaults in full: another
// one needs everything to be read again.
func (d Document) sum() [sha256.Size]byte {
	d.Limits, d.Interval, d.Partitions = nil, nil, nil
	d.Mapping = d.Mapping.withDefaults()
	b, err := json.Marshal(d)
	if err != nil {
		// Nothing in it but text, numbers and lists of them, which were decoded.
		panic(fmt.Sprintf("ad: a configuration that was checked: %v", err))
	}
	return sha256.Sum256(b)
}

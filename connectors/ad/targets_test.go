package ad

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
)

// A mapping may fill exactly what Workspace has and a client may write, so no
// mapped value is lost without a word.
func TestTargetsAreWhatWorkspaceHas(t *testing.T) {
	set := schema.Must()
	for _, kind := range []struct {
		name, wanted string
		t            *schema.ResourceType
	}{{"users", "userName", set.User}, {"contacts", "userName", set.User}, {"groups", "displayName", set.Group}} {
		count := 0
		for path, writable := range paths(kind.t.Root) {
			m := Mapping{Users: []Rule{direct("userName", "x")}, Groups: []Rule{direct("displayName", "x")}, Contacts: []Rule{direct("userName", "x")}}
			rules := map[string]*[]Rule{"users": &m.Users, "groups": &m.Groups, "contacts": &m.Contacts}[kind.name]
			if !strings.EqualFold(path, kind.wanted) {
				*rules = append(*rules, direct(path, "x"))
			}
			err := Document{Mapping: m}.Check()
			if (err == nil) != writable {
				t.Errorf("%s: %s is writable: %t; %v", kind.name, path, writable, err)
			}
			if err == nil {
				count++
			}
		}
		names := userNames
		if kind.name == "groups" {
			names = groupNames
		}
		if count != len(names) {
			t.Errorf("%s: %d attributes of the schema can be filled, and %d are listed", kind.name, count, len(names))
		}
	}
}

// paths are a resource's attributes as targets, with whether they are for a
// mapping to fill.
func paths(root *schema.Attribute) map[string]bool {
	all := map[string]bool{}
	for _, a := range root.Subs {
		if a.Extension {
			for path, writable := range paths(a) {
				all[path] = writable
			}
			continue
		}
		writable := a.Mutability == schema.ReadWrite && a.Backing == schema.InDocument && !slices.Contains(reserved, a.Name)
		switch {
		case a.Type != schema.Complex || a.Name == "manager":
			all[a.Path] = writable
		case !a.MultiValued:
			for _, sub := range a.Subs {
				all[sub.Path] = writable && sub.Mutability == schema.ReadWrite
			}
		default:
			all[a.Path] = writable
			for _, sub := range a.Subs {
				if sub.Name != "type" {
					all[fmt.Sprintf(`%s[type eq "work"].%s`, a.Path, sub.Name)] = writable && sub.Mutability == schema.ReadWrite
				}
			}
		}
	}
	return all
}

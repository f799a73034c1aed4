package runner

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// Line is what a full pull would do with one object.
type Line struct {
	// Verb is the word of the event that would be written: created, linked,
	// revived, held, updated, enabled, disabled, deleted; refused for what the
	// server refuses, skipped for what the source doesn't tell, and noticed for
	// what it tells in part.
	Verb   string
	Kind   connectors.Kind // empty if it isn't known
	Anchor string
	Name   string
	// Why is the reason of a delete (deleted, outOfScope, absent), or the code
	// and sentence of what is refused, skipped or noticed; empty otherwise.
	Why string
	// Fields are what changes, in the order of their paths; empty for what is
	// created.
	Fields []Field
	// Joining and Leaving count members.
	Joining, Leaving int
}

// Field is an attribute that changes.
type Field struct {
	Path          string
	Before, After any // as encoding/json has them; nil for none
}

// word is the verb of an event: updated for user.updated.
func word(e scimclient.Event) string { return e.Type[strings.LastIndexByte(e.Type, '.')+1:] }

// fields are the attributes that events change, but for members and those that
// are waited for.
func fields(events []scimclient.Event) []Field {
	var out []Field
	for _, e := range events {
		out = differing(out, "", e.Before, e.After)
	}
	return slices.DeleteFunc(out, func(f Field) bool { return f.Path == "members" || f.Path == "waitingMembers" })
}

// differing appends what differs between two objects, down to the parts of
// complex attributes.
func differing(out []Field, prefix string, before, after map[string]any) []Field {
	paths := map[string]any{}
	maps.Copy(paths, before)
	maps.Copy(paths, after)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		x, y := before[path], after[path]
		was, complexBefore := x.(map[string]any)
		is, complexAfter := y.(map[string]any)
		switch {
		case complexBefore && complexAfter:
			out = differing(out, prefix+path+".", was, is)
		case !reflect.DeepEqual(x, y):
			out = append(out, Field{prefix + path, x, y})
		}
	}
	return out
}

func joining(events []scimclient.Event) (n int) {
	for _, e := range events {
		list, _ := e.After["members"].([]any)
		n += len(list)
	}
	return n
}

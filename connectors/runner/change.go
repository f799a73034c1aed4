package runner

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// merge gives what two changes of one object, one after the other, say together.
func merge(a, b connectors.Change) connectors.Change {
	out := b
	if out.Kind == "" {
		out.Kind = a.Kind
	}
	if out.Name == "" {
		out.Name = a.Name
	}
	if a.Presence != connectors.Present || b.Presence != connectors.Present {
		return out
	}
	if !b.Whole {
		out.Whole = a.Whole
		out.Attributes = make(map[string]any, len(a.Attributes)+len(b.Attributes))
		maps.Copy(out.Attributes, a.Attributes)
		maps.Copy(out.Attributes, b.Attributes)
		if out.Read == nil {
			out.Read = a.Read
		}
	}
	switch {
	case b.AllMembers:
	case a.AllMembers:
		out.AllMembers, out.Added, out.Removed = true, nil, nil
		out.Members = union(without(a.Members, b.Removed), b.Added)
	default:
		out.Added = union(without(a.Added, b.Removed), b.Added)
		out.Removed = union(without(a.Removed, b.Added), b.Removed)
	}
	return out
}

func without(list, gone []string) []string {
	if len(gone) == 0 {
		return list
	}
	drop := make(map[string]bool, len(gone))
	for _, s := range gone {
		drop[s] = true
	}
	var out []string
	for _, s := range list {
		if !drop[s] {
			out = append(out, s)
		}
	}
	return out
}

func union(list, more []string) []string {
	if len(more) == 0 {
		return list
	}
	return slices.Concat(without(list, more), more)
}

// weight is about how many bytes a change takes.
func weight(c connectors.Change) int {
	n := 256 + 48*(len(c.Members)+len(c.Added)+len(c.Removed))
	for path, v := range c.Attributes {
		n += 64 + len(path) + valueWeight(v)
	}
	return n
}

// valueWeight is about how many bytes a value takes besides its place.
func valueWeight(v any) int {
	n := 0
	switch v := v.(type) {
	case string:
		n = len(v)
	case []any:
		for _, e := range v {
			n += 16 + valueWeight(e)
		}
	case map[string]any:
		for name, e := range v {
			n += 64 + len(name) + valueWeight(e)
		}
	}
	return n
}

const (
	urnUser  = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnPatch = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

func endpointOf(k connectors.Kind) string {
	if k == connectors.Group {
		return scimclient.Groups
	}
	return scimclient.Users
}

// value is an attribute's value as SCIM has it: a manager is told by its anchor
// alone.
func value(path string, v any) any {
	if s, ok := v.(string); ok && isManager(path) {
		return map[string]any{"value": s}
	}
	return v
}

// document is a whole object as a resource (RFC 7643 §3). Its members are left
// out unless they are all told.
func document(c connectors.Change) (json.RawMessage, error) {
	core := urnUser
	if c.Kind == connectors.Group {
		core = urnGroup
	}
	doc := map[string]any{"externalId": c.Anchor}
	schemas := map[string]bool{core: true}
	for path, v := range c.Attributes {
		if v == nil {
			continue
		}
		at := doc
		if i := strings.LastIndexByte(path, ':'); i > 0 {
			urn := path[:i]
			if !schemas[urn] {
				schemas[urn] = true
				doc[urn] = map[string]any{}
			}
			if urn != core {
				at = doc[urn].(map[string]any)
			}
			v, path = value(path, v), path[i+1:]
		}
		if parent, sub, ok := strings.Cut(path, "."); ok {
			inner, _ := at[parent].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
				at[parent] = inner
			}
			at, path = inner, sub
		}
		at[path] = v
	}
	doc["schemas"] = slices.Sorted(maps.Keys(schemas))
	if c.AllMembers {
		doc["members"] = members(c.Members)
	} else if len(c.Added) > 0 {
		doc["members"] = members(c.Added) // of one that isn't there yet
	}
	return json.Marshal(doc)
}

func members(anchors []string) []map[string]string {
	out := make([]map[string]string, len(anchors))
	for i, a := range anchors {
		out[i] = map[string]string{"value": a}
	}
	return out
}

type patchOp struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// patch is a partial change as a PATCH (RFC 7644 §3.5.2) of only what changed;
// nil if nothing is told.
func patch(c connectors.Change) (json.RawMessage, error) {
	var ops []patchOp
	for _, path := range slices.Sorted(maps.Keys(c.Attributes)) {
		if v := c.Attributes[path]; v == nil {
			ops = append(ops, patchOp{Op: "remove", Path: path})
		} else {
			ops = append(ops, patchOp{"replace", path, value(path, v)})
		}
	}
	if c.AllMembers {
		ops = append(ops, patchOp{"replace", "members", members(c.Members)})
	}
	ops = append(ops, removals(c.Removed)...)
	if len(c.Added) > 0 {
		ops = append(ops, patchOp{"add", "members", members(c.Added)})
	}
	if len(ops) == 0 {
		return nil, nil
	}
	return json.Marshal(map[string]any{"schemas": []string{urnPatch}, "Operations": ops})
}

// removals removes members by the filters of RFC 7644 §3.5.2.2.
func removals(ids []string) []patchOp {
	var ops []patchOp
	for part := range slices.Chunk(ids, 40) {
		var b strings.Builder
		for i, id := range part {
			if i > 0 {
				b.WriteString(" or ")
			}
			quoted, _ := json.Marshal(id) // a string always marshals
			b.WriteString("value eq " + string(quoted))
		}
		ops = append(ops, patchOp{Op: "remove", Path: "members[" + b.String() + "]"})
	}
	return ops
}

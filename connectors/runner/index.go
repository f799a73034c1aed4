package runner

import (
	"context"
	"crypto/sha256"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/scimclient"
)

// ref is what the server has of an object.
type ref struct {
	kind    connectors.Kind
	id      string
	version string
}

// index is every object that the server has of the part, for a full pull. It is
// read once, as a stream. An object takes 48 bytes and what the map adds.
type index struct {
	entries map[indexKey]indexEntry
}

// indexKey is a hash of kind and externalId: 128 bits of SHA-256, so that two
// objects never meet.
type indexKey [16]byte

type indexEntry struct {
	id      uuid.UUID
	version uint64 // 0 if it isn't known
	group   bool
	told    bool
}

func keyOf(kind connectors.Kind, anchor string) indexKey {
	sum := sha256.Sum256([]byte(string(kind) + "\x00" + anchor))
	return indexKey(sum[:16])
}

var bothKinds = []connectors.Kind{connectors.User, connectors.Group}

// readIndex reads the objects that are wanted.
func readIndex(ctx context.Context, c *scimclient.Client, wanted func(connectors.Kind, string) bool) (*index, error) {
	x := &index{entries: map[indexKey]indexEntry{}}
	for _, kind := range bothKinds {
		err := c.Each(ctx, endpointOf(kind), func(r scimclient.Ref) error {
			if wanted(kind, r.ExternalID) {
				x.put(kind, r.ExternalID, r.ID, r.Version)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return x, nil
}

// put notes an object. One without externalId isn't of a connector's making; it
// is known by its id, so that it is found to be absent.
func (x *index) put(kind connectors.Kind, anchor, id, version string) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return // no resource of ours has such an id
	}
	if anchor == "" {
		anchor = "\x00" + id
	}
	key := keyOf(kind, anchor)
	e := x.entries[key]
	x.entries[key] = indexEntry{parsed, versionNumber(version), kind == connectors.Group, e.told}
}

func (x *index) forget(kind connectors.Kind, anchor string) {
	delete(x.entries, keyOf(kind, anchor))
}

func (x *index) get(kind connectors.Kind, anchor string) (ref, bool) {
	e, ok := x.entries[keyOf(kind, anchor)]
	if !ok {
		return ref{}, false
	}
	return ref{kind, e.id.String(), versionTag(e.version)}, true
}

// told notes that an object was told, and so isn't absent.
func (x *index) told(kind connectors.Kind, anchor string) {
	kinds := bothKinds
	if kind != "" {
		kinds = []connectors.Kind{kind}
	}
	for _, k := range kinds {
		key := keyOf(k, anchor)
		if e, ok := x.entries[key]; ok {
			e.told = true
			x.entries[key] = e
		}
	}
}

// absent gives the ids of what wasn't told, by kind.
func (x *index) absent() map[connectors.Kind][]string {
	out := map[connectors.Kind][]string{}
	for _, e := range x.entries {
		kind := connectors.User
		if e.group {
			kind = connectors.Group
		}
		if !e.told {
			out[kind] = append(out[kind], e.id.String())
		}
	}
	return out
}

// count says how many objects there are, and how many of them are users.
func (x *index) count() (objects, users int) {
	for _, e := range x.entries {
		if !e.group {
			users++
		}
	}
	return len(x.entries), users
}

// versionNumber reads a weak ETag of ours, W/"12"; 0 for any other.
func versionNumber(tag string) uint64 {
	n, err := strconv.ParseUint(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func versionTag(n uint64) string {
	if n == 0 {
		return ""
	}
	return `W/"` + strconv.FormatUint(n, 10) + `"`
}

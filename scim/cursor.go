package scim

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// cursor is a place in a list (RFC 9865). It names the last resource of a page
// by its sort key, so pages stay right while resources come and go, and any
// process can continue it. It holds no secret; Sum binds it to the list that it
// was made for, so that it can't carry over to another tenant, source, filter or
// order, and finds out one that was garbled on the way.
type cursor struct {
	Sum   uint64 `json:"c"`
	Type  int    `json:"t,omitempty"` // index of the resource type, where several are listed
	Key   string `json:"k,omitempty"`
	Null  bool   `json:"n,omitempty"`
	RID   int64  `json:"r"`
	Index int    `json:"i"`
	Start bool   `json:"s,omitempty"` // at the beginning of Type
}

// encode writes the cursor for the list with this fingerprint.
func (c cursor) encode(query uint64) string {
	c.Sum = c.sum(query)
	return base64.RawURLEncoding.EncodeToString(c.json())
}

func (c cursor) json() []byte {
	b, _ := json.Marshal(c) // numbers, strings and booleans always marshal
	return b
}

func (c cursor) sum(query uint64) uint64 {
	c.Sum = query
	h := fnv.New64a()
	_, _ = h.Write(c.json())
	return h.Sum64()
}

func (c cursor) position() *store.Position {
	if c.Start {
		return nil
	}
	return &store.Position{Key: c.Key, Null: c.Null, RID: c.RID, Index: c.Index}
}

const maxCursor = 8 << 10

// decodeCursor reads a cursor; the empty one asks for the first page.
func decodeCursor(s string, query uint64) (*cursor, error) {
	if s == "" {
		return &cursor{Start: true}, nil
	}
	bad := errScim(http.StatusBadRequest, typeInvalidCursor, "The cursor is not one that was given for this list. Begin again with an empty one.")
	if len(s) > maxCursor {
		return nil, bad
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, bad
	}
	var c cursor
	if json.Unmarshal(b, &c) != nil || c.Sum != c.sum(query) || c.Type < 0 || c.Index < 0 || c.RID < 0 || strings.ContainsRune(c.Key, 0) {
		return nil, bad
	}
	return &c, nil
}

// fingerprint binds a cursor to a list.
func (r *request) fingerprint(q listQuery, kind string) uint64 {
	h := fnv.New64a()
	v := r.actor.View()
	_ = binary.Write(h, binary.LittleEndian, []int64{v.Tenant, v.Source})
	for _, s := range []string{kind, q.filterText, q.sortBy, strconv.FormatBool(q.descending)} {
		_ = binary.Write(h, binary.LittleEndian, int64(len(s)))
		_, _ = h.Write([]byte(s))
	}
	return h.Sum64()
}

package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// A source in staging imports and evaluates, but writes nothing (row E011): its
// transactions are rolled back, and what they would have told is kept, the
// latest for each object.

// maxPending is how many bytes of changes of one object are kept; of larger
// ones stay the types and reasons.
const maxPending = 256 << 10

// stage remembers what a write of a source in staging is about. What is there
// goes by its id, what would be created by what the source calls it: its own id
// differs each time.
func (w *Writer) stage(s *subject, doc *document.Object, exists bool) {
	if !w.actor.staging() {
		return
	}
	if w.staged == nil {
		w.staged = map[string]string{}
	}
	key := s.res.ID
	if !exists {
		key = strings.ToLower(s.t.Name) + ":" + firstNonempty(doc.Text(s.t.ExternalID), doc.Text(s.t.UserName), doc.Text(s.t.DisplayName))
	}
	w.staged[s.res.ID] = key
}

func firstNonempty(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// change is an event as it is kept: without what differs when the same write
// comes again.
type change struct {
	Type    string          `json:"type"`
	Outcome string          `json:"outcome"`
	Reason  string          `json:"reason,omitempty"`
	Detail  string          `json:"detail,omitempty"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

// keepPending keeps the events that a write would have told, by object. An
// object that was written without effect has nothing pending any more.
func (d *Directory) keepPending(ctx context.Context, a Actor, events []store.Event, staged map[string]string) error {
	if len(staged) == 0 {
		return nil
	}
	changes := map[string][]change{}
	for _, key := range staged {
		changes[key] = nil
	}
	for _, e := range events {
		key, known := staged[e.Subject]
		if !known {
			key = e.Subject
		}
		if key != "" {
			changes[key] = append(changes[key], change{Type: e.Type, Outcome: e.Outcome, Reason: e.Reason, Detail: e.Detail, Before: e.Before, After: e.After})
		}
	}
	return d.store.Update(ctx, func(tx store.Tx) error {
		s, err := tx.SourceByPublicID(a.Source.PublicID)
		if err != nil || s.Mode != store.ModeStaging {
			return err
		}
		for key, list := range changes {
			if err := d.putPending(tx, s, key, list); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *Directory) putPending(tx store.Tx, s store.Source, key string, list []change) error {
	if len(list) == 0 {
		return tx.DeletePending(s.ID, key)
	}
	b, err := json.Marshal(list)
	if err == nil && len(b) > maxPending {
		for i := range list {
			list[i].Before, list[i].After = nil, nil
		}
		b, err = json.Marshal(list)
	}
	if err != nil {
		return err
	}
	h := sha256.New()
	h.Write([]byte(key + "\n"))
	h.Write(b)
	return tx.PutPending(store.Pending{Tenant: s.Tenant, Source: s.ID, Key: key, Changes: b, Hash: h.Sum(nil), At: d.now()})
}

// PendingSummary is how much a source in staging would change, and the hash by
// which a person confirms it (row E015).
type PendingSummary struct {
	Count int64
	Hash  string // hex; "" for nothing
}

func pendingSummary(r store.Reader, source int64) (PendingSummary, error) {
	var sum PendingSummary
	var h hash.Hash = sha256.New()
	err := r.PendingHashes(source, func(one []byte) error {
		sum.Count++
		h.Write(one)
		return nil
	})
	if sum.Count > 0 {
		sum.Hash = hex.EncodeToString(h.Sum(nil))
	}
	return sum, err
}

// Pending gives what a source in staging would have changed, in the order of
// the keys, behind a key; and all of it in sum.
func (d *Directory) Pending(ctx context.Context, a Actor, source, after string, limit int) (all []store.Pending, sum PendingSummary, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		s, err := seenSource(r, a, source)
		if err != nil {
			return err
		}
		if sum, err = pendingSummary(r, s.ID); err != nil {
			return err
		}
		all, err = r.Pending(s.ID, after, limit)
		return err
	})
	return all, sum, err
}

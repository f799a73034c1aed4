package directory

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Notice is what a stream's receiver is told of one event of the log: the claims
// of a security event token that are about the event (RFC 8417 §2.2).
type Notice struct {
	Seq  int64
	Time time.Time
	Txn  string
	// URI is the path of the resource below the endpoint, and ExternalID what the
	// source calls it that the stream is about, "" for none (RFC 9967 §2.1).
	URI        string
	ExternalID string
	// Events are the payloads by their URIs, at least one.
	Events map[string]any
}

// teller makes notices of events for one stream, in one View.
type teller struct {
	d *Directory
	r store.Reader
	x store.Stream

	links  map[int64]store.Link   // of the source that limits the stream, by rid
	states map[string]store.State // of resources that lost a link
}

func (d *Directory) newTeller(r store.Reader, x store.Stream) *teller {
	return &teller{d: d, r: r, x: x, links: map[int64]store.Link{}, states: map[string]store.State{}}
}

// limit is the source to whose resources the stream is limited, 0 for none.
func (t *teller) limit() int64 {
	if t.x.Source != 0 {
		return t.x.Source
	}
	return t.x.Subjects
}

// prepare reads what the events are about.
func (t *teller) prepare(events []store.Event) error {
	var rids []int64
	var ids []string
	for _, e := range events {
		if e.SubjectRID != 0 {
			rids = append(rids, e.SubjectRID)
		}
		if strings.HasSuffix(e.Type, ".deleted") {
			ids = append(ids, e.Subject)
		}
	}
	if source := t.limit(); source != 0 && len(rids) > 0 {
		links, err := t.r.LinksTo(source, rids)
		if err != nil {
			return err
		}
		for _, l := range links {
			t.links[l.RID] = l
		}
	}
	if t.x.Source != 0 || len(ids) == 0 {
		return nil
	}
	refs, err := t.r.Refs(store.View{Tenant: t.x.Tenant}, ids)
	for _, ref := range refs {
		t.states[ref.ID] = ref.State
	}
	return err
}

// payloads gives what the stream wants of an event, with nil for each payload
// that can hold values; nil if it wants nothing.
func (t *teller) payloads(e store.Event) (events map[string]any, externalID string) {
	if e.Type == eventRequestDone {
		return t.completed(e), ""
	}
	var link *store.Link
	if l, ok := t.links[e.SubjectRID]; ok {
		link, externalID = &l, l.ExternalID
	}
	f := meaningOf(t.x, e, link)
	if f.gone {
		f.gone = false
		switch t.states[e.Subject] {
		case store.Orphaned:
			f.patch, f.deactivate = true, true
		case store.Live:
			f.patch = true
		case store.Deleted, store.Purged:
			// RFC 9967 §2.4.4: of what is deleted no removal is told.
			f.remove, f.removed = true, false
		}
	}
	if f.nothing() {
		return nil, ""
	}
	events = map[string]any{}
	add := func(is bool, uri string, payload any) {
		if is && t.wants(uri) {
			events[uri] = payload
		}
	}
	add(f.create, uriCreateFull, nil)
	add(f.create && !t.wants(uriCreateFull), uriCreateNotice, object{"attributes": append([]string{"id"}, attributesOf(e)...)})
	add(f.patch, uriPutFull, nil)
	add(f.patch && !t.wants(uriPutFull), uriPatchNotice, object{"attributes": attributesOf(e)})
	add(f.members, uriPatchFull, membersPatch(e))
	add(f.members && !t.wants(uriPatchFull), uriPatchNotice, object{"attributes": []string{"members"}})
	for uri, is := range map[string]bool{uriDelete: f.remove, uriActivate: f.activate, uriDeactivate: f.deactivate, uriFeedAdd: f.added, uriFeedRemove: f.removed} {
		add(is, uri, object{})
	}
	if len(events) == 0 {
		return nil, ""
	}
	return events, externalID
}

// completed tells who may see what a source did what became of its request.
func (t *teller) completed(e store.Event) map[string]any {
	if source := t.limit(); source != 0 && e.Source != source || !t.wants(AsyncResponseURI) {
		return nil
	}
	var said struct{ Operation json.RawMessage }
	if json.Unmarshal(orEmpty(e.After), &said) != nil {
		return nil
	}
	return map[string]any{AsyncResponseURI: said.Operation}
}

type object = map[string]any

func (t *teller) wants(uri string) bool {
	_, found := slices.BinarySearch(t.x.Events, uri)
	return found
}

// membersPatch is the PATCH that does what an event tells of (RFC 9967 §2.4.2).
func membersPatch(e store.Event) any {
	var ops []object
	for _, side := range []struct {
		op  string
		doc []byte
	}{{"remove", e.Before}, {"add", e.After}} {
		var said struct{ Members []string }
		if json.Unmarshal(orEmpty(side.doc), &said) != nil || len(said.Members) == 0 {
			continue
		}
		values := make([]object, len(said.Members))
		for i, id := range said.Members {
			values[i] = object{"value": id}
		}
		ops = append(ops, object{"op": side.op, "path": "members", "value": values})
	}
	return object{"data": object{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops}}
}

// notice finishes what payloads gave of an event.
func (t *teller) notice(e store.Event, events map[string]any, externalID string) (Notice, error) {
	if e.Type == eventRequestDone {
		var said struct{ Path string }
		err := json.Unmarshal(orEmpty(e.After), &said)
		return Notice{Seq: e.Seq, Time: e.Time, Txn: e.Txn, URI: said.Path, Events: events}, err
	}
	name, _, _ := strings.Cut(e.Type, ".")
	kind, _ := kindNamed(name)
	n := Notice{Seq: e.Seq, Time: e.Time, Txn: e.Txn, URI: t.d.own.OfKind(kind).Endpoint + "/" + e.Subject, ExternalID: externalID, Events: events}
	for uri, payload := range events {
		if payload != nil {
			continue
		}
		full, err := t.full(kind, e.Subject)
		switch {
		case errors.Is(err, store.ErrNotFound):
			// It is gone by now, which a later event tells.
			delete(events, uri)
			notice := map[string]string{uriCreateFull: uriCreateNotice, uriPutFull: uriPatchNotice}[uri]
			events[notice] = object{"attributes": attributesOf(e)}
		case err != nil:
			return Notice{}, err
		default:
			events[uri] = full
		}
	}
	return n, nil
}

// full is the payload with the resource as it is now, without its members and
// groups, and the version that this is (RFC 9967 §2.2).
func (t *teller) full(kind schema.Kind, id string) (object, error) {
	rec, err := t.r.Record(store.View{Tenant: t.x.Tenant}, kind, id, false)
	if err != nil {
		return nil, err
	}
	quoted, err := json.Marshal(rec.ID)
	if err != nil {
		return nil, err
	}
	data := append([]byte(`{"id":`), quoted...)
	if inner := rec.Doc[1 : len(rec.Doc)-1]; len(inner) > 0 {
		data = append(append(data, ','), inner...)
	}
	return object{"version": `W/"` + strconv.FormatInt(rec.Version, 10) + `"`, "data": json.RawMessage(append(data, '}'))}, nil
}

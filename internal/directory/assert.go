package directory

import (
	"bytes"
	"slices"

	"github.com/workspace-scim/workspace/internal/reconcile"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// party is one source's part in a resource while it is being written: its link
// as read (nil for a new one), its link as it will be, and its document.
type party struct {
	source store.Source
	before *store.Link
	link   store.Link
	doc    *document.Object
}

// subject is a resource while it is being written.
type subject struct {
	t       *schema.ResourceType
	before  *store.Resource // nil for a new one
	res     store.Resource
	parties []*party
	// resolved is the resolved document as it was read, doc as it will be; nil
	// if it hasn't been worked out.
	resolved, doc *document.Object
	// groups are those that the actor sees, if Writer.Groups asks for them.
	groups []store.Membership
	// held is what waits of what the actor's source asked for, nil for nothing.
	held *store.HeldChange
	// waits are references that the resource makes and that can't be resolved.
	waits []store.Parked
}

// load adds to a resource what its sources assert.
func (w *Writer) load(t *schema.ResourceType, res store.Resource) (*subject, error) {
	links, err := w.tx.Links(res.RID)
	if err != nil {
		return nil, err
	}
	return w.gather(t, res, links)
}

// gather makes a subject of a resource and all its links.
func (w *Writer) gather(t *schema.ResourceType, res store.Resource, links []store.Link) (*subject, error) {
	before := res
	resolved, err := document.MustDecode(t, res.Doc)
	if err != nil {
		return nil, err
	}
	if res.State != store.Deleted {
		before.Keys = document.Keys(resolved)
	}
	s := &subject{t: t, before: &before, res: res, resolved: resolved}
	for _, l := range links {
		source, err := w.source(l.Source)
		if err != nil {
			return nil, err
		}
		p := &party{source: source, before: &l, link: l, doc: resolved}
		if l.Own {
			if p.doc, err = document.MustDecode(t, l.Doc); err != nil {
				return nil, err
			}
			if l.State.Live() {
				p.before.Keys = document.Keys(p.doc)
			}
		}
		s.parties = append(s.parties, p)
	}
	return s, nil
}

// source gives a source with the policies that hold now: the actor's own as it
// was authenticated.
func (w *Writer) source(id int64) (store.Source, error) {
	if id == w.actor.Source.ID {
		return w.actor.Source, nil
	}
	return w.d.SourceInfo(w.tx, w.actor.Tenant.ID, id)
}

// of gives the actor's party, nil if its source has no link.
func (s *subject) of(source int64) *party {
	i := slices.IndexFunc(s.parties, func(p *party) bool { return p.source.ID == source })
	if i < 0 {
		return nil
	}
	return s.parties[i]
}

// live gives the parties whose link counts for the resolved resource.
func (s *subject) live() []*party {
	var out []*party
	for _, p := range s.parties {
		if p.link.State == store.Linked {
			out = append(out, p)
		}
	}
	return out
}

// assert puts a document into the actor's link, as the source asserts it.
func (w *Writer) assert(s *subject, doc *document.Object) *party {
	p := s.of(w.actor.Source.ID)
	if p == nil {
		p = &party{source: w.actor.Source, link: store.Link{
			RID: s.res.RID, Tenant: w.actor.Tenant.ID, Kind: s.t.Kind, Source: w.actor.Source.ID,
			State: store.Linked, CreatedAt: w.now,
		}}
		s.parties = append(s.parties, p)
	}
	p.doc = doc
	p.link.ExternalID = doc.Text(s.t.ExternalID)
	p.link.Anchor = doc.Text(s.t.Anchor)
	p.link.Version++
	p.link.ModifiedAt = w.now
	return p
}

// save works out what the assertions lead to and writes what changed: the
// resource, and each link whose document is shared or split anew. It returns
// whether the resolved resource changed.
func (w *Writer) save(s *subject) (changed bool, err error) {
	if err := w.resolve(s); err != nil {
		return false, err
	}
	changed = s.before == nil || !sameResource(s.before, &s.res)
	if changed {
		s.res.Version++
		s.res.ModifiedAt = w.now
		if s.before == nil {
			err = w.tx.InsertResource(&s.res)
		} else {
			err = w.tx.UpdateResource(s.before, &s.res)
		}
		if err != nil {
			return false, err
		}
	}
	for _, p := range s.parties {
		if err := w.saveLink(s, p); err != nil {
			return false, err
		}
	}
	if err := w.followAuthority(s); err != nil {
		return false, err
	}
	w.turned(s)
	for _, wait := range s.waits {
		wait.RID = s.res.RID
		if err := w.tx.Park(wait); err != nil {
			return false, err
		}
	}
	return changed, nil
}

// resolve fills the resource from its parties.
func (w *Writer) resolve(s *subject) error {
	live := s.live()
	if len(live) == 0 {
		return w.abandon(s)
	}
	assertions := make([]reconcile.Assertion, len(live))
	for i, p := range live {
		manager, err := w.manager(s, p)
		if err != nil {
			return err
		}
		assertions[i] = reconcile.Assertion{Source: p.source, Chosen: p.source.ID == s.res.Chosen, Doc: p.doc, Manager: manager}
	}
	r := reconcile.Resolve(s.t, assertions)
	s.res.Authority, s.res.Class = r.Authority, r.Class
	if s.res.State != store.Live {
		s.res.State, s.res.StateAt = store.Live, w.now
	}
	w.setDocument(s, r.Doc)
	return nil
}

// abandon is what becomes of a resource that no source asserts any more: a user
// is disabled and waits, a group is gone (law 9). One that is held for its
// only source stays so while that link lives.
func (w *Writer) abandon(s *subject) error {
	held := slices.IndexFunc(s.parties, func(p *party) bool { return p.link.State == store.LinkParked })
	switch {
	case held >= 0:
		p := s.parties[held]
		s.res.Authority, s.res.Class = p.source.ID, reconcile.ClassManual
		if s.res.State != store.Held {
			s.res.State, s.res.StateAt = store.Held, w.now
		}
		w.setDocument(s, p.doc)
	case s.t.Kind == schema.User && s.before != nil && s.before.State == store.Live:
		s.res.State, s.res.StateAt = store.Orphaned, w.now
		doc, err := document.MustDecode(s.t, s.res.Doc)
		if err != nil {
			return err
		}
		doc.Set(s.t.Active, false)
		w.setDocument(s, doc)
	case s.res.State != store.Deleted:
		w.softDelete(s)
	}
	return nil
}

// softDelete hides the resource and frees its name.
func (w *Writer) softDelete(s *subject) {
	s.res.State, s.res.StateAt = store.Deleted, w.now
	s.res.UniqueKey = ""
	if s.before != nil {
		s.res.Keys = nil
	}
}

func (w *Writer) setDocument(s *subject, doc *document.Object) {
	s.doc = doc
	s.res.Doc = document.Encode(s.t, doc)
	s.res.Keys = document.Keys(doc)
	s.res.Display = doc.Text(s.t.DisplayName)
	s.res.UniqueKey = ""
	if s.t.UserName != nil {
		if s.res.State.Visible() {
			s.res.UniqueKey = s.t.UserName.Key(doc.Text(s.t.UserName))
		}
		if s.res.Display == "" {
			s.res.Display = doc.Text(s.t.UserName)
		}
	}
}

func sameResource(a, b *store.Resource) bool {
	return a.State == b.State && a.Authority == b.Authority && a.Chosen == b.Chosen && a.Class == b.Class && bytes.Equal(a.Doc, b.Doc)
}

// saveLink writes a link if it changed, or if its document is no longer the
// resolved one, or has become it.
func (w *Writer) saveLink(s *subject, p *party) error {
	doc := document.Encode(s.t, p.doc)
	p.link.RID = s.res.RID
	p.link.Own = !bytes.Equal(doc, s.res.Doc)
	p.link.Doc, p.link.Keys = nil, nil
	if p.link.Own {
		p.link.Doc = doc
		if p.link.State.Live() {
			p.link.Keys = document.Keys(p.doc)
		}
	}
	if p.before != nil && sameLink(p.before, &p.link) {
		return nil
	}
	return w.tx.PutLink(p.before, &p.link)
}

func sameLink(a, b *store.Link) bool {
	return a.State == b.State && a.Version == b.Version && a.ExternalID == b.ExternalID && a.Anchor == b.Anchor &&
		a.Own == b.Own && bytes.Equal(a.Doc, b.Doc)
}

// record gives the resource as the actor sees it.
func (w *Writer) record(s *subject) store.Record {
	rec := store.Record{Resource: s.res, Groups: s.groups}
	for _, p := range s.parties {
		if !p.link.State.Live() {
			continue
		}
		rec.Presence = append(rec.Presence, p.source.ID)
		if p.source.ID != w.actor.Source.ID || w.actor.Admin {
			continue
		}
		rec.Version, rec.CreatedAt, rec.ModifiedAt = p.link.Version, p.link.CreatedAt, p.link.ModifiedAt
		if p.link.Own {
			rec.Doc = p.link.Doc
		}
	}
	slices.Sort(rec.Presence)
	return rec
}

package directory

import (
	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// In an upload the manager is named by externalId, whatever the order of the
// records (row E057). What is asserted is the user who has it: the id takes its
// place, at once or when that user arrives, so that the source reads back whom it
// meant.

// resolveManager puts the id of the manager that a record names in place of what
// it names. It returns the name where nobody has it yet, "" otherwise.
func (b *batch) resolveManager(w *Writer, said *document.Object) (waits string, err error) {
	ref := managerRef(b.t, said)
	if ref == "" {
		return "", nil
	}
	id, known := b.managers[ref]
	if !known {
		target, err := b.findManager(w, ref)
		if err != nil || target == nil || !target.State.Visible() && target.State != store.Held {
			return ref, err
		}
		id = target.ID
		b.managers[ref] = id
	}
	setManager(b.t, said, id)
	return "", nil
}

func (b *batch) findManager(w *Writer, ref string) (*store.Ref, error) {
	target, err := w.finder().findNamed(b.actor.Source.ID, ref, schema.User)
	if err != nil || target != nil || uuid.Validate(ref) != nil {
		return target, err
	}
	return w.finder().find(b.actor.Source, ref, schema.User)
}

func setManager(t *schema.ResourceType, doc *document.Object, id string) {
	m := &document.Object{}
	m.Set(t.Manager.Value(), id)
	doc.SetAt(t.Manager, m)
}

// awaitManager remembers that a user's manager is to be put in place on arrival.
// Who is one's own manager has arrived.
func (b *batch) awaitManager(w *Writer, said *document.Object, ref string, res Result) error {
	if ref != said.Text(b.t.ExternalID) {
		return w.tx.Park(store.Parked{Tenant: b.actor.Tenant.ID, Source: b.actor.Source.ID, Ref: ref, Kind: store.ParkedUpload, RID: res.Record.RID})
	}
	_, err := w.Modify(b.t, res.Record.ID, nil, Change{Apply: func(doc *document.Object) error {
		setManager(b.t, doc, res.Record.ID)
		return nil
	}})
	return err
}

// joinUploaded puts the id of who arrived in the place of what an upload named,
// if that is still what the source asserts.
func (w *Writer) joinUploaded(p store.Parked, res store.Resource, target *subject) error {
	s, err := w.load(target.t, res)
	if err != nil {
		return err
	}
	own := s.of(p.Source)
	if own == nil || !own.link.State.Live() || managerRef(s.t, own.doc) != p.Ref {
		return nil
	}
	doc := own.doc.Clone()
	setManager(s.t, doc, target.res.ID)
	w.assert(s, doc)
	_, err = w.save(s)
	return err
}

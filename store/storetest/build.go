package storetest

import (
	"slices"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// newUser builds a live user that source owns. json is the document without the
// userName, "" for nothing else.
func (w *world) newUser(source int64, userName, json string) store.Resource {
	w.Helper()
	o := w.object(schema.User, json)
	o.Set(w.set.User.UserName, userName)
	r := w.newResource(schema.User, source, userName, o)
	r.UniqueKey = schema.Fold(userName)
	return r
}

// newGroup builds a live group that source owns. json is the document without
// the displayName.
func (w *world) newGroup(source int64, name, json string) store.Resource {
	w.Helper()
	o := w.object(schema.Group, json)
	o.Set(w.set.Group.DisplayName, name)
	return w.newResource(schema.Group, source, name, o)
}

func (w *world) newResource(kind schema.Kind, source int64, display string, o *document.Object) store.Resource {
	r := store.Resource{
		Tenant: w.tenant, Kind: kind, ID: uuid.NewString(), Display: display, Authority: source, Class: "cloudOnly",
		State: store.Live, StateAt: at(0), Version: 1, CreatedAt: at(0), ModifiedAt: at(0),
	}
	r.Doc, r.Keys = o.AppendJSON(nil), document.Keys(o)
	return r
}

// newLink builds a source's live link to a resource, without a document of its
// own.
func newLink(source int64, r store.Resource) store.Link {
	return store.Link{
		RID: r.RID, Tenant: r.Tenant, Kind: r.Kind, Source: source,
		State: store.Linked, Version: 1, CreatedAt: at(0), ModifiedAt: at(0),
	}
}

// own gives a link a document of its own.
func (w *world) own(l *store.Link, json string) {
	w.Helper()
	o := w.object(l.Kind, json)
	l.Own, l.Doc, l.Keys = true, o.AppendJSON(nil), document.Keys(o)
}

// object reads a document; json may be "" for an empty one.
func (w *world) object(kind schema.Kind, json string) *document.Object {
	w.Helper()
	if json == "" {
		return &document.Object{}
	}
	d, err := document.Decode(w.set.OfKind(kind), []byte(json), nil)
	if err != nil {
		w.Fatalf("a document of this suite is broken: %s: %v", json, err)
	}
	return d.Object
}

// user inserts a user with a link of its source.
func (w *world) user(source int64, userName, json string) store.Resource {
	w.Helper()
	r := w.newUser(source, userName, json)
	w.put(&r)
	return r
}

// group inserts a group with a link of its source.
func (w *world) group(source int64, name, json string) store.Resource {
	w.Helper()
	r := w.newGroup(source, name, json)
	w.put(&r)
	return r
}

// put inserts resources, each with a link of its authority.
func (w *world) put(resources ...*store.Resource) {
	w.Helper()
	w.update(func(tx store.Tx) error {
		for _, r := range resources {
			if err := tx.InsertResource(r); err != nil {
				return err
			}
			l := newLink(r.Authority, *r)
			if err := tx.PutLink(nil, &l); err != nil {
				return err
			}
		}
		return nil
	})
}

// link inserts a link; edit may be nil.
func (w *world) link(source int64, r store.Resource, edit func(*store.Link)) store.Link {
	w.Helper()
	l := newLink(source, r)
	if edit != nil {
		edit(&l)
	}
	w.update(func(tx store.Tx) error { return tx.PutLink(nil, &l) })
	return l
}

// change updates a resource as callers do: read, edit, next version, write.
func (w *world) change(rid int64, edit func(*store.Resource)) {
	w.Helper()
	w.update(func(tx store.Tx) error { return w.changeIn(tx, rid, edit) })
}

func (w *world) changeIn(tx store.Tx, rid int64, edit func(*store.Resource)) error {
	before, err := tx.Resource(w.tenant, rid)
	if err != nil {
		return err
	}
	r := before
	edit(&r)
	r.Version++
	return w.write(tx, before, r)
}

// write updates a resource as it was read to what it should be.
func (w *world) write(tx store.Tx, before, r store.Resource) (err error) {
	if before.Keys, err = w.keys(before.Kind, before.Doc); err != nil {
		return err
	}
	if r.Keys, err = w.keys(r.Kind, r.Doc); err != nil {
		return err
	}
	return tx.UpdateResource(&before, &r)
}

// changeLink updates a source's link to a resource.
func (w *world) changeLink(source, rid int64, edit func(*store.Link)) {
	w.Helper()
	w.update(func(tx store.Tx) error { return w.changeLinkIn(tx, source, rid, edit) })
}

func (w *world) changeLinkIn(tx store.Tx, source, rid int64, edit func(*store.Link)) error {
	links, err := tx.Links(rid)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(links, func(l store.Link) bool { return l.Source == source })
	if i < 0 {
		return store.ErrNotFound
	}
	before := links[i]
	if before.Own {
		if before.Keys, err = w.keys(before.Kind, before.Doc); err != nil {
			return err
		}
	}
	l := before
	edit(&l)
	l.Version++
	return tx.PutLink(&before, &l)
}

// keys gives the index rows of a stored document.
func (w *world) keys(kind schema.Kind, doc []byte) ([]document.Key, error) {
	o, err := document.MustDecode(w.set.OfKind(kind), doc)
	return document.Keys(o), err
}

// inState inserts a user without any link, in the given state.
func (w *world) inState(state store.State, userName string) store.Resource {
	w.Helper()
	r := w.newUser(w.ad, userName, "")
	r.State = state
	w.update(func(tx store.Tx) error { return tx.InsertResource(&r) })
	return r
}

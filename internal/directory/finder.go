package directory

import (
	"errors"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// finder resolves the references that sources make.
type finder struct {
	r      store.Reader
	tenant int64
}

func (w *Writer) finder() finder { return finder{w.tx, w.actor.Tenant.ID} }

// find resolves a reference of a source: to a resource that it has or had a
// link to, by id, externalId or anchor. What only other sources know doesn't
// exist for it (law 4), but accounts made by hand may refer to anything in the
// tenant. Nil means nothing is found. Who writes makes no difference (law 7).
func (f finder) find(source store.Source, ref string, kinds ...schema.Kind) (*store.Ref, error) {
	byHand := source.Kind == store.SourceWorkspace
	view := store.View{Tenant: f.tenant, Source: source.ID}
	if byHand {
		view.Source = 0
	}
	refs, err := f.r.Refs(view, []string{ref})
	if err != nil {
		return nil, err
	}
	if len(refs) == 1 && (byHand || refs[0].Link != 0) {
		return &refs[0], nil
	}
	return f.findNamed(source.ID, ref, kinds...)
}

// findNamed resolves a reference by externalId or anchor. What the source has
// deleted isn't there: it may come back, and is waited for (docs/model.md).
func (f finder) findNamed(source int64, ref string, kinds ...schema.Kind) (*store.Ref, error) {
	for _, kind := range kinds {
		l, err := f.r.FindExternalID(source, kind, ref)
		if errors.Is(err, store.ErrNotFound) {
			var links []store.Link
			if links, err = f.r.FindAnchor(f.tenant, kind, ref); err == nil {
				err = store.ErrNotFound
				for _, c := range links {
					if c.Source == source {
						l, err = c, nil
					}
				}
			}
		}
		if errors.Is(err, store.ErrNotFound) || err == nil && l.State == store.LinkEnded {
			continue
		}
		if err != nil {
			return nil, err
		}
		res, err := f.r.Resource(f.tenant, l.RID)
		if err != nil {
			return nil, err
		}
		return &store.Ref{RID: res.RID, ID: res.ID, Kind: res.Kind, Display: res.Display, State: res.State, Link: l.State}, nil
	}
	return nil, nil
}

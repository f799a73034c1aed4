package scim

import (
	"net/http"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// get answers GET of one resource (RFC 7644 §3.4.1).
func (s *Server) get(r *request) error {
	p := r.presenter()
	read := s.dir.Look
	if p.wantsMembers() {
		read = s.dir.Read
	}
	return read(r.c.Request().Context(), r.actor, func(in *directory.Reading) error {
		p.source = in.Source
		rec, err := in.Get(r.t, r.id, p.wantsGroups())
		if err != nil {
			return err
		}
		r.c.Response().Header().Set("ETag", etag(rec.Version))
		if r.notModified(rec.Version) {
			return r.respond(http.StatusNotModified, nil)
		}
		return r.writeOne(in, p, http.StatusOK, &rec)
	})
}

// writeOne writes one resource, with its members if they are wanted.
func (r *request) writeOne(in *directory.Reading, p *presenter, status int, rec *store.Record) error {
	b, err := p.open(make([]byte, 0, len(rec.Doc)+1024), rec)
	if err != nil {
		return err
	}
	if !p.wantsMembers() {
		return r.respond(status, append(b, '}'))
	}
	w := r.stream(status)
	w.write(b)
	if err := w.members(in, p, rec); err != nil {
		return err
	}
	w.write([]byte{'}'})
	return w.close()
}

package scim

import (
	"net/http"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// get answers GET of one resource (RFC 7644 §3.4.1).
func (s *Server) get(r *request) error {
	return s.dir.Read(r.c.Request().Context(), r.actor, func(in *directory.Reading) error {
		rec, err := in.Get(r.t, r.id)
		if err != nil {
			return err
		}
		r.c.Response().Header().Set("ETag", etag(rec.Version))
		if r.notModified(rec.Version) {
			return r.respond(http.StatusNotModified, nil)
		}
		p := r.presenter(in)
		return r.writeOne(in, p, http.StatusOK, &rec)
	})
}

// writeOne writes one resource with its groups or members.
func (r *request) writeOne(in *directory.Reading, p *presenter, status int, rec *store.Record) error {
	groups, err := groupsOf(in, p, []store.Record{*rec})
	if err != nil {
		return err
	}
	b, err := p.open(make([]byte, 0, len(rec.Doc)+1024), rec, groups[rec.RID])
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

// groupsOf reads User.groups of several users at once, if asked for.
func groupsOf(in *directory.Reading, p *presenter, recs []store.Record) (map[int64][]store.Membership, error) {
	if !p.wantsGroups() || len(recs) == 0 {
		return nil, nil
	}
	rids := make([]int64, len(recs))
	for i := range recs {
		rids[i] = recs[i].RID
	}
	return in.Groups(rids)
}

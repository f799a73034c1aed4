package gormstore

import (
	"fmt"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

const selectLinks = `SELECT l.rid, l.tenant, l.kind, l.source, COALESCE(l.external_id, ''), COALESCE(l.anchor, ''), l.state, l.version, l.created, l.modified, l.view, COALESCE(d.doc, '')`

const joinDocs = ` LEFT JOIN link_docs d ON d.rid = l.rid AND d.source = l.source`

func (s *session) readLinks(sql string, args ...any) ([]store.Link, error) {
	var out []store.Link
	err := s.each(func(r rows) error {
		var sc linkScanner
		err := r.Scan(sc.dest()...)
		out = append(out, sc.link())
		return err
	}, sql, args...)
	return out, err
}

// linkScanner holds one row of selectLinks.
type linkScanner struct {
	l                       store.Link
	created, modified, view int64
	doc                     string
}

func (s *linkScanner) dest() []any {
	l := &s.l
	return []any{&l.RID, &l.Tenant, &l.Kind, &l.Source, &l.ExternalID, &l.Anchor, &l.State, &l.Version, &s.created, &s.modified, &s.view, &s.doc}
}

func (s *linkScanner) link() store.Link {
	l := s.l
	l.CreatedAt, l.ModifiedAt = instant(s.created), instant(s.modified)
	if s.view != 0 {
		l.Own, l.Doc = true, []byte(s.doc)
	}
	return l
}

// Load implements store.Tx.
func (t *tx) Load(v store.View, kind schema.Kind, id string, groups bool) (store.Loaded, error) {
	if !storable(id) {
		return store.Loaded{}, store.ErrNotFound
	}
	if err := t.lock("SELECT 1 FROM resources r WHERE r.tenant = ? AND r.id = ?", v.Tenant, id); err != nil {
		return store.Loaded{}, err
	}
	b := &builder{view: v}
	b.add("SELECT " + resourceColumns + `, COALESCE(l.rid, 0), COALESCE(l.tenant, 0), COALESCE(l.kind, 0), COALESCE(l.source, 0),
		COALESCE(l.external_id, ''), COALESCE(l.anchor, ''), COALESCE(l.state, 0), COALESCE(l.version, 0),
		COALESCE(l.created, 0), COALESCE(l.modified, 0), COALESCE(l.view, 0), COALESCE(d.doc, ''), `)
	b.fragment(t.groupsIf(groups, v))
	b.add(", CASE WHEN EXISTS (SELECT 1 FROM held h WHERE h.source = ? AND h.rid = r.rid) THEN 1 ELSE 0 END", v.Source)
	b.add(" FROM resources r LEFT JOIN links l ON l.rid = r.rid"+joinDocs+" WHERE r.tenant = ? AND r.id = ? AND r.kind = ? ORDER BY l.source", v.Tenant, id, kind)
	var out store.Loaded
	var list string
	var held int
	sc := newScanner()
	err := t.each(func(r rows) error {
		var lc linkScanner
		if err := sc.scan(r, append(lc.dest(), &list, &held)...); err != nil {
			return err
		}
		if out.Resource = sc.r; lc.l.RID != 0 {
			out.Links = append(out.Links, lc.link())
		}
		return nil
	}, b.sql(), b.args...)
	if err == nil && out.RID == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Loaded{}, err
	}
	t.learn(out.RID, out.Tenant)
	out.Held = held == 1
	out.Groups, err = memberships(list)
	return out, err
}

// Links implements store.Reader.
func (r *reader) Links(rid int64) ([]store.Link, error) {
	if _, locked := r.locked[rid]; !locked {
		if err := r.lock("SELECT 1 FROM resources r WHERE r.rid = ?", rid); err != nil {
			return nil, err
		}
	}
	return r.readLinks(selectLinks+" FROM links l"+joinDocs+" WHERE l.rid = ? ORDER BY l.source", rid)
}

// FindExternalID implements store.Reader. Inside an Update the resource's row
// is locked, as all who change the link have done; mostly there is none, so the
// link is looked for first, and read again once it can't change any more.
func (r *reader) FindExternalID(source int64, kind schema.Kind, externalID string) (store.Link, error) {
	if externalID == "" || !storable(externalID) {
		return store.Link{}, store.ErrNotFound
	}
	if r.free[externalMemo(source, kind, externalID)] {
		return store.Link{}, store.ErrNotFound
	}
	const sql = selectLinks + " FROM links l" + joinDocs + " WHERE l.source = ? AND l.kind = ? AND l.external_id = ?"
	links, err := r.readLinks(sql, source, kind, externalID)
	if err == nil && len(links) > 0 && r.write && r.locks() {
		if _, locked := r.locked[links[0].RID]; !locked {
			if err := r.lock("SELECT 1 FROM resources r WHERE r.rid = ?", links[0].RID); err != nil {
				return store.Link{}, err
			}
			links, err = r.readLinks(sql, source, kind, externalID)
		}
	}
	if err != nil {
		return store.Link{}, err
	}
	if len(links) == 0 {
		if r.write {
			r.free[externalMemo(source, kind, externalID)] = true
		}
		return store.Link{}, store.ErrNotFound
	}
	return links[0], nil
}

// FindAnchor implements store.Reader. It asks for each source of the tenant in
// turn, because the unique index of anchors begins with the source.
func (r *reader) FindAnchor(tenant int64, kind schema.Kind, anchor string) ([]store.Link, error) {
	if anchor == "" || !storable(anchor) || r.free[anchorMemo(tenant, kind, anchor)] {
		return nil, nil
	}
	if err := r.meet(anchorPoint(tenant, kind, anchor)); err != nil {
		return nil, err
	}
	const from = " FROM sources s CROSS JOIN links l"
	const where = " WHERE s.tenant = ? AND l.source = s.id AND l.kind = ? AND l.anchor = ?"
	if err := r.lock("SELECT 1 FROM resources r WHERE r.rid IN (SELECT l.rid"+from+where+")", tenant, kind, anchor); err != nil {
		return nil, err
	}
	links, err := r.readLinks(selectLinks+from+joinDocs+where+" ORDER BY l.source", tenant, kind, anchor)
	if r.write && err == nil && len(links) == 0 {
		r.free[anchorMemo(tenant, kind, anchor)] = true
	}
	return links, err
}

func externalMemo(source int64, kind schema.Kind, id string) string {
	return fmt.Sprint("x", source, "/", kind, "/", id)
}

func anchorMemo(tenant int64, kind schema.Kind, anchor string) string {
	return fmt.Sprint("a", tenant, "/", kind, "/", anchor)
}

// PutLink implements store.Tx.
func (t *tx) PutLink(before, l *store.Link) error {
	if err := storableAll(l.ExternalID, l.Anchor); err != nil {
		return err
	}
	if err := t.owned(l.Tenant, l.RID); err != nil {
		return err
	}
	if err := t.checkLink(before, l); err != nil {
		return err
	}
	if err := t.changing(l.Tenant); err != nil {
		return err
	}
	view := int64(0)
	if l.Own {
		view = l.Source
	}
	sql := `INSERT INTO links (external_id, anchor, state, version, created, modified, view, tenant, kind, rid, source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	if before != nil {
		sql = `UPDATE links SET external_id = ?, anchor = ?, state = ?, version = ?, created = ?, modified = ?, view = ? WHERE tenant = ? AND kind = ? AND rid = ? AND source = ?`
	}
	err := t.exec(sql, nullable(l.ExternalID), nullable(l.Anchor), l.State, l.Version, micros(l.CreatedAt), micros(l.ModifiedAt), view, l.Tenant, l.Kind, l.RID, l.Source)
	if err != nil {
		return err
	}
	delete(t.free, externalMemo(l.Source, l.Kind, l.ExternalID))
	delete(t.free, anchorMemo(l.Tenant, l.Kind, l.Anchor))
	if err := t.putLinkDoc(before, l); err != nil {
		return err
	}
	t.entered(l.Source, l.Kind, one(l.State.Live())-one(before != nil && before.State.Live()), before == nil && t.fresh[l.RID])
	return nil
}

// checkLink is checkFree for what a link would newly hold.
func (t *tx) checkLink(before, l *store.Link) error {
	newID := l.ExternalID != "" && (before == nil || before.ExternalID != l.ExternalID)
	newAnchor := l.Anchor != "" && (before == nil || before.Anchor != l.Anchor)
	if !t.verify {
		newID = newID && !t.free[externalMemo(l.Source, l.Kind, l.ExternalID)]
		newAnchor = newAnchor && !t.free[anchorMemo(l.Tenant, l.Kind, l.Anchor)]
	}
	newLink := before == nil && !t.fresh[l.RID]
	if !newID && !newAnchor && !newLink {
		return nil
	}
	return t.checkFree(`SELECT l.rid FROM links l WHERE ? AND l.source = ? AND l.kind = ? AND l.external_id = ? AND l.rid <> ?
		UNION ALL SELECT l.rid FROM links l WHERE ? AND l.source = ? AND l.kind = ? AND l.anchor = ? AND l.rid <> ?
		UNION ALL SELECT l.rid FROM links l WHERE ? AND l.source = ? AND l.rid = ?`,
		newID, l.Source, l.Kind, l.ExternalID, l.RID, newAnchor, l.Source, l.Kind, l.Anchor, l.RID, newLink, l.Source, l.RID)
}

// putLinkDoc writes a link's own document and its index rows.
func (t *tx) putLinkDoc(before, l *store.Link) error {
	had := before != nil && before.Own
	var oldKeys, newKeys []document.Key
	if had {
		oldKeys = before.Keys
	}
	var err error
	switch {
	case l.Own:
		newKeys = l.Keys
		err = t.exec("INSERT INTO link_docs (rid, source, doc) VALUES (?, ?, ?) ON CONFLICT (rid, source) DO UPDATE SET doc = excluded.doc", l.RID, l.Source, string(l.Doc))
	case had:
		err = t.exec("DELETE FROM link_docs WHERE rid = ? AND source = ?", l.RID, l.Source)
	}
	if err != nil {
		return err
	}
	return t.reindex(indexRows{tenant: l.Tenant, rid: l.RID, view: l.Source}, oldKeys, newKeys)
}

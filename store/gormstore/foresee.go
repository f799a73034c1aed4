package gormstore

import (
	"cmp"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Foresee implements store.Tx. On SQLite a look-up costs as much alone as with
// others. On PostgreSQL it finds out which keys are free, and takes the locks
// that keep them so (see phantoms.go), in one round trip; what is not free is
// looked up when it is asked for.
func (t *tx) Foresee(all []store.Identity) error {
	if !t.locks() {
		return nil
	}
	f := &foresight{tx: t, seen: map[string]bool{}}
	for _, id := range all {
		f.add(id)
	}
	return f.ask()
}

// foresight is what Foresee asks for.
type foresight struct {
	*tx
	seen  map[string]bool // the memos of what is asked, true as long as it is free
	meets []meetingPoint
	kinds []*foreseen
}

// foreseen are the keys of one kind of resource of one source.
type foreseen struct {
	tenant, source            int64
	kind                      schema.Kind
	ids, anchors, names, refs []string
}

func (f *foresight) add(id store.Identity) {
	k := f.of(id)
	want := func(list *[]string, key, memo string) bool {
		if key == "" || !storable(key) || f.free[memo] || f.seen[memo] {
			return false
		}
		f.seen[memo] = true
		*list = append(*list, key)
		return true
	}
	want(&k.ids, id.ExternalID, externalMemo(id.Source, id.Kind, id.ExternalID))
	want(&k.names, id.UniqueKey, uniqueMemo(id.Tenant, id.Kind, id.UniqueKey))
	if want(&k.anchors, id.Anchor, anchorMemo(id.Tenant, id.Kind, id.Anchor)) {
		f.meets = append(f.meets, anchorPoint(id.Tenant, id.Kind, id.Anchor))
	}
	for _, ref := range []string{id.ExternalID, id.Anchor} {
		if want(&k.refs, ref, parkedMemo(id.Source, ref)) {
			f.meets = append(f.meets, refPoint(id.Source, ref))
		}
	}
}

func (f *foresight) of(id store.Identity) *foreseen {
	for _, k := range f.kinds {
		if k.tenant == id.Tenant && k.source == id.Source && k.kind == id.Kind {
			return k
		}
	}
	k := &foreseen{tenant: id.Tenant, source: id.Source, kind: id.Kind}
	f.kinds = append(f.kinds, k)
	return k
}

// ask takes the locks, always in the same order, and then looks.
func (f *foresight) ask() error {
	if len(f.seen) == 0 {
		return nil
	}
	slices.SortFunc(f.meets, func(a, b meetingPoint) int {
		return cmp.Or(cmp.Compare(a.scope, b.scope), cmp.Compare(a.key, b.key))
	})
	if err := f.meet(f.meets...); err != nil {
		return err
	}
	var b builder
	for _, k := range f.kinds {
		k.query(f.dialect, &b)
	}
	err := f.each(func(r rows) error {
		var memo string
		err := r.Scan(&memo)
		f.seen[memo] = false
		return err
	}, strings.TrimPrefix(b.sql(), " UNION ALL "), b.args...)
	if err != nil {
		return err
	}
	for memo, free := range f.seen {
		if free {
			f.free[memo] = true
		}
	}
	return nil
}

// query adds a SELECT of the memos of what is there. One key is asked for as
// one: of a list the planner thinks that it is worth a plan of its own each time.
func (k *foreseen) query(d dialect, b *builder) {
	part := func(keys []string, memo, from string, args ...any) {
		if len(keys) == 0 {
			return
		}
		in, list := "= ?", any(keys[0])
		if len(keys) > 1 {
			in, list = d.textList(keys)
		}
		b.add(" UNION ALL SELECT ?::text || k FROM ("+from+" "+in+") x", append(append([]any{memo}, args...), list)...)
	}
	part(k.ids, externalMemo(k.source, k.kind, ""), "SELECT external_id AS k FROM links WHERE source = ? AND kind = ? AND external_id", k.source, k.kind)
	part(k.anchors, anchorMemo(k.tenant, k.kind, ""), "SELECT l.anchor AS k FROM sources s CROSS JOIN links l WHERE s.tenant = ? AND l.source = s.id AND l.kind = ? AND l.anchor", k.tenant, k.kind)
	part(k.names, uniqueMemo(k.tenant, k.kind, ""), "SELECT unique_key AS k FROM resources WHERE tenant = ? AND kind = ? AND state <= 2 AND unique_key", k.tenant, k.kind)
	part(k.refs, parkedMemo(k.source, ""), "SELECT ref AS k FROM parked WHERE source = ? AND ref", k.source)
}

package gormstore

import (
	"cmp"
	"errors"
	"slices"
	"strconv"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// part is one stretch of a sorted result that one statement gives in order: the
// resources with a sort value, or those without.
type part struct {
	key     string // the column; "" for those without a value
	integer bool
	walk    bool // along the index rows s of the attribute
	plan    *plan
}

// parts gives the parts of the result if the database can sort it, in the
// order of the query, else nil.
func (l *lister) parts() []part {
	a := l.q.SortBy
	row := "r."
	if l.q.View.Source != 0 {
		row = "l."
	}
	switch {
	case a == nil:
		return []part{{plan: l.plan}}
	case a == l.q.Type.ID:
		return []part{{key: "r.id", plan: l.plan}}
	case a == l.q.Type.Meta.Sub("created"):
		return []part{{key: row + "created", integer: true, plan: l.plan}}
	case a == l.q.Type.Meta.Sub("lastModified"):
		return []part{{key: row + "modified", integer: true, plan: l.plan}}
	case !hasIndex(a) || l.q.Filter != nil || severalValued(a):
		return nil
	}
	c := &compiler{session: l.session, view: l.q.View, t: l.q.Type}
	absent := not(c.indexed(&filter.Compare{Attr: a, Op: ast.PR}))
	parts := []part{{key: "s.key", walk: true, plan: l.plan}, {plan: &plan{conditions: []fragment{absent}}}}
	if l.q.Descending {
		slices.Reverse(parts) // RFC 7644 §3.4.2.3: those without a value come first
	}
	return parts
}

func severalValued(a *schema.Attribute) bool {
	for ; a != nil; a = a.Parent {
		if a.MultiValued {
			return true
		}
	}
	return false
}

// sorted gives a page that the database sorts: first the places, then, once it
// is known which they are, the resources.
func (l *lister) sorted(parts []part) error {
	total := -1
	if l.q.Filter == nil {
		n, err := l.total(l.q.View, l.q.Type.Kind)
		if err != nil {
			return err
		}
		total = n
	}
	places, err := l.places(parts)
	if err != nil {
		return err
	}
	first := l.q.Offset
	if l.q.After != nil {
		first = l.q.After.Index
	}
	if err := l.give(places, first, nil); err != nil {
		return err
	}
	return l.settle(&store.Position{Index: first}, total)
}

// places gives the positions of the page, and of one more if there is one.
func (l *lister) places(parts []part) ([]store.Position, error) {
	if l.q.Limit == 0 {
		return nil, nil
	}
	after, skip := l.q.After, l.q.Offset
	if after != nil {
		skip = 0
	}
	if after != nil && len(parts) > 1 && after.Null != (parts[0].key == "") {
		parts = parts[1:]
	}
	var out []store.Position
	for _, p := range parts {
		got, err := l.partPlaces(p, after, skip, l.q.Limit+1-len(out))
		if err != nil {
			return nil, err
		}
		if out = append(out, got...); len(out) > l.q.Limit {
			break
		}
		after = nil
		if len(got) > 0 || skip == 0 {
			skip = 0
			continue
		}
		n, err := l.countPart(p)
		if err != nil {
			return nil, err
		}
		skip = max(0, skip-n)
	}
	return out, nil
}

// partFrom adds the rows of a part, from WITH to WHERE.
func (l *lister) partFrom(b *builder, p part, selected func()) {
	if !p.walk {
		whole := l.plan
		l.plan = p.plan
		l.from(b, selected)
		l.plan = whole
		return
	}
	b.add("SELECT ")
	selected()
	b.add(" FROM ").add("ix s").add(l.lookup("resources", "r", "rid", "s.rid")).joinLink(l.dialect)
	b.add(" WHERE s.tenant = ? AND s.attr = ? AND r.kind = ?", l.q.View.Tenant, l.q.SortBy.Index, l.q.Type.Kind).visible()
	if l.q.View.Source != 0 {
		b.add(" AND s.view = l.view")
	} else {
		b.add(" AND s.view = 0")
	}
}

func (l *lister) countPart(p part) (int, error) {
	b := l.builder()
	l.partFrom(b, p, func() { b.add("COUNT(*)") })
	n := 0
	err := l.one([]any{&n}, b.sql(), b.args...)
	return n, err
}

// partPlaces gives the positions in a part behind one, or after skipping some.
func (l *lister) partPlaces(p part, after *store.Position, skip, limit int) ([]store.Position, error) {
	place, key := l.place(), p.key
	if p.walk {
		place = "s.rid"
	}
	b := l.builder()
	l.partFrom(b, p, func() {
		switch {
		case key == "":
			b.add("'', ")
		case p.integer:
			b.add("CAST(" + key + " AS TEXT), ")
		default:
			b.add(key + ", ")
		}
		b.add(place)
	})
	if after != nil {
		if err := p.behind(b, *after, place, l.q.Descending); err != nil {
			return nil, err
		}
	}
	b.add(" ORDER BY ")
	if key != "" {
		b.add(key)
		if l.q.Descending {
			b.add(" DESC")
		}
		b.add(", ")
	}
	b.add(place+" LIMIT ? OFFSET ?", limit, skip)
	var out []store.Position
	err := l.each(func(rs rows) error {
		pos := store.Position{Null: key == ""}
		err := rs.Scan(&pos.Key, &pos.RID)
		out = append(out, pos)
		return err
	}, b.sql(), b.args...)
	return out, err
}

// behind adds the condition that a row comes after a position. Ties are in the
// order of creation, also descending.
func (p part) behind(b *builder, after store.Position, place string, descending bool) error {
	if p.key == "" {
		b.add(" AND "+place+" > ?", after.RID)
		return nil
	}
	if !storable(after.Key) {
		return errPosition
	}
	var key any = after.Key
	if p.integer {
		n, err := strconv.ParseInt(after.Key, 10, 64)
		if err != nil {
			return errPosition
		}
		key = n
	}
	op := ">"
	if descending {
		op = "<"
	}
	// The first condition is a range that an index serves.
	b.add(" AND "+p.key+" "+op+"= ? AND ("+p.key+" "+op+" ? OR "+place+" > ?)", key, key, after.RID)
	return nil
}

// errPosition is a position that no query of this store gave.
var errPosition = errors.New("gormstore: the position is of another query")

// give gives those of the page, whose resources have been read or else are.
func (l *lister) give(places []store.Position, first int, read map[int64]*store.Record) error {
	if len(places) > l.q.Limit {
		places = places[:l.q.Limit]
		if l.q.Limit > 0 {
			next := places[l.q.Limit-1]
			next.Index = first + l.q.Limit
			l.page.Next = &next
		}
	}
	for chunk := range slices.Chunk(places, giveChunk) {
		if err := l.giveChunk(chunk, read); err != nil {
			return err
		}
	}
	return nil
}

// giveChunk bounds the documents that are held at once.
const giveChunk = 128

func (l *lister) giveChunk(places []store.Position, read map[int64]*store.Record) error {
	if read == nil {
		var err error
		if read, err = l.readChunk(places); err != nil {
			return err
		}
	}
	for _, p := range places {
		// In an Update on PostgreSQL, which reads no snapshot, it may be gone.
		if rec := read[p.RID]; rec != nil {
			l.page.Count++
			if err := l.row(rec); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lister) readChunk(places []store.Position) (map[int64]*store.Record, error) {
	var rids []int64
	for _, p := range places {
		rids = append(rids, p.RID)
	}
	list, arg := l.intRows(rids)
	b := l.builder()
	b.add("SELECT ").columns(l.dialect, !l.q.NoDoc, l.groups())
	b.add(" FROM "+list, arg).add(l.lookup("resources", "r", "rid", "v")).joinLink(l.dialect)
	b.add(" WHERE r.tenant = ?", l.q.View.Tenant).visible()
	read := map[int64]*store.Record{}
	sc := newRecordScanner()
	err := l.each(func(rs rows) error {
		err := sc.scan(rs)
		rec := sc.rec
		read[rec.RID] = &rec
		return err
	}, b.sql(), b.args...)
	return read, err
}

// sortInMemory gives a page in an order that no index has: the sort keys of all
// matches are kept, at most MaxScan.
func (l *lister) sortInMemory() error {
	var all []store.Position
	err := l.candidates(false, func() {}, func(rec *store.Record, o *document.Object) error {
		key, ok := l.sortKey(rec, o)
		all = append(all, store.Position{Key: key, Null: !ok, RID: rec.RID})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, l.compare)
	l.page.Total = len(all)
	from, first := min(l.q.Offset, len(all)), l.q.Offset
	if after := l.q.After; after != nil {
		first = after.Index
		found := false
		if from, found = slices.BinarySearchFunc(all, *after, l.compare); found {
			from++
		}
	}
	return l.give(all[from:min(from+l.q.Limit+1, len(all))], first, nil)
}

// compare orders positions as the query asks.
func (l *lister) compare(a, b store.Position) int {
	c := 0
	switch {
	case a.Null != b.Null && a.Null:
		c = 1
	case a.Null != b.Null:
		c = -1
	default:
		c = cmp.Compare(a.Key, b.Key)
	}
	if l.q.Descending {
		c = -c
	}
	return cmp.Or(c, cmp.Compare(a.RID, b.RID))
}

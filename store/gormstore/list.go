package gormstore

import (
	"cmp"
	"fmt"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/store"
)

// lister answers one query.
type lister struct {
	*reader
	q    store.Query
	plan *plan
	row  func(*store.Record) error
	page store.Page
}

// List implements store.Reader. Where an index, or the order of creation,
// serves, it reads no more rows than the page has; totals of filtered queries
// are counted in the database. Inside an Update on PostgreSQL the writers of
// the tenant wait, so it is not for what many do. row must not call methods of
// the Reader.
func (r *reader) List(q store.Query, row func(*store.Record) error) (store.Page, error) {
	q.MaxScan = cmp.Or(q.MaxScan, r.store.maxScan)
	if err := r.relyOn(q.View.Tenant); err != nil {
		return store.Page{}, err
	}
	c := &compiler{session: r.session, view: q.View, t: q.Type, maxScan: q.MaxScan}
	p, err := c.plan(q.Filter)
	if err != nil {
		return store.Page{}, err
	}
	l := &lister{reader: r, q: q, plan: p, row: row}
	switch parts := l.parts(); {
	case p.residual != nil && q.SortBy == nil:
		err = l.scan()
	case p.residual != nil || parts == nil:
		err = l.sortInMemory()
	case q.SortBy == nil:
		err = l.stream()
	default:
		err = l.sorted(parts)
	}
	if err != nil {
		return store.Page{}, err
	}
	return l.page, nil
}

func (l *lister) builder() *builder { return &builder{view: l.q.View} }

// from adds everything from WITH to WHERE with the selected columns between:
// one row for each resource that the view shows and the conditions let through.
func (l *lister) from(b *builder, selected func()) *builder {
	d := l.plan.driver
	if d != nil && d.inline == nil {
		b.add("WITH m AS MATERIALIZED (").fragment(d.fragment).add(") ")
	}
	b.add("SELECT ")
	selected()
	b.add(" FROM ")
	switch {
	case d != nil && d.inline != nil:
		b.add(d.inline.from).joinLink(l.dialect).add(" WHERE ").fragment(d.inline.where).add(" AND ")
	case d != nil:
		b.add("m").add(l.lookup("resources", "r", "rid", "m.rid")).joinLink(l.dialect).add(" WHERE ")
	case l.q.View.Source != 0:
		b.add("links l").add(l.lookup("resources", "r", "rid", "l.rid")).add(" WHERE l.source = ? AND l.kind = ? AND ", l.q.View.Source, l.q.Type.Kind)
	default:
		b.add("resources r WHERE ")
	}
	b.add("r.tenant = ? AND r.kind = ?", l.q.View.Tenant, l.q.Type.Kind).visible()
	for _, f := range l.plan.conditions {
		b.add(" AND (").fragment(f).add(")")
	}
	return b
}

// place is the column whose order is that of creation: the one of the outermost
// table, whose index has it in order.
func (l *lister) place() string {
	d := l.plan.driver
	switch {
	case d != nil && d.inline != nil:
		return d.inline.place
	case d == nil && l.q.View.Source != 0:
		return "l.rid"
	}
	return "r.rid"
}

// stream gives a page in the order of creation, straight from the rows.
func (l *lister) stream() error {
	total := -1
	if l.q.Filter == nil {
		n, err := l.total(l.q.View, l.q.Type.Kind)
		if err != nil {
			return err
		}
		total = n
	}
	start, total, err := l.start(total)
	if err != nil {
		return err
	}
	if start != nil && l.q.Limit > 0 {
		err = l.streamAfter(*start, total < 0 && start.RID == 0 && l.few())
	}
	if err == nil {
		err = l.settle(start, total)
	}
	if err == nil {
		err = l.remember()
	}
	return err
}

// settle sets the total. A page that began at the beginning and is the last
// knows it without asking.
func (l *lister) settle(start *store.Position, total int) error {
	whole := l.q.After == nil && l.q.Limit > 0 && l.page.Next == nil && start != nil && (l.page.Count > 0 || l.q.Offset == 0)
	switch {
	case total >= 0:
	case whole:
		total = start.Index + l.page.Count
	default:
		n, err := l.count()
		if err != nil {
			return err
		}
		total = n
		if l.page.Next != nil { // counted after the page, maybe in a snapshot of its own
			total = max(total, l.page.Next.Index+1)
		}
	}
	l.page.Total = total
	return nil
}

// count counts all matches.
func (l *lister) count() (int, error) {
	b := l.builder()
	l.from(b, func() { b.add("COUNT(*)") })
	n := 0
	err := l.one([]any{&n}, b.sql(), b.args...)
	return n, err
}

// start finds where the page begins: the position before it, nil if it lies
// behind the end. It may learn the total on the way.
func (l *lister) start(total int) (*store.Position, int, error) {
	if l.q.After != nil {
		return l.q.After, total, nil
	}
	if l.q.Offset == 0 {
		return &store.Position{}, total, nil
	}
	if l.q.Limit == 0 {
		return nil, total, nil
	}
	if p, err := l.hinted(); p != nil || err != nil {
		return p, total, err
	}
	rids, err := l.passOver(total)
	if err != nil || len(rids) == 0 {
		return nil, total, err
	}
	return &store.Position{RID: rids[0], Index: l.q.Offset}, total, nil
}

// passOver gives the place of the last match before the page. Of all that the
// view shows it counts from the nearer end, and reads nothing but an index.
func (l *lister) passOver(total int) ([]int64, error) {
	b := l.builder()
	switch {
	case l.q.Filter != nil:
		l.from(b, func() { b.add(l.place()) })
		b.add(" ORDER BY "+l.place()+" LIMIT 1 OFFSET ?", l.q.Offset-1)
		return l.ids(b.sql(), b.args...)
	case l.q.Offset > total:
		return nil, nil
	case l.q.View.Source != 0:
		b.add("SELECT l.rid FROM links l WHERE l.source = ? AND l.kind = ? AND l.state <= 2", l.q.View.Source, l.q.Type.Kind)
	default:
		b.add("SELECT r.rid FROM resources r WHERE r.tenant = ? AND r.kind = ? AND r.state <= 2", l.q.View.Tenant, l.q.Type.Kind)
	}
	if l.q.Offset > total/2 {
		b.add(" ORDER BY "+l.place()+" DESC LIMIT 1 OFFSET ?", total-l.q.Offset)
	} else {
		b.add(" ORDER BY "+l.place()+" LIMIT 1 OFFSET ?", l.q.Offset-1)
	}
	return l.ids(b.sql(), b.args...)
}

// streamAfter gives the page. If it turns out to be all that matches, which the
// caller expects, it is the only statement.
func (l *lister) streamAfter(start store.Position, whole bool) error {
	b := l.builder()
	l.from(b, func() { b.columns(l.dialect, !l.q.NoDoc, l.groups()) })
	if start.RID != 0 {
		b.add(" AND "+l.place()+" > ?", start.RID)
	}
	b.add(" ORDER BY "+l.place()+" LIMIT ?", l.q.Limit+1)
	if whole && l.q.Limit <= briefPage {
		return l.briefly(b, start)
	}
	sc, last := newRecordScanner(), start
	return l.each(func(rs rows) error { return l.take(rs, sc, start, &last, l.row) }, b.sql(), b.args...)
}

// briefPage is up to how many rows a page is kept before any of it is passed on.
const briefPage = 100

// briefly reads a page that probably has few rows.
func (l *lister) briefly(b *builder, start store.Position) error {
	var read []store.Record
	keep := func(rec *store.Record) error {
		read = append(read, *rec)
		return nil
	}
	err := l.brief(func(rs rows) error {
		read, l.page = nil, store.Page{}
		sc, last := newRecordScanner(), start
		return drain(l.ctx, rs, func(rs rows) error { return l.take(rs, sc, start, &last, keep) })
	}, b.sql(), b.args...)
	for i := 0; err == nil && i < len(read); i++ {
		err = l.row(&read[i])
	}
	return err
}

// take passes a row of the page on; what comes behind the page tells where the
// next one begins.
func (l *lister) take(rs rows, sc *recordScanner, start store.Position, last *store.Position, row func(*store.Record) error) error {
	if l.page.Count == l.q.Limit {
		l.page.Next = &store.Position{RID: last.RID, Index: start.Index + l.page.Count}
		return nil
	}
	if err := sc.scan(rs); err != nil {
		return err
	}
	l.page.Count++
	last.RID = sc.rec.RID
	return row(&sc.rec)
}

// few says that an index expects few matches.
func (l *lister) few() bool { return l.plan.driver != nil && l.plan.driver.rank <= byKey }

// groups is the column of groups of a statement that gives the page.
func (l *lister) groups() fragment {
	if l.few() || !l.q.Groups {
		return l.groupsIf(l.q.Groups, l.q.View)
	}
	return groupsOf(l.dialect, l.q.View)
}

// scan gives a page in the order of creation where only the documents tell what
// matches: all candidates are read, to count them, and those of the page again,
// unless an index says that there are few.
func (l *lister) scan() error {
	few := l.few()
	seen, first := 0, l.q.Offset
	if l.q.After != nil {
		first = l.q.After.Index
	}
	var places []store.Position
	var read map[int64]*store.Record
	begin := func() {
		seen, places, read = 0, nil, nil
		if few {
			read = map[int64]*store.Record{}
		}
	}
	err := l.candidates(few, begin, func(rec *store.Record, _ *document.Object) error {
		seen++
		before := seen <= l.q.Offset
		if l.q.After != nil {
			before = rec.RID <= l.q.After.RID
		}
		if !before && len(places) <= l.q.Limit {
			places = append(places, store.Position{RID: rec.RID})
			if few {
				kept := *rec
				read[rec.RID] = &kept
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.page.Total = seen
	return l.give(places, first, read)
}

// candidates calls match for each resource that the residual, too, lets through,
// in the order of creation, and begin before the first, perhaps again. It reads
// at most MaxScan rows. If it is only these few that the query reads, match must
// only keep them.
func (l *lister) candidates(few bool, begin func(), match func(*store.Record, *document.Object) error) error {
	b := l.builder()
	l.from(b, func() {
		groups := noGroups
		if few {
			groups = l.groups()
		}
		b.columns(l.dialect, true, groups)
		for _, f := range l.plan.facts {
			b.add(", CASE WHEN ").fragment(f).add(" THEN 1 ELSE 0 END")
		}
	})
	b.add(" ORDER BY "+l.place()+" LIMIT ?", l.q.MaxScan+1)
	x := &candidate{t: l.q.Type, facts: make([]bool, len(l.plan.facts))}
	var facts []any
	for i := range x.facts {
		facts = append(facts, (*flag)(&x.facts[i]))
	}
	sc, scanned := newRecordScanner(facts...), 0
	one := func(rs rows) error {
		if scanned++; scanned > l.q.MaxScan {
			return tooMany(l.q.MaxScan)
		}
		err := sc.scan(rs)
		if err != nil {
			return err
		}
		if x.object, err = document.MustDecode(l.q.Type, sc.rec.Doc); err != nil {
			return fmt.Errorf("gormstore: document of resource %d: %w", sc.rec.RID, err)
		}
		if l.plan.residual != nil && !l.plan.residual(x) {
			return nil
		}
		return match(&sc.rec, x.object)
	}
	if !few {
		begin()
		return l.each(one, b.sql(), b.args...)
	}
	return l.brief(func(rs rows) error {
		begin()
		scanned = 0
		return drain(l.ctx, rs, one)
	}, b.sql(), b.args...)
}

// flag scans the integers 0 and 1.
type flag bool

// Scan implements sql.Scanner.
func (f *flag) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("gormstore: %T is no flag", v)
	}
	*f = n != 0
	return nil
}

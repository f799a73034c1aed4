package gormstore

import (
	"fmt"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// plan is how a filter is answered.
type plan struct {
	// driver gives the rids of all matches, each once, and perhaps some more;
	// nil to begin with all that the view shows.
	driver *entry
	// conditions that a match fulfils.
	conditions []fragment
	// residual is what only the document can tell; nil for nothing. It may ask
	// for facts, whose truth the query selects.
	residual judgement
	facts    []fragment
}

// judgement judges one resource on its document and the facts of its row.
type judgement func(*candidate) bool

func tooMany(scanned int) error {
	return fmt.Errorf("gormstore: more than %d: %w", scanned, store.ErrTooMany)
}

// plan compiles the filter of a query.
func (c *compiler) plan(e filter.Expr) (*plan, error) {
	p := &plan{}
	if e == nil {
		return p, nil
	}
	terms := []filter.Expr{e}
	if and, ok := e.(*filter.And); ok {
		terms = and.Terms
	}
	driving := -1
	best := worst + 1
	for i, t := range terms {
		d, err := c.driver(t)
		if err != nil {
			return nil, err
		}
		if d != nil && d.rank < best {
			best, driving = d.rank, i
			p.driver = d
			if !d.exact {
				driving = -1
			}
		}
	}
	for i, t := range terms {
		if i == driving {
			continue
		}
		if err := c.term(p, t); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// term adds a term to the conditions, or to the residual.
func (c *compiler) term(p *plan, t filter.Expr) error {
	f, ok, err := c.condition(t)
	switch {
	case err != nil:
		return err
	case ok:
		p.conditions = append(p.conditions, f)
		return nil
	}
	judge, err := c.judgement(p, t)
	if err != nil {
		return err
	}
	if before := p.residual; before != nil {
		p.residual = func(x *candidate) bool { return before(x) && judge(x) }
	} else {
		p.residual = judge
	}
	return nil
}

// judgement makes a filter a function. What doesn't stand in the document
// becomes a fact.
func (c *compiler) judgement(p *plan, e filter.Expr) (judgement, error) {
	switch e := e.(type) {
	case *filter.And:
		return c.judgements(p, e.Terms, false)
	case *filter.Or:
		return c.judgements(p, e.Terms, true)
	case *filter.Not:
		inner, err := c.judgement(p, e.Term)
		return func(x *candidate) bool { return !inner(x) }, err
	}
	if onDocument(c.t, e) {
		return func(x *candidate) bool { return filter.Match(e, x.object, x) }, nil
	}
	f, _, err := c.condition(e)
	n := len(p.facts)
	p.facts = append(p.facts, f)
	return func(x *candidate) bool { return x.facts[n] }, err
}

// judgements ends at the first term whose truth is end.
func (c *compiler) judgements(p *plan, terms []filter.Expr, end bool) (judgement, error) {
	var all []judgement
	for _, t := range terms {
		j, err := c.judgement(p, t)
		if err != nil {
			return nil, err
		}
		all = append(all, j)
	}
	return func(x *candidate) bool {
		for _, j := range all {
			if j(x) == end {
				return end
			}
		}
		return !end
	}, nil
}

func onDocument(t *schema.ResourceType, e filter.Expr) bool {
	switch e := e.(type) {
	case *filter.Compare:
		return e.Attr.Backing == schema.InDocument || e.Attr == t.Schemas
	case *filter.Element:
		return e.Attr.Backing == schema.InDocument
	}
	return false
}

// entry is a way to find all resources that may fulfil a term by an index.
type entry struct {
	fragment // a SELECT of their rids, each once
	rank     int
	exact    bool // they all fulfil it
	inline   *inline
}

// inline is an entry without a list of its own: the outermost table of the
// query, whose rows come in the order of creation.
type inline struct {
	from  string // a FROM clause that ends in r
	where fragment
	place string // its column with the rid
}

// The ranks of drivers, the most selective first.
const (
	byID = iota
	byKey
	byMember
	byPrefix
	worst = byPrefix
)

// driver gives a term's driver, nil if it has none.
func (c *compiler) driver(e filter.Expr) (*entry, error) {
	switch e := e.(type) {
	case *filter.And:
		return c.bestOf(e.Terms)
	case *filter.Or:
		return c.unionOf(e.Terms)
	case *filter.Element:
		return c.elementDriver(e)
	case *filter.Compare:
		return c.compareDriver(e), nil
	}
	return nil, nil
}

func (c *compiler) bestOf(terms []filter.Expr) (*entry, error) {
	var best *entry
	for _, t := range terms {
		d, err := c.driver(t)
		if err != nil {
			return nil, err
		}
		if d != nil && (best == nil || d.rank < best.rank) {
			best = d
		}
	}
	if best != nil {
		best.exact = false
	}
	return best, nil
}

// unionOf drives an Or if each of its terms can be driven.
func (c *compiler) unionOf(terms []filter.Expr) (*entry, error) {
	union := &entry{exact: true}
	for i, t := range terms {
		d, err := c.driver(t)
		if err != nil || d == nil {
			return nil, err
		}
		if i > 0 {
			union.sql += " UNION "
		}
		union.sql += d.sql
		union.args = append(union.args, d.args...)
		union.rank, union.exact = max(union.rank, d.rank), union.exact && d.exact
	}
	return union, nil
}

func (c *compiler) elementDriver(e *filter.Element) (*entry, error) {
	if e.Attr.Backing == schema.InOrigin {
		return nil, nil
	}
	d, err := c.driver(e.Filter)
	if d != nil {
		_, whole := e.Filter.(*filter.Compare)
		d.exact = d.exact && whole
	}
	return d, err
}

func (c *compiler) compareDriver(e *filter.Compare) *entry {
	if e.Null || !storable(e.Text) {
		return nil
	}
	switch {
	case hasIndex(e.Attr) && e.Op == ast.EQ:
		return c.indexDriver(e, byKey)
	case hasIndex(e.Attr) && e.Op == ast.SW && e.Text != "":
		return c.indexDriver(e, byPrefix)
	case e.Op != ast.EQ:
		return nil
	case e.Attr == c.t.ID:
		return c.idDriver(e)
	case c.t.Members != nil && e.Attr == c.t.Members.Sub("value"):
		return c.memberDriver(e)
	case c.t.Groups != nil && e.Attr == c.t.Groups.Sub("value"):
		return c.groupDriver(e)
	}
	return nil
}

func (c *compiler) idDriver(e *filter.Compare) *entry {
	args := []any{c.view.Tenant, e.Text}
	return &entry{fragment: fragment{"SELECT o.rid FROM resources o WHERE o.tenant = ? AND o.id = ?", args}, rank: byID, exact: true,
		inline: &inline{"resources r", fragment{"r.tenant = ? AND r.id = ?", args}, "r.rid"}}
}

// indexDriver reads index rows. In the view of a source they count only if they
// belong to the document that the source sees.
func (c *compiler) indexDriver(e *filter.Compare, rank int) *entry {
	match := c.text("e.key", e)
	where := fragment{"e.tenant = ? AND e.attr = ? AND " + match.sql, append([]any{c.view.Tenant, e.Attr.Index}, match.args...)}
	b := &builder{view: c.view}
	b.add("SELECT ")
	if rank != byKey {
		b.add("DISTINCT ") // several values of one resource may be in the range
	}
	b.add("e.rid FROM ix e")
	sees := " AND e.view = 0"
	if c.view.Source != 0 {
		b.add(" CROSS JOIN links k WHERE k.rid = e.rid AND k.source = ? AND k.view = e.view AND k.state <= 2 AND ", c.view.Source).fragment(where)
		sees = " AND e.view = l.view"
	} else {
		b.add(" WHERE ").fragment(where).add(sees)
	}
	d := &entry{fragment: fragment{b.sql(), b.args}, rank: rank, exact: true}
	if rank == byKey {
		where.sql += sees
		d.inline = &inline{"ix e" + c.lookup("resources", "r", "rid", "e.rid"), where, "e.rid"}
	}
	return d
}

// memberDriver gives the groups that name a resource, in any state and by
// whichever source; the condition judges those.
func (c *compiler) memberDriver(e *filter.Compare) *entry {
	return &entry{fragment: fragment{"SELECT DISTINCT o.grp AS rid FROM resources x CROSS JOIN members o WHERE x.tenant = ? AND x.id = ? AND o.member = x.rid",
		[]any{c.view.Tenant, e.Text}}, rank: byMember}
}

// groupDriver gives what is in a group, directly or through others.
func (c *compiler) groupDriver(e *filter.Compare) *entry {
	b := &builder{view: c.view}
	b.add("SELECT d.rid FROM (WITH RECURSIVE down(rid) AS (SELECT m.member FROM resources g"+c.lookup("members", "m", "grp", "g.rid")+" WHERE g.id = ?", e.Text).groupVisible()
	b.add(" UNION SELECT m.member FROM down" + c.lookup("resources", "g", "rid", "down.rid") + c.lookup("members", "m", "grp", "g.rid") + " WHERE 1 = 1").groupVisible()
	b.add(") SELECT rid FROM down) d")
	return &entry{fragment: fragment{b.sql(), b.args}, rank: byMember, exact: true}
}

package gormstore

import (
	"slices"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
)

// relation compares Group.members or User.groups: true if one row fulfils e,
// whose attributes are the sub-attributes of a.
func (c *compiler) relation(a *schema.Attribute, e filter.Expr) (fragment, bool, error) {
	if a.Top() == c.t.Groups {
		return c.groupsCondition(e)
	}
	return c.membersCondition(e)
}

// membersCondition is true of groups r with a member x that fulfils e.
func (c *compiler) membersCondition(e filter.Expr) (fragment, bool, error) {
	match, err := c.row(e, c.memberLeaf)
	if err != nil {
		return fragment{}, false, err
	}
	b := &builder{view: c.view}
	if namesOne(e) {
		// The member first: it is one, and the group may have many.
		b.add("EXISTS (SELECT 1 FROM resources x"+c.lookup("members", "m", "member", "x.rid")+" WHERE x.tenant = ? AND ", c.view.Tenant).fragment(match)
		b.add(" AND m.grp = r.rid AND m.source = ").asserting().memberVisible("x").add(")")
		return fragment{b.sql(), b.args}, true, nil
	}
	b.add("EXISTS (SELECT 1 FROM members m CROSS JOIN resources x WHERE m.grp = r.rid AND x.rid = m.member AND m.source = ")
	b.asserting().memberVisible("x").add(" AND (").fragment(match).add("))")
	return fragment{b.sql(), b.args}, true, nil
}

// namesOne says whether only one resource, known by its id, can fulfil e.
func namesOne(e filter.Expr) bool {
	switch e := e.(type) {
	case *filter.And:
		return slices.ContainsFunc(e.Terms, namesOne)
	case *filter.Compare:
		return e.Attr.Name == "value" && e.Op == ast.EQ && !e.Null
	}
	return false
}

// asserting adds the source whose memberships of the group r count.
func (b *builder) asserting() *builder {
	if b.view.Source == 0 {
		return b.add("r.authority")
	}
	return b.add("?", b.view.Source)
}

// groupsCondition is true of resources r in a group g, directly or through
// others, that fulfils e.
func (c *compiler) groupsCondition(e filter.Expr) (fragment, bool, error) {
	match, err := c.row(e, c.groupLeaf)
	if err != nil {
		return fragment{}, false, err
	}
	b := &builder{view: c.view}
	b.add("EXISTS (WITH RECURSIVE up(grp) AS (SELECT m.grp FROM members m" + c.lookup("resources", "g", "rid", "m.grp") + " WHERE m.member = r.rid").groupVisible()
	b.add(" UNION SELECT m.grp FROM up" + c.lookup("members", "m", "member", "up.grp") + c.lookup("resources", "g", "rid", "m.grp") + " WHERE 1 = 1").groupVisible()
	b.add(") SELECT 1 FROM up" + c.lookup("resources", "g", "rid", "up.grp") + " WHERE g.rid <> r.rid AND (").fragment(match).add("))")
	return fragment{b.sql(), b.args}, true, nil
}

// row compiles a filter on the row of a related resource.
func (c *compiler) row(e filter.Expr, leaf func(*filter.Compare) (fragment, error)) (fragment, error) {
	terms := func(op string, terms []filter.Expr) (fragment, error) {
		var parts []fragment
		for _, t := range terms {
			f, err := c.row(t, leaf)
			if err != nil {
				return fragment{}, err
			}
			parts = append(parts, f)
		}
		return join(op, parts), nil
	}
	switch e := e.(type) {
	case *filter.And:
		return terms("AND", e.Terms)
	case *filter.Or:
		return terms("OR", e.Terms)
	case *filter.Not:
		f, err := c.row(e.Term, leaf)
		return not(f), err
	case *filter.Compare:
		if negative(e) {
			f, err := leaf(positive(e))
			return not(f), err
		}
		return leaf(e)
	}
	return fragment{}, errElement
}

func (c *compiler) memberLeaf(e *filter.Compare) (fragment, error) {
	switch {
	case e.Op == ast.PR || e.Null:
		return always, nil
	case e.Attr.Name == "value":
		return c.text("x.id", e), nil
	case e.Attr.Name == "type":
		kinds := []int64{}
		for kind, name := range map[schema.Kind]string{schema.User: "User", schema.Group: "Group"} {
			if fits(e, name) {
				kinds = append(kinds, int64(kind))
			}
		}
		in, arg := c.idList(kinds)
		return fragment{"x.kind " + in, []any{arg}}, nil
	case e.Attr.Name == "display":
		return c.displayed("x.rid", e, schema.User, schema.Group)
	}
	return fragment{}, unfilterable(e.Attr)
}

func (c *compiler) groupLeaf(e *filter.Compare) (fragment, error) {
	switch {
	case e.Op == ast.PR || e.Null:
		return always, nil
	case e.Attr.Name == "value":
		return c.text("g.id", e), nil
	case e.Attr.Name == "type":
		return c.directness(e), nil
	case e.Attr.Name == "display":
		return c.displayed("g.rid", e, schema.Group)
	}
	return fragment{}, unfilterable(e.Attr)
}

// directness compares groups.type (RFC 7643 §4.1.2): direct or indirect.
func (c *compiler) directness(e *filter.Compare) fragment {
	b := &builder{view: c.view}
	b.add("COALESCE((SELECT 1 FROM members d WHERE d.grp = g.rid AND d.member = r.rid AND d.source = ")
	if c.view.Source == 0 {
		b.add("g.authority), 0) = 1")
	} else {
		b.add("?), 0) = 1", c.view.Source)
	}
	direct := fragment{b.sql(), b.args}
	switch d, i := fits(e, "direct"), fits(e, "indirect"); {
	case d && !i:
		return direct
	case i && !d:
		return not(direct)
	default:
		return truth(d)
	}
}

// displayed compares the display name of related resources. It is stored as
// written and the database doesn't fold, so the names are judged here, within
// the bound of a scan, and the query gets the resources.
func (c *compiler) displayed(column string, e *filter.Compare, kinds ...schema.Kind) (fragment, error) {
	rids := []int64{}
	left := c.maxScan
	for _, kind := range kinds {
		err := c.each(func(r rows) error {
			if left--; left < 0 {
				return tooMany(c.maxScan)
			}
			var rid int64
			var display string
			err := r.Scan(&rid, &display)
			if err == nil && fits(e, display) {
				rids = append(rids, rid)
			}
			return err
		}, "SELECT r.rid, r.display FROM resources r WHERE r.tenant = ? AND r.kind = ? AND r.state <= 3", c.view.Tenant, kind)
		if err != nil {
			return fragment{}, err
		}
	}
	in, arg := c.idList(rids)
	return fragment{column + " " + in, []any{arg}}, nil
}

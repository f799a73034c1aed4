package storetest

import (
	"fmt"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// filtersAgree compares a drawn filter on members or groups with the oracle, for
// which the model's members and groups stand in the documents.
func (g *graph) filtersAgree(t *rapid.T, source int64) {
	t.Helper()
	model := g.model(source)
	q, attr, label := g.groupsQuery(source), g.set.Group.Members, "members of "
	if rapid.Bool().Draw(t, "by groups") {
		q, attr, label = g.users(source), g.set.User.Groups, "groups of "
	}
	q.Filter = g.relationExpr(t, attr, 3)
	want := []string{}
	for _, r := range g.all {
		o := &document.Object{}
		o.Set(attr, g.elements(attr, model[label+r.Display]))
		if r.Kind == q.Type.Kind && asked(source, r) && matches(q.Filter, seen{id: r.ID, doc: o}) {
			want = append(want, r.Display)
		}
	}
	var got listed
	g.view(func(r store.Reader) (err error) {
		got, err = listIn(r, q)
		return err
	})
	equal(g.world, fmt.Sprintf("%T on %s by the model %v", q.Filter, attr.Path, model), got.displays(), want)
}

// elements makes the values of members or groups of what the model says.
func (g *graph) elements(attr *schema.Attribute, related []string) document.List {
	var list document.List
	for _, text := range related {
		var name, how string
		_, _ = fmt.Sscan(text, &name, &how)
		for _, r := range g.all {
			if r.Display != name {
				continue
			}
			if how == "" {
				how = g.set.OfKind(r.Kind).Name
			}
			e := &document.Object{}
			e.Set(attr.Value(), r.ID)
			e.Set(attr.Sub("type"), how)
			e.Set(attr.Sub("display"), r.Display)
			list = append(list, e)
		}
	}
	return list
}

// relationExpr draws a filter on members or groups.
func (g *graph) relationExpr(t *rapid.T, attr *schema.Attribute, depth int) filter.Expr {
	compare := func() filter.Expr { return g.relationCompare(t, attr) }
	return drawExpr(t, depth, func() filter.Expr {
		switch rapid.IntRange(0, 3).Draw(t, "relation") {
		case 0:
			return &filter.Element{Attr: attr, Filter: drawExpr(t, 2, compare)}
		case 1:
			return &filter.Compare{Attr: attr, Op: rapid.SampledFrom([]ast.CompareOperator{ast.EQ, ast.NE}).Draw(t, "operator"), Null: true}
		}
		return compare()
	})
}

func (g *graph) relationCompare(t *rapid.T, attr *schema.Attribute) filter.Expr {
	a := attr.Sub(rapid.SampledFrom([]string{"value", "value", "type", "display"}).Draw(t, "sub-attribute"))
	operators := []ast.CompareOperator{ast.EQ, ast.EQ, ast.NE, ast.PR, ast.SW, ast.EW, ast.CO}
	c := &filter.Compare{Attr: a, Op: rapid.SampledFrom(operators).Draw(t, "operator")}
	r := g.all[rapid.IntRange(0, len(g.all)-1).Draw(t, "related")]
	switch {
	case c.Op == ast.PR:
	case a.Name == "value":
		c.Text = a.Key(r.ID)
	case a.Name == "display":
		c.Text = a.Key(r.Display)
	default:
		c.Text = a.Key(rapid.SampledFrom([]string{"User", "Group", "direct", "indirect", "t"}).Draw(t, "type"))
	}
	return c
}

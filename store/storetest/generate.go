package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"pgregory.net/rapid"
)

// generator draws documents and filters over the same few values, so that
// filters match some and not others.
type generator struct {
	set *schema.Set
	// scalar are the single-valued attributes that documents may have, with
	// and without an index; several are the multi-valued complex ones.
	scalar, several []*schema.Attribute
	id, created     *schema.Attribute
	modified        *schema.Attribute
}

func newGenerator() (*generator, error) {
	custom := []schema.Custom{
		{URN: customURN, Name: "text", Type: schema.String, Index: schema.CustomIndex},
		{URN: customURN, Name: "flag", Type: schema.Boolean, Index: schema.CustomIndex + 1},
		{URN: customURN, Name: "rate", Type: schema.Decimal, Index: schema.CustomIndex + 2},
		{URN: customURN, Name: "since", Type: schema.DateTime, Index: schema.CustomIndex + 3},
	}
	set, err := schema.New(custom)
	if err != nil {
		return nil, err
	}
	u := set.User
	g := &generator{set: set, id: u.ID, created: u.Meta.Sub("created"), modified: u.Meta.Sub("lastModified")}
	g.scalar = []*schema.Attribute{u.DisplayName, u.ExternalID, u.Active, u.Anchor, u.Manager.Value()}
	for _, path := range []string{"title", "nickName", "profileUrl"} {
		g.scalar = append(g.scalar, u.Root.Sub(path))
	}
	g.scalar = append(g.scalar, u.Root.Sub("name").Sub("familyName"), u.Root.Sub("name").Sub("givenName"),
		u.Root.Sub(schema.WorkspaceUserURN).Sub("employeeHireDate"), u.Root.Sub(schema.WorkspaceUserURN).Sub("extensionAttribute1"),
		u.Root.Sub(schema.EnterpriseUserURN).Sub("department"))
	g.scalar = append(g.scalar, u.Root.Sub(customURN).Subs...)
	for _, path := range []string{"emails", "phoneNumbers", "roles"} {
		g.several = append(g.several, u.Root.Sub(path))
	}
	return g, nil
}

var (
	pieces  = []string{"a", "A", "b", "ab", "ß", "å", "Å", "İ", "ı", "%", "_", `\`, "'", `"`, "😀", "\U0010ffff", "\ud7ff", " "}
	dates   = []string{"2026-03-01T10:00:00+01:00", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00.001Z", "2026-02-28", "1999-12-31T23:59:59.999999Z"}
	numbers = []document.Number{"0", "-0", "1", "1.0", "1e0", "-2.5", "10", "9", "12345678901234567890"}
	kinds   = []string{"work", "home", "Work"}
)

func text() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 3).Draw(t, "pieces"), "")
	})
}

// one draws an attribute, by its path: that is what a failure prints.
func one(t *rapid.T, label string, of []*schema.Attribute) *schema.Attribute {
	return named(of, rapid.SampledFrom(paths(of)).Draw(t, label))
}

// some draws several different attributes.
func some(t *rapid.T, label string, of []*schema.Attribute) []*schema.Attribute {
	var out []*schema.Attribute
	for _, path := range rapid.SliceOfDistinct(rapid.SampledFrom(paths(of)), rapid.ID[string]).Draw(t, label) {
		out = append(out, named(of, path))
	}
	return out
}

func named(of []*schema.Attribute, path string) *schema.Attribute {
	return of[slices.Index(paths(of), path)]
}

func paths(of []*schema.Attribute) []string {
	out := make([]string, len(of))
	for i, a := range of {
		out[i] = a.Path
	}
	return out
}

// value draws a value of a simple attribute.
func (g *generator) value(t *rapid.T, a *schema.Attribute) document.Value {
	switch a.Type {
	case schema.Boolean:
		return rapid.Bool().Draw(t, a.Name)
	case schema.Decimal, schema.Integer:
		return rapid.SampledFrom(numbers).Draw(t, a.Name)
	case schema.DateTime:
		return rapid.SampledFrom(dates).Draw(t, a.Name)
	}
	if a.Name == "type" {
		return rapid.SampledFrom(kinds).Draw(t, a.Name)
	}
	return text().Draw(t, a.Name)
}

// object draws a document; some are nearly empty, most are not.
func (g *generator) object(t *rapid.T) *document.Object {
	o := &document.Object{}
	for _, a := range some(t, "attributes", g.scalar) {
		o.SetAt(a, g.value(t, a))
	}
	for _, a := range some(t, "lists", g.several) {
		var list document.List
		for range rapid.IntRange(1, 3).Draw(t, "elements") {
			if e := g.element(t, a, len(list) == 0); !e.Empty() {
				list = append(list, e)
			}
		}
		o.SetAt(a, list)
	}
	return o
}

// element draws an element of a list, of which only the first may be primary.
func (g *generator) element(t *rapid.T, a *schema.Attribute, first bool) *document.Object {
	e := &document.Object{}
	for _, s := range []*schema.Attribute{a.Value(), a.Sub("type"), a.Sub("primary")} {
		if rapid.IntRange(0, 3).Draw(t, "has "+s.Name) > 0 {
			e.Set(s, g.value(t, s))
		}
	}
	if p := a.Sub("primary"); !first && e.Get(p) == true {
		e.Set(p, false)
	}
	return e
}

// drawExpr draws a filter of at most the given depth over the terms that leaf
// draws.
func drawExpr(t *rapid.T, depth int, leaf func() filter.Expr) filter.Expr {
	kind := 0
	if depth > 0 {
		kind = rapid.IntRange(0, 5).Draw(t, "kind of filter")
	}
	terms := func() []filter.Expr {
		var terms []filter.Expr
		for range rapid.IntRange(2, 3).Draw(t, "terms") {
			terms = append(terms, drawExpr(t, depth-1, leaf))
		}
		return terms
	}
	switch kind {
	case 1, 2:
		return &filter.And{Terms: terms()}
	case 3:
		return &filter.Or{Terms: terms()}
	case 4:
		return &filter.Not{Term: drawExpr(t, depth-1, leaf)}
	}
	return leaf()
}

// expr draws a filter on users whose ids are known.
func (g *generator) expr(t *rapid.T, ids []string) filter.Expr {
	return drawExpr(t, 3, func() filter.Expr {
		if rapid.IntRange(0, 4).Draw(t, "value path") == 4 {
			return g.valuePath(t)
		}
		return g.compare(t, g.compared(t), ids)
	})
}

func (g *generator) valuePath(t *rapid.T) filter.Expr {
	a := one(t, "list", g.several)
	return &filter.Element{Attr: a, Filter: drawExpr(t, 2, func() filter.Expr {
		sub := rapid.SampledFrom([]string{"value", "type", "primary"}).Draw(t, "sub-attribute")
		return g.compare(t, a.Sub(sub), nil)
	})}
}

// compared draws an attribute to compare: simple or complex, in the document,
// in its lists, or of the row.
func (g *generator) compared(t *rapid.T) *schema.Attribute {
	all := append([]*schema.Attribute{g.id, g.created, g.modified, g.set.User.UserName, g.set.User.Root.Sub("name")}, g.scalar...)
	for _, a := range g.several {
		all = append(all, a, a.Value(), a.Value(), a.Sub("type"), a.Sub("primary"))
	}
	return one(t, "attribute", all)
}

func (g *generator) compare(t *rapid.T, a *schema.Attribute, ids []string) filter.Expr {
	equality := []ast.CompareOperator{ast.EQ, ast.EQ, ast.NE, ast.PR}
	ordering := append([]ast.CompareOperator{ast.GT, ast.GE, ast.LT, ast.LE}, equality...)
	c := &filter.Compare{Attr: a}
	switch a.Type {
	case schema.Complex:
		c.Op = rapid.SampledFrom(equality).Draw(t, "operator")
		c.Null = c.Op != ast.PR
		return c
	case schema.Boolean:
		c.Op, c.Bool = rapid.SampledFrom(equality).Draw(t, "operator"), rapid.Bool().Draw(t, "operand")
	case schema.Decimal:
		c.Op, c.Number = rapid.SampledFrom(ordering).Draw(t, "operator"), number(rapid.SampledFrom(numbers).Draw(t, "operand"))
	case schema.DateTime:
		c.Op, c.Time = rapid.SampledFrom(ordering).Draw(t, "operator"), g.instant(t, a)
	default:
		c.Op = rapid.SampledFrom(append([]ast.CompareOperator{ast.CO, ast.SW, ast.EW}, ordering...)).Draw(t, "operator")
		c.Text = g.operand(t, a, ids)
	}
	if (c.Op == ast.EQ || c.Op == ast.NE) && rapid.IntRange(0, 7).Draw(t, "null") == 7 {
		return &filter.Compare{Attr: a, Op: c.Op, Null: true}
	}
	if c.Op == ast.PR {
		return &filter.Compare{Attr: a, Op: ast.PR}
	}
	return c
}

func (g *generator) operand(t *rapid.T, a *schema.Attribute, ids []string) string {
	switch {
	case a == g.id:
		return rapid.SampledFrom(ids).Draw(t, "id")
	case a == g.set.User.UserName:
		return fmt.Sprintf("u%d", rapid.IntRange(0, 19).Draw(t, "userName"))
	case a.Name == "type":
		return a.Key(rapid.SampledFrom(kinds).Draw(t, "operand"))
	}
	return a.Key(text().Draw(t, "operand"))
}

func (g *generator) instant(t *rapid.T, a *schema.Attribute) time.Time {
	if a == g.created || a == g.modified {
		return at(rapid.IntRange(0, 5).Draw(t, "minute"))
	}
	return instant(rapid.SampledFrom(dates).Draw(t, "date"))
}

package gormstore

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// compiler turns filters on one type in one view into conditions on the row r
// of resources and, in the view of a source, on its link l.
type compiler struct {
	*session
	view    store.View
	t       *schema.ResourceType
	maxScan int
	// sources of the tenant, read when a filter first asks for them.
	sources []store.Source
}

var (
	always = fragment{sql: "1 = 1"}
	never  = fragment{sql: "1 = 0"}
)

func truth(b bool) fragment {
	if b {
		return always
	}
	return never
}

func not(f fragment) fragment { return fragment{"NOT (" + f.sql + ")", f.args} }

// join puts conditions together with AND or OR.
func join(op string, parts []fragment) fragment {
	var sql []string
	var args []any
	for _, p := range parts {
		sql = append(sql, "("+p.sql+")")
		args = append(args, p.args...)
	}
	return fragment{strings.Join(sql, " "+op+" "), args}
}

// condition compiles a filter; ok is false if a part of it can only be judged
// on the document.
func (c *compiler) condition(e filter.Expr) (f fragment, ok bool, err error) {
	switch e := e.(type) {
	case *filter.And:
		return c.tree("AND", e.Terms)
	case *filter.Or:
		return c.tree("OR", e.Terms)
	case *filter.Not:
		f, ok, err = c.condition(e.Term)
		return not(f), ok, err
	case *filter.Element:
		return c.element(e)
	case *filter.Compare:
		return c.compare(e)
	}
	return fragment{}, false, fmt.Errorf("gormstore: a filter of an unknown kind: %T", e)
}

func (c *compiler) tree(op string, terms []filter.Expr) (fragment, bool, error) {
	var parts []fragment
	for _, t := range terms {
		f, ok, err := c.condition(t)
		if err != nil || !ok {
			return fragment{}, false, err
		}
		parts = append(parts, f)
	}
	return join(op, parts), true, nil
}

func (c *compiler) element(e *filter.Element) (fragment, bool, error) {
	switch e.Attr.Backing {
	case schema.InMembers:
		return c.relation(e.Attr, e.Filter)
	case schema.InOrigin:
		return c.presence(e.Filter)
	}
	if inner, ok := indexedElement(e); ok {
		return c.compare(inner)
	}
	return fragment{}, false, nil
}

// indexedElement unwraps an element filter that asks for nothing but the
// indexed value. Negations mean something else inside an element than outside.
func indexedElement(e *filter.Element) (*filter.Compare, bool) {
	inner, ok := e.Filter.(*filter.Compare)
	return inner, ok && hasIndex(inner.Attr) && !negative(inner)
}

// hasIndex says whether index rows answer for an attribute: custom ones of
// other types than string have a number too, but no rows that compare as they
// do.
func hasIndex(a *schema.Attribute) bool {
	return a.Index != 0 && (a.Type == schema.String || a.Type == schema.Reference)
}

// negative says whether a comparison is the negation of another one.
func negative(c *filter.Compare) bool { return c.Op == ast.NE && !c.Null || c.Op == ast.EQ && c.Null }

// positive gives the comparison that a negative one negates.
func positive(c *filter.Compare) *filter.Compare {
	p := *c
	if p.Null {
		p.Op, p.Null = ast.PR, false
	} else {
		p.Op = ast.EQ
	}
	return &p
}

func (c *compiler) compare(e *filter.Compare) (fragment, bool, error) {
	if negative(e) {
		f, ok, err := c.compare(positive(e))
		return not(f), ok, err
	}
	if e.Null {
		e = &filter.Compare{Attr: e.Attr, Op: ast.PR}
	}
	switch e.Attr.Backing {
	case schema.InColumns:
		return c.column(e)
	case schema.InMembers:
		return c.relation(e.Attr, e)
	case schema.InOrigin:
		return c.origin(e)
	}
	if !hasIndex(e.Attr) {
		return fragment{}, false, nil
	}
	return c.indexed(e), true, nil
}

// indexed is a condition on the index rows of r. An equality is one look-up per
// row; another operator can't be looked up by resource, so its rows are read
// once.
func (c *compiler) indexed(e *filter.Compare) fragment {
	rows, args, column := "FROM ix e WHERE e.tenant = ? AND e.attr = ?", []any{c.view.Tenant, e.Attr.Index}, "r.rid"
	match := c.text("e.key", e)
	if e.Op == ast.EQ {
		where := " AND e.rid = r.rid AND e.view = 0"
		if c.view.Source != 0 {
			where = " AND e.rid = r.rid AND e.view = l.view"
		}
		return fragment{"EXISTS (SELECT 1 " + rows + " AND " + match.sql + where + ")", append(args, match.args...)}
	}
	selected, where := "e.rid", " AND e.view = 0"
	if c.view.Source != 0 {
		selected, where, column = "e.rid, e.view", "", "(r.rid, l.view)"
	}
	return fragment{column + " IN (SELECT " + selected + " " + rows + where + " AND " + match.sql + ")", append(args, match.args...)}
}

// text compares a column that holds texts in comparison form.
func (c *compiler) text(column string, e *filter.Compare) fragment {
	if e.Op == ast.PR {
		return always
	}
	if !storable(e.Text) {
		return unstorableText(column, e)
	}
	switch e.Op {
	case ast.EQ:
		return fragment{column + " = ?", []any{e.Text}}
	case ast.CO:
		return fragment{c.contains(column), []any{e.Text}}
	case ast.SW:
		return prefix(column, e.Text)
	case ast.EW:
		if e.Text == "" {
			return always
		}
		return fragment{c.suffix(column) + " = ?", []any{utf8.RuneCountInString(e.Text), e.Text}}
	}
	return fragment{column + ordering[e.Op], []any{e.Text}}
}

var ordering = map[ast.CompareOperator]string{ast.GT: " > ?", ast.GE: " >= ?", ast.LT: " < ?", ast.LE: " <= ?"}

// unstorableText compares with a text that no row can hold: between it and its
// storable beginning there is no value either.
func unstorableText(column string, e *filter.Compare) fragment {
	start, _, _ := strings.Cut(strings.ToValidUTF8(e.Text, "\x00"), "\x00")
	switch e.Op {
	case ast.GT, ast.GE:
		return fragment{column + " > ?", []any{start}}
	case ast.LT, ast.LE:
		return fragment{column + " <= ?", []any{start}}
	}
	return never
}

// prefix is a range, which an index serves: from the text to the next one that
// doesn't begin with it.
func prefix(column, text string) fragment {
	f := fragment{column + " >= ?", []any{text}}
	if end, ok := successor(text); ok {
		f = fragment{f.sql + " AND " + column + " < ?", append(f.args, end)}
	}
	return f
}

// successor gives the least text that is greater than all that begin with s; ok
// is false if there is none. It counts in characters, so that the result is
// UTF-8; their order is that of the bytes.
func successor(s string) (string, bool) {
	r := []rune(s)
	for i := len(r) - 1; i >= 0; i-- {
		next := r[i] + 1
		if next == 0xd800 {
			next = 0xe000 // the surrogates are no characters
		}
		if next <= utf8.MaxRune {
			r[i] = next
			return string(r[:i+1]), true
		}
	}
	return "", false
}

// column compares what stands in columns: id and meta. meta is that of the
// view.
func (c *compiler) column(e *filter.Compare) (fragment, bool, error) {
	row := "r."
	if c.view.Source != 0 {
		row = "l."
	}
	switch {
	case e.Attr == c.t.Schemas:
		return fragment{}, false, nil // they follow from the document
	case e.Op == ast.PR:
		return always, true, nil
	case e.Attr == c.t.ID:
		return c.text("r.id", e), true, nil
	case e.Attr == c.t.Meta.Sub("created"):
		return timeCondition(row+"created", e), true, nil
	case e.Attr == c.t.Meta.Sub("lastModified"):
		return timeCondition(row+"modified", e), true, nil
	case e.Attr == c.t.Meta.Sub("resourceType"):
		return truth(fits(e, c.t.Name)), true, nil
	case e.Attr == c.t.Meta.Sub("version") && e.Op == ast.EQ:
		// RFC 7644 §3.14: an entity tag, weak or not, around the number.
		number := strings.Trim(strings.TrimPrefix(strings.TrimPrefix(e.Text, "W/"), "w/"), `"`)
		if !storable(number) {
			return never, true, nil
		}
		return fragment{"CAST(" + row + "version AS TEXT) = ?", []any{number}}, true, nil
	}
	return fragment{}, false, unfilterable(e.Attr)
}

func unfilterable(a *schema.Attribute) error {
	return fmt.Errorf("gormstore: %s: %w", a.Path, store.ErrUnfilterable)
}

// timeCondition compares microseconds with an operand. Times are shown with
// milliseconds, so an operand with no more than those means what was shown.
func timeCondition(column string, e *filter.Compare) fragment {
	from := e.Time.UnixMicro()
	step := int64(1)
	if e.Time.Nanosecond()%int(time.Millisecond) == 0 {
		step = 1000
	}
	switch e.Op {
	case ast.EQ:
		return fragment{column + " >= ? AND " + column + " < ?", []any{from, from + step}}
	case ast.GT:
		return fragment{column + " >= ?", []any{from + step}}
	case ast.GE:
		return fragment{column + " >= ?", []any{from}}
	case ast.LT:
		return fragment{column + " < ?", []any{from}}
	case ast.LE:
		return fragment{column + " < ?", []any{from + step}}
	}
	return never
}

// fits judges a text that is known before the query runs, such as a type's name.
func fits(e *filter.Compare, value string) bool {
	element := &document.Object{}
	element.Set(e.Attr, value)
	return filter.MatchElement(e, element)
}

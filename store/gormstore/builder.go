package gormstore

import (
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// builder writes a statement with its arguments in the order of their places.
type builder struct {
	view store.View
	text strings.Builder
	args []any
}

func (b *builder) add(sql string, args ...any) *builder {
	b.text.WriteString(sql)
	b.args = append(b.args, args...)
	return b
}

// fragment adds a piece that was built elsewhere.
func (b *builder) fragment(f fragment) *builder { return b.add(f.sql, f.args...) }

func (b *builder) sql() string { return b.text.String() }

// fragment is a piece of SQL with its arguments.
type fragment struct {
	sql  string
	args []any
}

// columns adds what recordScanner reads: of resources r and, in the view of a
// source, of its link l, and a column of their groups. A document that isn't
// wanted is empty.
func (b *builder) columns(d dialect, doc bool, groups fragment) *builder {
	own := b.view.Source != 0
	b.add("r.rid, r.tenant, r.kind, r.id, COALESCE(r.unique_key, ''), r.display, r.authority, r.chosen, r.class, r.state, r.state_at, ")
	if own {
		b.add("l.version, l.created, l.modified, ")
	} else {
		b.add("r.version, r.created, r.modified, ")
	}
	switch {
	case !doc:
		b.add("''")
	case own:
		b.add("CASE WHEN l.view = 0 THEN r.doc ELSE (SELECT d.doc FROM link_docs d WHERE d.rid = l.rid AND d.source = l.source) END")
	default:
		b.add("r.doc")
	}
	b.add(", COALESCE((SELECT " + d.concat("p.source") + " FROM links p WHERE p.rid = r.rid AND p.state <= 2), ''), ")
	return b.fragment(groups)
}

// joinLink joins the link of the view's source to r.
func (b *builder) joinLink(d dialect) *builder {
	if b.view.Source != 0 {
		b.add(d.innerLink(), b.view.Source)
	}
	return b
}

// visible adds the conditions under which the view shows r, for a WHERE that
// has begun.
func (b *builder) visible() *builder {
	if b.view.Source == 0 {
		return b.add(" AND r.state <= 2")
	}
	return b.add(" AND l.state <= 2")
}

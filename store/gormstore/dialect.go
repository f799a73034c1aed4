package gormstore

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// dialect is where the SQL of the engines differs.
type dialect interface {
	// locks says whether rows have to be locked before they are read to be
	// written.
	locks() bool
	// idList and textList give "IN (…)" for a list, which is one argument.
	idList(ids []int64) (string, any)
	textList(texts []string) (string, any)
	// intRows gives a FROM item with a column v for a list, one argument.
	intRows(ids []int64) (string, any)
	// concat gives an aggregate that lists an integer column with commas.
	concat(column string) string
	// lists gives an aggregate that lists rows of columns as JSON.
	lists(columns string) string
	// groupsOfOne gives the column of groupsOf for a statement that gives one
	// row, or few.
	groupsOfOne(v store.View) fragment
	// contains is a predicate with one argument; position is where it is true,
	// counted from 1, and 0 where it isn't.
	contains(column string) string
	position(column string) string
	// suffix is the end of a text, with one argument: how many characters.
	suffix(column string) string
	// lookup gives a join that, for each row before it, looks up the rows of a
	// table whose column has the value, whatever the planner believes.
	lookup(table, alias, column, value string) string
	// clock gives the database's time in microseconds, at the statement's run.
	clock() string
	// innerLink gives a join that looks up the link of one source, its only
	// argument, for each row r, in the same way.
	innerLink() string
}

type sqliteDialect struct{}

func (sqliteDialect) locks() bool { return false }

// One JSON text for a list of any length means one statement to prepare, and
// no bound on the number of arguments.
func jsonText(list any) any {
	b, err := json.Marshal(list)
	if err != nil { // integers and texts can't fail
		return "[]"
	}
	return string(b)
}

func (sqliteDialect) idList(ids []int64) (string, any) {
	return "IN (SELECT value FROM json_each(?))", jsonText(ids)
}

func (sqliteDialect) textList(texts []string) (string, any) {
	return "IN (SELECT value FROM json_each(?))", jsonText(texts)
}

func (sqliteDialect) intRows(ids []int64) (string, any) {
	return "(SELECT value AS v FROM json_each(?))", jsonText(ids)
}

func (sqliteDialect) concat(column string) string { return "group_concat(" + column + ")" }

func (sqliteDialect) lists(columns string) string {
	return "json_group_array(json_array(" + columns + "))"
}

func (d sqliteDialect) contains(column string) string { return d.position(column) + " > 0" }

func (sqliteDialect) position(column string) string { return "instr(" + column + ", ?)" }

func (sqliteDialect) suffix(column string) string { return "substr(" + column + ", -?)" }

// CROSS JOIN keeps the order of the tables: SQLite has no statistics here, and
// is given none, so that a plan is the same on every file.
func (sqliteDialect) lookup(table, alias, column, value string) string {
	return " CROSS JOIN " + table + " " + alias + " ON " + alias + "." + column + " = " + value
}

func (sqliteDialect) clock() string { return "CAST(unixepoch('subsec') * 1000000 AS INTEGER)" }

func (sqliteDialect) innerLink() string {
	return " CROSS JOIN links l ON l.rid = r.rid AND l.source = ?"
}

type postgresDialect struct{}

func (postgresDialect) locks() bool { return true }

func (postgresDialect) idList(ids []int64) (string, any) { return "= ANY(?::bigint[])", ids }

func (postgresDialect) textList(texts []string) (string, any) { return "= ANY(?::text[])", texts }

func (postgresDialect) intRows(ids []int64) (string, any) {
	return "unnest(?::bigint[]) AS list(v)", ids
}

func (postgresDialect) concat(column string) string {
	return "string_agg(" + column + "::text, ',')"
}

func (postgresDialect) lists(columns string) string {
	return "json_agg(json_build_array(" + columns + "))::text"
}

func (d postgresDialect) contains(column string) string { return d.position(column) + " > 0" }

func (postgresDialect) position(column string) string { return "strpos(" + column + ", ?)" }

func (postgresDialect) suffix(column string) string { return "right(" + column + ", ?)" }

// OFFSET 0 keeps the planner from turning the look-ups into a join over the
// whole table, which it does when it misjudges how many there are.
func (postgresDialect) lookup(table, alias, column, value string) string {
	return " CROSS JOIN LATERAL (SELECT * FROM " + table + " WHERE " + column + " = " + value + " OFFSET 0) " + alias
}

func (postgresDialect) clock() string {
	return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
}

func (postgresDialect) innerLink() string {
	return " CROSS JOIN LATERAL (SELECT * FROM links WHERE rid = r.rid AND source = ? OFFSET 0) l"
}

// steady writes each ? as +?, which is the same value. Of a bare ? SQLite notes
// that its value may decide the plan, and as the driver clears the arguments
// after each run, it would prepare the statement anew for each run.
func steady(sql string) string { return strings.ReplaceAll(sql, "?", "+?") }

// numbered turns ? into $1, $2, …. No statement of this package holds a ? in a
// literal.
func numbered(sql string) string {
	n := strings.Count(sql, "?")
	if n == 0 {
		return sql
	}
	b := make([]byte, 0, len(sql)+2*n)
	k := 0
	for i := 0; i < len(sql); i++ {
		if sql[i] != '?' {
			b = append(b, sql[i])
			continue
		}
		k++
		b = strconv.AppendInt(append(b, '$'), int64(k), 10)
	}
	return string(b)
}

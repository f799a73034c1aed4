package gormstore

import (
	"cmp"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/scim/document"
)

// indexRows is the place of a document's index rows.
type indexRows struct {
	tenant, rid int64
	view        int64 // 0: the resolved document
}

// reindex writes the difference between the index rows of two documents.
func (s *session) reindex(at indexRows, before, after []document.Key) error {
	gone, come := difference(before, after)
	for _, k := range gone {
		err := s.exec("DELETE FROM ix WHERE tenant = ? AND attr = ? AND key = ? AND rid = ? AND view = ?", at.tenant, k.Attr, k.Text, at.rid, at.view)
		if err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(come, maxIndexRows) {
		args := make([]any, 0, 5*len(chunk))
		for _, k := range chunk {
			args = append(args, at.tenant, k.Attr, k.Text, at.rid, at.view)
		}
		sql := "INSERT INTO ix (tenant, attr, key, rid, view) VALUES (?,?,?,?,?)" + strings.Repeat(",(?,?,?,?,?)", len(chunk)-1) + " ON CONFLICT DO NOTHING"
		if err := s.exec(sql, args...); err != nil {
			return err
		}
	}
	return nil
}

// maxIndexRows bounds one INSERT, and with it how many statements of different
// length are prepared. Most documents fit into one.
const maxIndexRows = 16

// difference gives the keys that only before has, and those that only after has.
func difference(before, after []document.Key) (gone, come []document.Key) {
	before, after = sortedKeys(before), sortedKeys(after)
	for len(before) > 0 && len(after) > 0 {
		switch c := compareKeys(before[0], after[0]); {
		case c < 0:
			gone, before = append(gone, before[0]), before[1:]
		case c > 0:
			come, after = append(come, after[0]), after[1:]
		default:
			before, after = before[1:], after[1:]
		}
	}
	return append(gone, before...), append(come, after...)
}

func compareKeys(a, b document.Key) int {
	return cmp.Or(cmp.Compare(a.Attr, b.Attr), cmp.Compare(a.Text, b.Text))
}

// sortedKeys gives the keys as document.Keys does; sorted already, as they
// mostly are, they are not copied.
func sortedKeys(keys []document.Key) []document.Key {
	if !slices.IsSortedFunc(keys, compareKeys) {
		keys = slices.SortedFunc(slices.Values(keys), compareKeys)
	}
	return keys
}

package gormstore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// The partial indexes and the queries spell the visible states as numbers.
func TestStatesInSQLAreThoseOfTheContract(t *testing.T) {
	for s := store.Live; s <= store.Purged; s++ {
		if s.Visible() != (s <= 2) {
			t.Errorf("state %d", s)
		}
	}
	for s := store.Linked; s <= store.LinkConflict; s++ {
		if s.Live() != (s <= 2) {
			t.Errorf("link state %d", s)
		}
	}
}

func TestSuccessorIsTheLeastTextBehindAPrefix(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"a", "b"}, {"az", "a{"}, {"\ud7ff", "\ue000"}, {"a\U0010ffff", "b"}, {"\U0010ffff", ""}, {"", ""}, {"é", "ê"},
	} {
		got, ok := successor(tt.in)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("successor(%q) = %q, %v; want %q", tt.in, got, ok, tt.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		prefix, text := rapid.StringN(1, 4, -1).Draw(t, "prefix"), rapid.String().Draw(t, "text")
		if rapid.Bool().Draw(t, "related") {
			text = prefix + text
		}
		end, ok := successor(prefix)
		inRange := text >= prefix && (!ok || text < end)
		if inRange != strings.HasPrefix(text, prefix) {
			t.Fatalf("%q in [%q, %q): %v", text, prefix, end, inRange)
		}
	})
}

func TestDifferenceOfIndexRows(t *testing.T) {
	keys := rapid.Map(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) document.Key {
		return document.Key{Attr: rapid.IntRange(1, 3).Draw(t, "attr"), Text: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "text")}
	}), 0, 6), func(keys []document.Key) []document.Key { return slices.Compact(sortedKeys(keys)) })
	rapid.Check(t, func(t *rapid.T) {
		before, after := keys.Draw(t, "before"), keys.Draw(t, "after")
		gone, come := difference(before, after)
		left := slices.DeleteFunc(slices.Clone(before), func(k document.Key) bool { return slices.Contains(gone, k) })
		if got := sortedKeys(append(left, come...)); !slices.Equal(got, after) {
			t.Fatalf("%v, want %v", got, after)
		}
	})
}

func TestSortKeysKeepTheOrderOfValues(t *testing.T) {
	number := &schema.Attribute{Type: schema.Decimal}
	last := ""
	for _, f := range []float64{math.Inf(-1), -1e9, -2, -1.5, -0.25, 0, 0.25, 1, 2, 10, 1e9} {
		key, _ := valueKey(number, document.Number(fmt.Sprint(f)))
		if key <= last {
			t.Errorf("the key of %v is %q, not behind %q", f, key, last)
		}
		last = key
	}
	last = ""
	for _, when := range []string{"0001-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z", "2026-01-01T00:00:00+02:00", "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z"} {
		key, ok := valueKey(&schema.Attribute{Type: schema.DateTime}, when)
		if !ok || key <= last {
			t.Errorf("the key of %s is %q, not behind %q", when, key, last)
		}
		last = key
	}
}

func TestOldestRunningTransaction(t *testing.T) {
	const epoch = int64(5) << 32
	for _, tt := range []struct {
		next    int64
		running string
		want    int64
	}{
		{100, "", 100},
		{100, "97,99", 97},
		{100, "101", 100}, // began after next was read
		{epoch + 3, fmt.Sprint(uint32(math.MaxUint32)), epoch - 1},
		{epoch + 3, "1", epoch + 1},
	} {
		if got, err := oldest(tt.next, tt.running); got != tt.want || err != nil {
			t.Errorf("oldest(%d, %q) = %d, %v; want %d", tt.next, tt.running, got, err, tt.want)
		}
	}
}

// What a client reads as …05.678Z it may send back as such.
func TestTimesCompareAsTheyAreShown(t *testing.T) {
	stored := time.Date(2026, 1, 2, 3, 4, 5, 678_901_000, time.UTC)
	shown := stored.Truncate(time.Millisecond)
	for _, tt := range []struct {
		op      ast.CompareOperator
		operand time.Time
		want    bool
	}{
		{ast.EQ, shown, true}, {ast.GT, shown, false}, {ast.GE, shown, true}, {ast.LT, shown, false}, {ast.LE, shown, true},
		{ast.EQ, stored, true}, {ast.GT, stored, false}, {ast.GE, stored, true}, {ast.LT, stored, false}, {ast.LE, stored, true},
		{ast.GT, shown.Add(-time.Millisecond), true}, {ast.LT, shown.Add(time.Millisecond), true}, {ast.EQ, stored.Add(time.Microsecond), false},
	} {
		f := timeCondition("t", &filter.Compare{Op: tt.op, Time: tt.operand})
		got := true
		for i, part := range strings.Split(f.sql, " AND ") {
			bound := f.args[i].(int64)
			if strings.Contains(part, ">=") {
				got = got && stored.UnixMicro() >= bound
			} else {
				got = got && stored.UnixMicro() < bound
			}
		}
		if got != tt.want {
			t.Errorf("%v %s %v = %v", stored, tt.op, tt.operand, got)
		}
	}
}

func TestHintsForgetTheOldest(t *testing.T) {
	h := newHints()
	for i := range maxHints + 10 {
		h.put(place{index: i}, hint{moves: i})
		h.get(place{}) // stays in use
	}
	if _, ok := h.get(place{}); !ok {
		t.Error("one in use was forgotten")
	}
	if _, ok := h.get(place{index: 5}); ok {
		t.Error("an old one is still there")
	}
	if len(h.byKey) != maxHints || h.order.Len() != maxHints {
		t.Errorf("%d and %d entries, want %d", len(h.byKey), h.order.Len(), maxHints)
	}
}

// Pages by index continue where the last one ended, without counting from the
// start, and yet see what was removed before them.
func TestPagesByIndexFollowEachOtherAndSeeRemovals(t *testing.T) {
	engines(t, func(t *testing.T, s *Store) {
		w := newWorld(t, s)
		w.load(50)
		for _, sortBy := range []*schema.Attribute{nil, w.set.User.UserName} {
			q := w.query(w.set.User, w.source, "")
			q.SortBy, q.Limit = sortBy, 10
			first, _ := w.find(q)
			q.Offset = 10
			second, _ := w.find(q)
			for _, name := range second {
				if slices.Contains(first, name) {
					t.Errorf("%s is on both pages", name)
				}
			}
			var gone store.Resource
			w.view(func(r store.Reader) error {
				at := q
				at.Offset = 0
				_, err := r.List(at, func(rec *store.Record) error {
					if gone.RID == 0 {
						gone = rec.Resource
					}
					return nil
				})
				return err
			})
			w.update(func(tx store.Tx) error {
				links, err := tx.Links(gone.RID)
				if err != nil {
					return err
				}
				ended := links[0]
				ended.State = store.LinkEnded
				return tx.PutLink(&links[0], &ended)
			})
			if shifted, _ := w.find(q); shifted[0] != second[1] {
				t.Errorf("after a removal the page begins with %s, want %s", shifted[0], second[1])
			}
		}
	})
}

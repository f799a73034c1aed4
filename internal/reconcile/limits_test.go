package reconcile

import (
	"errors"
	"strings"
	"testing"
)

// What is over a limit, and what is just under it (rows H024, R15).
func TestLimits(t *testing.T) {
	stock := Stock{Objects: 10_000, Users: 9_000, Memberships: 50_000}
	small := Stock{Objects: 48, Users: 40, Memberships: 40}
	for _, c := range []struct {
		name  string
		toll  Toll
		stock Stock
		want  string // the beginning of the sentence
	}{
		{"nothing", Toll{}, stock, ""},
		{"nothing of nothing", Toll{}, Stock{}, ""},
		{"deletes", Toll{Deletes: 500}, stock, ""},
		{"one delete too many", Toll{Deletes: 501}, stock, "501 of 10000 objects would be deleted; the limits are 500 and 20 %"},
		{"disables", Toll{Disables: 500}, stock, ""},
		{"one disable too many", Toll{Disables: 501}, stock, "501 of 9000 users would be disabled"},
		{"removals", Toll{MembershipRemovals: 5000}, stock, ""},
		{"one removal too many", Toll{MembershipRemovals: 5001}, stock, "5001 members would be removed from groups; the limit is 5000"},
		{"identities", Toll{IdentityChanges: 500}, stock, ""},
		{"one identity too many", Toll{IdentityChanges: 501}, stock, "501 of 10000 objects would get another"},
		{"grants", Toll{LostGrants: 10_000}, stock, ""},
		{"one grant too many", Toll{LostGrants: 10_001}, stock, "10001 of 50000 memberships would be lost"},
		{"small: few are let through, whatever their share", Toll{Deletes: 19, Disables: 19}, small, ""},
		{"small: a share", Toll{Deletes: 20}, small, "20 of 48 objects would be deleted"},
		{"small: a share of users", Toll{Disables: 20}, small, "20 of 40 users would be disabled"},
		{"a share of exactly the limit", Toll{Deletes: 20}, Stock{Objects: 100}, ""},
		{"a share of memberships", Toll{LostGrants: 21}, small, "21 of 40 memberships"},
		{"all of five", Toll{Deletes: 5}, Stock{Objects: 5}, "All 5 objects"},
		{"all of four", Toll{Deletes: 4}, Stock{Objects: 4}, ""},
		{"all users of five", Toll{Disables: 5}, Stock{Objects: 9, Users: 5}, "All 5 users"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := DefaultLimits().Exceeded(c.toll, c.stock)
			if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if off := NoLimits().Exceeded(c.toll, c.stock); off != "" {
				t.Errorf("without limits: %q", off)
			}
		})
	}
}

func TestLimitsOfOneGroup(t *testing.T) {
	l := DefaultLimits()
	for _, c := range []struct {
		now, before, left int64
		over              bool
	}{
		{1, 0, 0, false}, {4, 0, 0, false}, {5, 0, 0, true}, {5, 0, 1, false}, {1, 9, 0, false}, {1, 18, 0, false}, {1, 19, 0, true},
		{20, 0, 19, true}, {20, 0, 20, false}, {1, 50, 50, true}, {250_000, 0, 0, true},
	} {
		if why := l.GroupExceeded(c.now, c.before, c.left); (why != "") != c.over {
			t.Errorf("%+v: %q", c, why)
		}
		// Who counts no more than Enough comes to the same end.
		if counted := min(c.left, l.Enough(c.now+c.before)); (l.GroupExceeded(c.now, c.before, counted) != "") != c.over {
			t.Errorf("%+v: otherwise if only %d are counted", c, counted)
		}
	}
}

func TestReadLimits(t *testing.T) {
	l, err := ReadLimits([]byte(`{"scope":[],"limits":{"deletes":7,"disables":0,"lostGrants":-1,"another":{}}}`))
	want := DefaultLimits()
	want.Deletes, want.LostGrants = 7, Off
	if err != nil || l != want {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err = ReadLimits(nil); err != nil || l != DefaultLimits() {
		t.Errorf("%+v, %v", l, err)
	}
	for _, bad := range []string{
		`{"limits":[]}`, `{"limits":{"deletes":"7"}}`, `{"limits":{"deletes":1.5}}`, `{"limits":{"deletes":-2}}`, `{"limits":{"deletesPercent":101}}`,
		`{"limits":{"percentFrom":-1}}`, `{"limits":{"quietMinutes":1441}}`, `{"limits":{"emptied":1e12}}`, `{`,
	} {
		var e *LimitError
		if l, err := ReadLimits([]byte(bad)); !errors.As(err, &e) || e.Way == "" || l != DefaultLimits() {
			t.Errorf("%s: %+v, %v", bad, l, err)
		}
	}
}

package mapping

import (
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"pgregory.net/rapid"
)

// Row E007: every operator, for a value that fulfils it, one that doesn't, null,
// empty, a list, and nothing said.
func TestOperators(t *testing.T) {
	for _, tt := range []struct {
		clause string
		yes    []any
		no     []any
	}{
		{`"eq","value":"IT"`, []any{"IT", []any{"HR", "IT"}}, []any{"it", "ITx", nil, "", omit{}, []any{}, map[string]any{"x": "IT"}}},
		{`"EQUALS","value":"true"`, []any{true, "true"}, []any{"True", false, 1}},
		{`"eq","value":"5"`, []any{5, "5"}, []any{"05", 5.5}},
		{`"ne","value":"IT"`, []any{"it", []any{"HR", "x"}, 5}, []any{"IT", nil, "", omit{}, []any{"HR", "IT"}, []any{}}},
		{`"NOT EQUALS","value":"IT"`, []any{"HR"}, []any{"IT"}},
		{`"co","value":"ale"`, []any{"Sales"}, []any{"SALES", nil}},
		{`"Includes","value":"ale"`, []any{"Sales"}, []any{"x"}},
		{`"sw","value":"Sa"`, []any{"Sales"}, []any{"sales", "xSa"}},
		{`"ew","value":"es"`, []any{"Sales"}, []any{"SalES", "esx"}},
		{`"ENDS_WITH","value":"es"`, []any{"Sales"}, []any{"x"}},
		{`"gt","value":"10"`, []any{11, "11", "10.5", "9007199254740993"}, []any{10, "9", "x", nil, "1e9"}},
		{`"Greater_Than","value":"9007199254740992"`, []any{9007199254740993}, []any{9007199254740992}},
		{`"ge","value":"10"`, []any{10, "10.0"}, []any{9}},
		{`"Greater_Than_OR_EQUALS","value":"10"`, []any{10}, []any{9}},
		{`"lt","value":"10"`, []any{9, -1, "-2.5"}, []any{10, nil, ""}},
		{`"le","value":"10"`, []any{10}, []any{11, "2026-01-01"}},
		{`"gt","value":"2026-01-31"`, []any{"2026-02-01", "2026-01-31T00:00:01Z"}, []any{"2026-01-31", "5", "soon"}},
		{`"regex","value":"([1-9][0-9])"`, []any{"42", "x99y", 10}, []any{"9", nil, "", strings.Repeat("1", 5000)}},
		{`"REGEX MATCH","value":".*\\@domain.com"`, []any{"a@domain.com"}, []any{"a@DOMAIN.com"}},
		{`"notRegex","value":"^a"`, []any{"b", []any{"b", "c"}}, []any{"a", nil, "", omit{}, []any{"a", "b"}, strings.Repeat("b", 5000)}},
		{`"NOT REGEX MATCH","value":"^a"`, []any{"b"}, []any{"a"}},
		{`"isNull"`, []any{nil, "", omit{}, []any{}, []any{nil, ""}}, []any{"x", 0, false, map[string]any{"a": 1}}},
		{`"IS NULL"`, []any{nil}, []any{"x"}},
		{`"isNotNull"`, []any{"x", 0, false, map[string]any{"a": 1}}, []any{nil, "", omit{}, []any{}}},
		{`"IS NOT NULL"`, []any{"x"}, []any{nil}},
		{`"isTrue"`, []any{true, "True", "TRUE"}, []any{false, 1, "x", nil}},
		{`"IS_TRUE"`, []any{true}, []any{false}},
		{`"isFalse"`, []any{false, "false"}, []any{true, 0, nil, ""}},
		{`"IS FALSE"`, []any{false}, []any{true}},
		{`"isBitSet","value":"2"`, []any{2, 514, "66050"}, []any{1, 512, nil, "x"}},
		{`"&","value":"2"`, []any{2}, []any{1}},
		{`"isBitClear","value":"2"`, []any{512}, []any{514, nil, "x"}},
		{`"!&","value":"2"`, []any{512}, []any{514}},
	} {
		m := compiled(t, strings.Replace(with(), `{"flows"`, `{"scope":[[{"attribute":"x","operator":`+tt.clause+`}]],"flows"`, 1))
		for want, values := range map[bool][]any{true: tt.yes, false: tt.no} {
			for _, v := range values {
				fields := map[string]any{"user": "u", "x": v}
				if v == any(omit{}) {
					delete(fields, "x")
				}
				if got := m.InScope(input(t, fields)); got != want {
					t.Errorf("%s of %.40v is %v, want %v", tt.clause, v, got, want)
				}
			}
		}
	}
}

func TestMembersOfAGroupAreInScope(t *testing.T) {
	m := compiled(t, strings.Replace(with(), `{"flows"`, `{"scope":[[{"operator":"isMemberOf","value":"g1"}]],"flows"`, 1))
	in := input(t, map[string]any{"user": "u"})
	if m.InScope(in) {
		t.Error("a member of no group is in scope")
	}
	in.Groups = []string{"g0", "g1"}
	if !m.InScope(in) {
		t.Error("a member is out of scope")
	}
}

func TestScopeLooksAtWhatWasSaidBefore(t *testing.T) {
	m := compiled(t, strings.Replace(with(), `{"flows"`, `{"scope":[[{"attribute":"dept","operator":"eq","value":"IT"}]],"flows"`, 1))
	in := input(t, map[string]any{"user": "u"})
	in.Before = record(t, map[string]any{"dept": "IT"})
	if !m.InScope(in) {
		t.Error("what is left out counts as empty")
	}
	in.Record = record(t, map[string]any{"dept": nil})
	if got := told(m.Apply(in)); got != "out of scope" {
		t.Errorf("null is what was said before: %s", got)
	}
}

// drawn draws a clause that is valid.
func drawn(t *rapid.T) Clause {
	return rapid.SampledFrom([]Clause{
		{"a", Equals, "x"}, {"a", NotEquals, "x"}, {"b", Contains, "x"}, {"b", StartsWith, "y"}, {"a", EndsWith, "y"},
		{"n", Greater, "1"}, {"n", LessEqual, "1"}, {"a", Regex, "^[xy]$"}, {"b", NotRegex, "x"}, {"a", IsNull, ""}, {"b", IsNotNull, ""},
		{"f", IsTrue, ""}, {"f", IsFalse, ""}, {"", IsMemberOf, "g"}, {"n", IsBitSet, "1"}, {"n", IsBitClear, "2"},
	}).Draw(t, "clause")
}

// Clauses of a group are ANDed, groups are ORed: whatever they are, the scope is
// what the clauses one by one say, in any order; another clause never lets more
// in, and another group never less.
func TestScopeIsAnOrOfAnds(t *testing.T) {
	kind := set(t).User
	flows := []Flow{{Target: "userName", Kind: Direct, Source: "user"}}
	rapid.Check(t, func(t *rapid.T) {
		fields := map[string]any{}
		for name, values := range map[string][]any{"a": {nil, "", "x", "y", []any{"x", "q"}}, "b": {nil, "xy", "y"}, "n": {nil, 0, 1, 2, 3, "1"}, "f": {nil, true, false, "True"}} {
			if v := rapid.SampledFrom(append(values, omit{})).Draw(t, name); v != any(omit{}) {
				fields[name] = v
			}
		}
		r, err := expression.NewRecord(fields)
		if err != nil {
			t.Fatal(err)
		}
		in := Input{Record: r, Groups: rapid.SampledFrom([][]string{nil, {"g"}, {"h", "g"}}).Draw(t, "groups")}
		holds := func(scope ...[]Clause) bool {
			m, err := Compile(kind, Rules{Scope: scope, Flows: flows})
			if err != nil {
				t.Fatal(err)
			}
			return m.InScope(in)
		}
		scope := rapid.SliceOfN(rapid.SliceOfN(rapid.Custom(drawn), 1, 4), 1, 4).Draw(t, "scope")
		want := false
		for _, group := range scope {
			all := true
			for _, c := range group {
				all = all && holds([]Clause{c})
			}
			want = want || all
		}
		got := holds(scope...)
		if got != want {
			t.Fatalf("%v of %v is %v, want %v", scope, fields, got, want)
		}
		turned := slices.Clone(scope)
		slices.Reverse(turned)
		for i := range turned {
			turned[i] = slices.Clone(turned[i])
			slices.Reverse(turned[i])
		}
		if holds(turned...) != got {
			t.Fatalf("the order of %v matters", scope)
		}
		more := drawn(t)
		if !got && holds(append(slices.Clone(scope[:len(scope)-1]), append(slices.Clone(scope[len(scope)-1]), more))...) {
			t.Fatalf("another clause lets in what %v doesn't", scope)
		}
		if got && !holds(append(slices.Clone(scope), []Clause{more})...) {
			t.Fatalf("another group keeps out what %v lets in", scope)
		}
	})
}

func TestNoScopeIsEverything(t *testing.T) {
	if !compiled(t, with()).InScope(Input{}) {
		t.Error("without a scope something is out of it")
	}
}

func TestOperatorsHaveOneNameEach(t *testing.T) {
	seen := map[string]bool{}
	for _, op := range operators() {
		for _, name := range append([]string{string(op.name)}, op.aliases...) {
			found, err := Operator(name).find()
			if err != nil || found.name != op.name || seen[name] {
				t.Errorf("%s is %v, %v", name, found, err)
			}
			seen[name] = true
		}
	}
}

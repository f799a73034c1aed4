package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"pgregory.net/rapid"
)

// The words that drawn filters and documents are made of: few, so that they
// meet, in two cases, so that caseExact matters.
var (
	words   = []string{`"a"`, `"A"`, `"b"`, `"ab"`, `""`, `"é"`}
	strAttr = []string{"title", "externalId", "name.givenName", "emails.value", "emails.type", ent + ":department", ent + ":manager.value"}
	strOps  = []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"}
	ordOps  = []string{"eq", "ne", "gt", "ge", "lt", "le"}
	numbers = []string{"1", "2", "2.5"}
	days    = []string{`"2026-01-01"`, `"2026-01-01T01:00:00+01:00"`, `"2026-01-02T00:00:00Z"`}
)

func pick(t *rapid.T, from ...string) string { return rapid.SampledFrom(from).Draw(t, "pick") }

// drawComparison draws one comparison: any attribute, one of its operators.
func drawComparison(t *rapid.T) string {
	switch rapid.IntRange(0, 7).Draw(t, "comparison") {
	case 0:
		return pick(t, append(strAttr, "name", "active", ent)...) + " pr"
	case 1:
		return pick(t, append(strAttr, "name", "active")...) + pick(t, " eq null", " ne null")
	case 2:
		return pick(t, "active", "emails.primary") + pick(t, " eq ", " ne ") + pick(t, "true", "false")
	case 3:
		return csvURN + ":level " + pick(t, ordOps...) + " " + pick(t, numbers...)
	case 4:
		return wsURN + ":employeeHireDate " + pick(t, ordOps...) + " " + pick(t, days...)
	case 5:
		return pick(t, "emails ", ent+":manager ") + pick(t, strOps[:5]...) + " " + pick(t, words...)
	default:
		return pick(t, strAttr...) + " " + pick(t, strOps...) + " " + pick(t, words...)
	}
}

// drawFilter draws a filter of at most the given depth.
func drawFilter(t *rapid.T, depth int, leaf func(*rapid.T) string) string {
	if depth == 0 {
		return leaf(t)
	}
	sub := func() string { return drawFilter(t, depth-1, leaf) }
	switch rapid.IntRange(0, 4).Draw(t, "filter") {
	case 0:
		return "(" + sub() + ") and (" + sub() + ")"
	case 1:
		return sub() + " or " + sub()
	case 2:
		return sub() + " and " + sub()
	case 3:
		return "not (" + sub() + ")"
	default:
		return leaf(t)
	}
}

func drawTerm(t *rapid.T) string {
	if rapid.IntRange(0, 3).Draw(t, "term") > 0 {
		return drawComparison(t)
	}
	return "emails[" + drawFilter(t, 1, func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "primary") {
			return "primary" + pick(t, " eq true", " ne true", " pr", " eq null")
		}
		return pick(t, "value ", "type ") + pick(t, strOps...) + " " + pick(t, words...)
	}) + "]"
}

// drawUser draws a user in which anything may be absent.
func drawUser(t *rapid.T) *document.Object {
	var members []string
	add := func(in *[]string, name string, values ...string) {
		if rapid.Bool().Draw(t, "has") {
			*in = append(*in, fmt.Sprintf("%q: %s", name, pick(t, values...)))
		}
	}
	nested := func(name string, fields []string) {
		members = append(members, fmt.Sprintf("%q: {%s}", name, strings.Join(fields, ",")))
	}
	add(&members, "title", words...)
	add(&members, "externalId", words...)
	add(&members, "active", "true", "false")
	var name, enterprise, csv, ws []string
	add(&name, "givenName", words...)
	add(&enterprise, "department", words...)
	add(&enterprise, "manager", `{"value": "a"}`, `{"value": "A"}`)
	add(&csv, "level", numbers[:2]...)
	add(&ws, "employeeHireDate", days...)
	nested("name", name)
	nested(ent, enterprise)
	nested(csvURN, csv)
	nested(wsURN, ws)
	var emails []string
	for i := range rapid.IntRange(0, 3).Draw(t, "emails") {
		e := []string{`"display": "x"`}
		add(&e, "value", words...)
		add(&e, "type", words...)
		if i == 0 {
			add(&e, "primary", "true", "false")
		}
		emails = append(emails, "{"+strings.Join(e, ",")+"}")
	}
	members = append(members, `"emails": [`+strings.Join(emails, ",")+"]")
	d, err := document.Decode(set.User, []byte("{"+strings.Join(members, ",")+"}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Object
}

func mustResolve(t *rapid.T, s string) filter.Expr {
	e, err := filter.Parse(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	r, err := filter.Resolve(set.User, e)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return r
}

func TestMatchObeysLogic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawUser(t)
		f, g := drawFilter(t, 2, drawTerm), drawFilter(t, 2, drawTerm)
		match := func(s string) bool { return filter.Match(mustResolve(t, s), o, nil) }
		p, q := match(f), match(g)
		for law, s := range map[string]struct {
			in   string
			want bool
		}{
			"not":              {"not (" + f + ")", !p},
			"double negation":  {"not (not (" + f + "))", p},
			"and":              {"(" + f + ") and (" + g + ")", p && q},
			"or":               {"(" + g + ") or (" + f + ")", p || q},
			"De Morgan of and": {"not ((" + f + ") and (" + g + "))", match("not (" + f + ") or not (" + g + ")")},
			"De Morgan of or":  {"not ((" + f + ") or (" + g + "))", match("not (" + f + ") and not (" + g + ")")},
		} {
			if got := match(s.in); got != s.want {
				t.Fatalf("%s: %s is %v, want %v\n%s", law, s.in, got, s.want, o.AppendJSON(nil))
			}
		}
	})
}

func TestMatchOperatorsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawUser(t)
		a, v := pick(t, strAttr...), pick(t, words...)
		match := func(op string) bool { return filter.Match(mustResolve(t, a+" "+op), o, nil) }
		present, eq := match("pr"), match("eq "+v)
		for _, law := range []struct {
			name string
			is   bool
		}{
			{"ne is not eq", match("ne "+v) == !eq},
			{"eq null is not pr", match("eq null") == !present},
			{"ne null is pr", match("ne null") == present},
			{"ge is gt or eq", match("ge "+v) == (match("gt "+v) || eq)},
			{"le is lt or eq", match("le "+v) == (match("lt "+v) || eq)},
			{"present is below, at or above", present == (match("lt "+v) || match("ge "+v))},
			{"eq begins, ends and contains", !eq || match("sw "+v) && match("ew "+v) && match("co "+v)},
			{"what begins or ends so contains", match("co "+v) || !match("sw "+v) && !match("ew "+v)},
			{"everything present contains the empty string", match(`co ""`) == present},
		} {
			if !law.is {
				t.Fatalf("%s: not for %s with %s on\n%s", law.name, a, v, o.AppendJSON(nil))
			}
		}
	})
}

// A value path is true exactly when the filter is true of some element.
func TestMatchOfValuePathIsMatchOfAnElement(t *testing.T) {
	emails := attribute(t, "emails")
	rapid.Check(t, func(t *rapid.T) {
		o := drawUser(t)
		inner := drawFilter(t, 2, func(t *rapid.T) string {
			return pick(t, "value ", "type ") + pick(t, strOps...) + " " + pick(t, words...)
		})
		e, err := filter.Parse(inner)
		if err != nil {
			t.Fatal(err)
		}
		r, err := filter.ResolveElement(emails, e)
		if err != nil {
			t.Fatal(err)
		}
		want := false
		list, _ := o.Get(emails).(document.List)
		for _, v := range list {
			want = want || filter.MatchElement(r, v)
		}
		if got := filter.Match(mustResolve(t, "emails["+inner+"]"), o, nil); got != want {
			t.Fatalf("emails[%s]: %v, want %v on\n%s", inner, got, want, o.AppendJSON(nil))
		}
	})
}

func TestTextResolvesToTheSameFilter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := mustResolve(t, drawFilter(t, 3, drawTerm))
		text := filter.Text(e)
		if again := mustResolve(t, text); !cmp.Equal(e, again, sameAttribute) || filter.Text(again) != text {
			t.Fatalf("%s resolved again to %s", text, filter.Text(again))
		}
	})
}

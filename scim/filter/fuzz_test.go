package filter_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	scimerrors "github.com/elimity-com/scim/errors"
	ast "github.com/scim2/filter-parser/v2"
	"github.com/workspace-scim/workspace/scim/filter"
)

// FuzzParse holds for any text: no panic; a refusal that a client can be shown;
// what is taken prints to the same tree, agrees with the oracle, and resolves,
// if it does, to one meaning.
func FuzzParse(f *testing.F) {
	for _, s := range rfcExamples {
		f.Add(s)
	}
	for _, d := range differences {
		f.Add(d.in)
	}
	o := decode(f, bjensen)
	f.Fuzz(func(t *testing.T, s string) {
		lenient, _ := repairing(filter.RepairUnquotedOperand, filter.RepairTextBoolean, filter.RepairUnqualifiedEnterprise)
		repaired, lenientErr := filter.ParseWith(s, lenient)
		e, err := filter.Parse(s)
		if err != nil {
			presentable(t, err, scimerrors.ScimTypeInvalidFilter)
			if lenientErr != nil {
				return
			}
			e = repaired
		} else if !reflect.DeepEqual(e, repaired) {
			t.Fatalf("a repair changed %q: %s, %v", s, show(repaired), lenientErr)
		}
		reparses(t, e)
		agreesWithOracle(t, s, err)
		r, err := filter.ResolveWith(set.User, e, lenient)
		if err != nil {
			presentable(t, err, scimerrors.ScimTypeInvalidFilter, scimerrors.ScimTypeSensitive)
			return
		}
		if filter.Match(&filter.Not{Term: r}, o, nil) == filter.Match(r, o, nil) {
			t.Fatalf("%q is true and false", s)
		}
		resolvesAgain(t, filter.Text(r))
	})
}

// FuzzPath holds the same for PATCH paths and for attribute names.
func FuzzPath(f *testing.F) {
	for _, s := range []string{`members`, `name.familyName`, `emails[type eq "work" and primary eq true].value`, ent, ent + `:manager.$ref`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := filter.ParseAttributePath(s); err != nil {
			presentable(t, err, scimerrors.ScimTypeInvalidValue)
		} else if again, err := filter.ParseAttributePath(p.String()); err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("%q parsed as %s, then %s, %v", s, p, again, err)
		}
		p, err := filter.ParsePath(s)
		if err != nil {
			presentable(t, err, scimerrors.ScimTypeInvalidPath, scimerrors.ScimTypeInvalidFilter)
			return
		}
		if p.ValueExpression == nil {
			if whole, err := filter.ParseAttributePath(s); err != nil || !reflect.DeepEqual(whole, p.AttributePath) {
				t.Fatalf("%q is the path %s, but the attribute %s, %v", s, showPath(p), whole, err)
			}
			return
		}
		if text := showPath(p); len(text) <= filter.MaxLength {
			if again, err := filter.ParsePath(text); err != nil || !reflect.DeepEqual(p, again) {
				t.Fatalf("%q parsed as %s, then %s, %v", s, text, showPath(again), err)
			}
		}
		a := set.User.Find(p.AttributePath)
		if a == nil {
			return
		}
		if _, err := filter.ResolveElement(a, p.ValueExpression); err != nil {
			presentable(t, err, scimerrors.ScimTypeInvalidFilter, scimerrors.ScimTypeSensitive)
		}
	})
}

// presentable fails unless err is a SCIM error of one of the types, with a
// short sentence.
func presentable(t *testing.T, err error, types ...scimerrors.ScimType) {
	t.Helper()
	refused := refusal(t, err)
	known := false
	for _, scimType := range types {
		known = known || refused.ScimType == scimType
	}
	if d := refused.Detail; !known || !utf8.ValidString(d) || len(d) > 500 || !strings.HasPrefix(d, "The ") && !strings.HasPrefix(d, "Only ") || !strings.HasSuffix(d, ".") {
		t.Fatalf("refused with %s: %q", refused.ScimType, d)
	}
}

// reparses fails unless a tree prints to a filter that yields it.
func reparses(t *testing.T, e ast.Expression) {
	t.Helper()
	text := show(e)
	// Printing adds blanks, and parentheses for Entra's value paths.
	if len(text) > filter.MaxLength || strings.Count(text, "(")+strings.Count(text, "[") > filter.MaxDepth {
		return
	}
	if again, err := filter.Parse(text); err != nil || !reflect.DeepEqual(e, again) {
		t.Fatalf("%s parsed again as %s, %v", text, show(again), err)
	}
}

func resolvesAgain(t *testing.T, text string) {
	t.Helper()
	e, err := filter.Parse(text)
	if err != nil {
		if len(text) > filter.MaxLength || strings.Contains(err.Error(), "more than") || strings.Contains(err.Error(), "too many") {
			return
		}
		t.Fatalf("%s: %v", text, err)
	}
	r, err := filter.Resolve(set.User, e)
	if err != nil || filter.Text(r) != text {
		t.Fatalf("%s resolved again to %s, %v", text, filter.Text(r), err)
	}
}

// long matches numbers of which the oracle loses digits.
var long = regexp.MustCompile(`[0-9]{15}`)

// agreesWithOracle fails if both parsers take s and don't agree. The oracle is
// slow, so it is asked about short texts only.
func agreesWithOracle(t *testing.T, s string, err error) {
	t.Helper()
	if err != nil || len(s) > 200 || long.MatchString(s) {
		return
	}
	if theirs, err := ast.ParseFilter([]byte(s)); err == nil {
		ours, err := filter.Parse(s)
		if theirs = decoded(theirs); err != nil || !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("%s: ours %s, %v, theirs %s", s, show(ours), err, show(theirs))
		}
	}
}

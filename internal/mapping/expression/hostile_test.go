package expression

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Row S20 of the reliability plan: whatever an expression says, it ends, within
// bounds of text, lists and work.
func TestHostileExpressionsEndWithinTheirBounds(t *testing.T) {
	long := strings.Repeat("a", 60_000)
	doubled := `[long]`
	for range 12 {
		doubled = `Append(` + doubled + `,` + doubled + `)`
	}
	r := record(t, map[string]any{"long": long, "short": "ab", "huge": strings.Repeat("a", 900_000)})
	for name, tt := range map[string]struct{ source, want string }{
		"too long":           {`Append("` + strings.Repeat("a", MaxExpression) + `", "")`, "at most 8192"},
		"parentheses":        {strings.Repeat("(", 4000) + "1" + strings.Repeat(")", 4000), ""},
		"open parentheses":   {strings.Repeat("(", 8000), "unexpected token"},
		"open brackets":      {strings.Repeat("[", 8000), "unexpected token"},
		"negations":          {strings.Repeat("!", 8000) + "1", "nodes"},
		"nodes":              {"[" + strings.Repeat("1,", 2000) + "1]", "nodes"},
		"doubling":           {doubled, "bytes; at most"},
		"replacing":          {`Replace([long], "a", , , "` + strings.Repeat("b", 4000) + `", , )`, "more than 65536 bytes"},
		"template":           {`Replace([long], "a", , , , , "aaaaaaaa")`, "more than 65536 bytes"},
		"growing pattern":    {`Replace([long], , "a", , "$_$_$_", , )`, "more than"},
		"growing group":      {`Replace([long], , "(?<g>b*)a", "g", "xxxx", , )`, "more than"},
		"costly pattern":     {`Replace([long], , "(x+x+)+y{900}z{900}", , "", , )`, "too much work"},
		"repeated patterns":  {`Join(""` + strings.Repeat(`,Replace([long], , "(b|c){200}d", , "", , )`, 100) + `)`, "too much work"},
		"joining":            {`Join(""` + strings.Repeat(",[long]", 500) + `)`, "more than 65536 bytes"},
		"splitting":          {`Split([long], "a")`, "more than 1000 values"},
		"reading much often": {`InStr([huge],"b")` + strings.Repeat(`+InStr([huge],"b",1,vbTextCompare)`, 90), "too much work"},
		"nested groups":      {`Replace([short], , "` + strings.Repeat("(", 100) + strings.Repeat(")", 100) + `", , "x", , )`, "groups fewer than"},
	} {
		p, err := Compile(tt.source)
		if err == nil {
			_, err = p.Evaluate(r, fixed())
		}
		switch {
		case err == nil && tt.want != "":
			t.Errorf("%s: no error", name)
		case err != nil && (tt.want == "" || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: %.200s", name, err)
		}
	}
}

// Law 7: the same expression, record and environment give the same result, and
// the record stays as it is.
func TestEvaluationIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := drawn(t, 3)
		fields := map[string]any{}
		for _, name := range names {
			if rapid.Bool().Draw(t, "said") {
				fields[name] = value(t)
			}
		}
		r, err := NewRecord(fields)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Compile(source)
		if err != nil {
			return
		}
		first, err1 := p.Evaluate(r, fixed())
		second, err2 := p.Evaluate(r, fixed())
		if !reflect.DeepEqual(first, second) || (err1 == nil) != (err2 == nil) {
			t.Fatalf("%s is %v, %v and then %v, %v", source, first, err1, second, err2)
		}
		if again, _ := NewRecord(fields); !reflect.DeepEqual(again, r) {
			t.Fatalf("%s changed the record", source)
		}
	})
}

// IgnoreFlowIfNullOrEmpty never lets null or an empty value through, whatever it
// is given.
func TestIgnoreFlowNeverWritesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := `IgnoreFlowIfNullOrEmpty(` + drawn(t, 2) + `)`
		p, err := Compile(source)
		if err != nil {
			return
		}
		r, err := NewRecord(map[string]any{"a": value(t), "b": value(t)})
		if err != nil {
			t.Fatal(err)
		}
		result, err := p.Evaluate(r, fixed())
		if err == nil && !result.Ignored && empty(result.Value) {
			t.Fatalf("%s gives %#v", source, result.Value)
		}
	})
}

var names = []string{"a", "b", "list"}

// drawn draws an expression of that many levels of functions.
func drawn(t *rapid.T, levels int) string {
	if levels == 0 || rapid.IntRange(0, 3).Draw(t, "leaf") == 0 {
		return rapid.SampledFrom([]string{"[a]", "[b]", "[list]", "[missing]", `""`, `"x"`, `"5"`, "0", "2", "-1", "True", `"2026-01-31"`, `"yyyy-MM-dd"`, `"d"`, ""}).Draw(t, "operand")
	}
	if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
		op := rapid.SampledFrom([]string{"=", "<>", "<", "+", "and", "??", "contains"}).Draw(t, "operator")
		return "(" + drawn(t, levels-1) + " " + op + " " + drawn(t, levels-1) + ")"
	}
	f := rapid.SampledFrom(Functions()).Draw(t, "function")
	most := f.most
	if most < 0 {
		most = f.least + 2
	}
	var given []string
	for range rapid.IntRange(f.least, most).Draw(t, "arguments") {
		given = append(given, drawn(t, levels-1))
	}
	return f.Name + "(" + strings.Join(given, ", ") + ")"
}

func value(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Just[any](nil),
		rapid.Custom(func(t *rapid.T) any { return rapid.String().Draw(t, "text") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Int().Draw(t, "number") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.Bool().Draw(t, "boolean") }),
		rapid.Custom(func(t *rapid.T) any { return []any{rapid.String().Draw(t, "element"), nil, 1.5} }),
		rapid.Custom(func(t *rapid.T) any { return map[string]any{"value": rapid.String().Draw(t, "inner")} }),
	).Draw(t, "value")
}

func FuzzExpression(f *testing.F) {
	f.Add(`Join(", ", "", [surname], [givenName])`, "x")
	f.Add(`Replace([a], , "\\+(?<g>\\d*)", "g", "${g}$1", , )`, "+31")
	f.Add(`FormatDateTime([a], "AllowInnerWhite", "yyyyMMddHHmmss.fZ", "dddd d MMMM K zzz")`, "20150123105347.1Z")
	f.Add(`IIF([a]="USA",[emails[type eq "work"].value],Switch(b, , "", &HF7)) ?? ["x"][0].y`, "")
	f.Add(`DateAdd("m", [a], CDate([a])) > Now() and not (PCase([a], " ") contains 'x') ? -1 : Word([a],2," ")`, "2026-01-31")
	f.Add(`SelectUniqueValue(Left([a],1), Mid([a],2,9), NormalizeDiacritics([a]))`, "Ærø")
	f.Fuzz(func(t *testing.T, source, a string) {
		p, err := Compile(source)
		if err != nil {
			var own *Error
			if !asError(err, &own) {
				t.Fatalf("%q: %T %v", source, err, err)
			}
			return
		}
		r, err := NewRecord(map[string]any{"a": a, "b": nil, "list": []any{a, a}})
		if err != nil {
			return
		}
		in := Environment{Now: time.Unix(0, 0), Random: strings.NewReader(strings.Repeat(a, 20))}
		result, err := p.Evaluate(r, in)
		if err == nil && !within(result.Value) {
			t.Fatalf("%q gives %T %v", source, result.Value, result.Value)
		}
	})
}

func asError(err error, into **Error) bool {
	e, ok := err.(*Error)
	*into = e
	return ok
}

// within says whether a value is one that callers know.
func within(v any) bool {
	switch v := v.(type) {
	case nil, bool, int, string, time.Time:
		return true
	case float64:
		return !math.IsNaN(v)
	case []any:
		for _, e := range v {
			if !within(e) {
				return false
			}
		}
		return true
	case map[string]any:
		for _, e := range v {
			if !within(e) {
				return false
			}
		}
		return true
	}
	return false
}

package mapping

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/schema"
	"pgregory.net/rapid"
)

func TestRulesAreReadStrictly(t *testing.T) {
	for rules, want := range map[string]string{
		`{"flows":[],"flow":[]}`:  "flow: there is no such name",
		`{"flows":[],"flows":[]}`: "the same name twice",
		`{"Flows":[]}`:            "Flows: there is no such name",
		`{"flows":[{"target":"a"},{"target":"a","kind":"direct","x":1}]}`: "flows[1].x: there is no such name",
		`{"flows":[{"target":5}]}`:                                        "flows[0].target: want text, not a number",
		`{"scope":[[{"attribute":"x","operator":["eq"]}]]}`:               "scope[0][0].operator: want text, not an array",
		`{"flows":[]} {}`:               "JSON",
		`{"flows":"none"}`:              "flows: want an array, not a string",
		`{"flows":["none"]}`:            "flows[0]: want an object, not a string",
		`[]`:                            "want an object, not an array",
		``:                              "JSON",
		"{\"flows\":[\xff]}":            "JSON",
		`{"clearOmitted":"yes"}`:        "clearOmitted: want true or false, not a string",
		strings.Repeat(" ", MaxRules+1): "at most 262144",
	} {
		_, err := Parse([]byte(rules))
		if faults := (Faults{}); !errors.As(err, &faults) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", rules, err, want)
		}
	}
}

func TestRulesAreCheckedAndAllFaultsTold(t *testing.T) {
	for rules, want := range map[string]string{
		`{"flows":[]}`: "flows: nothing fills userName",
		with(`{"target":"nme","kind":"direct","source":"x"}`):                                                                     "flows[1].target: there is no attribute nme; /Schemas lists",
		with(`{"target":"department","kind":"direct","source":"x"}`):                                                              "did you mean " + enterprise + ":department?",
		with(`{"target":"urn:ietf:params:scim:schemas:extension:acme:2.0:User:x","kind":"direct","source":"x"}`):                  "declare it first: workspace attribute add",
		with(`{"target":"` + enterprise + `","kind":"direct","source":"x"}`):                                                      "there is no attribute",
		with(`{"target":"emails.value","kind":"direct","source":"x"}`):                                                            `say of which element, as in emails[type eq "work"].value`,
		with(`{"target":"emails[type eq \"work\"]","kind":"direct","source":"x"}`):                                                "say which attribute of it",
		with(`{"target":"emails[typ eq \"work\"].value","kind":"direct","source":"x"}`):                                           "can't be told by typ",
		with(`{"target":"emails[type eq true].value","kind":"direct","source":"x"}`):                                              "stands in quotation marks",
		with(`{"target":"emails[primary eq \"yes\"].value","kind":"direct","source":"x"}`):                                        "is true or false",
		with(`{"target":"emails[type eq \"work\"].type","kind":"direct","source":"x"}`):                                           "it is set anyway",
		with(`{"target":"name[type eq \"work\"].value","kind":"direct","source":"x"}`):                                            "no list of elements",
		with(`{"target":"name.nick","kind":"direct","source":"x"}`):                                                               "name has no attribute nick",
		with(`{"target":"id","kind":"direct","source":"x"}`):                                                                      "the server fills it",
		with(`{"target":"groups","kind":"direct","source":"x"}`):                                                                  "the server fills it",
		with(`{"target":"password","kind":"direct","source":"x"}`):                                                                "no password is kept",
		with(`{"target":"a b","kind":"direct","source":"x"}`):                                                                     "is no target",
		with(`{"target":"username","kind":"direct","source":"x"}`):                                                                "userName has a flow already",
		with(`{"target":"name","kind":"direct","source":"x"}`, `{"target":"name.givenName","kind":"direct","source":"x"}`):        "name is filled as a whole and in parts",
		with(`{"target":"title","kind":"join","source":"x"}`):                                                                     `"join"`,
		with(`{"target":"title","kind":"direct"}`):                                                                                "flows[1].source: a flow of the kind direct has it",
		with(`{"target":"title","kind":"direct","source":"x","expression":"x"}`):                                                  "flows[1].expression: a flow of the kind expression has it, and no other",
		with(`{"target":"title","kind":"direct","source":"a,b"}`):                                                                 "no attribute's name",
		with(`{"target":"title","kind":"constant","value":5}`):                                                                    "flows[1].value: title must be a string, not a number",
		with(`{"target":"title","kind":"constant","value":null}`):                                                                 "a constant has a value",
		with(`{"target":"title","kind":"constant","value":""}`):                                                                   "a constant has a value",
		with(`{"target":"active","kind":"direct","source":"x","default":"yes"}`):                                                  "flows[1].default: active must be a boolean",
		with(`{"target":"title","kind":"expression","expression":"Left([x])"}`):                                                   "flows[1].expression: 1:1: Left: 2 arguments wanted",
		with(`{"target":"title","kind":"expression","expression":"Guid()"}`):                                                      `add "apply": "once"`,
		with(`{"target":"title","kind":"expression","expression":"SelectUniqueValue([a],[b])"}`):                                  `add "apply": "once"`,
		with(`{"target":"active","kind":"expression","expression":"SelectUniqueValue([a],[b])","apply":"once"}`):                  "gives one text",
		with(`{"target":"title","kind":"direct","source":"x","null":"drop"}`):                                                     "flows[1].null: \"drop\"",
		with(`{"target":"title","kind":"direct","source":"x","apply":"twice"}`):                                                   "flows[1].apply: \"twice\"",
		`{"match":["title"],` + with()[1:]:                                                                                        "match[0]: no flow fills title",
		`{"match":["userName","username"],` + with()[1:]:                                                                          "match[1]: userName is there twice",
		`{"match":["active"],` + with(`{"target":"active","kind":"constant","value":true}`)[1:]:                                   "is no text",
		`{"match":["title"],` + with(`{"target":"title","kind":"expression","expression":"Guid()","apply":"once"}`)[1:]:           "another each time",
		`{"scope":[[]],` + with()[1:]:                                                                                             "scope[0]: an empty group",
		`{"scope":[[{"attribute":"x","operator":"like","value":"y"}]],` + with()[1:]:                                              `scope[0][0]: "like" is no operator; there are eq ne`,
		`{"scope":[[{"attribute":"x","operator":"eq"}]],` + with()[1:]:                                                            "wants a value",
		`{"scope":[[{"attribute":"x","operator":"isNull","value":"y"}]],` + with()[1:]:                                            "takes no value",
		`{"scope":[[{"operator":"eq","value":"y"}]],` + with()[1:]:                                                                "no attribute's name",
		`{"scope":[[{"attribute":"x","operator":"isMemberOf","value":"y"}]],` + with()[1:]:                                        "has no attribute",
		`{"scope":[[{"attribute":"x","operator":"gt","value":"y"}]],` + with()[1:]:                                                "wants a number, or a date",
		`{"scope":[[{"attribute":"x","operator":"&","value":"y"}]],` + with()[1:]:                                                 "wants a whole number",
		`{"scope":[[{"attribute":"x","operator":"regex","value":"(?=a)"}]],` + with()[1:]:                                         "no looking ahead",
		`{"scope":[[` + strings.Repeat(`{"attribute":"x","operator":"regex","value":"a{900}"},`, 6)[:6*54-1] + `]],` + with()[1:]: "too large together",
		`{"scope":[` + strings.Repeat(`[{"attribute":"x","operator":"isNull"}],`, 21)[:21*40-1] + `],` + with()[1:]:               "21 groups",
	} {
		r, err := Parse([]byte(rules))
		if err != nil {
			t.Errorf("%s: %v", rules, err)
			continue
		}
		_, err = Compile(set(t).User, r)
		var faults Faults
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", rules, err, want)
		}
	}
	r, err := Parse([]byte(`{"match":["x"],"scope":[[]],"flows":[{"target":"y","kind":"direct","source":"x"},{"target":"title","kind":"z"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Compile(set(t).User, r)
	if faults := (Faults{}); !errors.As(err, &faults) || len(faults) != 5 {
		t.Errorf("not all is told: %v", err)
	}
}

// Rules that mean the same have one version, and what is written is what is read.
func TestCanonicalFormAndVersion(t *testing.T) {
	one := compiled(t, `{"scope":[[{"attribute":"Dept","operator":"EQUALS","value":"IT"}]],"match":["username"],"clearOmitted":false,"flows":[
		{"target":"username","kind":"direct","source":" User ","null":"clear","apply":"always","default":null},
		{"target":"`+strings.ToUpper(enterprise)+`:DEPARTMENT","kind":"expression","expression":" ToLower([Dept]) "},
		{"target":"emails[TYPE eq \"work\"].value","kind":"constant","value":  "a@x"}]}`)
	const want = `{"scope":[[{"attribute":"dept","operator":"eq","value":"IT"}]],"match":["userName"],"flows":[{"target":"userName","kind":"direct","source":"user"},` +
		`{"target":"` + enterprise + `:department","kind":"expression","expression":"ToLower([Dept])"},{"target":"emails[type eq \"work\"].value","kind":"constant","value":"a@x"}]}`
	if got := string(one.Canonical()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if two := compiled(t, want); two.Version() != one.Version() || string(two.Canonical()) != want {
		t.Errorf("read again it is %s", two.Canonical())
	}
	if three := compiled(t, strings.Replace(want, `"IT"`, `"it"`, 1)); three.Version() == one.Version() {
		t.Error("other rules have the same version")
	}
}

func TestGroupsHaveRulesToo(t *testing.T) {
	r, err := Parse([]byte(`{"flows":[{"target":"displayName","kind":"direct","source":"name"},{"target":"` + schema.WorkspaceGroupURN + `:description","kind":"direct","source":"text"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(set(t).Group, r)
	if err != nil {
		t.Fatal(err)
	}
	if got := told(m.Apply(input(t, map[string]any{"name": "G", "text": "T"}))); !strings.Contains(got, `"displayName":"G"`) || !strings.Contains(got, `"description":"T"`) {
		t.Errorf("got %s", got)
	}
	if _, err := Compile(set(t).Group, Rules{Flows: append(r.Flows, Flow{Target: "members", Kind: Direct, Source: "m"})}); err == nil {
		t.Error("members can be mapped")
	}
}

// expressions that properties choose from, with what they read.
var expressions = []string{
	`[a]`, `Append([a], [b])`, `Join(" ", [a], [b], [list])`, `IIF([a] = "x", [b], [a])`, `Switch([b], [a], "x", "X")`, `Left([a], [n])`,
	`Split([a], ",")`, `Replace([a], , "(?<g>.)", , "${g}${g}", , )`, `RandomString(8,1,1,1,1)`, `Guid()`, `CDate([a])`, `Redact([b])`, `[list]`, `Now()`,
}

// world draws rules and an input for them.
func world(t *rapid.T, kind *schema.ResourceType) (Rules, Input) {
	r := Rules{Match: []string{"userName"}, ClearOmitted: rapid.Bool().Draw(t, "clear"), Flows: []Flow{{Target: "userName", Kind: Direct, Source: "a"}}}
	for _, target := range []string{"title", "name.givenName", `emails[type eq "work"].value`, "emails", "active", enterprise + ":department", workspace + ":employeeHireDate"} {
		f := Flow{Target: target, Kind: Expression, Expression: rapid.SampledFrom(expressions).Draw(t, "expression")}
		f.Null = rapid.SampledFrom([]Null{"", Clear, Authoritative, Ignore}).Draw(t, "null")
		f.Apply = rapid.SampledFrom([]Apply{"", Once}).Draw(t, "apply")
		if f.Expression == `Guid()` || strings.HasPrefix(f.Expression, "Random") {
			f.Apply = Once
		}
		if rapid.Bool().Draw(t, "present") {
			r.Flows = append(r.Flows, f)
		}
	}
	in := Input{Record: drawnRecord(t), Before: drawnRecord(t), New: rapid.Bool().Draw(t, "new")}
	return r, in
}

func drawnRecord(t *rapid.T) expression.Record {
	fields := map[string]any{}
	for _, name := range []string{"a", "b", "n", "list"} {
		v := rapid.SampledFrom([]any{omit{}, nil, "", "x", "a,b", 3, true, []any{"x", "X", nil}, []any{}, "2026-01-31", map[string]any{"value": "v@x", "type": "home"}}).Draw(t, name)
		if _, left := v.(omit); !left {
			fields[name] = v
		}
	}
	r, err := expression.NewRecord(fields)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Law 7: the same input gives the same outcome; and the rules read from their
// canonical form give it too.
func TestApplyIsPure(t *testing.T) {
	kind := set(t).User
	random := func() expression.Environment { return input(t, nil).Environment }
	rapid.Check(t, func(t *rapid.T) {
		rules, in := world(t, kind)
		m, err := Compile(kind, rules)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(m.Canonical())
		if err != nil {
			t.Fatal(err)
		}
		n, err := Compile(kind, again)
		if err != nil {
			t.Fatal(err)
		}
		in.Environment = random()
		first := m.Apply(in)
		in.Environment = random()
		second := m.Apply(in)
		in.Environment = random()
		third := n.Apply(in)
		if told(first) != told(second) || told(first) != told(third) || !reflect.DeepEqual(first, second) {
			t.Fatalf("%s\n%s\n%s", told(first), told(second), told(third))
		}
		if m.Version() != n.Version() {
			t.Fatalf("%s\n%s", m.Canonical(), n.Canonical())
		}
	})
}

// omitted ≠ null: of a resource that is there nothing is asserted or cleared that
// the record doesn't name, whatever was said before.
func TestWhatIsOmittedIsNeitherAssertedNorCleared(t *testing.T) {
	kind := set(t).User
	environment := func() expression.Environment { return input(t, nil).Environment }
	rapid.Check(t, func(t *rapid.T) {
		rules, in := world(t, kind)
		rules.ClearOmitted, in.New, in.Environment = false, false, environment()
		in.Record = expression.Record{}
		m, err := Compile(kind, rules)
		if err != nil {
			t.Fatal(err)
		}
		o := m.Apply(in)
		for _, f := range o.Document.Fields() {
			for _, u := range m.units {
				reads := 0
				for _, flow := range u.flows {
					reads += len(flow.paths)
				}
				if u.attribute.Top() == f.Attr && reads > 0 && !constant(u) {
					t.Fatalf("%s is asserted", f.Attr.Path)
				}
			}
		}
		if len(o.Cleared) > 0 {
			t.Fatalf("cleared: %s", told(o))
		}
	})
}

// constant says whether a flow of an attribute reads nothing and is applied
// always.
func constant(u unit) bool {
	for _, f := range u.flows {
		if len(f.paths) == 0 && !f.once {
			return true
		}
	}
	return false
}

// IgnoreFlowIfNullOrEmpty never clears, and never writes an empty value.
func TestIgnoreFlowNeverWritesNothing(t *testing.T) {
	kind := set(t).User
	environment := func() expression.Environment { return input(t, nil).Environment }
	rapid.Check(t, func(t *rapid.T) {
		rules, in := world(t, kind)
		in.Environment = environment()
		for i, f := range rules.Flows {
			if f.Kind == Expression {
				rules.Flows[i].Expression = "IgnoreFlowIfNullOrEmpty(" + f.Expression + ")"
				rules.Flows[i].Null = Authoritative
			}
		}
		m, err := Compile(kind, rules)
		if err != nil {
			t.Fatal(err)
		}
		o := m.Apply(in)
		for _, c := range o.Cleared {
			if c.Attribute != kind.UserName {
				t.Fatalf("%s is cleared", c.Attribute.Path)
			}
		}
		for _, f := range o.Document.Fields() {
			if f.Value == nil || f.Value == "" {
				t.Fatalf("%s is written as %#v", f.Attr.Path, f.Value)
			}
		}
	})
}

func FuzzRules(f *testing.F) {
	kind := set(f).User
	f.Add([]byte(with(`{"target":"emails[type eq \"work\"].value","kind":"expression","expression":"IgnoreFlowIfNullOrEmpty([a])","default":"x","null":"ignore","apply":"once"}`)), []byte(`{"user":"u","a":null}`))
	f.Add([]byte(`{"scope":[[{"attribute":"a","operator":"regex","value":"^x"}]],"match":["userName"],`+with(`{"target":"emails","kind":"direct","source":"list"}`)[1:]), []byte(`{"user":5,"list":[{"value":"v","type":"t"},"w"],"a":"x"}`))
	f.Fuzz(func(t *testing.T, rules, fields []byte) {
		r, err := Parse(rules)
		if err != nil {
			return
		}
		m, err := Compile(kind, r)
		if err != nil {
			return
		}
		again, err := Parse(m.Canonical())
		if err != nil {
			t.Fatalf("%s: %v", m.Canonical(), err)
		}
		n, err := Compile(kind, again)
		if err != nil || n.Version() != m.Version() {
			t.Fatalf("%s: %v", m.Canonical(), err)
		}
		var o map[string]any
		if json.Unmarshal(fields, &o) != nil {
			return
		}
		record, err := expression.NewRecord(o)
		if err != nil {
			return
		}
		for _, created := range []bool{true, false} {
			out := m.Apply(Input{Record: record, New: created})
			if out.InScope && len(out.Document.AppendJSON(nil)) < 2 {
				t.Fatal("no document")
			}
		}
	})
}

package mapping

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/mapping/expression"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
)

const (
	enterprise = schema.EnterpriseUserURN
	workspace  = schema.WorkspaceUserURN
)

// set has an attribute that a customer declared.
func set(t testing.TB) *schema.Set {
	t.Helper()
	s, err := schema.New([]schema.Custom{
		{URN: "urn:ietf:params:scim:schemas:extension:acme:2.0:User", Name: "badge", Type: schema.Integer, Index: schema.CustomIndex},
		{URN: "urn:ietf:params:scim:schemas:extension:acme:2.0:User", Name: "rate", Type: schema.Decimal, Index: schema.CustomIndex + 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func compiled(t testing.TB, rules string) *Mapping {
	t.Helper()
	r, err := Parse([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(set(t).User, r)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// with are rules with a flow for userName and these.
func with(flows ...string) string {
	all := append([]string{`{"target":"userName","kind":"direct","source":"user"}`}, flows...)
	return `{"flows":[` + strings.Join(all, ",") + `]}`
}

func record(t testing.TB, fields map[string]any) expression.Record {
	t.Helper()
	r, err := expression.NewRecord(fields)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func input(t testing.TB, fields map[string]any) Input {
	return Input{Record: record(t, fields), Environment: expression.Environment{
		Now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Random: rand.NewChaCha8([32]byte{}),
	}}
}

// told is an outcome as one line: the document, what is cleared, the problems.
func told(o Outcome) string {
	if !o.InScope {
		return "out of scope"
	}
	s := string(o.Document.AppendJSON(nil))
	for _, c := range o.Cleared {
		s += " -" + c.Attribute.Path
		if c.Authoritative {
			s += "!"
		}
	}
	for _, p := range o.Problems {
		s += fmt.Sprintf(" %s(%s)", p.Code, p.Target)
		if p.Blocks {
			s += "!"
		}
	}
	return s
}

func asserted(t testing.TB, m *Mapping, json string) *document.Object {
	t.Helper()
	d, err := document.Decode(m.kind, []byte(json), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Object
}

// Row E008: what direct, constant and expression flows bring, applied always and
// once, with a default and with each meaning of null, for a record that says a
// value, null, an empty text, or nothing.
func TestFlows(t *testing.T) {
	title := func(more string) string { return `{"target":"title","kind":"direct","source":"job"` + more + `}` }
	for _, tt := range []struct {
		name, flow string
		said       any // nil is null
		created    string
		updated    string
	}{
		{"direct", title(``), "Clerk", `{"title":"Clerk"}`, `{"title":"Clerk"}`},
		{"direct null", title(``), nil, `{}`, `{} -title`},
		{"direct empty", title(``), "", `{}`, `{} -title`},
		{"direct omitted", title(``), omit{}, `{}`, `{}`},
		{"authoritative null", title(`,"null":"authoritative"`), nil, `{} -title!`, `{} -title!`},
		{"authoritative omitted", title(`,"null":"authoritative"`), omit{}, `{}`, `{}`},
		{"ignored null", title(`,"null":"ignore"`), nil, `{}`, `{}`},
		{"ignored value", title(`,"null":"ignore"`), "Clerk", `{"title":"Clerk"}`, `{"title":"Clerk"}`},
		{"default for null", title(`,"default":"none"`), nil, `{"title":"none"}`, `{} -title`},
		{"default for omitted", title(`,"default":"none"`), omit{}, `{"title":"none"}`, `{}`},
		{"default not wanted", title(`,"default":"none"`), "Clerk", `{"title":"Clerk"}`, `{"title":"Clerk"}`},
		{"once", title(`,"apply":"once"`), "Clerk", `{"title":"Clerk"}`, `{}`},
		{"once null", title(`,"apply":"once"`), nil, `{}`, `{}`},
		{"constant", `{"target":"userType","kind":"constant","value":"Employee"}`, omit{}, `{"userType":"Employee"}`, `{"userType":"Employee"}`},
		{"constant once", `{"target":"active","kind":"constant","value":true,"apply":"once"}`, omit{}, `{"active":true}`, `{}`},
		{"expression", `{"target":"title","kind":"expression","expression":"ToUpper([job])"}`, "Clerk", `{"title":"CLERK"}`, `{"title":"CLERK"}`},
		{"expression null", `{"target":"title","kind":"expression","expression":"ToUpper([job])"}`, nil, `{}`, `{} -title`},
		{"expression omitted", `{"target":"title","kind":"expression","expression":"Coalesce([job], \"x\")"}`, omit{}, `{"title":"x"}`, `{}`},
		{"expression ignored", `{"target":"title","kind":"expression","expression":"IgnoreFlowIfNullOrEmpty([job])"}`, nil, `{}`, `{}`},
		{"expression ignored, default", `{"target":"title","kind":"expression","expression":"IgnoreFlowIfNullOrEmpty([job])","default":"x"}`, nil, `{}`, `{}`},
		{"expression that fails", `{"target":"title","kind":"expression","expression":"Item([job], 0)"}`, "Clerk", `{} expressionFailed(title)`, `{} expressionFailed(title)`},
		{"not the type", `{"target":"active","kind":"direct","source":"job"}`, "Clerk", `{} invalidValue(active)`, `{} invalidValue(active)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fields := map[string]any{"user": "u", "job": tt.said}
			if tt.said == (omit{}) {
				delete(fields, "job")
			}
			m := compiled(t, with(tt.flow))
			in := input(t, fields)
			for _, created := range []bool{true, false} {
				in.New = created
				want := map[bool]string{true: tt.created, false: tt.updated}[created]
				got := strings.Replace(told(m.Apply(in)), `"userName":"u",`, "", 1)
				got = strings.Replace(got, `"userName":"u"`, "", 1)
				if got != want {
					t.Errorf("created %v: got %s, want %s", created, got, want)
				}
			}
		})
	}
}

// omit stands for an attribute that the record leaves out.
type omit struct{}

// Rows E048, E094, E095: values become the attribute's type, and what can't is
// told of the one attribute.
func TestValuesBecomeTheTypeOfTheTarget(t *testing.T) {
	const acme = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
	for _, tt := range []struct {
		target string
		said   any
		want   string
	}{
		{"active", "False", `"active":false`},
		{"active", true, `"active":true`},
		{"active", 1, `want True or False`},
		{"title", 5, `"title":"5"`},
		{"title", true, `"title":"True"`},
		{"title", []any{"one"}, `"title":"one"`},
		{"title", []any{"one", "two"}, "has one value, and here are 2"},
		{"title", map[string]any{"value": "x"}, "no complex value"},
		{"title", "a\x00b", "NUL"},
		{acme + ":badge", "0042", `"badge":42`},
		{acme + ":badge", 1.5, "want a whole number"},
		{acme + ":badge", "4e2", `"badge":400`},
		{acme + ":badge", "0x10", "want a whole number"},
		{acme + ":badge", true, "want a whole number"},
		{acme + ":badge", 9007199254740993, `"badge":9007199254740993`},
		{acme + ":rate", "1.50", `"rate":1.5`},
		{acme + ":rate", "NaN", "want a number"},
		{workspace + ":employeeHireDate", "2026-01-31T09:00:00Z", `"employeeHireDate":"2026-01-31T09:00:00Z"`},
		{workspace + ":employeeHireDate", "31.1.2026", "want a date and time as in 2026-01-31T09:00:00Z"},
		{workspace + ":extensionAttribute7", "x", `"extensionAttribute7":"x"`},
		{enterprise + ":manager", "m1", `"manager":{"value":"m1"}`},
		{enterprise + ":manager", map[string]any{"Value": "m1"}, `"manager":{"value":"m1"}`},
		{enterprise + ":manager.value", "m1", `"manager":{"value":"m1"}`},
		{"name", map[string]any{"givenName": "A", "familyName": "B"}, `"name":{"familyName":"B","givenName":"A"}`},
		{"name", "A", "fill its attributes"},
		{"emails", "a@x", `"emails":[{"value":"a@x"}]`},
		{"emails", []any{"a@x", "", nil, map[string]any{"value": "b@x", "type": "home"}}, `"emails":[{"value":"a@x"},{"value":"b@x","type":"home"}]`},
		{"profileUrl", "not a url ", "URI"},
	} {
		m := compiled(t, with(fmt.Sprintf(`{"target":%q,"kind":"direct","source":"x"}`, tt.target)))
		o := m.Apply(input(t, map[string]any{"user": "u", "x": tt.said}))
		got := told(o)
		for _, p := range o.Problems {
			got += " " + p.Sentence
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s of %#v: %s, want %s", tt.target, tt.said, got, tt.want)
		}
	}
}

// Row E048: dates of an expression are written as SCIM has them, and an AD
// GeneralizedTime can be made one.
func TestDatesOfExpressions(t *testing.T) {
	m := compiled(t, with(
		`{"target":"`+workspace+`:employeeHireDate","kind":"expression","expression":"CDate([hired])"}`,
		`{"target":"`+workspace+`:employeeLeaveDateTime","kind":"expression","expression":"FormatDateTime([left], , \"yyyyMMddHHmmss.fZ\", \"yyyy-MM-ddTHH:mm:ssZ\")"}`,
		`{"target":"title","kind":"expression","expression":"DateAdd(\"d\", 1, [hired])"}`))
	got := told(m.Apply(input(t, map[string]any{"user": "u", "hired": "2020-03-16-07:00", "left": "20260131120000.0Z"})))
	for _, want := range []string{`"employeeHireDate":"2020-03-16T07:00:00.000Z"`, `"employeeLeaveDateTime":"2026-01-31T12:00:00Z"`, `"title":"3/17/2020 7:00:00 AM"`} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Row E008, multi-value merge, and E093: a list of several flows has each value
// once, without regard to case.
func TestListsAreMergedFromTheirFlows(t *testing.T) {
	m := compiled(t, with(
		`{"target":"emails[type eq \"work\"].value","kind":"direct","source":"mail"}`,
		`{"target":"emails[type eq \"work\"].primary","kind":"constant","value":true}`,
		`{"target":"emails[type eq \"home\"].value","kind":"direct","source":"private"}`,
		`{"target":"emails","kind":"direct","source":"aliases"}`))
	all := map[string]any{"user": "u", "mail": "A@x", "private": "p@x", "aliases": []any{"a@X", "b@x", "B@x", "p@x"}}
	const whole = `{"userName":"u","emails":[{"value":"A@x","type":"work","primary":true},{"value":"p@x","type":"home"},{"value":"b@x"}]}`
	if got := told(m.Apply(input(t, all))); got != whole {
		t.Errorf("got %s", got)
	}
	for name, tt := range map[string]struct {
		says, before map[string]any
		current      string
		want         string
	}{
		"the others are known from before": {map[string]any{"mail": "n@x"}, all, "",
			`{"emails":[{"value":"n@x","type":"work","primary":true},{"value":"p@x","type":"home"},{"value":"a@X"},{"value":"b@x"}]}`},
		"the others are not known: elements stay, a list that can't be told apart stays whole": {map[string]any{"mail": "n@x"}, nil, whole, `{}`},
		"one is null": {map[string]any{"private": nil, "aliases": nil}, map[string]any{"mail": "A@x"}, whole,
			`{"emails":[{"value":"A@x","type":"work","primary":true}]}`},
	} {
		in := input(t, tt.says)
		in.Before = record(t, tt.before)
		if tt.current != "" {
			in.Current = asserted(t, m, tt.current)
		}
		got := told(m.Apply(in))
		if got = strings.Replace(got, `"userName":"u",`, "", 1); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}

func TestWhatAListsFlowLeavesAsItIsStays(t *testing.T) {
	m := compiled(t, with(
		`{"target":"phoneNumbers[type eq \"work\"].value","kind":"direct","source":"work"}`,
		`{"target":"phoneNumbers[type eq \"mobile\"].value","kind":"expression","expression":"IgnoreFlowIfNullOrEmpty([mobile])"}`,
		`{"target":"phoneNumbers[type eq \"home\"].value","kind":"expression","expression":"Item([home], 0)"}`,
		`{"target":"phoneNumbers[type eq \"pager\"].value","kind":"direct","source":"pager","apply":"once"}`,
		`{"target":"phoneNumbers[type eq \"fax\"].value","kind":"direct","source":"fax"}`))
	in := input(t, map[string]any{"work": "1", "mobile": nil, "home": "h", "pager": "new", "fax": nil})
	in.Current = asserted(t, m, `{"userName":"u","phoneNumbers":[{"type":"mobile","value":"2"},{"type":"Home","value":"3"},{"type":"pager","value":"4"},{"type":"fax","value":"5"},{"type":"other","value":"6"}]}`)
	const want = `{"phoneNumbers":[{"value":"1","type":"work"},{"value":"2","type":"mobile"},{"value":"3","type":"home"},{"value":"4","type":"pager"}]} expressionFailed(phoneNumbers[type eq "home"].value)`
	if got := told(m.Apply(in)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	in = input(t, map[string]any{"work": nil, "fax": nil})
	in.Current = asserted(t, m, `{"userName":"u","phoneNumbers":[{"type":"fax","value":"5"}]}`)
	if got := told(m.Apply(in)); got != `{} -phoneNumbers` {
		t.Errorf("got %s", got)
	}
}

func TestWhatIsLeftOutIsReadFromBefore(t *testing.T) {
	m := compiled(t, with(`{"target":"displayName","kind":"expression","expression":"Join(\" \", [name.givenName], [name.familyName])"}`))
	in := input(t, map[string]any{"name": map[string]any{"givenName": "Anna"}})
	in.Before = record(t, map[string]any{"user": "u", "name": map[string]any{"givenName": "Ann", "familyName": "Smith"}})
	if got := told(m.Apply(in)); got != `{"displayName":"Anna Smith"}` {
		t.Errorf("got %s", got)
	}
	in.Record = record(t, map[string]any{"title": "x"})
	if got := told(m.Apply(in)); got != `{}` {
		t.Errorf("what the record doesn't name is asserted: %s", got)
	}
}

func TestClearOmittedTakesARecordForAllThatThereIs(t *testing.T) {
	m := compiled(t, strings.Replace(with(`{"target":"title","kind":"direct","source":"job"}`), `{"flows"`, `{"clearOmitted":true,"flows"`, 1))
	in := input(t, map[string]any{"user": "u"})
	in.Before = record(t, map[string]any{"user": "u", "job": "Clerk"})
	if got := told(m.Apply(in)); got != `{"userName":"u"} -title` {
		t.Errorf("got %s", got)
	}
}

func TestWhatEveryObjectNeeds(t *testing.T) {
	m := compiled(t, with())
	in := input(t, map[string]any{"user": nil})
	if got := told(m.Apply(in)); got != `{} requiredMissing(userName)` {
		t.Errorf("updated: %s", got)
	}
	in.New = true
	if o := m.Apply(in); told(o) != `{} requiredMissing(userName)!` || !o.Blocked() {
		t.Errorf("created: %s", told(o))
	}
}

func TestMatchRulesInTheirOrder(t *testing.T) {
	rules := `{"match":["externalId","emails[type eq \"work\"].value","userName"],"flows":[
		{"target":"userName","kind":"expression","expression":"ToLower([user])"},
		{"target":"externalId","kind":"direct","source":"id","default":"never looked for"},
		{"target":"emails[type eq \"work\"].value","kind":"direct","source":"mail","apply":"once"}]}`
	m := compiled(t, rules)
	in := input(t, map[string]any{"user": "U"})
	in.Before = record(t, map[string]any{"mail": "a@x"})
	if got := fmt.Sprint(m.Apply(in).Match); got != `[{emails[type eq "work"].value a@x} {userName u}]` {
		t.Errorf("got %s", got)
	}
	if o := m.Apply(input(t, map[string]any{"id": ""})); !o.Blocked() || o.Problems[0].Code != CodeMatch {
		t.Errorf("nothing to match: %s", told(o))
	}
}

func TestSelectUniqueValueTakesTheFirstThatIsFree(t *testing.T) {
	m := compiled(t, `{"flows":[{"target":"userName","kind":"expression","expression":"SelectUniqueValue([a],[b],[c])","apply":"once"}]}`)
	in := input(t, map[string]any{"a": "1", "b": nil, "c": "3"})
	in.New = true
	for _, tt := range []struct{ taken, want string }{
		{"", `{"userName":"1"}`}, {"1", `{"userName":"3"}`}, {"13", `{} noUniqueValue(userName)! requiredMissing(userName)!`},
	} {
		in.Taken = func(target, value string) bool { return target == "userName" && strings.Contains(tt.taken, value) }
		if got := told(m.Apply(in)); got != tt.want {
			t.Errorf("taken %s: got %s, want %s", tt.taken, got, tt.want)
		}
	}
	in.New = false
	if got := told(m.Apply(in)); got != `{}` {
		t.Errorf("a user who is there gets another: %s", got)
	}
}

func TestRedactHidesValuesAndProblems(t *testing.T) {
	m := compiled(t, with(`{"target":"title","kind":"expression","expression":"Redact([secret])"}`,
		`{"target":"active","kind":"expression","expression":"Redact([secret])"}`,
		`{"target":"nickName","kind":"expression","expression":"Left(Redact([secret]), [secret])"}`))
	o := m.Apply(input(t, map[string]any{"user": "u", "secret": "hunter2"}))
	if len(o.Redacted) != 1 || o.Redacted[0].Name != "title" {
		t.Errorf("redacted: %v", o.Redacted)
	}
	if len(o.Problems) != 2 {
		t.Errorf("%v", o.Problems)
	}
	for _, p := range o.Problems {
		if strings.Contains(p.Sentence, "hunter") {
			t.Errorf("told: %s", p.Sentence)
		}
	}
}

// One mapping serves all records of a source at once; with -race.
func TestAMappingIsUsedAtOnce(t *testing.T) {
	m := compiled(t, `{"scope":[[{"attribute":"user","operator":"regex","value":"^u"}]],"match":["userName"],`+with(
		`{"target":"emails","kind":"expression","expression":"Split(Replace([mail], , \"[()]+\", , \"\", , ), \";\")"}`,
		`{"target":"title","kind":"constant","value":"Clerk"}`)[1:])
	in := input(t, map[string]any{"user": "u", "mail": "(a@x);b@x"})
	want := told(m.Apply(in))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				if got := told(m.Apply(in)); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		})
	}
	group.Wait()
}

// What the rules hold is nobody's: what one record adds to a constant element is
// not in the next one's.
func TestConstantsAreNotSharedByRecords(t *testing.T) {
	m := compiled(t, with(
		`{"target":"addresses","kind":"constant","value":[{"type":"work","country":"SE"}]}`,
		`{"target":"addresses[type eq \"work\"].streetAddress","kind":"direct","source":"Street"}`))
	for _, tt := range []struct{ street, want string }{{"1 Elm", `"streetAddress":"1 Elm"`}, {"", ""}} {
		in := input(t, map[string]any{"user": "u", "Street": tt.street})
		in.New = true
		got := string(m.Apply(in).Document.AppendJSON(nil))
		if strings.Contains(got, "streetAddress") != (tt.want != "") || !strings.Contains(got, tt.want) || !strings.Contains(got, `"country":"SE"`) {
			t.Errorf("%q: %s", tt.street, got)
		}
	}
}

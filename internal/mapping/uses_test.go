package mapping

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/scim/document"
)

func TestFaultsHaveCodes(t *testing.T) {
	for rules, want := range map[string]Code{
		`{`:          CodeSyntax,
		`{"flow":1}`: CodeName,
		`{"flows":[{"target":"userName","kind":"direct","source":"u"},{"target":"nme","kind":"direct","source":"x"}]}`:               CodeAttribute,
		`{"flows":[{"target":"userName","kind":"direct","source":"u"},{"target":"username","kind":"direct","source":"x"}]}`:          CodeTwice,
		`{"flows":[{"target":"title","kind":"direct","source":"u"}]}`:                                                                CodeRequired,
		`{"flows":[{"target":"userName","kind":"expression","expression":"Nope("}]}`:                                                 CodeExpressionInvalid,
		`{"flows":[{"target":"userName","kind":"expression","expression":"Guid()"}]}`:                                                CodeUnfit,
		`{"flows":[{"target":"userName","kind":"direct","source":"u","null":"never"}]}`:                                              CodeValue,
		`{"scope":[[{"attribute":"a","operator":"like","value":"b"}]],"flows":[{"target":"userName","kind":"direct","source":"u"}]}`: CodeClause,
		`{"match":["a","a","a","a","a","a","a","a","a"],"flows":[{"target":"userName","kind":"direct","source":"u"}]}`:               CodeTooMany,
	} {
		r, err := Parse([]byte(rules))
		if err == nil {
			_, err = Compile(set(t).User, r)
		}
		var faults Faults
		if !errors.As(err, &faults) || faults[0].Code != want {
			t.Errorf("%s: %+v, want %s", rules, faults, want)
		}
	}
}

func TestUsesSayWhatTheRulesAskFor(t *testing.T) {
	m := compiled(t, `{"scope":[[{"attribute":"user","operator":"isNotNull"}],[{"operator":"isMemberOf","value":"g"}]],"match":["externalId","userName"],`+with(
		`{"target":"externalId","kind":"direct","source":"no"}`,
		`{"target":"title","kind":"expression","expression":"Redact([secret])"}`,
		`{"target":"nickName","kind":"expression","apply":"once","expression":"SelectUniqueValue([a], [b])"}`)[1:])
	want := "[{flows[0] userName 1 false false} {flows[1] externalId 0 false false} {flows[2] title -1 false true} {flows[3] nickName -1 true false}]"
	type use struct {
		At, Target       string
		Match            int
		Unique, Redacted bool
	}
	var got []use
	for _, u := range m.Uses() {
		got = append(got, use{u.At, u.Target, u.Match, u.Unique, u.Redacted})
	}
	if fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	if !m.AsksGroups() || m.ClearsOmitted() || compiled(t, with()).AsksGroups() {
		t.Error("what the scope asks for")
	}
}

// Who is out of scope is recognized too, and a document is changed as the outcome
// says and no further.
func TestAnOutcomeIsWrittenToADocument(t *testing.T) {
	m := compiled(t, `{"scope":[[{"attribute":"user","operator":"ne","value":"out"}]],"match":["userName"],`+with(
		`{"target":"name.givenName","kind":"direct","source":"first"}`, `{"target":"title","kind":"direct","source":"job"}`,
		`{"target":"emails","kind":"direct","source":"mail"}`)[1:])
	if got := m.Recognize(input(t, map[string]any{"user": "out"})); len(got) != 1 || got[0] != (Match{"userName", "out"}) {
		t.Errorf("recognized by %v", got)
	}
	doc, err := document.MustDecode(m.kind, []byte(`{"userName":"u","name":{"givenName":"A","familyName":"F"},"title":"T","nickName":"N","emails":[{"value":"old@x","type":"work"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	in := input(t, map[string]any{"user": "u", "first": "B", "job": nil, "mail": "new@x"})
	in.New, in.Current = false, doc
	m.Apply(in).Write(doc)
	if got, want := string(document.Encode(m.kind, doc)), `"userName":"u","name":{"familyName":"F","givenName":"B"},"nickName":"N","emails":[{"value":"new@x"}]}`; !strings.HasSuffix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

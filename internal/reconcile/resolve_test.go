package reconcile

import (
	"math/rand"
	"testing"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

var set = schema.Must()

func user(t testing.TB, body string) *document.Object {
	t.Helper()
	d, err := document.Decode(set.User, []byte(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Object
}

func group(t testing.TB, body string) *document.Object {
	t.Helper()
	d, err := document.Decode(set.Group, []byte(body), nil)
	if err != nil {
		t.Fatal(err)
	}
	return d.Object
}

var (
	ad    = store.Source{ID: 7, Kind: store.SourceAD}
	entra = store.Source{ID: 3, Kind: store.SourceEntra}
	hr    = store.Source{ID: 5, Kind: store.SourceAPI}
	own   = store.Source{ID: 1, Kind: store.SourceWorkspace}
)

const ent = `"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`

func TestTheAuthoritysAttributesWinAndGapsAreFilled(t *testing.T) {
	r := Resolve(set.User, []Assertion{
		{Source: entra, Doc: user(t, `{"userName":"cloud","externalId":"e1","title":"Cloud title","locale":"de","active":false,"emails":[{"value":"cloud@x"}],`+ent+`:{"department":"Cloud","division":"D"}}`)},
		{Source: ad, Doc: user(t, `{"userName":"onprem","externalId":"a1","title":"AD title","active":true,`+ent+`:{"department":"AD"}}`)},
	})
	want := `{"externalId":"a1","userName":"onprem","title":"AD title","locale":"de","active":true,"emails":[{"value":"cloud@x"}],` + ent + `:{"division":"D","department":"AD"}}`
	if got := string(r.Doc.AppendJSON(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if r.Authority != ad.ID || r.Class != ClassHybrid {
		t.Errorf("authority %d class %s", r.Authority, r.Class)
	}
}

// Row E008: what a source says to be nothing no source behind it fills, and one
// before it isn't touched.
func TestE008AuthoritativeNulls(t *testing.T) {
	const ws = `"urn:ietf:params:scim:schemas:extension:workspace:2.0:User"`
	says := func(body, nulls string) *document.Object {
		d, err := document.MustDecode(set.User, []byte(`{"userName":"u",`+ws+`:{"authoritativeNulls":[`+nulls+`]}`+body+`}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	const full = `,"title":"T","locale":"de","name":{"givenName":"G","familyName":"F"},"emails":[{"value":"a@x"}],` + ent + `:{"department":"D","manager":{"value":"m"}}`
	other := store.Source{ID: 9, Kind: store.SourcePeer}
	for _, tt := range []struct {
		name string
		in   []Assertion
		want string
	}{
		{"the authority's hold for all behind it", []Assertion{
			{Source: hr, Doc: says("", `"title","emails","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"`)},
			{Source: other, Doc: user(t, `{"userName":"u"`+full+`}`), Manager: "id-1"}, {Source: own, Doc: user(t, `{"userName":"u","title":"own"}`)},
		}, `{"userName":"u","name":{"familyName":"F","givenName":"G"},"locale":"de",` + ent + `:{"manager":{"value":"id-1"}}}`},
		{"another one's do not hold for the authority", []Assertion{
			{Source: hr, Doc: user(t, `{"userName":"u","title":"T"}`)}, {Source: other, Doc: says("", `"title","locale"`)}, {Source: own, Doc: user(t, `{"userName":"u","locale":"de"}`)},
		}, `{"userName":"u","title":"T"}`},
		{"a part of a name, and a manager", []Assertion{
			{Source: hr, Doc: says("", `"name.familyName","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"`)}, {Source: other, Doc: user(t, `{"userName":"u"`+full+`}`), Manager: "id-1"},
		}, `{"userName":"u","name":{"givenName":"G"},"title":"T","locale":"de","emails":[{"value":"a@x"}],` + ent + `:{"department":"D"}}`},
		{"alone", []Assertion{{Source: hr, Doc: says("", `"title"`)}}, `{"userName":"u"}`},
	} {
		before := string(tt.in[0].Doc.AppendJSON(nil))
		if got := string(Resolve(set.User, tt.in).Doc.AppendJSON(nil)); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
		if got := string(tt.in[0].Doc.AppendJSON(nil)); got != before {
			t.Errorf("%s: the assertion was changed: %s", tt.name, got)
		}
	}
	trace := TraceOf(set.User, set.User.Root.Sub("title"), []Assertion{{Source: own, Doc: user(t, `{"userName":"u","title":"own"}`)}, {Source: hr, Doc: says("", `"title"`)}})
	if trace.Rule != TraceNull || trace.Source != hr.ID || trace.Value != nil {
		t.Errorf("%+v", trace)
	}
}

func TestActiveIsTheAuthoritysUnlessAPolicySaysAnyDisables(t *testing.T) {
	any := entra
	any.Policies.AnyDisables = true
	on, off := user(t, `{"userName":"u","active":true}`), user(t, `{"userName":"u","active":false}`)
	tests := []struct {
		name string
		in   []Assertion
		want bool
	}{
		{"the other says no", []Assertion{{Source: ad, Doc: on}, {Source: entra, Doc: off}}, true},
		{"the authority says no", []Assertion{{Source: ad, Doc: off}, {Source: entra, Doc: on}}, false},
		{"policy anyDisables", []Assertion{{Source: ad, Doc: on}, {Source: any, Doc: off}}, false},
		{"alone", []Assertion{{Source: entra, Doc: off}}, false},
	}
	for _, tt := range tests {
		if got := Resolve(set.User, tt.in).Doc.Get(set.User.Active) == true; got != tt.want {
			t.Errorf("%s: active %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestManagerIsReplacedByTheResolvedIDOrLeftOut(t *testing.T) {
	raw := user(t, `{"userName":"u",`+ent+`:{"manager":{"value":"E-77"}}}`)
	if got := string(Resolve(set.User, []Assertion{{Source: hr, Doc: raw, Manager: "id-1"}}).Doc.AppendJSON(nil)); got != `{"userName":"u",`+ent+`:{"manager":{"value":"id-1"}}}` {
		t.Error(got)
	}
	if got := string(Resolve(set.User, []Assertion{{Source: hr, Doc: raw}}).Doc.AppendJSON(nil)); got != `{"userName":"u"}` {
		t.Error(got)
	}
	if got := string(raw.AppendJSON(nil)); got != `{"userName":"u",`+ent+`:{"manager":{"value":"E-77"}}}` {
		t.Errorf("the assertion was changed: %s", got)
	}
}

// W009: the three policies about missing names; accept and require decide
// before a write, derive here.
func TestW009NamesAreDerivedFromDisplayNameOnlyByPolicy(t *testing.T) {
	derive := entra
	derive.Policies.Names = "derive"
	doc := user(t, `{"userName":"u","displayName":"Ana Maria Silva"}`)
	if got := string(Resolve(set.User, []Assertion{{Source: entra, Doc: doc}}).Doc.AppendJSON(nil)); got != `{"userName":"u","displayName":"Ana Maria Silva"}` {
		t.Error(got)
	}
	if got := string(Resolve(set.User, []Assertion{{Source: derive, Doc: doc}}).Doc.AppendJSON(nil)); got != `{"userName":"u","name":{"familyName":"Silva","givenName":"Ana Maria"},"displayName":"Ana Maria Silva"}` {
		t.Error(got)
	}
	if got := MissingName(set.User, doc); got != "name.givenName" {
		t.Errorf("missing %q", got)
	}
}

func TestClassOfUsers(t *testing.T) {
	doc := user(t, `{"userName":"u"}`)
	tests := []struct {
		sources []store.Source
		want    string
	}{
		{[]store.Source{ad}, ClassOnPrem}, {[]store.Source{entra}, ClassCloudOnly}, {[]store.Source{ad, entra}, ClassHybrid},
		{[]store.Source{own}, ClassManual}, {[]store.Source{hr}, ClassManual}, {[]store.Source{hr, ad}, ClassOnPrem},
	}
	for _, tt := range tests {
		var in []Assertion
		for _, s := range tt.sources {
			in = append(in, Assertion{Source: s, Doc: doc})
		}
		if got := Resolve(set.User, in).Class; got != tt.want {
			t.Errorf("%v: %s, want %s", tt.sources, got, tt.want)
		}
	}
}

// H028: every group has exactly one authority and a derived class. H036: a
// group is directory-synced by a link of a cloud source, or by its anchor.
func TestH028ClassOfGroups(t *testing.T) {
	const ws = `"urn:ietf:params:scim:schemas:extension:workspace:2.0:Group"`
	plain := group(t, `{"displayName":"g","externalId":"x"}`)
	sid := group(t, `{"displayName":"g","externalId":"x",`+ws+`:{"originSid":"S-1-5-21-1"}}`)
	anchored := group(t, `{"displayName":"g","externalId":"x",`+ws+`:{"originAnchor":"guid"}}`)
	self := group(t, `{"displayName":"g","externalId":"x",`+ws+`:{"originAnchor":"x"}}`)
	tests := []struct {
		in        []Assertion
		authority int64
		want      string
	}{
		{[]Assertion{{Source: ad, Doc: plain}}, ad.ID, ClassOnPrem},
		{[]Assertion{{Source: entra, Doc: plain}}, entra.ID, ClassCloudOnly},
		{[]Assertion{{Source: entra, Doc: self}}, entra.ID, ClassCloudOnly},
		{[]Assertion{{Source: entra, Doc: plain}, {Source: ad, Doc: plain}}, ad.ID, ClassDirectorySynced},
		{[]Assertion{{Source: entra, Doc: sid}}, entra.ID, ClassDirectorySynced},
		{[]Assertion{{Source: entra, Doc: anchored}}, entra.ID, ClassDirectorySynced},
		{[]Assertion{{Source: own, Doc: plain}}, own.ID, ClassManual},
	}
	for i, tt := range tests {
		if r := Resolve(set.Group, tt.in); r.Class != tt.want || r.Authority != tt.authority {
			t.Errorf("%d: class %s authority %d, want %s %d", i, r.Class, r.Authority, tt.want, tt.authority)
		}
	}
}

// Law 7: same inputs, same result, whatever the order; and the assertions stay
// as they are.
func TestResolveIsPureAndIgnoresOrder(t *testing.T) {
	bodies := []string{
		`{"userName":"a","active":true,"name":{"givenName":"A"}}`,
		`{"userName":"b","title":"T","active":false,` + ent + `:{"department":"D","manager":{"value":"m"}}}`,
		`{"userName":"c","displayName":"Cora C","emails":[{"value":"c@x"}],` + ent + `:{"division":"V"}}`,
	}
	rapid.Check(t, func(rt *rapid.T) {
		var in []Assertion
		for i, s := range []store.Source{ad, entra, hr, own} {
			if rapid.Bool().Draw(rt, "present") {
				s.Policies.AnyDisables = rapid.Bool().Draw(rt, "any")
				in = append(in, Assertion{Source: s, Doc: user(t, bodies[(i+rapid.IntRange(0, 2).Draw(rt, "body"))%3]), Manager: rapid.SampledFrom([]string{"", "m", "n"}).Draw(rt, "manager")})
			}
		}
		if len(in) == 0 {
			return
		}
		var before []string
		for _, a := range in {
			before = append(before, string(a.Doc.AppendJSON(nil)))
		}
		want := Resolve(set.User, in)
		for i, a := range in {
			if got := string(a.Doc.AppendJSON(nil)); got != before[i] {
				rt.Fatalf("assertion %d changed from %s to %s", i, before[i], got)
			}
		}
		rand.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		got := Resolve(set.User, in)
		if !document.Equal(got.Doc, want.Doc) || got.Authority != want.Authority || got.Class != want.Class {
			rt.Fatalf("got %s %+v, want %s %+v", got.Doc.AppendJSON(nil), got, want.Doc.AppendJSON(nil), want)
		}
	})
}

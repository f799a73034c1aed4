package reconcile

import (
	"testing"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

func TestATraceNamesTheRuleAndTheSource(t *testing.T) {
	any, derive := entra, ad
	any.Policies.AnyDisables, derive.Policies.Names = true, "derive"
	manager := set.User.Manager
	at := func(name string) *schema.Attribute { return set.User.Root.Sub(name) }
	tests := []struct {
		name   string
		attr   *schema.Attribute
		in     []Assertion
		rule   string
		source int64
		value  document.Value
	}{
		{"the authority's", at("title"), []Assertion{{Source: entra, Doc: user(t, `{"userName":"u","title":"E"}`)}, {Source: ad, Doc: user(t, `{"userName":"u","title":"A"}`)}}, TraceAuthority, ad.ID, "A"},
		{"filled in", at("title"), []Assertion{{Source: entra, Doc: user(t, `{"userName":"u","title":"E"}`)}, {Source: ad, Doc: user(t, `{"userName":"u"}`)}}, TraceFilled, entra.ID, "E"},
		{"nobody's", at("title"), []Assertion{{Source: ad, Doc: user(t, `{"userName":"u"}`)}}, TraceUnasserted, 0, nil},
		{"no source", at("title"), nil, TraceUnasserted, 0, nil},
		{"externalId is the authority's or nobody's", at("externalId"), []Assertion{{Source: entra, Doc: user(t, `{"userName":"u","externalId":"e"}`)}, {Source: ad, Doc: user(t, `{"userName":"u"}`)}}, TraceAuthorityOnly, 0, nil},
		{"another one disables by policy", at("active"), []Assertion{{Source: any, Doc: user(t, `{"userName":"u","active":false}`)}, {Source: ad, Doc: user(t, `{"userName":"u","active":true}`)}}, TraceAnyDisables, entra.ID, false},
		{"another one can't disable", at("active"), []Assertion{{Source: entra, Doc: user(t, `{"userName":"u","active":false}`)}, {Source: ad, Doc: user(t, `{"userName":"u","active":true}`)}}, TraceAuthority, ad.ID, true},
		{"a manager that isn't there", manager, []Assertion{{Source: ad, Doc: user(t, `{"userName":"u",`+ent+`:{"manager":{"value":"x"}}}`)}}, TraceUnresolved, 0, nil},
		{"derived", at("name").Sub("familyName"), []Assertion{{Source: derive, Doc: user(t, `{"userName":"u","displayName":"Ana Silva"}`)}}, TraceDerived, ad.ID, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := TraceOf(set.User, tt.attr, tt.in)
			if got.Rule != tt.rule || got.Source != tt.source || tt.rule != TraceDerived && !document.Equal(got.Value, tt.value) {
				t.Errorf("got %+v, want %s of %d: %v", got, tt.rule, tt.source, tt.value)
			}
		})
	}
}

// What a trace says agrees with what Resolve does, for each attribute.
func TestATraceAgreesWithTheResolution(t *testing.T) {
	bodies := []string{
		`{"userName":"a","externalId":"1","active":true,"name":{"givenName":"A"}}`,
		`{"userName":"b","title":"T","active":false,` + ent + `:{"department":"D","manager":{"value":"m"}}}`,
		`{"userName":"c","active":true,"displayName":"Cora C","emails":[{"value":"c@x"}],` + ent + `:{"division":"V"}}`,
	}
	var units []*schema.Attribute
	for _, a := range set.User.Root.Subs {
		if a.Extension {
			units = append(units, a.Subs...)
		} else {
			units = append(units, a)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		var in []Assertion
		for _, s := range []store.Source{ad, entra, hr, own} {
			if rapid.Bool().Draw(rt, "present") {
				s.Policies.AnyDisables = rapid.Bool().Draw(rt, "any")
				s.Policies.Names = rapid.SampledFrom([]string{"", "derive"}).Draw(rt, "names")
				in = append(in, Assertion{Source: s, Doc: user(t, rapid.SampledFrom(bodies).Draw(rt, "body")), Manager: rapid.SampledFrom([]string{"", "m"}).Draw(rt, "manager")})
			}
		}
		if len(in) == 0 {
			return
		}
		want := Resolve(set.User, in).Doc
		for _, unit := range units {
			got := TraceOf(set.User, unit, in)
			if !document.Equal(got.Value, want.At(unit)) {
				rt.Fatalf("%s: value %v, want %v", unit.Path, got.Value, want.At(unit))
			}
			switch got.Rule {
			case TraceAuthority, TraceFilled, TraceAnyDisables:
				for _, a := range in {
					if a.Source.ID == got.Source && !document.Equal(a.Doc.At(unit), got.Value) {
						rt.Fatalf("%s: %s of %d, which asserts %v, and not %v", unit.Path, got.Rule, got.Source, a.Doc.At(unit), got.Value)
					}
				}
			case TraceDerived:
			default:
				if got.Value != nil || got.Source != 0 {
					rt.Fatalf("%s: %+v", unit.Path, got)
				}
			}
		}
	})
}

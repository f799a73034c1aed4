package ad

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/workspace-scim/workspace/connectors/ad/dirsync"
)

func TestDocumentsSayWhatIsWrongAndWhere(t *testing.T) {
	for document, want := range map[string]string{
		`{"scop":{}}`: `unknown field "scop"`,
		`{} {}`:       "follows",
		`{"scope":{"containers":{"include":["OU=x"]}}}`:                                   "scope.containers.include[0]",
		`{"scope":{"users":[[{"attribute":"x","operator":"LIKE"}]]}}`:                     "scope.users[0][0]",
		`{"scope":{"users":[[{"attribute":"x","operator":"REGEX MATCH","value":"("}]]}}`:  "missing closing )",
		`{"scope":{"users":[[{"attribute":"x","operator":"GREATER THAN","value":"a"}]]}}`: "whole number",
		`{"scope":{"users":[[{"attribute":"memberOf","operator":"IS NULL"}]]}}`:           "scope.groups",
		`{"scope":{"users":[[]]}}`:                                                                                                           "empty list",
		`{"policies":{"names":"maybe"}}`:                                                                                                     "policies.names",
		`{"mapping":{"users":[]}}`:                                                                                                           "userName",
		`{"mapping":{"groups":[{"target":"displayName","kind":"direct"}]}}`:                                                                  "mapping.groups[0]",
		`{"mapping":{"groups":[{"target":"members","kind":"constant","value":"x"}]}}`:                                                        "members",
		`{"mapping":{"groups":[{"target":"displayName","kind":"direct","sources":["member"]}]}}`:                                             "link",
		`{"mapping":{"groups":[{"target":"displayName","kind":"direct","sources":["cn"],"format":"?"}]}}`:                                    "format",
		`{"mapping":{"groups":[{"target":"a b","kind":"constant","value":1}]}}`:                                                              "target",
		`{"mapping":{"groups":[{"target":"x","kind":"constant","value":[1]}]}}`:                                                              "text, a number or a boolean",
		`{"mapping":{"users":[{"target":"nickNam","kind":"constant","value":"x"}]}}`:                                                         "no user has this attribute",
		`{"mapping":{"users":[{"target":"emails.value","kind":"constant","value":"x"}]}}`:                                                    "no user has this attribute",
		`{"mapping":{"users":[{"target":"urn:ietf:params:scim:schemas:extension:workspace:2.0:User:x","kind":"constant","value":"x"}]}}`:     "no user has this attribute",
		`{"mapping":{"users":[{"target":"urn:ietf:params:scim:schemas:extension:contoso:3.0:User:badge","kind":"constant","value":"x"}]}}`:   "no user has this attribute",
		`{"mapping":{"groups":[{"target":"urn:ietf:params:scim:schemas:extension:contoso:2.0:User:badge","kind":"constant","value":"x"}]}}`:  "no group has this attribute",
		`{"mapping":{"groups":[{"target":"urn:ietf:params:scim:schemas:extension:contoso:2.0:Group:badge","kind":"constant","value":"x"}]}}`: "no group has this attribute",
		`{"mapping":{"groups":[{"target":"displayName","kind":"script","sources":["cn"]}]}}`:                                                 "kind",
		`{"mapping":{"groups":[{"target":"x","kind":"constant","value":1},{"target":"X","kind":"join"}]}}`:                                   "join",
	} {
		if _, err := ParseDocument([]byte(document)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", document, err, want)
		}
	}
	for _, document := range []string{``, `{}`, `{"limits":{"deletes":3},"interval":60}`} {
		if _, err := ParseDocument([]byte(document)); err != nil {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// E007, E024, S20: clauses as Entra's scoping filters.
func TestE007E024Clauses(t *testing.T) {
	o := recorded{"department": {"IT"}, "level": {"7"}, "flag": {"TRUE"}, "other": {"a", "bc"}}
	for _, test := range []struct {
		attribute string
		operator  Operator
		value     string
		want      bool
	}{
		{"Department", Equals, "IT", true}, {"department", Equals, "it", false}, {"department", NotEquals, "HR", true},
		{"none", Equals, "", false}, {"none", NotEquals, "x", false}, {"none", IsNull, "", true}, {"none", IsNotNull, "", false},
		{"department", IsNotNull, "", true}, {"department", IsNull, "", false},
		{"other", RegexMatch, "^b", true}, {"other", NotRegexMatch, "^b", false}, {"other", NotRegexMatch, "^x", true},
		{"other", Includes, "c", true}, {"other", EndsWith, "c", true}, {"other", EndsWith, "b", false},
		{"flag", IsTrue, "", true}, {"flag", IsFalse, "", false},
		{"level", GreaterThan, "6", true}, {"level", GreaterThan, "7", false}, {"level", GreaterEqual, "7", true},
		{"level", BitSet, "2", true}, {"level", BitSet, "8", false}, {"level", BitClear, "8", true}, {"department", GreaterThan, "0", false},
	} {
		c, err := compileClauses([][]Clause{{{test.attribute, test.operator, test.value}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.hold(o); got != test.want {
			t.Errorf("%s %s %q: %t", test.attribute, test.operator, test.value, got)
		}
	}
	yes, no := Clause{"department", Equals, "IT"}, Clause{"department", Equals, "HR"}
	for _, test := range []struct {
		any  [][]Clause
		want bool
	}{{nil, true}, {[][]Clause{{yes, no}}, false}, {[][]Clause{{no}, {yes}}, true}, {[][]Clause{{no}, {yes, no}}, false}} {
		c, err := compileClauses(test.any)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.hold(o); got != test.want {
			t.Errorf("%v: %t", test.any, got)
		}
	}
}

func TestCheckpointsComeBackAsTheyWereOrNotAtAll(t *testing.T) {
	c := checkpoint{domain: dirsync.GUID{1}, document: [32]byte{2}, reached: [32]byte{3},
		lookedAt: time.Unix(1_800_000_000, 0).UTC(), directory: []byte("inner")}
	b := c.encode()
	back, err := decodeCheckpoint(b)
	if diff := cmp.Diff(c, back, cmp.AllowUnexported(checkpoint{})); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for i := range b {
		bad := append([]byte(nil), b...)
		bad[i] ^= 1
		if _, err := decodeCheckpoint(bad); err == nil {
			t.Fatalf("a flipped bit in byte %d isn't noticed", i)
		}
	}
}

// The default mapping, written into a document, passes its own rules.
func TestTheDefaultMappingIsADocument(t *testing.T) {
	d := Document{Mapping: DefaultMapping()}
	if err := d.Check(); err != nil {
		t.Error(err)
	}
	if d.sum() != (Document{}).sum() {
		t.Error("the default mapping, written out, would lead to a full pull")
	}
}

package reconcile

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the tables of docs/rules.md anew")

// The sources of the truth table: AD₂ is another domain.
var (
	ad1   = store.Source{ID: 11, Kind: store.SourceAD, Name: "ad1"}
	ad2   = store.Source{ID: 12, Kind: store.SourceAD, Name: "ad2"}
	cloud = store.Source{ID: 13, Kind: store.SourceEntra, Name: "entra"}
	other = store.Source{ID: 14, Kind: store.SourceEntra, Name: "entra2"}
	tool  = store.Source{ID: 15, Kind: store.SourceAPI, Name: "hr"}
	hand  = store.Source{ID: 16, Kind: store.SourceWorkspace, Name: "workspace"}
)

type named[T any] struct {
	name string
	is   T
}

func in(sources ...store.Source) User { return User{Active: true, Presence: sources} }

func users() []named[User] {
	return []named[User]{
		{"on-prem only {AD₁}", in(ad1)},
		{"cloud only {Entra}", in(cloud)},
		{"hybrid {AD₁, Entra}", in(ad1, cloud)},
		{"other domain {AD₂}", in(ad2)},
		{"other domain and cloud {AD₂, Entra}", in(ad2, cloud)},
		{"other tenant {Entra₂}", in(other)},
		{"manual {}", in(hand)},
		{"a tool's {HR}", in(tool, hand)},
		{"disabled {AD₁, Entra}", User{Presence: []store.Source{ad1, cloud}}},
	}
}

func owned(by store.Source, class string) Group {
	return Group{Exists: true, Authority: by, Class: class, Type: "security"}
}

func groups() []named[Group] {
	return []named[Group]{
		{"onPrem (AD₁)", owned(ad1, ClassOnPrem)},
		{"cloudOnly", owned(cloud, ClassCloudOnly)},
		{"directorySynced (AD₁→Entra)", owned(ad1, ClassDirectorySynced)},
		{"directorySynced (Entra says so)", owned(cloud, ClassDirectorySynced)},
		{"cloudOwned (Entra→AD₁)", owned(cloud, ClassCloudOwned)},
		{"a tool's", owned(tool, ClassManual)},
		{"manual", owned(hand, ClassManual)},
	}
}

// The table of docs/rules.md, each row in the order of groups. "" is compatible.
var truth = map[string][]string{
	"on-prem only {AD₁}":                  {"", OnPremUserCloudOnlyGroup, "", "", OnPremUserCloudOnlyGroup, UserNotInDirectory, ""},
	"cloud only {Entra}":                  {CloudUserOnPremGroup, "", CloudUserDirectorySyncedGroup, CloudUserDirectorySyncedGroup, "", UserNotInDirectory, ""},
	"hybrid {AD₁, Entra}":                 {"", "", "", "", "", UserNotInDirectory, ""},
	"other domain {AD₂}":                  {OtherDomain, OnPremUserCloudOnlyGroup, OtherDomain, "", OnPremUserCloudOnlyGroup, UserNotInDirectory, ""},
	"other domain and cloud {AD₂, Entra}": {OtherDomain, "", OtherDomain, "", "", UserNotInDirectory, ""},
	"other tenant {Entra₂}":               {CloudUserOnPremGroup, OtherDomain, CloudUserDirectorySyncedGroup, CloudUserDirectorySyncedGroup, OtherDomain, UserNotInDirectory, ""},
	"manual {}":                           {UserNotInDirectory, UserNotInDirectory, UserNotInDirectory, UserNotInDirectory, UserNotInDirectory, UserNotInDirectory, ""},
	"a tool's {HR}":                       {UserNotInDirectory, UserNotInDirectory, UserNotInDirectory, UserNotInDirectory, UserNotInDirectory, "", ""},
	"disabled {AD₁, Entra}":               {UserInactive, UserInactive, UserInactive, UserInactive, UserInactive, UserInactive, UserInactive},
}

// Rows H027, H029 and H033–H036.
func TestCompatibleIsTheTruthTable(t *testing.T) {
	for _, u := range users() {
		want := truth[u.name]
		if len(want) != len(groups()) {
			t.Fatalf("%s has %d verdicts", u.name, len(want))
		}
		for i, g := range groups() {
			v := Compatible(u.is, g.is)
			if v.Code != want[i] {
				t.Errorf("%s in %s: %q, want %q", u.name, g.name, v.Code, want[i])
			}
		}
	}
}

func TestATrustLetsTheOtherDomainIn(t *testing.T) {
	trusting := func(class string) Group {
		g := owned(ad1, class)
		g.Authority.Policies.Trusts = []string{"ad2"}
		return g
	}
	for _, class := range []string{ClassOnPrem, ClassDirectorySynced} {
		if v := Compatible(in(ad2), trusting(class)); !v.Compatible() {
			t.Errorf("%s: %q", class, v.Code)
		}
		if v := Compatible(in(cloud), trusting(class)); v.Compatible() {
			t.Errorf("%s: the cloud is in by a trust between domains", class)
		}
	}
	back := owned(ad2, ClassOnPrem)
	if v := Compatible(in(ad1), back); v.Code != OtherDomain {
		t.Errorf("a trust in one direction gave %q in the other", v.Code)
	}
	global := trusting(ClassOnPrem)
	global.Scope = "Global"
	if v := Compatible(in(ad2), global); v.Code != OtherDomain || !strings.Contains(v.WayOut, "universal") {
		t.Errorf("a global group took an account of another domain: %+v", v)
	}
	if v := Compatible(in(ad1), global); !v.Compatible() {
		t.Errorf("a global group refused its own domain: %q", v.Code)
	}
}

func TestSomeGroupsTakeNobody(t *testing.T) {
	for _, c := range []struct {
		name  string
		group Group
		want  string
	}{
		{"gone", Group{}, GroupMissing},
		{"dynamic in the cloud", Group{Exists: true, Authority: cloud, Type: "dynamic"}, DynamicGroup},
		{"dynamic on-premises", Group{Exists: true, Authority: ad1, Type: "Dynamic"}, DynamicGroup},
		{"mail-enabled in the cloud", Group{Exists: true, Authority: cloud, Class: ClassCloudOnly, Type: "mailEnabledSecurity"}, MailEnabledGroup},
		{"a distribution list of the cloud", Group{Exists: true, Authority: cloud, Class: ClassCloudOwned, Type: "distribution"}, MailEnabledGroup},
		{"mail-enabled on-premises", Group{Exists: true, Authority: ad1, Type: "mailEnabledSecurity"}, ""},
		{"mail-enabled and synchronised", Group{Exists: true, Authority: cloud, Class: ClassDirectorySynced, Type: "distribution"}, ""},
		{"Microsoft 365", Group{Exists: true, Authority: cloud, Type: "microsoft365"}, ""},
	} {
		if v := Compatible(in(ad1, cloud), c.group); v.Code != c.want {
			t.Errorf("%s: %q, want %q", c.name, v.Code, c.want)
		}
	}
	allowed := owned(cloud, ClassCloudOnly)
	allowed.Type, allowed.Authority.Policies.MailEnabledGroups = "distribution", true
	if v := Compatible(in(cloud), allowed); !v.Compatible() {
		t.Errorf("allowed by the policy: %q", v.Code)
	}
}

// Whatever it is asked, there is a verdict with a sentence and a way out, and it
// depends on neither the order of sources nor on the workspace's.
func TestCompatibleIsTotal(t *testing.T) {
	source := rapid.SampledFrom([]store.Source{ad1, ad2, cloud, other, tool, hand, {}, {ID: 99, Kind: "peer"}, {ID: 98, Kind: "unheard of"}})
	rapid.Check(t, func(t *rapid.T) {
		u := User{Active: rapid.Bool().Draw(t, "active"), Presence: rapid.SliceOf(source).Draw(t, "presence")}
		g := Group{
			Exists: rapid.Bool().Draw(t, "exists"), Authority: source.Draw(t, "authority"),
			Class: rapid.SampledFrom([]string{ClassOnPrem, ClassCloudOnly, ClassDirectorySynced, ClassCloudOwned, ClassManual, "", "x"}).Draw(t, "class"),
			Type:  rapid.SampledFrom([]string{"", "security", "mailEnabledSecurity", "distribution", "microsoft365", "dynamic", "x"}).Draw(t, "type"),
			Scope: rapid.SampledFrom([]string{"", "global", "universal"}).Draw(t, "scope"),
		}
		g.Authority.Policies.Trusts = rapid.SliceOf(rapid.SampledFrom([]string{"ad1", "ad2", "entra2"})).Draw(t, "trusts")
		v := Compatible(u, g)
		if v.Compatible() != (v.Detail == "") || v.Compatible() != (v.WayOut == "") {
			t.Fatalf("%+v", v)
		}
		turned := slices.Clone(u.Presence)
		slices.Reverse(turned)
		if w := Compatible(User{u.Active, append(turned, hand)}, g); w.Code != v.Code {
			t.Fatalf("%q, and in another order %q", v.Code, w.Code)
		}
		more := Compatible(User{u.Active, append(slices.Clone(u.Presence), g.Authority)}, g)
		if v.Compatible() && !more.Compatible() {
			t.Fatalf("who gets an account where the group is loses it: %q", more.Code)
		}
	})
}

// The truth table of docs/rules.md is what the function says; go test
// ./internal/reconcile -update writes it anew.
func TestTheDocumentedTableIsTrue(t *testing.T) {
	const file, begin, end = "../../docs/rules.md", "<!-- compatibility: written by a test -->\n", "<!-- end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	old, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no table of compatibility", file)
	}
	table := table()
	if *update {
		if err := os.WriteFile(file, []byte(head+begin+table+end+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table {
		t.Errorf("%s says\n%s\nand the function\n%s", file, old, table)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| user ↓ group →")
	for _, g := range groups() {
		b.WriteString(" | " + g.name)
	}
	b.WriteString(" |\n|" + strings.Repeat("---|", len(groups())+1) + "\n")
	for _, u := range users() {
		b.WriteString("| " + u.name)
		for _, g := range groups() {
			cell := "✓"
			if v := Compatible(u.is, g.is); !v.Compatible() {
				cell = "✗ " + v.Code
				g.is.Authority.Policies.Trusts = []string{"ad2", "entra2"}
				if Compatible(u.is, g.is).Compatible() {
					cell += " (✓ with a trust)"
				}
			}
			b.WriteString(" | " + cell)
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

package ad

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// recorded is an object as Windows gives it: names in small letters.
type recorded map[string][]string

func (r recorded) Values(name string) (all [][]byte, told bool) {
	values, told := r[strings.ToLower(name)]
	for _, v := range values {
		all = append(all, []byte(v))
	}
	return all, told
}

func of(r recorded) subject {
	return subject{values: r, anchor: "5f2c1a90-0d5e-4a4e-9d3c-6a1f0b7c8d9e", domain: "contoso.com",
		now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), managerTold: true}
}

func codes(faults []fault) (all []string) {
	for _, f := range faults {
		all = append(all, f.code)
	}
	return all
}

// E037, E038, E093, E094: the default mapping of a user with everything.
func TestE037E038E093E094DefaultMappingOfAUser(t *testing.T) {
	r := recorded{
		"name": {"Lovelace, Ada"}, "givenname": {"Ada"}, "sn": {"Lovelace"}, "displayname": {"Ada Lovelace"}, "title": {"Countess"},
		"samaccountname": {"ada"}, "userprincipalname": {"ada@contoso.com"}, "mail": {"Ada@contoso.com"},
		"proxyaddresses":  {"smtp:a.king@contoso.com", "SMTP:ada@contoso.com", "X500:/o=x", "SIP:ada@contoso.com", "smtp:ADA@contoso.com"},
		"telephonenumber": {"+44 1"}, "mobile": {"+44 2"}, "l": {"London"}, "c": {"GB"}, "department": {"Engines"}, "company": {"Contoso"},
		"employeeid": {"42"}, "useraccountcontrol": {"512"}, "accountexpires": {"9223372036854775807"},
		"extensionattribute1": {"20261201000000.0Z"}, "extensionattribute2": {"20301231180000+0100"}, "extensionattribute15": {"x"},
		"objectsid": {"\x01\x05\x00\x00\x00\x00\x00\x05\x15\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\x50\x04\x00\x00"},
	}
	translator, err := newTranslator(DefaultMapping().Users)
	if err != nil {
		t.Fatal(err)
	}
	s := of(r)
	s.manager = "00000000-0000-0000-0000-000000000002"
	got, faults := translator.whole(s)
	maps.DeleteFunc(got, func(_ string, v any) bool { return v == nil })
	want := map[string]any{
		"userName": "ada@contoso.com", "name.givenName": "Ada", "name.familyName": "Lovelace", "displayName": "Ada Lovelace", "title": "Countess",
		"active": true,
		"emails": []any{
			map[string]any{"value": "ada@contoso.com", "type": "work", "primary": true},
			map[string]any{"value": "a.king@contoso.com", "type": "other"},
		},
		"phoneNumbers":            []any{map[string]any{"type": "work", "value": "+44 1"}, map[string]any{"type": "mobile", "value": "+44 2"}},
		"addresses":               []any{map[string]any{"type": "work", "locality": "London", "country": "GB"}},
		enterprise + "department": "Engines", enterprise + "organization": "Contoso", enterprise + "employeeNumber": "42",
		enterprise + "manager":         "00000000-0000-0000-0000-000000000002",
		workspaceUser + "originAnchor": s.anchor, workspaceUser + "originDomain": "contoso.com", workspaceUser + "originSid": "S-1-5-21-1-2-3-1104",
		workspaceUser + "sAMAccountName":   "ada",
		workspaceUser + "employeeHireDate": "2026-12-01T00:00:00.000Z", workspaceUser + "employeeLeaveDateTime": "2030-12-31T17:00:00.000Z",
		workspaceUser + "extensionAttribute1": "20261201000000.0Z", workspaceUser + "extensionAttribute2": "20301231180000+0100", workspaceUser + "extensionAttribute15": "x",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(faults) != 0 {
		t.Errorf("%s\nfaults %v", diff, faults)
	}
}

func TestBadValuesAreLeftOutAndSaid(t *testing.T) {
	for name, test := range map[string]struct {
		rule  Rule
		r     recorded
		want  any
		codes []string
	}{
		"binary":           {direct("title", "title"), recorded{"title": {"\xff\xfe"}}, nil, []string{codeNotText}},
		"NUL":              {direct("title", "title"), recorded{"title": {"a\x00b"}}, nil, []string{codeNotText}},
		"over-long":        {direct("title", "title"), recorded{"title": {strings.Repeat("x", mostText+1)}}, nil, []string{codeTooLong}},
		"blank":            {direct("title", "title"), recorded{"title": {"  "}}, nil, nil},
		"next source":      {direct("title", "title", "description"), recorded{"title": {"\xff"}, "description": {"d"}}, "d", []string{codeNotText}},
		"least of several": {direct("title", "title"), recorded{"title": {"b", "a"}}, "a", nil},
		"default":          {Rule{Target: "title", Kind: Direct, Sources: []string{"title"}, Default: "none"}, recorded{}, "none", nil},
		"join":             {Rule{Target: "title", Kind: Join, Sources: []string{"sn", "givenName"}, Separator: ", "}, recorded{"sn": {"L"}, "givenname": {"A"}}, "L, A", nil},
		"join of nothing":  {Rule{Target: "title", Kind: Join, Sources: []string{"sn", "givenName"}}, recorded{"sn": {"L"}}, nil, nil},
		"switch":           {Rule{Target: "title", Kind: Switch, Sources: []string{"c"}, Cases: map[string]string{"NL": "Dutch"}}, recorded{"c": {"NL"}}, "Dutch", nil},
		"switch otherwise": {Rule{Target: "title", Kind: Switch, Sources: []string{"c"}, Cases: map[string]string{"NL": "Dutch"}, Default: "?"}, recorded{"c": {"BE"}}, "?", nil},
		"bad date":         {Rule{Kind: Direct, Sources: []string{"x"}, Format: GeneralizedTime}, recorded{"x": {"1 May"}}, nil, []string{codeBadDate}},
		"never":            {Rule{Kind: Direct, Sources: []string{"x"}, Format: FileTime}, recorded{"x": {"0"}}, nil, nil},
		"bad boolean":      {Rule{Kind: Direct, Sources: []string{"x"}, Format: Boolean}, recorded{"x": {"yes"}}, nil, []string{codeBadBoolean}},
		"bad number":       {Rule{Kind: Direct, Sources: []string{"x"}, Format: Number}, recorded{"x": {"1e3"}}, nil, []string{codeBadNumber}},
		"bad SID":          {Rule{Kind: Direct, Sources: []string{"x"}, Format: SIDText}, recorded{"x": {"S-1-5"}}, nil, []string{codeBadSID}},
		"no UPN":           {formatted("userName", UserName), recorded{"samaccountname": {"ada"}}, "ada@contoso.com", []string{codeUPNMissing}},
		"disabled":         {formatted("active", AccountEnabled), recorded{"useraccountcontrol": {"514"}}, false, nil}, // H010
		"expired":          {formatted("active", AccountEnabled), recorded{"useraccountcontrol": {"512"}, "accountexpires": {"132539328000000000"}}, false, nil},
		"expires later":    {formatted("active", AccountEnabled), recorded{"useraccountcontrol": {"512"}, "accountexpires": {"153539328000000000"}}, true, nil},
		"distribution":     {formatted("x", GroupKind), recorded{"grouptype": {"8"}, "mail": {"a@b"}}, "distribution", nil},
		"security":         {formatted("x", GroupKind), recorded{"grouptype": {"-2147483640"}}, "security", nil},
		"mail-enabled":     {formatted("x", GroupKind), recorded{"grouptype": {"-2147483640"}, "mail": {"a@b"}}, "mailEnabledSecurity", nil},
		"global":           {formatted("x", GroupScope), recorded{"grouptype": {"-2147483646"}}, "global", nil},
		"domain local":     {formatted("x", GroupScope), recorded{"grouptype": {"4"}}, "domainLocal", nil},
		"universal":        {formatted("x", GroupScope), recorded{"grouptype": {"8"}}, "universal", nil},
		"no groupType":     {formatted("x", GroupScope), recorded{}, nil, nil},
		"bad groupType":    {formatted("x", GroupScope), recorded{"grouptype": {"x"}}, nil, []string{codeBadNumber}},
		"two primaries": {formatted("emails", Addresses), recorded{"proxyaddresses": {"SMTP:b@x.y", "SMTP:a@x.y"}},
			[]any{map[string]any{"value": "a@x.y", "type": "work", "primary": true}, map[string]any{"value": "b@x.y", "type": "other"}}, []string{codeTwoPrimaries}},
		"bad address": {formatted("emails", Addresses), recorded{"proxyaddresses": {"smtp:nobody"}}, nil, []string{codeBadAddress}},
	} {
		t.Run(name, func(t *testing.T) {
			got, faults := test.rule.value(of(test.r))
			if diff := cmp.Diff(test.want, got); diff != "" || !slices.Equal(codes(faults), test.codes) {
				t.Errorf("%s\ncodes %v, want %v", diff, codes(faults), test.codes)
			}
		})
	}
}

// A directory gives values in no order: what comes out doesn't depend on it, has
// one primary and no address twice (E093).
func TestE093AddressesHaveNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.StringMatching(`(SMTP|smtp|Smtp|X500):[aAbB]@[xX]\.y`)
		proxies := rapid.SliceOf(one).Draw(t, "proxies")
		mail := rapid.SampledFrom([]string{"", "a@x.y", "B@X.y"}).Draw(t, "mail")
		first, _ := of(recorded{"mail": {mail}, "proxyaddresses": proxies}).addresses()
		again, _ := of(recorded{"mail": {mail}, "proxyaddresses": rapid.Permutation(proxies).Draw(t, "order")}).addresses()
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
		list, _ := first.([]any)
		primaries, seen := 0, map[string]bool{}
		for _, one := range list {
			m := one.(map[string]any)
			if m["primary"] == true {
				primaries++
			}
			key := strings.ToLower(m["value"].(string))
			if seen[key] {
				t.Fatalf("%s twice", key)
			}
			seen[key] = true
		}
		if len(list) > 0 && primaries != 1 {
			t.Fatalf("%d primaries", primaries)
		}
	})
}

// What is told in part equals that part of the whole, whatever is told.
func TestAPartIsAPartOfTheWhole(t *testing.T) {
	translator, err := newTranslator(DefaultMapping().Users)
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(translator.inputs))
	rapid.Check(t, func(t *rapid.T) {
		all := recorded{}
		for _, name := range names {
			all[name] = rapid.SliceOfN(rapid.SampledFrom([]string{"1", "a@b.c", "SMTP:a@b.c", "20260101000000Z", "\xff"}), 0, 2).Draw(t, name)
		}
		changed := map[string]bool{}
		part := recorded{}
		for _, name := range rapid.SliceOf(rapid.SampledFrom(names)).Draw(t, "changed") {
			changed[name], part[name] = true, all[name]
		}
		whole, _ := translator.whole(of(all))
		some := of(part)
		some.managerTold = changed[linkManager]
		for _, to := range translator.affected(changed) {
			if !to.complete(some) {
				continue
			}
			if got, _ := to.value(some); !cmp.Equal(got, whole[to.root]) {
				t.Fatalf("%s: %v in part, %v in the whole", to.root, got, whole[to.root])
			}
		}
	})
}

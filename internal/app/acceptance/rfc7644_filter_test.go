package acceptance_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// crowd makes the four users that filters and orders are shown on, and gives
// their ids by externalId.
func (n *tenant) crowd() map[string]string {
	n.t.Helper()
	ids := map[string]string{}
	for _, body := range []object{
		user("Ada@contoso.com", "externalId", "ada", "displayName", "Ada", "title", "Smith", "userType", "Employee",
			"name", object{"familyName": "King", "givenName": "Ada"}, "profileUrl", "https://contoso.com/ada",
			"emails", list{object{"value": "ada@work.example", "type": "work", "primary": true}, object{"value": "ada@home.example", "type": "home"}},
			enterpriseURN, object{"department": "Forge", "employeeNumber": "7"},
			workspaceURN, object{"employeeHireDate": "2026-03-01T09:00:00+01:00", "originAnchor": "Anchor-Ada"}),
		user("ben@contoso.com", "externalId", "ben", "displayName", "ben", "title", "smith", "active", false,
			"emails", list{object{"value": "ben@work.example", "type": "work"}},
			workspaceURN, object{"employeeHireDate": "2026-04-01T00:00:00Z"}),
		user("cleo_%@contoso.com", "externalId", "cleo", "displayName", `C"leo\`, "title", "Wright",
			"emails", list{object{"value": "cleo@home.example", "type": "work"}, object{"value": "cleo@work.example", "type": "home", "primary": true}},
			"nickName", "Zé", enterpriseURN, object{"department": "forge"}),
		user("dan@contoso.com", "externalId", "Dan"),
	} {
		ids[body["externalId"].(string)] = n.entra.create("/Users", body)
	}
	return ids
}

// RFC 7644 §3.4.2.2: each filter and whom it finds.
var filters = []struct {
	filter string
	want   string // externalIds, sorted
}{
	// eq, ne; caseExact decides about case.
	{`userName eq "ada@CONTOSO.com"`, "ada"},
	{`externalId eq "Dan"`, "Dan"},
	{`externalId eq "dan"`, ""},
	{`title eq "SMITH"`, "ada ben"},
	{`title ne "smith"`, "Dan cleo"},
	{`nickName eq "zÉ"`, "cleo"},
	{`displayName eq "c\"LEO\\"`, "cleo"},
	{`displayName eq "\u0041da"`, "ada"},
	{`urn:ietf:params:scim:schemas:extension:workspace:2.0:User:originAnchor eq "anchor-ada"`, ""},
	// co, sw, ew; nothing in them is a pattern.
	{`userName co "contoso"`, "Dan ada ben cleo"},
	{`userName co "_%"`, "cleo"},
	{`userName sw "A"`, "ada"},
	{`userName ew "DAN@contoso.com"`, "Dan"},
	{`name.familyName co "IN"`, "ada"},
	{`emails.value sw "cleo"`, "cleo"},
	{`profileUrl ew "/ada"`, "ada"},
	// pr
	{`title pr`, "ada ben cleo"},
	{`not (title pr)`, "Dan"},
	{`emails pr`, "ada ben cleo"},
	{`name.givenName pr`, "ada"},
	{`name pr`, "ada"},
	{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr`, "ada cleo"},
	{`title eq null`, "Dan"},
	{`title ne null`, "ada ben cleo"},
	// gt, ge, lt, le
	{`userName gt "ben@contoso.com"`, "Dan cleo"},
	{`userName ge "ben@contoso.com"`, "Dan ben cleo"},
	{`userName lt "ben@contoso.com"`, "ada"},
	{`userName le "ben@contoso.com"`, "ada ben"},
	{`meta.created gt "2020-01-01T00:00:00Z"`, "Dan ada ben cleo"},
	{`meta.lastModified lt "2020-01-01T00:00:00Z"`, ""},
	{`urn:ietf:params:scim:schemas:extension:workspace:2.0:User:employeeHireDate eq "2026-03-01T08:00:00Z"`, "ada"},
	{`urn:ietf:params:scim:schemas:extension:workspace:2.0:User:employeeHireDate gt "2026-03-01T08:30:00Z"`, "ben"},
	{`urn:ietf:params:scim:schemas:extension:workspace:2.0:User:employeeHireDate le "2026-04-01T00:00:00Z"`, "ada ben"},
	// booleans
	{`active eq true`, "Dan ada cleo"},
	{`active eq false`, "ben"},
	{`active ne true`, "ben"},
	{`active eq "False"`, "ben"},
	// and, or, not, grouping and precedence
	{`title eq "smith" and active eq true`, "ada"},
	{`title eq "wright" or active eq false`, "ben cleo"},
	{`title eq "wright" or title eq "smith" and active eq false`, "ben cleo"},
	{`(title eq "wright" or title eq "smith") and active eq false`, "ben"},
	{`not (title eq "smith")`, "Dan cleo"},
	{`not (title eq "smith" or externalId eq "Dan")`, "cleo"},
	{`not (not (title pr))`, "ada ben cleo"},
	{`TITLE EQ "smith" AND NOT (ACTIVE EQ FALSE)`, "ada"},
	// value paths: one element fits as a whole
	{`emails[type eq "work"]`, "ada ben cleo"},
	{`emails[type eq "work" and value ew "home.example"]`, "cleo"},
	{`emails.type eq "work" and emails.value ew "home.example"`, "ada cleo"},
	{`emails[type eq "home" and primary eq true]`, "cleo"},
	{`emails[not (type eq "work")]`, "ada cleo"},
	{`emails[type eq "work"].value eq "ADA@work.example"`, "ada"},
	{`not (emails[type eq "work"])`, "Dan"},
	{`emails eq "ben@work.example"`, "ben"},
	{`emails co "home"`, "ada cleo"},
	{`emails[type eq "work"] and title eq "wright"`, "cleo"},
	// names with their schema's URN, in any case
	{`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "dan@contoso.com"`, "Dan"},
	{`URN:ietf:params:scim:schemas:core:2.0:USER:name.FAMILYNAME eq "king"`, "ada"},
	{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "FORGE"`, "ada cleo"},
	{`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "7"`, "ada"},
	{`department eq "forge"`, "ada cleo"},
	// other common attributes
	{`schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`, "ada cleo"},
	{`meta.resourceType eq "User"`, "Dan ada ben cleo"},
	{`meta.resourceType eq "Group"`, ""},
	{`urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin:authority.kind eq "entra"`, "Dan ada ben cleo"},
	{`urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin:class eq "onPrem"`, ""},
}

// Filters that can't be understood are refused, never taken as "all".
var badFilters = []string{
	``, ` `, `userName`, `userName eq`, `eq "x"`, `userName eq "x`, `userName is "x"`, `userName eq "x" and`, `and userName pr`,
	`(userName pr`, `userName pr)`, `userName pr title pr`, `not userName pr`, `emails[type eq "work"`, `emails[]`, `emails[type eq "work"]]`,
	`noSuch eq "x"`, `name.noSuch pr`, `urn:nothing:User:userName eq "x"`, `userName[value eq "x"]`, `emails[emails[type pr]]`,
	`active gt true`, `active co "t"`, `active eq "maybe"`, `meta.created eq "yesterday"`, `title gt null`, `name eq "x"`, `title eq true`,
	`userName eq 'x'`, `userName eq "\x"`, `emails gt "a"`, `title eq {"a":1}`, `title eq ["a"]`, `userName eq "x" xor title pr`,
	`userName..givenName pr`, `.userName pr`, `userName. pr`, `"userName" eq "x"`, `1 eq 1`, `title eq 1e999`,
	`x509Certificates.value gt "a"`,
}

func TestRFC7644Section3422Filters(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.crowd()
		check := func(t *testing.T, want string, a *answer) {
			t.Helper()
			got := a.status(200).each("externalId")
			slices.Sort(got)
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
				t.Errorf("%s (-want +got)\n%s", a.asked, diff)
			}
			a.is("totalResults", len(got))
		}
		for _, f := range filters {
			check(t, f.want, n.entra.find("/Users", f.filter))
			check(t, f.want, n.admin.find("/Users", f.filter, "count=1000"))
		}
		for _, f := range badFilters {
			n.entra.find("/Users", f).refused(400, "invalidFilter")
			n.entra.post("/Users/.search", object{"schemas": list{searchURN}, "filter": f}).refused(400, "invalidFilter")
		}
	})
}

func TestRFC7644Section3422FiltersOnGroups(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ids := n.crowd()
		smiths := n.entra.create("/Groups", group("Smiths", "members", refs(ids["ada"], ids["ben"])))
		all := n.entra.create("/Groups", group("All", "members", refs(smiths, ids["cleo"])))
		for filter, want := range map[string][]string{
			`members.value eq "` + ids["ada"] + `"`:                           {smiths},
			`members eq "` + ids["cleo"] + `"`:                                {all},
			`members[value eq "` + ids["ben"] + `"]`:                          {smiths},
			`members[type eq "Group"]`:                                        {all},
			`members pr and displayName sw "s"`:                               {smiths},
			`id eq "` + all + `" and members eq "` + smiths + `"`:             {all},
			`id eq "` + all + `" and members eq "` + ids["ada"] + `"`:         {},
			`not (members eq "` + ids["ada"] + `")`:                           {all},
			`displayName eq "smiths" or members eq "` + ids["cleo"] + `"`:     {smiths, all},
			`members.value eq "` + strings.ToUpper(ids["ada"]) + `" or id pr`: {smiths, all},
		} {
			if diff := cmp.Diff(want, n.entra.find("/Groups", filter).status(200).each("id")); diff != "" {
				t.Errorf("%s (-want +got)\n%s", filter, diff)
			}
		}
		for filter, want := range map[string]string{
			`groups.value eq "` + smiths + `"`: "ada ben", `groups eq "` + all + `"`: "ada ben cleo", `groups[type eq "direct" and value eq "` + all + `"]`: "cleo",
			`not (groups pr)`: "Dan",
		} {
			got := n.entra.find("/Users", filter).status(200).each("externalId")
			slices.Sort(got)
			if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
				t.Errorf("%s (-want +got)\n%s", filter, diff)
			}
		}
	})
}

// RFC 7644 §3.4.2.3
func TestRFC7644Section3423Sorting(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.crowd()
		for _, c := range []struct{ parameters, want string }{
			{"sortBy=userName", "ada ben cleo Dan"},
			{"sortBy=USERNAME&sortOrder=Descending", "Dan cleo ben ada"},
			{"sortBy=userName&sortOrder=ascending", "ada ben cleo Dan"},
			// Equal in case-insensitive order: in the order of creation.
			{"sortBy=title", "ada ben cleo Dan"},
			// Without a value: last ascending, first descending.
			{"sortBy=title&sortOrder=descending", "Dan cleo ada ben"},
			{"sortBy=name.familyName", "ada ben cleo Dan"},
			{"sortBy=" + enterpriseURN + ":employeeNumber", "ada ben cleo Dan"},
			// The primary value, else the first, of a multi-valued attribute.
			{"sortBy=emails.value&sortOrder=descending", "Dan cleo ben ada"},
			{"sortBy=emails", "ada ben cleo Dan"},
			{"sortBy=active", "ben ada cleo Dan"},
			{"sortBy=meta.created&sortOrder=descending", "Dan cleo ben ada"},
			{"sortBy=" + workspaceURN + ":employeeHireDate", "ada ben cleo Dan"},
			{"sortBy=externalId", "Dan ada ben cleo"}, // caseExact
		} {
			whole := strings.Join(n.entra.get("/Users?"+c.parameters).total(4).each("externalId"), " ")
			var paged []string
			for i := 1; i <= 4; i++ {
				paged = append(paged, n.entra.get(fmt.Sprintf("/Users?%s&count=1&startIndex=%d", c.parameters, i)).total(4).each("externalId")...)
			}
			var byCursor []string
			for a := n.entra.get("/Users?" + c.parameters + "&count=1&cursor="); ; {
				byCursor = append(byCursor, a.total(4).each("externalId")...)
				next, _ := a.at("nextCursor").(string)
				if next == "" {
					break
				}
				a = n.entra.get("/Users?" + c.parameters + "&count=1&cursor=" + next)
			}
			if whole != c.want || strings.Join(paged, " ") != c.want || strings.Join(byCursor, " ") != c.want {
				t.Errorf("%s: %q, in pages %q, by cursor %q; want %q", c.parameters, whole, paged, byCursor, c.want)
			}
		}
		for _, by := range []string{"noSuch", "name.noSuch", "password", "members", originURN + ":class", `emails[type eq "work"]`, "name"} {
			n.entra.get("/Users?sortBy="+url.QueryEscape(by)).refused(400, "invalidPath")
		}
		n.entra.get("/Users?sortBy=userName&sortOrder=sideways").refused(400, "invalidValue")
	})
}

package acceptance_test

import (
	"strings"
	"testing"
)

// bad is a request that must be refused. {u} and {g} in path and body stand for
// a user and a group that are there.
type bad struct {
	method, path string
	body         any
	status       int
	scimType     string
	header       string
}

// broken are bodies that no endpoint can read.
var broken = map[string]string{
	"nothing":             "",
	"blanks":              " \n\t ",
	"byte order mark":     "\xef\xbb\xbf",
	"open":                "{",
	"closed":              "}",
	"array":               "[]",
	"open array":          "[",
	"null":                "null",
	"true":                "true",
	"number":              "7",
	"string":              `"text"`,
	"no value":            `{"userName":}`,
	"comma":               `{"userName":"x",}`,
	"single quotes":       `{'userName':'x'}`,
	"no quotes":           `{userName:"x"}`,
	"comment":             `{/* */"userName":"x"}`,
	"two values":          `{"userName":"x"}{"userName":"y"}`,
	"a tail":              `{"userName":"x"} tail`,
	"NaN":                 `{"userName":NaN}`,
	"bad escape":          `{"userName":"\x"}`,
	"lone surrogate":      `{"userName":"\ud800"}`,
	"control character":   "{\"userName\":\"a\nb\"}",
	"UTF-16":              "\xff\xfe{\x00}\x00",
	"invalid UTF-8":       "{\"userName\":\"\xff\"}",
	"invalid UTF-8 name":  "{\"\xff\":1}",
	"same name twice":     `{"schemas":[],"schemas":[]}`,
	"same name twice, in": `{"x":{"a":1,"a":2}}`,
	"leading zero":        `{"x":01}`,
	"too deep":            `{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	"far too deep":        `{"x":` + strings.Repeat("[", 100_000),
	"deep objects":        strings.Repeat(`{"x":`, 100) + "1" + strings.Repeat("}", 100),
}

// badInputs are the rest, by what is wrong with them.
func badInputs() map[string][]bad {
	long := strings.Repeat("x", 2100)
	tooMany := list{}
	for range 1001 {
		tooMany = append(tooMany, op("replace", "title", "x"))
	}
	const custom = "urn:ietf:params:scim:schemas:extension:Refused:2.0:User"
	search := func(more ...any) object { return with(object{"schemas": list{searchURN}}, more...) }
	m := map[string][]bad{
		"types": {
			{"POST", "/Users", user("x", "userName", 5), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "userName", object{}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "schemas", userURN), 400, "invalidSyntax", ""},
			{"POST", "/Users", user("x", "schemas", list{1}), 400, "invalidSyntax", ""},
			{"POST", "/Users", user("x", "schemas", list{groupURN}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "active", "perhaps"), 400, "invalidValue", ""},
			{"POST", "/Users", `{"schemas":["` + userURN + `"],"userName":"x","active":1e999}`, 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "emails", list{1}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "emails", list{list{}}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "addresses", list{object{"locality": list{}}}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "x509Certificates", list{object{"value": "%"}}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", enterpriseURN, list{}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", enterpriseURN, object{"manager": list{object{"value": "a"}, object{"value": "b"}}}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", workspaceURN, object{"employeeHireDate": "soon"}), 400, "invalidValue", ""},
			{"POST", "/Users", `{"schemas":["` + userURN + `"],"userName":"x","USERNAME":"y"}`, 400, "invalidSyntax", ""},
			{"POST", "/Groups", object{"schemas": list{groupURN}}, 400, "invalidValue", ""},
			{"POST", "/Groups", group("x", "members", "x"), 400, "invalidValue", ""},
			{"POST", "/Groups", group("x", "members", list{object{"value": 7}}), 400, "invalidValue", ""},
			{"POST", "/Groups", group("x", "members", list{object{"display": "x"}}), 400, "invalidValue", ""},
			{"POST", "/Groups", group("x", "members", refs(nobody)), 400, "invalidValue", ""},
			{"POST", "/Groups", `{"schemas":["` + groupURN + `"],"displayName":"x","members":[],"MEMBERS":[]}`, 400, "invalidSyntax", ""},
			{"PUT", "/Users/{u}", object{"schemas": list{userURN}}, 400, "invalidValue", ""},
			{"PUT", "/Groups/{g}", group("", "members", list{}), 400, "invalidValue", ""},
			{"PATCH", "/Users/{u}", object{"schemas": list{patchURN}}, 400, "invalidSyntax", ""},
			{"PATCH", "/Users/{u}", object{"schemas": list{patchURN}, "Operations": object{}}, 400, "invalidSyntax", ""},
			{"PATCH", "/Users/{u}", object{"schemas": list{patchURN}, "Operations": list{}}, 400, "invalidSyntax", ""},
			{"PATCH", "/Users/{u}", object{"schemas": list{userURN}, "Operations": list{op("replace", "title", "x")}}, 400, "invalidValue", ""},
			{"PATCH", "/Groups/{g}", patchOf(op("add", "members", list{object{"value": true}})), 400, "invalidValue", ""},
			{"POST", "/Bulk", object{"schemas": list{bulkURN}, "Operations": "x"}, 400, "invalidSyntax", ""},
			{"POST", "/Bulk", object{"schemas": list{bulkURN}, "Operations": list{1}}, 400, "invalidSyntax", ""},
			{"POST", "/Bulk", object{"schemas": list{bulkURN}, "Operations": list{object{"method": 1}}}, 400, "invalidSyntax", ""},
			{"POST", "/Bulk", with(bulkOf(bulkOp("DELETE", "/Users/{u}", "", nil)), "failOnErrors", "one"), 400, "invalidSyntax", ""},
			{"POST", "/Bulk", `{"schemas":["` + bulkURN + `"],"failOnErrors":1e99,"Operations":[{"method":"DELETE","path":"/Users/{u}"}]}`, 400, "invalidSyntax", ""},
			{"POST", "/Users/.search", search("count", 1.5), 400, "invalidSyntax", ""},
			{"POST", "/Users/.search", `{"schemas":["` + searchURN + `"],"startIndex":1e99}`, 400, "invalidSyntax", ""},
			{"POST", "/Users/.search", search("attributes", 7), 400, "invalidSyntax", ""},
			{"POST", "/.search", search("filter", 7), 400, "invalidSyntax", ""},
		},
		// An attribute that only a refused request used is not declared.
		"custom attributes": {
			{"POST", "/Users", object{"schemas": list{userURN}, custom: object{"a": "x"}}, 400, "invalidValue", ""},
			{"POST", "/Users", user("x", custom, object{"b": "x"}, "active", "perhaps"), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", custom, object{"c": "x"}, "schemas", list{groupURN}), 400, "invalidValue", ""},
			{"PUT", "/Users/{u}", user("", custom, object{"d": "x"}), 400, "invalidValue", ""},
			{"PUT", "/Users/" + nobody, user("x", custom, object{"e": "x"}), 404, "", ""},
			{"PATCH", "/Users/{u}", patchOf(op("add", custom+":f", "x"), op("add", "noSuch", "x")), 400, "invalidPath", ""},
			{"PATCH", "/Users/{u}", patchOf(op("add", custom+":g", "x"), op("replace", `emails[value sw "x"].value`, "x")), 400, "noTarget", ""},
			{"PATCH", "/Users/" + nobody, patchOf(op("add", custom+":h", "x")), 404, "", ""},
		},
		"values": {
			{"POST", "/Users", user("with \x00 NUL"), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "externalId", "\x00"), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "emails", list{object{"value": "a\x00"}}), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", enterpriseURN, object{"manager": object{"value": "\x00"}}), 400, "invalidValue", ""},
			{"POST", "/Users", user(long), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", "externalId", long), 400, "invalidValue", ""},
			{"POST", "/Users", user("x", workspaceURN, object{"originAnchor": long}), 400, "invalidValue", ""},
			{"POST", "/Groups", group(long), 400, "invalidValue", ""},
			{"POST", "/Groups", group("x", "members", refs("\x00")), 400, "invalidValue", ""},
			{"POST", "/Groups", group("x", "members", refs(long)), 400, "invalidValue", ""},
			{"POST", "/Groups", group("x", "members", refs("' OR 1=1 --")), 400, "invalidValue", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", "userName", "a\x00")), 400, "invalidValue", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", `emails[type eq "a\u0000"].value`, "x")), 400, "invalidFilter", ""},
			{"PATCH", "/Groups/{g}", patchOf(op("add", "members", refs("\x00"))), 400, "invalidValue", ""},
			{"PUT", "/Users/{u}", user("x", "displayName", long), 400, "invalidValue", ""},
			{"PUT", "/Users/{u}", user("x"), 412, "", "If-Match: nonsense"},
			{"DELETE", "/Users/{u}", nil, 412, "", `If-Match: W/"0"`},
		},
		"sizes": {
			{"POST", "/Users", `{"userName":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "", ""},
			{"PUT", "/Users/{u}", strings.Repeat(" ", 1<<20) + "{}", 413, "", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", "title", strings.Repeat("x", 1<<20))), 413, "", ""},
			{"POST", "/.search", search("filter", strings.Repeat("x", 1<<20)), 413, "", ""},
			{"POST", "/Bulk", strings.Repeat(" ", 8<<20+1), 413, "", ""},
			{"PATCH", "/Users/{u}", object{"schemas": list{patchURN}, "Operations": tooMany}, 413, "", ""},
		},
		"filters": {
			{"GET", "/Users?filter=" + strings.Repeat("(", 3000) + "userName+pr" + strings.Repeat(")", 3000), nil, 400, "invalidFilter", ""},
			{"GET", "/Users?filter=" + strings.Repeat("not+(", 50) + "userName+pr" + strings.Repeat(")", 50), nil, 400, "invalidFilter", ""},
			{"GET", "/Users?filter=" + strings.Repeat("title+pr+or+", 300) + "title+pr", nil, 400, "invalidFilter", ""},
			{"GET", "/Users?filter=userName+eq+%22" + strings.Repeat("x", 5000) + "%22", nil, 400, "invalidFilter", ""},
			{"POST", "/.search", search("filter", strings.Repeat("(", 100_000)), 400, "invalidFilter", ""},
			{"POST", "/Users/.search", search("filter", strings.Repeat("[", 100_000)), 400, "invalidFilter", ""},
			{"GET", "/Users?filter=%ff", nil, 400, "invalidValue", ""},
			{"GET", "/Users?filter=%00", nil, 400, "invalidFilter", ""},
			{"GET", "/Users?filter=userName+eq+%22%00%22x", nil, 400, "invalidFilter", ""},
			{"GET", "/Users?filter=password+eq+%22x%22", nil, 403, "sensitive", ""},
			{"GET", "/Groups?filter=userName+pr", nil, 400, "invalidFilter", ""},
			{"GET", "?filter=noSuch+pr", nil, 400, "invalidFilter", ""},
			{"GET", "/Users?filter=userName+eq+%22a%22%3BDROP+TABLE+users", nil, 400, "invalidFilter", ""},
		},
		"paths of operations": {
			{"PATCH", "/Users/{u}", patchOf(op("replace", strings.Repeat("(", 3000), "x")), 400, "invalidPath", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", "emails["+strings.Repeat("(", 100)+"type pr"+strings.Repeat(")", 100)+"].value", "x")), 400, "invalidFilter", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", strings.Repeat("a", 5000), "x")), 400, "invalidPath", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", "userName\x00", "x")), 400, "invalidPath", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", "__proto__.polluted", "x")), 400, "invalidPath", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", "members", "x")), 400, "invalidPath", ""},
			{"PATCH", "/Groups/{g}", patchOf(op("replace", "userName", "x")), 400, "invalidPath", ""},
			{"PATCH", "/Users/{u}", patchOf(op("replace", `emails[type eq "work" and].value`, "x")), 400, "invalidFilter", ""},
			{"PATCH", "/Groups/{g}", patchOf(op("remove", `members[value eq "`+strings.Repeat("x", 5000)+`"]`, nil)), 400, "invalidPath", ""},
		},
		"parameters": {
			{"GET", "/Users?count=many", nil, 400, "invalidValue", ""},
			{"GET", "/Users?count=0x10", nil, 400, "invalidValue", ""},
			{"GET", "/Users?count=" + strings.Repeat("9", 100), nil, 400, "invalidValue", ""},
			{"GET", "/Users?startIndex=-" + strings.Repeat("9", 100), nil, 400, "invalidValue", ""},
			{"GET", "/Users?startIndex=1e3", nil, 400, "invalidValue", ""},
			{"GET", "/Users?sortOrder=up", nil, 400, "invalidValue", ""},
			{"GET", "/Users?sortBy=noSuch", nil, 400, "invalidPath", ""},
			{"GET", "/Users?sortBy=%00", nil, 400, "invalidPath", ""},
			{"GET", "/Users?sortBy=userName%3BDROP", nil, 400, "invalidPath", ""},
			{"GET", "/Users?cursor=nonsense", nil, 400, "invalidCursor", ""},
			{"GET", "/Users?dryRun=maybe", nil, 400, "invalidValue", ""},
			{"DELETE", "/Users/{u}?dryRun=yes", nil, 400, "invalidValue", ""},
			{"GET", "/Users?%ff=1", nil, 400, "invalidValue", ""},
			{"GET", "/Users?attributes=%fe", nil, 400, "invalidValue", ""},
		},
		"media types": {
			{"GET", "/Users", nil, 406, "", "Accept: text/html"},
			{"GET", "/Users", nil, 406, "", "Accept: application/xml, image/*"},
			{"GET", "/Users/{u}", nil, 406, "", "Accept: application/scim+json;q=0"},
			{"GET", "/Schemas", nil, 406, "", "Accept: nonsense"},
			{"DELETE", "/Users/{u}", nil, 406, "", "Accept: text/plain"},
		},
		"ids": {
			{"POST", "/Users/{u}", user("x"), 405, "", ""},
			{"PATCH", "/Users/" + nobody, patchOf(op("replace", "title", "x")), 404, "", ""},
			{"PUT", "/Groups/{u}", group("x"), 404, "", ""},
			{"DELETE", "/Groups/{u}", nil, 404, "", ""},
		},
	}
	for _, id := range []string{
		"x", "%00", "{u}%00", "a%2Fb", "..%2F..%2Fetc%2Fpasswd", "%ff%fe", "%E2%82%AC", "%F0%9F%99%82", "'%20OR%201=1--", "%25", "*", "{u}%20", "%20{u}",
		"{u};x=1", "{u}.json", "0", "-1", "null", strings.Repeat("a", 65), strings.Repeat("a", 8000), "%5B%5D", "bulkId:x", "{u}%2F", "%0d%0aX-Evil:%201", "1e99",
	} {
		m["ids"] = append(m["ids"], bad{"GET", "/Users/" + id, nil, 404, "", ""}, bad{"DELETE", "/Groups/" + id, nil, 404, "", ""},
			bad{"PATCH", "/Users/" + id, patchOf(op("replace", "title", "x")), 404, "", ""})
	}
	for _, path := range []string{
		"/Foo", "/users", "/USERS", "/Users/{u}/x", "/Users/{u}/members", "//Users", "/Bulk/x", "/Schemas/x/y", "/Me/x", "/.search/x", "/Groups/.search/x",
		"/ServiceProviderConfig/x", "/ServiceProviderConfigs", "/v1/Users", "/.", "/%2e%2e/healthz", "/Users%2F{u}", "/Users;x/{u}", "/oauth2/token",
	} {
		m["endpoints"] = append(m["endpoints"], bad{"GET", path, nil, 404, "", ""})
	}
	for _, r := range []string{
		"PUT /Users", "PATCH /Users", "DELETE /Users", "DELETE /Groups", "GET /Bulk", "DELETE /Bulk", "PUT /.search", "GET /Users/.search", "POST /Schemas",
		"DELETE /Schemas/" + userURN, "PATCH /ResourceTypes", "PUT /ServiceProviderConfig", "TRACE /Users", "OPTIONS /Users", "PROPFIND /Users", "REPORT /Users/{u}",
		"BREW /Users", "get /Users", "POST /Users/{u}", "POST /Groups/{g}", "DELETE ",
	} {
		method, path, _ := strings.Cut(r, " ")
		m["methods"] = append(m["methods"], bad{method, path, nil, 405, "", ""})
	}
	for _, ct := range []string{"text/plain", "application/xml", "application/jsonp", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/scim+json; charset=utf-16", "nonsense", "*/*"} {
		m["media types"] = append(m["media types"], bad{"POST", "/Users", user("x"), 415, "", "Content-Type: " + ct},
			bad{"PATCH", "/Groups/{g}", patchOf(op("replace", "displayName", "x")), 415, "", "Content-Type: " + ct})
	}
	m["media types"] = append(m["media types"], bad{"POST", "/Bulk", bulkOf(bulkOp("DELETE", "/Users/{u}", "", nil)), 415, "", "Content-Encoding: gzip"})
	return m
}

func TestBadInputIsRefusedAndWritesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		run := func(name string, cases func(*tenant) []bad) {
			t.Run(name, func(t *testing.T) {
				n := h.tenant(t)
				u := n.entra.create("/Users", user("there@contoso.com", "externalId", "there"))
				g := n.entra.create("/Groups", group("There", "members", refs(u)))
				fill := strings.NewReplacer("{u}", u, "{g}", g)
				n.unchanged(t, func() {
					for _, b := range cases(n) {
						var body any
						if b.body != nil {
							body = fill.Replace(string(marshal(t, b.body)))
						}
						var headers []string
						if b.header != "" {
							headers = append(headers, b.header)
						}
						n.entra.do(b.method, fill.Replace(b.path), body, headers...).refused(b.status, b.scimType)
					}
				})
			})
		}
		run("bodies", func(*tenant) []bad {
			var cases []bad
			for _, text := range broken {
				for _, r := range []string{"POST /Users", "POST /Groups", "PUT /Users/{u}", "PUT /Groups/{g}", "PATCH /Users/{u}", "PATCH /Groups/{g}", "POST /Bulk", "POST /.search", "POST /Users/.search"} {
					method, path, _ := strings.Cut(r, " ")
					cases = append(cases, bad{method, path, text, 400, "invalidSyntax", ""})
				}
			}
			return cases
		})
		total := 0
		for name, cases := range badInputs() {
			total += len(cases)
			run(name, func(*tenant) []bad { return cases })
		}
		if total < 150 {
			t.Errorf("%d cases", total)
		}
	})
}

// A member that names nobody is a mistake, whatever carries it: passing over it
// would have a PUT of [{}] empty the group.
func TestMemberWithoutAValueIsRefusedByItsPath(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("there@contoso.com"))
		g := "/Groups/" + n.entra.create("/Groups", group("There", "members", refs(u)))
		n.unchanged(t, func() {
			for _, element := range []any{object{}, nil, object{"value": nil}, object{"value": ""}, object{"display": "x"}, object{"colour": "red"}, object{"type": "User"}} {
				members := list{object{"value": u}, element}
				whole := group("There", "members", members)
				refused := func(a *answer, detail string) {
					t.Helper()
					if !strings.Contains(detail, "members[1].value ") {
						t.Errorf("%s\n got %s\nwant the path members[1].value", a.asked, detail)
					}
				}
				for _, a := range []*answer{
					n.entra.post("/Groups", whole), n.entra.put(g, whole),
					n.entra.patch(g, op("add", "members", members)), n.entra.patch(g, op("replace", "members", members)),
					n.entra.patch(g, op("add", "", object{"members": members})), n.entra.patch(g, op("replace", "", object{"members": members})),
					n.entra.patch(g, op("remove", "members", members)),
				} {
					refused(a.refused(400, "invalidValue"), a.text("detail"))
				}
				a := n.entra.post("/Bulk", bulkOf(bulkOp("POST", "/Groups", "x", whole), bulkOp("PUT", g, "", whole),
					bulkOp("PATCH", g, "", patchOf(op("add", "members", members))), bulkOp("PATCH", g, "", patchOf(op("replace", "members", members))))).status(200)
				for _, i := range []string{"0", "1", "2", "3"} {
					a.is("Operations/"+i+"/status", "400").is("Operations/"+i+"/response/scimType", "invalidValue")
					refused(a, a.text("Operations/"+i+"/response/detail"))
				}
			}
		})
	})
}

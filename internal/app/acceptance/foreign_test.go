package acceptance_test

import (
	"strings"
	"testing"
)

// What conformance suites and clients of others found.

// RFC 7644 §3.5.2.2 unassigns what is removed. But a user whose active is
// unassigned must not be enabled by it: law 2, absence is no instruction.
func TestRemovingActiveEnablesNobody(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for _, was := range []bool{false, true} {
			name := map[bool]string{false: "off@contoso.com", true: "on@contoso.com"}[was]
			u := n.entra.create("/Users", user(name, "active", was))
			for _, o := range []object{
				op("remove", "active", nil), op("replace", "active", ""), op("add", "", object{"active": nil}),
				{"op": "replace", "path": "active", "value": nil}, op("replace", "", object{"active": ""}),
			} {
				n.entra.patch("/Users/"+u, o).status(200).is("active", was).is("meta/version", `W/"1"`)
			}
			n.entra.patch("/Users/"+u, op("remove", "active", nil), op("replace", "title", "T")).status(200).is("active", was).is("title", "T")
			n.entra.put("/Users/"+u, user(name, "active", nil)).status(200).is("active", was)
			n.entra.put("/Users/"+u, user(name, "active", "")).status(200).is("active", was)
			n.entra.put("/Users/"+u, user(name)).status(200).is("active", was)
			n.entra.get("/Users/"+u).is("active", was)
		}
		n.entra.post("/Users", user("new@contoso.com", "active", nil)).status(201).is("active", true)
	})
}

// RFC 7644 §3.5.2.3: a value filter without a match is noTarget.
func TestOnlyAPartOfAnElementMakesTheElement(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("ana@contoso.com", "emails", list{email("work", "a")}))
		for _, o := range []object{
			op("replace", `emails[type eq "nope"]`, object{"value": "x"}), op("add", `emails[type eq "nope"]`, object{"value": "x"}),
			op("replace", `emails[primary eq true]`, object{"value": "x"}), op("replace", `emails[primary eq true].value`, "x"),
		} {
			n.entra.patch("/Users/"+u, o).refused(400, "noTarget")
		}
		n.entra.patch("/Users/"+u, op("replace", `emails[type eq "home"].value`, "h"), op("Add", `roles[primary eq "True"].value`, "r")).status(200).
			is("emails", list{email("work", "a"), email("home", "h")}).is("roles", list{object{"value": "r", "primary": true}})
	})
}

// RFC 7643 §2.3.7: a reference is a URI. What is none is stored as one, so that
// a client that looks at it can read the list.
func TestReferencesAreURIs(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.post("/Users", user("ana@contoso.com", "profileUrl", "not a url", "photos", list{object{"value": "http://[bad"}, object{"value": "https://[::1]/a"}})).
			status(201).is("profileUrl", "not%20a%20url").is("photos", list{object{"value": "http%3A%2F%2F%5Bbad"}, object{"value": "https://[::1]/a"}}).text("id")
		n.entra.patch("/Users/"+u, op("replace", "profileUrl", "%zz")).status(200).is("profileUrl", "%25zz")
		n.entra.patch("/Users/"+u, op("add", "photos", list{object{"value": "http://[bad"}})).status(200).is("photos/2", nil)
		n.entra.patch("/Users/"+u, op("remove", "photos", list{object{"value": "http://[bad"}})).status(200).is("photos", list{object{"value": "https://[::1]/a"}})
	})
}

// A member may be given by its $ref alone (RFC 7643 §8.7.1 requires neither),
// and one that is given by nothing is refused alike, however it is sent.
func TestMembersByReference(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ana, ben := n.entra.create("/Users", user("ana@contoso.com")), n.entra.create("/Users", user("ben@contoso.com"))
		ref := func(id string) object { return object{"$ref": n.house.SCIM + "/Users/" + id} }
		g := n.entra.post("/Groups", group("G", "members", list{ref(ana)})).status(201).is("members/0/value", ana).text("id")
		has := func(ids ...string) {
			t.Helper()
			a := n.entra.get("/Groups/" + g)
			for i, id := range ids {
				a.is("members/"+string(rune('0'+i))+"/value", id)
			}
			a.is("members/"+string(rune('0'+len(ids))), nil)
		}
		n.entra.put("/Groups/"+g, group("G", "members", list{ref(ben)})).status(200)
		has(ben)
		n.entra.patch("/Groups/"+g, op("replace", "members", list{ref(ana)})).status(204)
		has(ana)
		n.entra.patch("/Groups/"+g, op("remove", "members", list{ref(ana)}), op("add", "members", list{ref(ben)})).status(204)
		has(ben)
		bulk := func(method, path string, data any) *answer {
			return n.entra.post("/Bulk", object{"schemas": list{bulkURN}, "Operations": list{object{"method": method, "path": path, "bulkId": "b", "data": data}}}).status(200)
		}
		bulk("PUT", "/Groups/"+g, group("G", "members", list{ref(ana)})).is("Operations/0/status", "200")
		has(ana)
		bulk("PATCH", "/Groups/"+g, patchOf(op("add", "members", list{ref(ben)}))).is("Operations/0/status", "200")
		n.entra.get("/Groups/"+g).is("members/2", nil)
		bulk("POST", "/Groups", group("H", "members", list{ref(ben)})).is("Operations/0/status", "201")
		n.entra.post("/Bulk", object{"schemas": list{bulkURN}, "Operations": list{
			object{"method": "POST", "path": "/Groups", "bulkId": "g", "data": group("I", "members", list{object{"$ref": "bulkId:u"}, object{"$ref": "bulkId:g2"}})},
			object{"method": "POST", "path": "/Groups", "bulkId": "g2", "data": group("J", "members", list{object{"$ref": "bulkId:g"}})},
			object{"method": "POST", "path": "/Users", "bulkId": "u", "data": user("new@contoso.com")},
		}}).status(200).is("Operations/0/status", "201").is("Operations/1/status", "201")
		n.entra.find("/Groups", `displayName eq "I"`).is("Resources/0/members/1/type", "Group").is("Resources/0/members/2", nil)

		for _, element := range []any{object{}, nil, object{"$ref": nil}, object{"type": "User"}, object{"$ref": n.house.SCIM + "/"}, object{"value": ""}} {
			refused := func(a *answer) {
				t.Helper()
				a.refused(400, "invalidValue")
				if !strings.Contains(a.text("detail"), "members[0].value") {
					t.Errorf("%v: %s", element, a.Text)
				}
			}
			body := group("G", "members", list{element})
			refused(n.entra.post("/Groups", body))
			refused(n.entra.put("/Groups/"+g, body))
			for _, o := range []string{"add", "replace", "remove"} {
				refused(n.entra.patch("/Groups/"+g, op(o, "members", list{element})))
			}
			for method, data := range map[string]object{"POST /Groups": body, "PUT /Groups/" + g: body, "PATCH /Groups/" + g: patchOf(op("add", "members", list{element}))} {
				verb, path, _ := strings.Cut(method, " ")
				a := bulk(verb, path, data).is("Operations/0/status", "400").is("Operations/0/response/scimType", "invalidValue")
				if !strings.Contains(a.text("Operations/0/response/detail"), "members[0].value") {
					t.Errorf("%s %v: %s", method, element, a.Text)
				}
			}
		}
	})
}

// RFC 7643 §7: what the server derives is readOnly.
func TestDerivedAttributesAreAnnouncedAsReadOnly(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for path, want := range map[string]string{"members.display": "readOnly", "members.value": "immutable", "members.$ref": "immutable", "members.type": "immutable", "members": "readWrite", "displayName": "readWrite"} {
			if got := attribute(t, n.entra, groupURN, path)["mutability"]; got != want {
				t.Errorf("%s is %v, want %s", path, got, want)
			}
		}
		for _, path := range []string{"groups", "groups.value", "groups.$ref", "groups.display", "groups.type"} {
			if got := attribute(t, n.entra, userURN, path)["mutability"]; got != "readOnly" {
				t.Errorf("%s is %v", path, got)
			}
		}
		u := n.entra.create("/Users", user("ana@contoso.com", "displayName", "Ana"))
		g := n.entra.create("/Groups", group("G", "members", list{object{"value": u, "display": "my own"}}))
		n.entra.get("/Groups/"+g).is("members/0/display", "Ana")
		n.entra.patch("/Groups/"+g, op("replace", `members[value eq "`+u+`"].display`, "my own")).refused(400, "mutability")
	})
}

// RFC 7643 §2.4: the same value SHOULD NOT be returned more than once.
func TestTheSameElementIsStoredOnce(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		twice := list{email("work", "a@b", "primary", true), object{"PRIMARY": true, "value": "a@b", "type": "work"}, email("home", "a@b")}
		once := list{email("work", "a@b", "primary", true), email("home", "a@b")}
		u := n.entra.post("/Users", user("ana@contoso.com", "emails", twice)).status(201).is("emails", once).text("id")
		n.entra.put("/Users/"+u, user("ana@contoso.com", "emails", twice, "roles", list{object{"value": "r"}, object{"value": "r"}})).status(200).
			is("emails", once).is("roles", list{object{"value": "r"}}).is("meta/version", `W/"2"`)
		n.entra.patch("/Users/"+u, op("replace", "emails", twice)).status(200).is("emails", once).is("meta/version", `W/"2"`)
		n.entra.patch("/Users/"+u, op("replace", "emails.type", "work"), op("replace", "emails.primary", false)).status(200).is("emails", list{email("work", "a@b", "primary", false)})
	})
}

// RFC 7644 §3.5.2: 204 without a body, 200 where the client says what it wants.
func TestTheAnswerToAPatchOfAGroup(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("ana@contoso.com"))
		g := n.entra.create("/Groups", group("G", "members", refs(u)))
		a := n.entra.patch("/Groups/"+g, op("replace", "displayName", "H")).status(204)
		if a.Header.Get("Content-Type") != "application/scim+json" || len(a.Text) > 0 || a.Header.Get("ETag") != `W/"2"` {
			t.Errorf("204 with %s and %v", a.Text, a.Header)
		}
		n.entra.patch("/Groups/"+g+"?attributes=displayName", op("replace", "displayName", "I")).status(200).is("displayName", "I").is("members", nil)
		n.entra.patch("/Groups/"+g+"?excludedAttributes=members", op("replace", "displayName", "J")).status(200).is("displayName", "J").is("members", nil)
		if a := n.entra.delete("/Groups/" + g).status(204); a.Header.Get("Content-Type") != "" {
			t.Errorf("DELETE: %v", a.Header)
		}
	})
}

// SCIM-SDK's client writes the numbers of a search as text, and its lists as one.
func TestSearchesOfSCIMSDK(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.row(3)
		n.entra.post("/Users/.search", object{"schemas": list{searchURN}, "filter": "userName pr", "startIndex": "2", "sortOrder": "descending", "count": "1", "sortBy": "userName", "attributes": "userName,emails"}).
			total(3).is("startIndex", 2).is("itemsPerPage", 1).is("Resources/0/userName", "u01@contoso.com").is("Resources/0/meta", nil)
		n.entra.post("/.search", object{"schemas": list{searchURN}, "excludedAttributes": "meta, userName"}).total(3).is("Resources/0/userName", nil).is("Resources/0/meta", nil)
		n.entra.post("/.search", object{"schemas": list{searchURN}, "count": " 1"}).refused(400, "invalidSyntax")
		n.entra.post("/.search", object{"schemas": list{searchURN}, "attributes": list{1}}).refused(400, "invalidSyntax")
		n.entra.post("/.search", object{"schemas": list{searchURN}, "startIndex": true}).refused(400, "invalidSyntax")
	})
}

// Attributes under the URN of their core schema, and values in a list of one.
func TestWrappedValues(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.post("/Users", object{"schemas": list{userURN}, userURN: object{"userName": "ana@contoso.com", "title": "T", "active": "False"}, "title": "U"}).
			status(201).is("userName", "ana@contoso.com").is("title", "U").is("active", false).text("id")
		n.entra.put("/Users/"+u, object{"schemas": list{userURN}, "userName": "ana@contoso.com", userURN: object{"title": "V", "externalId": "x"}}).status(200).is("title", "V").is("externalId", "x")
		n.entra.put("/Users/"+u, object{"schemas": list{userURN}, "userName": "ana@contoso.com", userURN: object{"externalId": nil}}).status(200).is("title", nil).is("externalId", nil)
		n.entra.patch("/Users/"+u, op("add", "", list{object{"schemas": list{userURN}, "title": "W"}})).status(200).is("title", "W")
		n.entra.patch("/Users/"+u, op("replace", "name", list{object{"givenName": "Ana"}})).status(200).is("name", object{"givenName": "Ana"})
		n.entra.patch("/Users/"+u, op("add", enterpriseURN, list{object{"department": "D"}})).status(200).is(enterpriseURN, object{"department": "D"})
		g := n.entra.post("/Groups", object{"schemas": list{groupURN}, groupURN: object{"displayName": "G", "members": refs(u)}}).status(201).is("members/0/value", u).text("id")
		n.entra.put("/Groups/"+g, object{"schemas": list{groupURN}, "displayName": "G", groupURN: object{"members": list{}}}).status(200).is("members", nil)
	})
}

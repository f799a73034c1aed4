package acceptance_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/internal/directory"
)

// RFC 7644 §3.3, §3.4.1
func TestRFC7644Section33CreateAndRead(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for endpoint, body := range map[string]object{
			"/Users": user("ana@contoso.com", "noSuchAttribute", "ignored"), "/Groups": group("Smiths", "noSuchAttribute", "ignored"),
		} {
			a := n.entra.post(endpoint, body).status(201)
			id := a.text("id")
			location := n.house.SCIM + endpoint + "/" + id
			if a.Header.Get("Location") != location || a.Header.Get("Content-Type") != "application/scim+json" || a.Header.Get("ETag") != `W/"1"` {
				t.Errorf("headers: %v", a.Header)
			}
			a.is("meta/location", location).is("meta/version", `W/"1"`).is("noSuchAttribute", nil)
			got := n.entra.get(endpoint + "/" + id).status(200)
			if diff := cmp.Diff(a.Body, got.Body); diff != "" {
				t.Errorf("created and read (-created +read)\n%s", diff)
			}
			if location := n.entra.get(location); location.Status != 200 {
				t.Errorf("the location answers %d", location.Status)
			}
			head := n.entra.do("HEAD", endpoint+"/"+id, nil).status(200)
			if len(head.Text) > 0 || head.Header.Get("ETag") != `W/"1"` {
				t.Errorf("HEAD: %s %v", head.Text, head.Header)
			}
		}
		n.entra.post("/Users", user("Ana@Contoso.com")).refused(409, "uniqueness")
		n.entra.post("/Users", object{"schemas": list{groupURN}, "userName": "b@contoso.com"}).refused(400, "invalidValue")
		n.entra.post("/Groups", object{"schemas": list{groupURN}}).refused(400, "invalidValue")
		n.entra.get("/Users/"+nobody).refused(404, "")
		n.entra.get("/Groups/"+n.entra.find("/Users", "userName pr").text("Resources/0/id")).refused(404, "")
	})
}

// RFC 7644 §3.5.1
func TestRFC7644Section351Replace(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("ana@contoso.com", "externalId", "x", "title", "T", "emails", list{object{"value": "a@contoso.com"}},
			"active", false, enterpriseURN, object{"department": "D"}, workspaceURN, object{"originAnchor": "a", "originSid": "S"}))
		// What is left out is cleared, but for what says who and whether (docs/decisions/0002).
		n.entra.put("/Users/"+u, user("ana@contoso.com", "displayName", "Ana")).status(200).
			is("id", u).is("displayName", "Ana").is("title", nil).is("emails", nil).is(enterpriseURN, nil).
			is("externalId", "x").is("active", false).is(workspaceURN, object{"originAnchor": "a"}).is("meta/version", `W/"2"`)
		n.entra.put("/Users/"+u, user("ana@contoso.com", "displayName", "Ana", "externalId", nil, workspaceURN, nil)).status(200).
			is("externalId", nil).is(workspaceURN, nil)
		n.entra.put("/Users/"+u, object{"schemas": list{userURN}}).refused(400, "invalidValue")
		n.entra.create("/Users", user("ben@contoso.com"))
		n.entra.put("/Users/"+u, user("BEN@contoso.com")).refused(409, "uniqueness")
		n.entra.put("/Users/"+nobody, user("new@contoso.com")).refused(404, "") // never creates

		g := n.entra.create("/Groups", group("G", "members", refs(u)))
		n.entra.put("/Groups/"+g, group("H")).status(200).is("displayName", "H").is("members/0/value", u)
		n.entra.put("/Groups/"+g, group("H", "members", list{})).status(200).is("members", nil)
		n.entra.put("/Groups/"+g, group("H", "members", refs(u, u))).status(200).is("members/1", nil)
		n.entra.put("/Groups/"+g, group("H", "members", nil)).status(200).is("members", nil)
		n.entra.put("/Groups/"+g, group("H", "members", refs(nobody))).refused(400, "invalidValue")
	})
}

// RFC 7644 §3.6
func TestRFC7644Section36Delete(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		boss := n.entra.create("/Users", user("boss@contoso.com"))
		report := n.entra.create("/Users", user("ana@contoso.com", enterpriseURN, object{"manager": object{"value": boss}}))
		inner := n.entra.create("/Groups", group("Inner", "members", refs(boss, report)))
		outer := n.entra.create("/Groups", group("Outer", "members", refs(inner)))
		if a := n.entra.delete("/Users/" + boss).status(204); len(a.Text) > 0 {
			t.Errorf("204 with %s", a.Text)
		}
		n.entra.get("/Users/"+boss).refused(404, "")
		n.entra.delete("/Users/"+boss).refused(404, "")
		n.entra.patch("/Users/"+boss, op("replace", "active", true)).refused(404, "")
		n.entra.put("/Users/"+boss, user("boss@contoso.com")).refused(404, "")
		n.entra.find("/Users", `userName eq "boss@contoso.com"`).total(0)
		n.entra.get("/Users/"+report).is(enterpriseURN, nil)
		n.entra.get("/Groups/"+inner).is("members/0/value", report).is("members/1", nil)
		n.entra.delete("/Groups/" + inner).status(204)
		n.entra.get("/Groups/"+outer).is("members", nil)
		n.entra.get("/Users/"+report).is("groups", nil)
		// Who was deleted is no member any more: accepted, skipped and logged.
		version := n.entra.get("/Groups/" + outer).Header.Get("ETag")
		events := n.since(func() { n.entra.patch("/Groups/"+outer, op("Add", "members", refs(boss))).status(204) })
		if len(events) != 1 || events[0].Type != "group.memberSkipped" || events[0].Outcome != directory.OutcomeSkipped {
			t.Errorf("events: %+v", events)
		}
		if after := n.entra.get("/Groups/"+outer).is("members", nil).Header.Get("ETag"); after != version {
			t.Errorf("%s became %s", version, after)
		}
		if again := n.entra.create("/Users", user("boss@contoso.com")); again == boss {
			t.Error("the id was given again")
		}
	})
}

// RFC 7644 §3.14
func TestRFC7644Section314Versions(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("ana@contoso.com"))
		g := n.entra.create("/Groups", group("G"))
		for path, body := range map[string]object{"/Users/" + u: user("ana@contoso.com", "displayName", "2"), "/Groups/" + g: group("2")} {
			n.entra.put(path, body, `If-Match: W/"7"`).refused(412, "")
			n.entra.do("PATCH", path, patchOf(op("replace", "displayName", "x")), `If-Match: W/"7"`).refused(412, "")
			n.entra.delete(path, `If-Match: W/"7"`).refused(412, "")
			n.entra.get(path).is("meta/version", `W/"1"`)
			if a := n.entra.put(path, body, `If-Match: W/"1"`).status(200); a.Header.Get("ETag") != `W/"2"` {
				t.Errorf("ETag: %s", a.Header.Get("ETag"))
			}
			n.entra.put(path, body, `If-Match: W/"1"`).refused(412, "")
			n.entra.put(path, body, `If-Match: *`).status(200).is("meta/version", `W/"2"`) // nothing changed
			n.entra.do("PATCH", path, patchOf(op("replace", "displayName", "3")), `If-Match: W/"8", W/"2"`)

			for header, status := range map[string]int{`W/"3"`: 304, `"3"`: 304, `*`: 304, `W/"2", W/"3"`: 304, `W/"2"`: 200, `W/"33"`: 200} {
				a := n.entra.get(path, "If-None-Match: "+header).status(status)
				if a.Header.Get("ETag") != `W/"3"` || status == 304 && len(a.Text) > 0 {
					t.Errorf("%s: %v %s", header, a.Header, a.Text)
				}
			}
			n.entra.delete(path, `If-Match: W/"3"`).status(204)
			n.entra.delete(path, `If-Match: *`).refused(404, "")
		}
	})
}

// RFC 7644 §3.4.3
func TestRFC7644Section343Search(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ids := n.row(3)
		g := n.entra.create("/Groups", group("u01 fans", "externalId", "g"))
		search := func(path string, more ...any) *answer {
			return n.entra.post(path, with(object{"schemas": list{searchURN}}, more...)).status(200).is("schemas", list{listURN})
		}
		a := search("/Users/.search", "filter", `userName gt "u00@contoso.com"`, "sortBy", "userName", "sortOrder", "descending", "startIndex", 1, "count", 1, "attributes", list{"userName"})
		a.total(2).is("itemsPerPage", 1).is("startIndex", 1).is("Resources/0", object{"id": ids[2], "schemas": list{userURN, originURN}, "userName": "u02@contoso.com"})
		search("/Groups/.search", "filter", `displayName sw "u01"`, "excludedAttributes", list{"members", "meta"}).total(1).is("Resources/0/id", g).is("Resources/0/meta", nil)
		search("/.search").total(4)
		search("/.search", "filter", `displayName pr`).total(1).is("Resources/0/id", g)
		// A type that lacks the attribute has no match.
		search("/.search", "filter", `userName sw "u01" or displayName sw "u01"`).status(200)
		search("/.search", "filter", `meta.resourceType eq "Group"`).total(1)
		search("/.search", "filter", `externalId pr`, "sortBy", "externalId").total(4)
		n.entra.find("", `meta.resourceType eq "User"`).total(3)
		n.entra.post("/.search", object{"schemas": list{searchURN}, "filter": `noSuch eq "x"`}).refused(400, "invalidFilter")
		n.entra.post("/.search", object{"schemas": list{patchURN}}).refused(400, "invalidSyntax")
		n.entra.post("/Users/.search", object{"schemas": list{searchURN}, "count": "many"}).refused(400, "invalidSyntax")
		n.entra.get("/.search").refused(405, "")
		n.entra.get("/Users/.search").refused(405, "")
	})
}

// RFC 7644 §3.11
func TestRFC7644Section311Me(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "POST"} {
			n.entra.do(method, "/Me", object{}).refused(501, "")
			n.admin.do(method, "/Me", object{}).refused(501, "")
		}
		u := n.entra.create("/Users", user("ana@contoso.com"))
		me := n.me("entra", u)
		a := me.get("/Me").status(200).is("id", u).is("meta/location", n.house.SCIM+"/Users/"+u)
		if a.Header.Get("Content-Location") != n.house.SCIM+"/Users/"+u {
			t.Errorf("headers: %v", a.Header)
		}
		me.patch("/Me", op("replace", "displayName", "Ana")).status(200).is("displayName", "Ana")
		me.do("PUT", "/Me", user("ana@contoso.com"), `If-Match: W/"1"`).refused(412, "")
		me.put("/Me", user("ana@contoso.com", "nickName", "A")).status(200).is("nickName", "A").is("displayName", nil)
		me.post("/Me", user("x@contoso.com")).refused(501, "")
		me.get("/Me?attributes=nickName", `If-None-Match: W/"3"`).status(304)
		me.delete("/Me").status(204)
		me.get("/Me").refused(404, "")
	})
}

// RFC 7644 §3.12
func TestRFC7644Section312Errors(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.entra.create("/Users", user("ana@contoso.com"))
		for _, a := range []*answer{
			n.entra.get("/Users/" + nobody), n.entra.get("/Nothing"), n.entra.post("/Users", user("ana@contoso.com")),
			n.entra.post("/Users", "{"), n.entra.do("PATCH", "/Users", object{}), (&client{t, n.entra.base, ""}).get("/Users"),
			n.entra.get("/Users", "Accept: text/html"), n.entra.post("/Users", "{}", "Content-Type: text/plain"),
			n.entra.post("/Users", `{"userName":"`+strings.Repeat("x", 1<<20)+`"}`),
		} {
			scimType, _ := a.at("scimType").(string)
			a.refused(a.Status, scimType) // the whole form
			if a.Status < 400 || a.Status >= 500 {
				t.Errorf("%s: %d", a.asked, a.Status)
			}
		}
		if a := n.entra.do("PATCH", "/Users", object{}); a.Header.Get("Allow") != "GET, POST" {
			t.Errorf("Allow: %s", a.Header.Get("Allow"))
		}
		n.entra.get("/Users", "Accept: application/json").status(200)
		n.entra.get("/Users", "Accept: text/html, application/*;q=0.5").status(200)
		n.entra.get("/Users", "Accept: application/scim+json;q=0").refused(406, "")
	})
}

package acceptance_test

import (
	"fmt"
	"strings"
	"testing"
)

// RFC 7644 §3.7
func TestRFC7644Section37BulkDoesEachKindOfOperation(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ids := n.row(3)
		a := n.entra.post("/Bulk", bulkOf(
			bulkOp("POST", "/Users", "qwerty", user("alice@contoso.com")),
			with(bulkOp("PUT", "/Users/"+ids[0], "", user("bob@contoso.com")), "version", `W/"1"`),
			with(bulkOp("PATCH", "/Users/"+ids[1], "", patchOf(op("remove", "title", nil))), "version", `W/"1"`),
			with(bulkOp("DELETE", "/Users/"+ids[2], "", nil), "version", `W/"1"`),
		)).status(200).is("schemas", list{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"})
		base := n.house.SCIM + "/Users/"
		alice := a.text("Operations/0/location")
		a.is("Operations", list{
			object{"method": "POST", "bulkId": "qwerty", "location": alice, "version": `W/"1"`, "status": "201"},
			object{"method": "PUT", "location": base + ids[0], "version": `W/"2"`, "status": "200"},
			object{"method": "PATCH", "location": base + ids[1], "version": `W/"2"`, "status": "200"},
			object{"method": "DELETE", "location": base + ids[2], "status": "204"},
		})
		n.entra.get(alice).status(200).is("userName", "alice@contoso.com")
		n.entra.get("/Users/"+ids[1]).is("title", nil)
		n.entra.get("/Users/"+ids[2]).refused(404, "")
		// A version that is no longer there is refused, alone.
		n.entra.post("/Bulk", bulkOf(
			with(bulkOp("PATCH", "/Users/"+ids[0], "", patchOf(op("replace", "title", "x"))), "version", `W/"1"`),
			with(bulkOp("DELETE", "/Users/"+ids[0], "", nil), "version", `W/"1"`),
			bulkOp("PATCH", "/Users/"+ids[1], "", patchOf(op("replace", "title", "x"))),
		)).is("Operations/0/status", "412").is("Operations/1/status", "412").is("Operations/1/response/status", "412").is("Operations/2/status", "200")
	})
}

// RFC 7644 §3.7.1, §3.7.2
func TestRFC7644Section372BulkIDsReferToEachOther(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		managed := func(name, by string) object {
			return user(name+"@contoso.com", enterpriseURN, object{"manager": object{"value": "bulkId:" + by}})
		}
		id := func(a *answer, i int) string {
			location := a.text(fmt.Sprintf("Operations/%d/location", i))
			return location[strings.LastIndex(location, "/")+1:]
		}
		// Backward, as the RFC shows it; forward; and in a path.
		a := n.entra.post("/Bulk", bulkOf(
			bulkOp("POST", "/Users", "ana", user("ana@contoso.com")),
			bulkOp("POST", "/Groups", "tour", group("Tour Guides", "members", list{object{"type": "User", "value": "bulkId:ana"}, object{"value": "bulkId:ben"}})),
			bulkOp("POST", "/Users", "ben", managed("ben", "cleo")),
			bulkOp("POST", "/Users", "cleo", user("cleo@contoso.com")),
			bulkOp("PATCH", "/Users/bulkId:cleo", "", patchOf(op("add", "title", "T"))),
			bulkOp("PATCH", "/Groups/bulkId:tour", "", patchOf(op("add", "members", refs("bulkId:cleo")))),
		)).status(200)
		for i := range 6 {
			want := "201"
			if i > 3 {
				want = "200"
			}
			a.is(fmt.Sprintf("Operations/%d/status", i), want)
		}
		n.entra.get("/Groups/"+id(a, 1)).is("members/0/value", id(a, 0)).is("members/1/value", id(a, 3)).is("members/2/value", id(a, 2))
		n.entra.get("/Users/"+id(a, 2)).is(enterpriseURN+"/manager/value", id(a, 3))
		n.entra.get("/Users/"+id(a, 3)).is("title", "T")

		// In circles: groups of each other, managers of each other, one of itself.
		a = n.entra.post("/Bulk", bulkOf(
			bulkOp("POST", "/Groups", "a", group("A", "members", list{object{"type": "Group", "value": "bulkId:b"}})),
			bulkOp("POST", "/Groups", "b", group("B", "members", list{object{"type": "Group", "value": "bulkId:a"}})),
			bulkOp("POST", "/Users", "x", managed("x", "y")),
			bulkOp("POST", "/Users", "y", managed("y", "z")),
			bulkOp("POST", "/Users", "z", managed("z", "x")),
			bulkOp("POST", "/Users", "self", managed("self", "self")),
		)).status(200)
		for i, refersTo := range []int{1, 0, 3, 4, 2, 5} {
			a.is(fmt.Sprintf("Operations/%d/status", i), "201")
			path, at := "/Users/"+id(a, i), enterpriseURN+"/manager/value"
			if i < 2 {
				path, at = "/Groups/"+id(a, i), "members/0/value"
			}
			n.entra.get(path).is(at, id(a, refersTo)).is("meta/version", a.at(fmt.Sprintf("Operations/%d/version", i)))
		}

		// What can't be resolved is 409, and what depends on it too.
		a = n.entra.post("/Bulk", bulkOf(
			bulkOp("POST", "/Users", "bad", object{"schemas": list{userURN}}),
			bulkOp("POST", "/Users", "lost", managed("lost", "bad")),
			bulkOp("POST", "/Groups", "g", group("G", "members", refs("bulkId:none"))),
			bulkOp("DELETE", "/Users/bulkId:none", "", nil),
			bulkOp("POST", "/Groups", "fine", group("Fine")),
		)).status(200)
		for i, want := range []string{"400", "409", "409", "409", "201"} {
			a.is(fmt.Sprintf("Operations/%d/status", i), want)
		}
		n.entra.find("/Users", `userName eq "lost@contoso.com"`).total(0)
	})
}

// RFC 7644 §3.7.3
func TestRFC7644Section373BulkErrors(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		taken := n.row(1)[0]
		body := func(fail any) object {
			return with(bulkOf(
				bulkOp("POST", "/Users", "1", user("u00@contoso.com")),
				bulkOp("POST", "/Users", "2", user("new@contoso.com")),
				bulkOp("POST", "/Users", "3", user("U00@contoso.com")),
				bulkOp("POST", "/Users", "4", user("last@contoso.com"))), "failOnErrors", fail)
		}
		for fail, answered := range map[int]int{1: 1, 2: 3, 3: 4} {
			a := n.entra.post("/Bulk?dryRun=true", body(fail)).status(200)
			if got := len(a.at("Operations").(list)); got != answered {
				t.Errorf("failOnErrors %d: %d answers", fail, got)
			}
		}
		a := n.entra.post("/Bulk", body(nil)).status(200).is("Operations/3/status", "201")
		a.is("Operations/0/status", "409").is("Operations/0/location", nil).is("Operations/0/response/scimType", "uniqueness").
			is("Operations/0/response/status", "409").is("Operations/0/response/schemas", list{errorURN})
		n.entra.get("/Users").total(3)

		// Each operation's fault is its own.
		for i, c := range []struct {
			op           object
			status, typ  string
			wantLocation bool
		}{
			{bulkOp("POST", "/Users", "", user("a@contoso.com")), "400", "invalidValue", false},
			{bulkOp("POST", "/Users/"+taken, "x", user("a@contoso.com")), "400", "invalidValue", false},
			{bulkOp("GET", "/Users/"+taken, "", nil), "400", "invalidValue", true},
			{bulkOp("PUT", "/Users", "", user("a@contoso.com")), "400", "invalidValue", false},
			{bulkOp("DELETE", "/Users", "", nil), "400", "invalidValue", false},
			{bulkOp("DELETE", "/Nothing/"+taken, "", nil), "404", "", false},
			{bulkOp("POST", "/Bulk", "x", object{}), "404", "", false},
			{bulkOp("POST", "/Me", "x", object{}), "404", "", false},
			{bulkOp("DELETE", "/Users/"+nobody, "", nil), "404", "", true},
			{bulkOp("DELETE", "/Users/"+taken+"/x", "", nil), "400", "invalidValue", false},
			{bulkOp("POST", "/Users", "x", nil), "400", "invalidSyntax", false},
			{bulkOp("POST", "/Users", "x", "text"), "400", "invalidSyntax", false},
			{bulkOp("PATCH", "/Users/"+taken, "", object{"Operations": list{}}), "400", "invalidSyntax", true},
			{bulkOp("PATCH", "/Users/"+taken, "", patchOf(op("replace", "id", "x"))), "400", "mutability", true},
			{bulkOp("POST", "/Users", "x", user("a@contoso.com", "active", "Maybe")), "400", "invalidValue", false},
		} {
			a := n.entra.post("/Bulk", bulkOf(c.op, bulkOp("PATCH", "/Users/"+taken, "", patchOf(op("replace", "title", fmt.Sprint(i)))))).status(200)
			a.is("Operations/0/status", c.status).is("Operations/0/response/status", c.status).is("Operations/1/status", "200")
			if typ, _ := a.at("Operations/0/response/scimType").(string); typ != c.typ {
				t.Errorf("%v: %s", c.op, typ)
			}
			if _, has := a.at("Operations/0/location").(string); has != c.wantLocation {
				t.Errorf("%v: location %v", c.op, a.at("Operations/0/location"))
			}
		}
		twice := n.entra.post("/Bulk", bulkOf(bulkOp("POST", "/Groups", "x", group("1")), bulkOp("POST", "/Groups", "x", group("2"))))
		twice.is("Operations/0/status", "201").is("Operations/1/status", "400")
	})
}

// RFC 7644 §3.7.4
func TestRFC7644Section374BulkLimits(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ops := func(size int) list {
			out := list{}
			for i := range size {
				out = append(out, bulkOp("DELETE", "/Users/"+nobody, fmt.Sprint(i), nil))
			}
			return out
		}
		n.entra.post("/Bulk", bulkOf(ops(1000)...)).status(200)
		n.entra.post("/Bulk", bulkOf(ops(1001)...)).refused(413, "")
		n.entra.post("/Bulk", bulkOf()).refused(400, "invalidSyntax")
		n.entra.post("/Bulk", with(bulkOf(ops(1)...), "failOnErrors", -1)).refused(400, "invalidValue")
		n.entra.post("/Bulk", with(bulkOf(ops(1)...), "schemas", list{patchURN})).refused(400, "invalidSyntax")
		whole := func(size int) string {
			head, tail := `{"schemas":["`+bulkURN+`"],"filler":"`, `","Operations":[{"method":"DELETE","path":"/Users/`+nobody+`"}]}`
			return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
		}
		n.entra.post("/Bulk", whole(8<<20)).status(200)
		n.entra.post("/Bulk", whole(8<<20+1)).refused(413, "")
		n.entra.get("/Bulk").refused(405, "")
	})
}

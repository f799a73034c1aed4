package acceptance_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// RFC 7643 §5 to §7, RFC 7644 §4
func TestRFC7643Section5to7Discovery(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		base := n.house.SCIM
		n.entra.get("/ServiceProviderConfig").status(200).
			is("schemas", list{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"}).
			is("meta/resourceType", "ServiceProviderConfig").is("meta/location", base+"/ServiceProviderConfig").
			is("patch/supported", true).is("bulk", object{"supported": true, "maxOperations": 1000, "maxPayloadSize": 8 << 20}).
			is("filter", object{"supported": true, "maxResults": 1000}).is("sort/supported", true).is("etag/supported", true).
			is("changePassword/supported", false).is("pagination/cursor", true).is("pagination/index", true).
			is("authenticationSchemes/0/type", "oauthbearertoken").is("authenticationSchemes/0/primary", true)

		types := n.entra.get("/ResourceTypes").total(2).is("schemas", list{listURN})
		for i, want := range []struct{ name, endpoint, schema string }{{"User", "/Users", userURN}, {"Group", "/Groups", groupURN}} {
			one := n.entra.get("/ResourceTypes/"+want.name).status(200).
				is("schemas", list{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}).is("id", want.name).is("name", want.name).
				is("endpoint", want.endpoint).is("schema", want.schema).is("meta/resourceType", "ResourceType").
				is("meta/location", base+"/ResourceTypes/"+want.name)
			if diff := cmp.Diff(one.Body, types.at(fmt.Sprint("Resources/", i))); diff != "" {
				t.Error(diff)
			}
		}
		schemas := n.entra.get("/Schemas").total(6)
		if diff := cmp.Diff([]string{userURN, groupURN, enterpriseURN, workspaceURN, wsGroupURN, originURN}, schemas.each("id")); diff != "" {
			t.Error(diff)
		}
		for i, id := range schemas.each("id") {
			one := n.entra.get("/Schemas/"+id).status(200).is("meta/resourceType", "Schema").is("meta/location", base+"/Schemas/"+id).
				is("schemas", list{"urn:ietf:params:scim:schemas:core:2.0:Schema"})
			if diff := cmp.Diff(one.Body, schemas.at(fmt.Sprint("Resources/", i))); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(string(one.Text), "null") {
				t.Errorf("%s has a null", id)
			}
		}
		for _, path := range []string{"/Schemas/" + nobody, "/ResourceTypes/Device", "/Schemas/urn:x"} {
			n.entra.get(path).refused(404, "")
		}
		for _, path := range []string{"/Schemas", "/ResourceTypes", "/ServiceProviderConfig"} {
			n.entra.get(path+"?filter=id+pr").refused(403, "") // RFC 7644 §4
			n.entra.post(path, object{}).refused(405, "")
		}
	})
}

// attribute gives the definition of an attribute in /Schemas.
func attribute(t *testing.T, c *client, schema, path string) object {
	t.Helper()
	at := c.get("/Schemas/" + schema).status(200).at("attributes")
	var found object
	for name := range strings.SplitSeq(path, ".") {
		all, _ := at.(list)
		i := slices.IndexFunc(all, func(v any) bool { return v.(object)["name"] == name })
		if i < 0 {
			t.Fatalf("%s has no attribute %s", schema, path)
		}
		found = all[i].(object)
		at = found["subAttributes"]
	}
	return found
}

// RFC 7643 §7, §8.7.1: what is announced of the attributes that matter.
func TestRFC7643Section7Characteristics(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for _, c := range []struct {
			schema, path, characteristic string
			want                         any
		}{
			{userURN, "userName", "required", true},
			{userURN, "userName", "caseExact", false},
			{userURN, "userName", "uniqueness", "server"},
			{userURN, "userName", "returned", "default"},
			{userURN, "password", "returned", "never"},
			{userURN, "password", "mutability", "writeOnly"},
			{userURN, "groups", "mutability", "readOnly"},
			{userURN, "emails", "multiValued", true},
			{userURN, "emails", "type", "complex"},
			{userURN, "emails.type", "canonicalValues", list{"work", "home", "other"}},
			{userURN, "phoneNumbers.type", "canonicalValues", list{"work", "home", "mobile", "fax", "pager", "other"}},
			{userURN, "addresses.type", "canonicalValues", list{"work", "home", "other"}},
			{userURN, "active", "type", "boolean"},
			{userURN, "x509Certificates.value", "type", "binary"},
			{userURN, "profileUrl", "type", "reference"},
			{groupURN, "members", "multiValued", true},
			{groupURN, "members.value", "mutability", "immutable"},
			{groupURN, "displayName", "uniqueness", "none"},
			{enterpriseURN, "manager.displayName", "mutability", "readOnly"},
			{workspaceURN, "originAnchor", "caseExact", true},
			{workspaceURN, "employeeHireDate", "type", "dateTime"},
			{wsGroupURN, "groupType", "canonicalValues", list{"security", "mailEnabledSecurity", "distribution", "microsoft365", "dynamic"}},
			{originURN, "authority.kind", "mutability", "readOnly"},
			{originURN, "class", "mutability", "readOnly"},
		} {
			if diff := cmp.Diff(c.want, attribute(t, n.entra, c.schema, c.path)[c.characteristic]); diff != "" {
				t.Errorf("%s %s %s (-want +got)\n%s", c.schema, c.path, c.characteristic, diff)
			}
		}
	})
}

// RFC 7643 §2.2, §3.1: readOnly attributes are ignored in a body and refused in
// a path.
func TestRFC7643Section22ReadOnlyIsTheServers(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		other := n.entra.create("/Users", user("other@contoso.com"))
		lie := object{
			"id": other, "meta": object{"created": "2001-01-01T00:00:00Z", "version": "W/\"99\"", "resourceType": "Group", "location": "https://evil.example"},
			"groups": list{object{"value": other}}, originURN: object{"class": "manual", "authority": object{"kind": "ad"}},
		}
		body := user("ana@contoso.com", enterpriseURN, object{"manager": object{"value": other, "displayName": "Made up"}})
		for name, v := range lie {
			body[name] = v
		}
		id := n.entra.create("/Users", body)
		if id == other {
			t.Fatal("the body picked the id")
		}
		check := func(a *answer) {
			t.Helper()
			a.status(200).is("id", id).is("groups", nil).is(originURN+"/authority/kind", "entra").is("meta/resourceType", "User").
				is("meta/location", n.house.SCIM+"/Users/"+id).is(enterpriseURN+"/manager/displayName", nil)
			if strings.HasPrefix(a.text("meta/created"), "2001") {
				t.Error("the body picked meta.created")
			}
		}
		check(n.entra.get("/Users/" + id))
		check(n.entra.put("/Users/"+id, body))
		check(n.entra.patch("/Users/"+id, op("replace", "", lie)))
		n.entra.get("/Users/"+other).status(200).is("userName", "other@contoso.com")
		for _, path := range []string{"id", "meta.created", "meta", "groups", originURN + ":class", originURN, enterpriseURN + ":manager.displayName", `groups[value eq "x"]`} {
			n.entra.patch("/Users/"+id, op("replace", path, "x")).refused(400, "mutability")
			n.entra.patch("/Users/"+id, op("remove", path, nil)).refused(400, "mutability")
		}
		g := n.entra.create("/Groups", group("G", "members", refs(id)))
		n.entra.patch("/Groups/"+g, op("replace", `members[value eq "`+id+`"].value`, other)).refused(400, "mutability")
	})
}

// RFC 7643 §2.3: the types of values.
func TestRFC7643Section23Types(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for i, c := range []struct {
			attribute string
			value     any
			ok        bool
		}{
			{"title", "text", true}, {"title", 1, false}, {"title", true, false}, {"title", list{"a"}, false}, {"title", object{}, false},
			{"active", true, true}, {"active", 1, false}, {"active", "yes", false},
			{"name", object{"givenName": "a"}, true}, {"name", "a", false}, {"name", list{}, false}, {"name", object{"givenName": 1}, false},
			{"emails", list{object{"value": "a@b.example"}}, true}, {"emails", "a@b.example", false}, {"emails", list{"a@b.example"}, false}, {"emails", list{object{"value": 1}}, false},
			{"emails", list{object{"value": "a", "primary": true}, object{"value": "b", "primary": true}}, false},
			{"emails", list{object{"value": "a", "primary": true}, object{"value": "b", "primary": false}}, true},
			{"x509Certificates", list{object{"value": "TUlJQg=="}}, true}, {"x509Certificates", list{object{"value": "&&&"}}, false},
			{workspaceURN, object{"employeeHireDate": "2026-01-31T09:00:00.123Z"}, true}, {workspaceURN, object{"employeeHireDate": "2026-01-31T09:00:00+02:00"}, true},
			{workspaceURN, object{"employeeHireDate": "next week"}, false}, {workspaceURN, object{"employeeHireDate": "2026-02-30T00:00:00Z"}, false},
			{enterpriseURN, "x", false}, {enterpriseURN, object{"manager": 5}, false},
			{"title", "with \u0000 NUL", false}, {"title", "Ω ≈ 🙂 \u202e \ufeff", true},
		} {
			a := n.entra.post("/Users", user(fmt.Sprintf("u%d@contoso.com", i), c.attribute, c.value))
			if c.ok {
				a.status(http.StatusCreated).is(c.attribute, c.value)
			} else {
				a.refused(400, "invalidValue")
			}
		}
	})
}

// RFC 7643 §2.5: null, [] and absence are the same state, §3.3: extensions.
func TestRFC7643Section25UnassignedIsAbsent(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for i, empty := range []object{
			{"title": nil}, {"emails": nil}, {"emails": list{}}, {"emails": list{nil}}, {"emails": list{object{}}}, {"name": object{}}, {"name": object{"givenName": nil}},
			{enterpriseURN: nil}, {enterpriseURN: object{}}, {enterpriseURN: object{"manager": nil}}, {enterpriseURN: object{"manager": object{"value": nil}}},
		} {
			id := n.entra.create("/Users", with(user(fmt.Sprintf("u%d@contoso.com", i)), pairs(empty)...))
			if got := names(n.entra.get("/Users/" + id + "?excludedAttributes=meta," + originURN).Body); got != "active id schemas userName" {
				t.Errorf("%v: %s", empty, got)
			}
		}
		// schemas lists the extensions that are in use.
		id := n.entra.create("/Users", user("x@contoso.com", enterpriseURN, object{"department": "D"}))
		n.entra.get("/Users/"+id).is("schemas", list{userURN, enterpriseURN, originURN})
		n.entra.patch("/Users/"+id, op("remove", enterpriseURN, nil)).status(200).is("schemas", list{userURN, originURN})
		n.entra.patch("/Users/"+id, op("add", workspaceURN+":originSid", "S-1")).status(200).is("schemas", list{userURN, workspaceURN, originURN})
	})
}

func pairs(o object) []any {
	var out []any
	for name, v := range o {
		out = append(out, name, v)
	}
	return out
}

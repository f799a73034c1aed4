package acceptance_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func TestW007AUserNeedsAUserName(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		for _, body := range []object{
			{"schemas": list{userURN}, "displayName": "No Name"},
			user(""), user("x", "userName", nil),
		} {
			a := n.entra.post("/Users", body).refused(400, "invalidValue")
			if !strings.Contains(a.text("detail"), "userName") {
				t.Errorf("the detail doesn't name the attribute: %s", a.text("detail"))
			}
		}
		id := n.entra.create("/Users", user("Jörg.Groß@contoso.com"))
		for _, name := range []string{"jörg.groß@contoso.com", "JÖRG.GROß@CONTOSO.COM", "Ｊörg.Groß@contoso.com"} {
			n.entra.find("/Users", `userName eq "`+name+`"`).total(1).is("Resources/0/id", id)
		}
	})
}

func TestW008ARenamedUserStaysOneAndKeepsItsGrants(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ids := map[string]bool{}
		var first string
		for i := range 6 {
			id := n.entra.create("/Users", user(fmt.Sprintf("u%d@contoso.com", i), "externalId", fmt.Sprint(i)))
			ids[id] = true
			if i == 0 {
				first = id
			}
		}
		g := n.entra.create("/Groups", group("Smiths", "members", refs(first)))

		// Renamed between two pages of a full read that is sorted by name.
		page := n.entra.get("/Users?sortBy=userName&count=3&cursor=").total(6)
		n.entra.patch("/Users/"+first, op("Replace", "userName", "u9@contoso.com")).status(200)
		for cursor := page.text("nextCursor"); ; {
			for _, id := range page.each("id") {
				delete(ids, id)
			}
			if cursor == "" {
				break
			}
			page = n.entra.get("/Users?sortBy=userName&count=3&cursor=" + cursor).total(6)
			cursor, _ = page.at("nextCursor").(string)
		}
		if len(ids) != 0 {
			t.Errorf("the full read missed %v", ids)
		}
		n.entra.find("/Users", `externalId eq "0"`).total(1).is("Resources/0/id", first).is("Resources/0/groups/0/value", g)

		// The name goes to another person, who is another user.
		second := n.entra.create("/Users", user("u0@contoso.com", "externalId", "new"))
		n.admin.get("/Users/"+second).is("groups", nil)

		// One who asks for a name that is taken is refused, and a person decides.
		ad := n.source(store.SourceAD, "ad", store.Policies{})
		ad.post("/Users", user("u0@contoso.com", workspaceURN, object{"originAnchor": "other"})).refused(409, "uniqueness")
		n.entra.patch("/Users/"+first, op("Replace", "userName", "U0@contoso.com")).refused(409, "uniqueness")
		open := n.conflicts()
		if len(open) != 1 || open[0].Reason != "nameTaken" || !open[0].Open() {
			t.Errorf("%d conflicts: %+v", len(open), open)
		}
		n.admin.get("/Users").total(7)
	})
}

func TestW009TheSourceDecidesAboutMissingNames(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		body := func(name string) object { return user(name+"@contoso.com", "displayName", "Ana Maria Silva") }
		n.entra.create("/Users", body("accepted"))

		strict := n.source(store.SourceEntra, "strict", store.Policies{Names: "require"})
		a := strict.post("/Users", body("refused")).refused(400, "invalidValue").is("reason", "nameRequired")
		if !strings.Contains(a.text("detail"), "name.givenName") {
			t.Errorf("detail: %s", a.text("detail"))
		}
		a = strict.post("/Users", with(body("refused"), "name", object{"givenName": "Ana"})).refused(400, "invalidValue")
		if !strings.Contains(a.text("detail"), "name.familyName") {
			t.Errorf("detail: %s", a.text("detail"))
		}
		id := strict.create("/Users", with(body("whole"), "name", object{"givenName": "Ana", "familyName": "Silva"}))
		strict.patch("/Users/"+id, op("remove", "name.familyName", nil)).refused(400, "invalidValue")

		derive := n.source(store.SourceAPI, "derive", store.Policies{Names: "derive"})
		id = derive.create("/Users", body("derived"))
		n.admin.get("/Users/"+id).is("name", object{"givenName": "Ana Maria", "familyName": "Silva"})
		derive.get("/Users/"+id).is("name", nil) // what it asserted stays as it was
	})
}

func TestW012UsersGroupsAndMembershipsArrive(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("ana@contoso.com", "displayName", "Ana"))
		inner := n.entra.create("/Groups", group("Inner", "members", refs(u)))
		outer := n.entra.create("/Groups", group("Outer", "members", refs(inner)))
		base := n.house.SCIM
		for _, c := range []*client{n.entra, n.admin} {
			c.get("/Groups/"+inner).is("members", list{object{"value": u, "type": "User", "display": "Ana", "$ref": base + "/Users/" + u}})
			c.get("/Groups/"+outer).is("members", list{object{"value": inner, "type": "Group", "display": "Inner", "$ref": base + "/Groups/" + inner}})
			c.get("/Users/"+u).is("groups", list{
				object{"value": inner, "type": "direct", "display": "Inner", "$ref": base + "/Groups/" + inner},
				object{"value": outer, "type": "indirect", "display": "Outer", "$ref": base + "/Groups/" + outer},
			})
		}
	})
}

func TestE022PasswordsAreNeverHandled(t *testing.T) {
	const secret = "correct-horse-battery-staple"
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.entra.get("/ServiceProviderConfig").is("changePassword/supported", false)
		id := n.entra.create("/Users", user("ana@contoso.com", "password", secret))
		n.entra.put("/Users/"+id, user("ana@contoso.com", "password", secret)).status(200)
		n.entra.patch("/Users/"+id, op("replace", "password", secret), op("replace", "", object{"password": secret})).status(200)
		n.entra.find("/Users", `password sw "c"`).refused(403, "sensitive")
		n.entra.post("/Users/.search", object{"schemas": list{searchURN}, "filter": `password pr`}).refused(403, "sensitive")
		for _, c := range []*client{n.entra, n.admin} {
			if c.get("/Users/"+id+"?attributes=password,userName").at("password") != nil || strings.Contains(c.everything(), secret) {
				t.Error("the password is returned")
			}
		}
		for _, e := range n.events() {
			if strings.Contains(string(e.Before)+string(e.After)+e.Detail, secret) {
				t.Errorf("the event log holds it: %s", e.Type)
			}
		}
		if strings.Contains(n.house.Log.String(), secret) {
			t.Error("the log holds it")
		}
		if path, ok := strings.CutPrefix(n.house.Database, "sqlite:"); ok {
			for _, suffix := range []string{"", "-wal"} {
				file, err := os.ReadFile(path + suffix)
				if err != nil || bytes.Contains(file, []byte(secret)) {
					t.Errorf("the database holds it, or can't be read: %v", err)
				}
			}
		}
	})
}

func TestE062SchemaURNsCompareInAnyCase(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		id := n.entra.create("/Users", object{
			"schemas":  list{"urn:ietf:params:scim:schemas:core:2.0:user", strings.ToUpper(enterpriseURN)},
			"userName": "ana@contoso.com", strings.ToLower(enterpriseURN): object{"department": "Forge"},
		})
		n.entra.get("/Users/"+id).is("schemas", list{userURN, enterpriseURN, originURN}).is(enterpriseURN+"/department", "Forge")
		n.entra.find("/Users", strings.ToUpper(enterpriseURN)+`:DEPARTMENT eq "forge"`).total(1)
		n.entra.get("/Schemas/"+strings.ToUpper(userURN)).status(200).is("id", userURN)
	})
}

func TestE063ThePayloadOfTheSlideComesBack(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		name := object{
			"formatted": "Dr. Ada M. King III", "familyName": "King", "givenName": "Ada", "middleName": "M.",
			"honorificPrefix": "Dr.", "honorificSuffix": "III",
		}
		emails := list{object{"type": "work", "value": "ada@mail.contoso.com", "primary": true}}
		id := n.entra.create("/Users", user("ada@contoso.com", "externalId", "E-1", "name", name, "displayName", "Ada King",
			"nickName", "Ad", "emails", emails, "title", "", "locale", "", "phoneNumbers", list{object{"type": "work", "value": ""}}))
		n.entra.get("/Users/"+id).is("name", name).is("displayName", "Ada King").is("nickName", "Ad").is("emails", emails).
			is("externalId", "E-1").is("title", nil).is("locale", nil)
		n.entra.find("/Users", `title pr`).total(0)
		n.entra.find("/Users", `externalId eq "E-1"`).total(1)
		n.entra.post("/Users", user("other@contoso.com", "externalId", "E-1")).refused(409, "uniqueness")
	})
}

func TestE088AUserObjectKeepsEachAttribute(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		body := user("full@contoso.com", "externalId", "x", "displayName", "D", "nickName", "N", "title", "T", "userType", "Employee",
			"preferredLanguage", "nl-NL", "locale", "nl-NL", "timezone", "Europe/Amsterdam", "profileUrl", "https://contoso.com/full", "active", true,
			"name", object{"formatted": "F", "familyName": "Fa", "givenName": "Gi"},
			"emails", list{object{"value": "a@contoso.com", "type": "work", "display": "A", "primary": true}},
			"phoneNumbers", list{object{"value": "tel:+31-20-1", "type": "mobile"}},
			"ims", list{object{"value": "im", "type": "xmpp"}},
			"photos", list{object{"value": "https://contoso.com/p.png", "type": "photo"}},
			"addresses", list{object{"formatted": "X", "streetAddress": "S", "locality": "L", "region": "R", "postalCode": "P", "country": "NL", "type": "work", "primary": true}},
			"entitlements", list{object{"value": "e"}}, "roles", list{object{"value": "r", "type": "t"}},
			"x509Certificates", list{object{"value": "MIIB"}},
			enterpriseURN, object{"employeeNumber": "1", "costCenter": "C", "organization": "O", "division": "D", "department": "De"},
			workspaceURN, object{"originAnchor": "a", "originSid": "S-1-5-21", "originDomain": "contoso.com", "employeeHireDate": "2026-01-31T00:00:00Z"})
		id := n.entra.create("/Users", body)
		a := n.entra.get("/Users/" + id)
		delete(body, "schemas")
		for attribute, want := range body {
			a.is(attribute, want)
		}
		n.entra.put("/Users/"+id, a.Body).status(200).is("meta/version", `W/"1"`) // its own representation changes nothing
	})
}

func TestE089AGroupObjectKeepsEachAttribute(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", user("a@contoso.com"))
		ext := object{"groupType": "security", "originAnchor": "guid", "originSid": "S-1-5-21-7"}
		id := n.entra.create("/Groups", group("Smiths", "externalId", "x", "members", refs(u), wsGroupURN, ext))
		a := n.entra.get("/Groups/"+id).is("displayName", "Smiths").is("externalId", "x").is(wsGroupURN, ext).is("members/0/value", u)
		n.entra.put("/Groups/"+id, a.Body).status(200).is("meta/version", `W/"1"`)
	})
}

func TestE094ExtensionAttributesComeBack(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ext := object{}
		for i := 1; i <= 15; i++ {
			ext[fmt.Sprintf("extensionAttribute%d", i)] = fmt.Sprintf("value %d", i)
		}
		id := n.entra.create("/Users", user("ana@contoso.com", workspaceURN, ext))
		n.entra.create("/Users", user("ben@contoso.com"))
		n.entra.get("/Users/"+id).is(workspaceURN, ext)
		for name, value := range ext {
			n.entra.find("/Users", fmt.Sprintf("%s:%s eq %q", workspaceURN, name, value)).total(1).is("Resources/0/id", id)
			n.entra.patch("/Users/"+id, op("Replace", workspaceURN+":"+name, "new "+name)).status(200).is(workspaceURN+"/"+name, "new "+name)
		}
	})
}

func TestE095CustomAttributesAreAnnouncedTypedAndRefusedByName(t *testing.T) {
	const custom = "urn:ietf:params:scim:schemas:extension:Badges:2.0:User"
	eachTenant(t, func(t *testing.T, n *tenant) {
		n.entra.get("/Schemas/"+custom).refused(404, "")
		n.entra.create("/Users", user("ana@contoso.com", custom, object{"colour": "blue", "level": 3, "valid": true}))
		var got []string
		a := n.entra.get("/Schemas/" + custom).status(200)
		for i := range a.at("attributes").(list) {
			at := fmt.Sprintf("attributes/%d/", i)
			got = append(got, a.text(at+"name")+" "+a.text(at+"type"))
		}
		if diff := cmp.Diff([]string{"colour string", "level decimal", "valid boolean"}, got); diff != "" {
			t.Error(diff)
		}
		n.entra.find("/Users", custom+`:colour eq "BLUE"`).total(1)

		// Each object is judged alone, and the refusal names the attribute.
		bulk := n.entra.post("/Bulk", bulkOf(
			bulkOp("POST", "/Users", "1", user("b@contoso.com", custom, object{"colour": 7})),
			bulkOp("POST", "/Users", "2", user("c@contoso.com", custom, object{"level": "high"})),
			bulkOp("POST", "/Users", "3", user("d@contoso.com", custom, object{"colour": "red", "level": 4}))))
		bulk.is("Operations/0/status", "400").is("Operations/1/status", "400").is("Operations/2/status", "201")
		for i, name := range []string{"colour", "level"} {
			if detail := bulk.text(fmt.Sprintf("Operations/%d/response/detail", i)); !strings.Contains(detail, name) {
				t.Errorf("detail: %s", detail)
			}
		}
		// Another tenant has none of it, and an administrator can declare it.
		other := n.house.tenant(t)
		other.entra.get("/Schemas/"+custom).refused(404, "")
		known := other.source(store.SourceEntra, "known", store.Policies{KnownAttributesOnly: true})
		id := known.create("/Users", user("ana@contoso.com", custom, object{"colour": "blue"}))
		known.get("/Users/"+id).is(custom, nil)
		known.patch("/Users/"+id, op("add", custom+":colour", "blue")).refused(400, "invalidPath")
		other.declare(schema.Custom{URN: custom, Name: "colour", Type: schema.String})
		known.patch("/Users/"+id, op("add", custom+":colour", "blue")).status(200).is(custom+"/colour", "blue")
		// The mapping of a domain is an administrator's too; a tool's body isn't.
		corp := other.source(store.SourceAD, "corp", store.Policies{})
		bo := corp.create("/Users", user("bo@contoso.com", custom, object{"floor": 4.0}))
		corp.get("/Users/"+bo).is(custom+"/floor", 4.0)
		corp.patch("/Users/"+bo, op("replace", custom+":floor", "fourth")).refused(400, "invalidValue")
		hr := other.source(store.SourceAPI, "hr", store.Policies{})
		hr.get("/Users/"+hr.create("/Users", user("cy@contoso.com", custom, object{"desk": "x"}))).is(custom, nil)
	})
}

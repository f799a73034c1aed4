package acceptance_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// email and address are elements as RFC 7644 §3.5.2 shows them.
func email(kind, value string, more ...any) object {
	return with(object{"type": kind, "value": value}, more...)
}

func address(kind, street string) object {
	return object{"type": kind, "streetAddress": street, "locality": "Hollywood", "country": "USA"}
}

// RFC 7644 §3.5.2: operations on the user below, and what becomes of the
// attributes that they touch; nil means gone.
var patches = []struct {
	name string
	ops  []object
	want object
}{
	// §3.5.2.1 add
	{"add without path", []object{op("add", "", object{"emails": list{email("home", "babs@jensen.org")}, "nickname": "Babs"})},
		object{"emails": list{email("work", "b@example.com", "primary", true), email("other", "x@example.org"), email("home", "babs@jensen.org")}, "nickName": "Babs"}},
	{"add to a list", []object{op("add", "emails", list{email("home", "h")})},
		object{"emails": list{email("work", "b@example.com", "primary", true), email("other", "x@example.org"), email("home", "h")}}},
	{"add what is there", []object{op("add", "emails", list{email("other", "x@example.org")})},
		object{"emails": list{email("work", "b@example.com", "primary", true), email("other", "x@example.org")}}},
	{"add a value that exists replaces it", []object{op("add", "title", "New")}, object{"title": "New"}},
	{"add to a complex attribute merges", []object{op("add", "name", object{"middleName": "J"})},
		object{"name": object{"givenName": "Barbara", "familyName": "Jensen", "middleName": "J"}}},
	{"add a sub-attribute", []object{op("add", "name.middleName", "J")},
		object{"name": object{"givenName": "Barbara", "familyName": "Jensen", "middleName": "J"}}},
	{"add a primary takes it from the other", []object{op("add", "emails", list{email("home", "h", "primary", true)})},
		object{"emails": list{email("work", "b@example.com", "primary", false), email("other", "x@example.org"), email("home", "h", "primary", true)}}},
	{"add to an extension", []object{op("add", enterpriseURN, object{"department": "D"}), op("add", enterpriseURN+":costCenter", "C")},
		object{enterpriseURN: object{"department": "D", "costCenter": "C", "division": "Theme Park"}}},
	// §3.5.2.2 remove
	{"remove by filter", []object{op("remove", `emails[type eq "work" and value ew "example.com"]`, nil)}, object{"emails": list{email("other", "x@example.org")}}},
	{"remove a sub-attribute of an element", []object{op("remove", `addresses[type eq "work"].streetAddress`, nil)},
		object{"addresses": list{object{"type": "work", "locality": "Hollywood", "country": "USA"}, address("home", "456 Hollywood Blvd")}}},
	{"remove what no element has", []object{op("remove", `emails[type eq "fax"]`, nil)}, object{"emails": list{email("work", "b@example.com", "primary", true), email("other", "x@example.org")}}},
	{"remove a list", []object{op("remove", "emails", nil)}, object{"emails": nil}},
	{"remove a complex attribute", []object{op("remove", "name", nil)}, object{"name": nil}},
	{"remove a sub-attribute", []object{op("remove", "name.givenName", nil)}, object{"name": object{"familyName": "Jensen"}}},
	{"remove an extension", []object{op("remove", enterpriseURN, nil)}, object{enterpriseURN: nil}},
	{"remove what is absent", []object{op("remove", "nickName", nil)}, object{"nickName": nil}},
	// §3.5.2.3 replace
	{"replace without path", []object{op("replace", "", object{"emails": list{email("work", "n@example.com", "primary", true)}, "nickname": "Babs"})},
		object{"emails": list{email("work", "n@example.com", "primary", true)}, "nickName": "Babs"}},
	{"replace an element", []object{op("replace", `addresses[type eq "work"]`, object{"type": "work", "streetAddress": "911 Universal City Plaza", "region": "CA"})},
		object{"addresses": list{with(address("work", "911 Universal City Plaza"), "region", "CA"), address("home", "456 Hollywood Blvd")}}},
	{"replace a sub-attribute of an element", []object{op("replace", `addresses[type eq "work"].streetAddress`, "1010 Broadway Ave")},
		object{"addresses": list{address("work", "1010 Broadway Ave"), address("home", "456 Hollywood Blvd")}}},
	{"replace a list", []object{op("replace", "emails", list{email("home", "h")})}, object{"emails": list{email("home", "h")}}},
	{"replace by an empty list", []object{op("replace", "emails", list{})}, object{"emails": nil}},
	{"replace what is absent adds it", []object{op("replace", "nickName", "Babs")}, object{"nickName": "Babs"}},
	{"replace a complex attribute sets what is given", []object{op("replace", "name", object{"givenName": "Babs"})}, object{"name": object{"givenName": "Babs", "familyName": "Jensen"}}},
	{"replace a sub-attribute of all elements", []object{op("replace", "addresses.country", "US")},
		object{"addresses": list{with(address("work", "100 Universal City Plaza"), "country", "US"), with(address("home", "456 Hollywood Blvd"), "country", "US")}}},
	{"replace the primary", []object{op("replace", `emails[type eq "other"].primary`, true)},
		object{"emails": list{email("work", "b@example.com", "primary", false), email("other", "x@example.org", "primary", true)}}},
	// In order, one upon the other; names in any case and with their URN.
	{"one upon the other", []object{op("add", "title", "1"), op("replace", "title", "2"), op("remove", "title", nil), op("add", "title", "3")}, object{"title": "3"}},
	{"remove, then add", []object{op("remove", "emails", nil), op("add", "emails", list{email("work", "n")})}, object{"emails": list{email("work", "n")}}},
	{"in any case, with the URN", []object{op("replace", "URN:ietf:params:scim:schemas:core:2.0:user:NAME.GIVENNAME", "B"), op("replace", "Emails[TYPE Eq \"WORK\"].Value", "v")},
		object{"name": object{"givenName": "B", "familyName": "Jensen"}, "emails": list{email("work", "v", "primary", true), email("other", "x@example.org")}}},
}

// Operations that are refused, and as what.
var badPatches = []struct {
	scimType string
	op       any
}{
	{"invalidSyntax", op("move", "title", "x")}, {"invalidSyntax", op("", "title", "x")}, {"invalidSyntax", object{"path": "title"}}, {"invalidSyntax", "x"}, {"invalidSyntax", nil},
	{"invalidSyntax", object{"op": 1}}, {"invalidSyntax", object{"op": "add", "OP": "add"}},
	{"noTarget", op("remove", "", nil)}, {"noTarget", op("replace", `emails[value sw "nobody"].value`, "x")}, {"noTarget", op("add", `emails[type eq "work" and value ew "z"].display`, "x")},
	{"invalidPath", op("replace", "noSuch", "x")}, {"invalidPath", op("replace", "name.noSuch", "x")}, {"invalidFilter", op("replace", "emails[", "x")}, {"invalidFilter", op("replace", "emails[]", "x")},
	{"invalidPath", op("replace", `emails[type eq "work"`, "x")}, {"invalidPath", op("replace", `title[value eq "x"]`, "x")}, {"invalidPath", op("replace", `emails[type eq "work"].noSuch`, "x")},
	{"invalidPath", op("remove", "a b", nil)}, {"invalidPath", op("replace", "urn:nothing:1.0:User:x", "x")}, {"invalidPath", object{"op": "add", "path": 7, "value": "x"}},
	{"invalidPath", op("replace", "..", "x")}, {"invalidPath", op("replace", "name.givenName.x", "x")}, {"invalidPath", op("replace", " ", "x")},
	{"invalidFilter", op("replace", `emails[noSuch eq "x"].value`, "x")}, {"invalidFilter", op("remove", `emails[primary gt true]`, nil)},
	{"invalidValue", op("add", "title", nil)}, {"invalidValue", op("replace", "title", 5)}, {"invalidValue", op("replace", "active", "Maybe")}, {"invalidValue", op("replace", "emails", "x")},
	{"invalidValue", op("replace", "", "x")}, {"invalidValue", op("add", "", list{})}, {"invalidValue", op("replace", "name", "x")},
	{"invalidValue", op("add", "emails", list{email("a", "a", "primary", true), email("b", "b", "primary", true)})},
	{"mutability", op("replace", "id", "x")}, {"mutability", op("replace", "meta.version", "x")}, {"mutability", op("remove", "groups", nil)}, {"mutability", op("add", "schemas", list{"x"})},
	{"mutability", op("remove", "userName", nil)}, {"uniqueness", op("replace", "userName", "TAKEN@contoso.com")},
}

func TestRFC7644Section352Patch(t *testing.T) {
	body := user("bjensen@contoso.com", "title", "Tour Guide", "name", object{"givenName": "Barbara", "familyName": "Jensen"},
		"emails", list{email("work", "b@example.com", "primary", true), email("other", "x@example.org")},
		"addresses", list{address("work", "100 Universal City Plaza"), address("home", "456 Hollywood Blvd")},
		enterpriseURN, object{"division": "Theme Park"})
	eachTenant(t, func(t *testing.T, n *tenant) {
		u := n.entra.create("/Users", body)
		n.entra.create("/Users", user("taken@contoso.com"))
		for _, p := range patches {
			n.entra.put("/Users/"+u, body).status(200)
			a := n.entra.patch("/Users/"+u, p.ops...).status(200)
			for attribute, want := range p.want {
				if diff := cmp.Diff(plain(t, want), a.at(attribute)); diff != "" {
					t.Errorf("%s: %s (-want +got)\n%s", p.name, attribute, diff)
				}
			}
			again := n.entra.get("/Users/" + u)
			if diff := cmp.Diff(a.Body, again.Body); diff != "" {
				t.Errorf("%s: answered and read\n%s", p.name, diff)
			}
		}
		n.entra.put("/Users/"+u, body).status(200)
		n.unchanged(t, func() {
			for _, b := range badPatches {
				status := 400
				if b.scimType == "uniqueness" {
					status = 409
				}
				n.entra.do("PATCH", "/Users/"+u+"?dryRun=true", object{"schemas": list{patchURN}, "Operations": list{b.op}}).refused(status, b.scimType)
				// Behind operations that could be carried out: all or nothing.
				n.entra.do("PATCH", "/Users/"+u+"?dryRun=true", object{"schemas": list{patchURN}, "Operations": list{op("replace", "title", "changed"), b.op}}).refused(status, b.scimType)
			}
		})
		before := n.entra.get("/Users/" + u).Body
		for _, b := range badPatches {
			n.entra.do("PATCH", "/Users/"+u, object{"schemas": list{patchURN}, "Operations": list{op("replace", "title", "changed"), b.op}})
		}
		if diff := cmp.Diff(before, n.entra.get("/Users/"+u).Body); diff != "" {
			t.Errorf("refused operations left something\n%s", diff)
		}
	})
}

func TestRFC7644Section352PatchOfMembers(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ids := n.row(4)
		sub := n.entra.create("/Groups", group("Sub"))
		for _, c := range []struct {
			name string
			ops  []object
			want []string
		}{
			{"add", []object{op("add", "members", list{object{"display": "B", "$ref": n.house.SCIM + "/Users/" + ids[2], "value": ids[2]}})}, []string{ids[0], ids[1], ids[2]}},
			{"add one who is there", []object{op("add", "members", refs(ids[1]))}, ids[:2]},
			{"add without path", []object{op("add", "", object{"members": refs(ids[2], ids[3])})}, ids},
			{"add a group", []object{op("add", "members", refs(sub))}, []string{ids[0], ids[1], sub}},
			{"remove by filter", []object{op("remove", `members[value eq "`+ids[0]+`"]`, nil)}, ids[1:2]},
			{"remove by or", []object{op("remove", `members[value eq "`+ids[0]+`" or value eq "`+ids[1]+`"]`, nil)}, nil},
			{"remove by display", []object{op("remove", `members[display sw "U00"]`, nil)}, ids[1:2]},
			{"remove by type", []object{op("add", "members", refs(sub)), op("remove", `members[type eq "User"]`, nil)}, []string{sub}},
			{"remove all", []object{op("remove", "members", nil)}, nil},
			{"remove a list", []object{op("remove", "members", refs(ids[1], ids[3]))}, ids[:1]},
			{"remove a list that names nobody", []object{op("remove", "members", refs(nobody))}, ids[:2]},
			{"remove and add", []object{op("remove", `members[value eq "`+ids[0]+`"]`, nil), op("add", "members", refs(ids[2]))}, ids[1:3]},
			{"replace", []object{op("replace", "members", refs(ids[3]))}, ids[3:]},
			{"replace by nobody", []object{op("replace", "members", list{})}, nil},
			{"replace without path", []object{op("replace", "", object{"members": refs(ids[2]), "displayName": "H"})}, ids[2:3]},
		} {
			g := n.entra.create("/Groups", group("G", "members", refs(ids[:2]...)))
			n.entra.patch("/Groups/"+g, c.ops...).status(204)
			got := n.entra.get("/Groups/" + g)
			var members []string
			all, _ := got.at("members").(list)
			for _, m := range all {
				members = append(members, m.(object)["value"].(string))
			}
			if diff := cmp.Diff(c.want, members); diff != "" {
				t.Errorf("%s (-want +got)\n%s", c.name, diff)
			}
		}
		g := n.entra.create("/Groups", group("G", "members", refs(ids[:2]...)))
		n.unchanged(t, func() {
			for _, bad := range []object{
				op("add", "members", refs(nobody)), op("add", "members", list{object{"display": "nobody"}}), op("add", "members", 7), op("replace", "members", refs(ids[0], nobody)),
			} {
				n.entra.patch("/Groups/"+g, op("replace", "displayName", "X"), op("remove", "members", nil), bad).refused(400, "invalidValue")
			}
		})
	})
}

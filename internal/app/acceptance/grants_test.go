package acceptance_test

import (
	"slices"
	"strings"
	"testing"
)

const grantURN = "urn:workspace:scim:schemas:core:2.0:Grant"

func given(target, subject string) object {
	return object{"schemas": list{grantURN}, "target": object{"value": target}, "subject": object{"value": subject}}
}

// What everybody has is one list: the members of groups as their sources say, and
// what was given by hand, each with its reasons.
func TestGrantsListWhatEverybodyHas(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ada, ben := n.entra.create("/Users", user("ada@contoso.com", "displayName", "Ada Lovelace")), n.entra.create("/Users", user("ben@contoso.com"))
		sales := n.entra.create("/Groups", group("Sales", "members", refs(ada, ben)))
		staff := n.admin.create("/Groups", group("Staff"))
		visio := n.admin.create("/WorkspaceItems", object{"displayName": "Visio"})
		made := n.admin.post("/Grants", given(visio, ada)).status(201).
			is("schemas", list{grantURN}).is("subject", object{"value": ada, "display": "Ada Lovelace", "type": "User"}).
			is("target", object{"value": visio, "display": "Visio", "type": "WorkspaceItem"}).is("reasons/0/value", "manual").
			is("meta/resourceType", "Grant").is("meta/version", nil)
		n.admin.post("/Grants", given(visio, sales)).status(201).is("subject/type", "Group")
		n.admin.post("/Grants", given(staff, ada)).status(201).is("reasons", list{object{"value": "manual"}})
		id := made.text("id")
		n.admin.get("/Grants/"+id).status(200).is("id", id).is("reasons/0/value", "manual")

		n.admin.get("/Grants").total(5)
		n.admin.find("/Grants", `subject.value eq "`+ada+`"`).total(3)
		n.admin.find("/Grants", `target.value eq "`+sales+`"`).total(2).is("Resources/0/reasons", list{object{"value": "sync", "source": "entra"}})
		n.admin.find("/Grants", `target.value eq "`+sales+`" and subject.value eq "`+ben+`"`).total(1)
		n.admin.find("/Grants", `target.type eq "WorkspaceItem"`).total(2)
		n.admin.find("/Grants", `reasons.value eq "sync"`).total(2)
		n.admin.find("/Grants", `reasons[value eq "sync" and source eq "entra"] or target.value eq "`+staff+`"`).total(3)
		n.admin.find("/Grants", `not (reasons.value eq "sync") and subject.value eq "`+ada+`"`).total(2)
		n.admin.find("/Grants", `subject.value eq "`+nobody+`"`).total(0)
		n.admin.find("/Grants", `nothing eq "x"`).refused(400, "invalidFilter")
		n.admin.get("/Grants?sortBy=subject.display").refused(400, "invalidPath")
		n.admin.get("/Grants?attributes=subject").status(200).is("Resources/0/target", nil)
		n.admin.post("/Grants/.search", object{"filter": `reasons.value eq "manual"`}).status(200).total(3)

		n.entra.get("/Grants").refused(403, "")
		n.house.tenant(t).admin.get("/Grants").total(0)
		n.admin.get("/ResourceTypes/Grant").status(200).is("endpoint", "/Grants")
		n.admin.get("/Schemas/"+grantURN).status(200).is("name", "Grant")
	})
}

// Both pagings give each grant once, with a filter and without.
func TestGrantsArePaged(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		var users []string
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			users = append(users, n.entra.create("/Users", user(name+"@contoso.com")))
		}
		n.entra.create("/Groups", group("One", "members", refs(users...)))
		n.entra.create("/Groups", group("Two", "members", refs(users[:3]...)))
		visio := n.admin.create("/WorkspaceItems", object{"displayName": "Visio"})
		for _, u := range users[2:] {
			n.admin.post("/Grants", given(visio, u)).status(201)
		}
		for filter, total := range map[string]int{"": 11, `&filter=reasons.value%20eq%20%22sync%22`: 8, `&filter=subject.value%20eq%20%22` + users[2] + `%22`: 3} {
			all := n.admin.get("/Grants?count=100" + filter).status(200).total(total).each("id")
			var byIndex, byCursor []string
			for start := 1; start <= total; start += 2 {
				page := n.admin.get("/Grants?count=2&startIndex=" + string(rune('0'+start/10)) + string(rune('0'+start%10)) + filter).status(200).total(total)
				byIndex = append(byIndex, page.each("id")...)
			}
			for next := ""; ; {
				page := n.admin.get("/Grants?count=2&cursor=" + next + filter).status(200).total(total)
				byCursor = append(byCursor, page.each("id")...)
				if page.at("nextCursor") == nil {
					break
				}
				next = page.text("nextCursor")
			}
			if len(all) != total || !slices.Equal(byIndex, all) || !slices.Equal(byCursor, all) {
				t.Errorf("filter %q: %d, %d by index, %d by cursor, want %d", filter, len(all), len(byIndex), len(byCursor), total)
			}
		}
	})
}

// What is given by hand is taken by hand, and nothing else is: a source's groups
// stay the source's, and another reason stays.
func TestGrantsAreGivenAndTakenByHandOnly(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		ada := n.entra.create("/Users", user("ada@contoso.com"))
		sales := n.entra.create("/Groups", group("Sales", "members", refs(ada)))
		staff := n.admin.create("/Groups", group("Staff"))
		visio := n.admin.create("/WorkspaceItems", object{"displayName": "Visio"})
		of := func(target string) string {
			return n.admin.find("/Grants", `target.value eq "`+target+`" and subject.value eq "`+ada+`"`).total(1).text("Resources/0/id")
		}
		n.admin.post("/Grants", given(sales, ada)).refused(409, "sourceManaged")
		n.admin.delete("/Grants/"+of(sales)).refused(409, "sourceManaged")
		n.unchanged(t, func() {
			for _, o := range []object{given(nobody, ada), given(visio, nobody), given(ada, ada), given(visio, visio), given("", ada), {"target": object{"value": visio}}} {
				n.admin.post("/Grants", o).refused(400, "invalidValue")
			}
			n.admin.do("POST", "/Grants?dryRun=true", given(visio, ada)).status(201)
			for _, id := range []string{nobody, strings.Repeat("0", 64), strings.Repeat("z", 64), "x"} {
				n.admin.get("/Grants/"+id).refused(404, "")
				n.admin.delete("/Grants/"+id).refused(404, "")
			}
			n.admin.do("PATCH", "/Grants/"+of(sales), patchOf(op("replace", "subject.value", ada))).refused(405, "")
			n.admin.post("/Bulk", object{"Operations": list{object{"method": "DELETE", "path": "/Grants/" + of(sales)}}}).
				status(200).is("Operations/0/status", "404")
		})
		for _, target := range []string{visio, staff} {
			n.admin.post("/Grants", given(target, ada)).status(201)
			n.admin.post("/Grants", given(target, ada)).refused(409, "uniqueness")
			n.admin.delete("/Grants/" + of(target)).status(204)
			n.admin.find("/Grants", `target.value eq "`+target+`"`).total(0)
		}
		n.admin.get("/Groups/"+staff).status(200).is("members", nil)
	})
}

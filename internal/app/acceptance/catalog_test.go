package acceptance_test

import (
	"testing"
)

const (
	productURN = "urn:workspace:scim:schemas:core:2.0:CatalogProduct"
	itemURN    = "urn:workspace:scim:schemas:core:2.0:WorkspaceItem"
)

// The resources of our own ride on the engine: filter, sort, paging, PATCH, PUT,
// ETag, bulk, projection and dry run are those of users.
func TestProductsRideOnTheEngine(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.tenant(t)
		sales := n.entra.create("/Groups", group("Sales"))
		staff := n.admin.create("/Groups", group("Staff"))
		visio := n.admin.post("/CatalogProducts", object{"schemas": list{productURN}, "displayName": "Visio", "groups": refs(sales)}).status(201).
			is("groups/0/display", "Sales").is("meta/resourceType", "CatalogProduct").is("schemas", list{productURN})
		id := visio.text("id")
		n.admin.create("/CatalogProducts", object{"displayName": "Acrobat", "alternatives": refs(id)})

		n.admin.find("/CatalogProducts", `displayName eq "VISIO"`).total(1).is("Resources/0/id", id)
		n.admin.find("/CatalogProducts", `groups.value eq "`+sales+`"`).total(1).is("Resources/0/id", id)
		n.admin.find("/CatalogProducts", `not (groups pr)`).total(1).is("Resources/0/displayName", "Acrobat")
		n.admin.get("/CatalogProducts?sortBy=displayName&count=1&cursor=").status(200).is("Resources/0/displayName", "Acrobat")

		n.admin.patch("/CatalogProducts/"+id, op("add", "groups", refs(staff))).status(200).is("groups/1/display", "Staff")
		n.admin.patch("/CatalogProducts/"+id, op("add", "groups", refs(staff))).status(200).is("meta/version", `W/"2"`)
		n.admin.put("/CatalogProducts/"+id, object{"displayName": "Visio 2", "groups": refs(sales)}, `If-Match: W/"1"`).refused(412, "")
		n.admin.put("/CatalogProducts/"+id, object{"displayName": "Visio 2", "groups": refs(sales)}, `If-Match: W/"2"`).status(200).
			is("groups", list{object{"value": sales, "display": "Sales"}})
		n.admin.get("/CatalogProducts/"+id+"?attributes=displayName").status(200).is("displayName", "Visio 2").is("groups", nil)
		n.admin.post("/CatalogProducts?dryRun=true", object{"displayName": "Ghost"}).status(201)
		n.admin.find("/CatalogProducts", `displayName eq "Ghost"`).total(0)

		n.admin.post("/Bulk", object{"Operations": list{
			object{"method": "POST", "path": "/WorkspaceItems", "bulkId": "i", "data": object{"displayName": "Mailbox", "group": object{"value": sales}}},
			object{"method": "POST", "path": "/CatalogProducts", "bulkId": "p", "data": object{"displayName": "Mail", "items": list{object{"value": "bulkId:i"}}}},
		}}).status(200).is("Operations/0/status", "201").is("Operations/1/status", "201")
		n.admin.find("/CatalogProducts", `displayName eq "Mail"`).total(1).is("Resources/0/items/0/display", "Mailbox")
		n.admin.get("/ResourceTypes").total(6)
		n.admin.get("/Schemas/"+itemURN).status(200).is("name", "WorkspaceItem")

		n.admin.delete("/CatalogProducts/" + id).status(204)
		n.admin.get("/CatalogProducts/"+id).refused(404, "")
	})
}

// A reference names something of the right type that the tenant has; what was
// named before stays when its target is gone.
func TestProductsNameWhatIsThere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n, other := h.tenant(t), h.tenant(t)
		g, u := n.admin.create("/Groups", group("Staff")), n.admin.create("/Users", user("ada@contoso.com"))
		foreign := other.admin.create("/Groups", group("Strangers"))
		for _, id := range []string{nobody, u, foreign} {
			n.admin.post("/CatalogProducts", object{"displayName": "P", "groups": refs(g, id)}).refused(400, "invalidValue")
		}
		n.admin.post("/CatalogProducts", object{"description": "no name"}).refused(400, "invalidValue")
		p := n.admin.create("/CatalogProducts", object{"displayName": "P", "groups": refs(g)})
		n.admin.delete("/Groups/" + g).status(204)
		n.admin.patch("/CatalogProducts/"+p, op("replace", "description", "still there")).status(200).
			is("groups", list{object{"value": g, "display": "Staff"}})
		n.admin.patch("/CatalogProducts/"+p, op("add", "groups", refs(nobody))).refused(400, "invalidValue")
	})
}

// A source sees nothing of what administrators keep, and can't write it.
func TestSourcesDoNotSeeWhatIsAdministered(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n, other := h.tenant(t), h.tenant(t)
		p := n.admin.create("/CatalogProducts", object{"displayName": "Visio"})
		n.unchanged(t, func() {
			for _, endpoint := range []string{"/CatalogProducts", "/Orders", "/WorkspaceItems"} {
				n.entra.get(endpoint).refused(403, "")
				n.entra.get(endpoint+"/"+p).refused(403, "")
				n.entra.post(endpoint, object{"displayName": "Mine"}).refused(403, "")
				n.entra.post(endpoint+"/.search", object{}).refused(403, "")
			}
			n.entra.post("/Bulk", object{"Operations": list{
				object{"method": "DELETE", "path": "/CatalogProducts/" + p},
			}}).status(200).is("Operations/0/status", "403")
		})
		n.entra.get("").total(0)
		n.entra.get("/ResourceTypes").total(2)
		n.entra.get("/Schemas/"+productURN).refused(404, "")
		n.admin.get("").total(1)
		other.admin.get("/CatalogProducts/"+p).refused(404, "")
		other.admin.get("/CatalogProducts").total(0)
	})
}

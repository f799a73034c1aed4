package api_test

import (
	"fmt"
	"testing"
)

// TestH024AConnectorsPlanTellsWhomItWouldHit: the plan of a connector is read as
// that of a push is.
func TestH024AConnectorsPlanTellsWhomItWouldHit(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		made := func(c *client, path string, body object) string {
			t.Helper()
			r := c.send("POST", "/scim/v2"+path, body, "Content-Type: application/scim+json")
			if r.Status != 201 {
				t.Fatalf("%s: %d %s", path, r.Status, r.Text)
			}
			return r.Body["id"].(string)
		}
		ana := made(h.ad, "/Users", object{"userName": "ana@contoso.com"})
		ben := made(h.ad, "/Users", object{"userName": "ben@contoso.com"})
		g := made(h.ad, "/Groups", object{"displayName": "G", "members": []any{object{"value": ana}, object{"value": ben}}})
		made(h.admin, "/CatalogProducts", object{"displayName": "Mail", "groups": []any{object{"value": g}}})

		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		run := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
		h.admin.refused(404, "notFound", "GET", "/runs/"+run+"/impact", nil)
		for plan, want := range map[string]string{
			fmt.Sprintf(`{"operation":"disable","kind":"user","name":"ben","reason":"outOfScope","id":%q}`+"\n", ben):                                                    "1 0 1 0 [Mail 1]",
			fmt.Sprintf(`{"operation":"removeMembers","kind":"group","id":%q,"members":[{"id":%q},{"id":"01234567-89ab-7cde-8f01-23456789abcd"}]}`+"\n", g, ana):         "0 2 1 1 [Mail 1]",
			fmt.Sprintf(`{"operation":"delete","kind":"group","id":%q}`+"\n"+`{"operation":"delete","kind":"user","id":"01234567-89ab-7cde-8f01-23456789abcd"}`+"\n", g): "0 0 2 1 [Mail 2]",
		} {
			h.ad.want(200, "PUT", "/runs/"+run+"/plan", plan, lease)
			x := h.admin.get("/runs/"+run+"/impact", 200).Body
			var products []any
			for _, p := range x["products"].([]any) {
				products = append(products, p.(object)["displayName"], p.(object)["people"])
			}
			if got := fmt.Sprint(x["disables"], x["membershipRemovals"], x["people"], x["groups"], products); got != fmt.Sprint(want) {
				t.Errorf("%s: %s, want %s", plan, got, want)
			}
		}
		h.ad.want(200, "PUT", "/runs/"+run+"/plan", "not JSON", lease)
		h.admin.refused(409, "runState", "GET", "/runs/"+run+"/impact", nil)
	})
}

package api_test

import "testing"

// A user that its source deletes and asserts again is found by its externalId:
// it is revived, not soft-deleted as the holder of its own name.
func TestRevivedUserIsFoundByExternalID(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		const body = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"zoe@contoso.com","externalId":"a1"}`
		id := h.ad.scim("POST", "/Users", body, lease).Body["id"].(string)
		h.ad.scim("DELETE", "/Users/"+id, "", lease)
		if again := h.ad.scim("POST", "/Users", body, lease); again.Body["id"] != id {
			t.Fatalf("%d %s, want the id %s", again.Status, again.Text, id)
		}
		for _, filter := range []string{"externalId%20eq%20%22a1%22", "userName%20eq%20%22zoe@contoso.com%22"} {
			if r := h.ad.scim("GET", "/Users?filter="+filter, ""); r.Body["totalResults"] != 1.0 {
				t.Errorf("%s finds %s", filter, r.Text)
			}
		}
		for _, e := range h.Events(0, 4) {
			if e.Type == "user.softDeleted" {
				t.Errorf("the revived user was soft-deleted: %s", e.Reason)
			}
		}
	})
}

package api_test

import (
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// A run of an agent is undone over the API: previewed, refused where something
// newer stands in the way, and then done.
func TestRunIsUndone(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		start := func() (string, string) {
			id := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
			return id, "Workspace-Run: " + id
		}
		end := func(id string) { h.ad.want(200, "PATCH", "/runs/"+id, object{"state": "succeeded"}, lease) }
		run, header := start()
		anna := h.ad.scim("POST", "/Users", user("anna"), lease, header).Body["id"].(string)
		berta := h.ad.scim("POST", "/Users", user("berta"), lease, header).Body["id"].(string)
		path := "/runs/" + run + "/undo"
		h.admin.refused(409, "runState", "POST", path, object{})
		end(run)
		later, header := start()
		h.ad.scim("PATCH", "/Users/"+berta, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"Prof"}]}`, lease, header)
		end(later)

		for _, c := range []*client{h.hr, h.ad} {
			c.refused(403, "forbidden", "POST", path, object{})
		}
		h.foreign.refused(404, "notFound", "POST", path, object{})
		h.admin.refused(400, "unknownField", "POST", path+"?dryrun=true", object{})
		h.admin.refused(400, "invalidValue", "POST", path+"?dryRun=yes", object{})

		var preview apptest.Response
		h.unchanged(t, func() { preview = h.admin.want(200, "POST", path+"?dryRun=true", object{}) })
		blocked := preview.Body["blocked"].([]any)
		if len(blocked) != 1 || len(preview.Body["steps"].([]any)) != 1 {
			t.Fatalf("preview %s", preview.Text)
		}
		newer := blocked[0].(object)["newer"].(object)
		if newer["run"] != later || newer["type"] != "user.updated" || blocked[0].(object)["subject"] != berta {
			t.Errorf("preview %s", preview.Text)
		}
		refused := h.admin.refused(409, "newerFact", "POST", path, object{})
		if plan := refused.Body["plan"].(object); len(plan["blocked"].([]any)) != 1 || plan["planHash"] != preview.Body["planHash"] {
			t.Errorf("refused %s", refused.Text)
		}
		h.admin.refused(409, "confirmationRequired", "POST", path, object{"skipNewer": true, "planHash": "00"})
		done := h.admin.want(201, "POST", path, object{"skipNewer": true, "planHash": preview.Body["planHash"]})
		n := done.Body["run"].(object)
		if n["kind"] != "undo" || n["state"] != "succeeded" || n["partition"] != run || !strings.HasSuffix(done.Header.Get("Location"), n["id"].(string)) {
			t.Errorf("undone %s", done.Text)
		}
		h.ad.want(200, "GET", "/runs/"+n["id"].(string), nil)
		if last := h.admin.get("/sources/"+h.adID, 200).Body["lastRun"].(object); last["id"] != later {
			t.Errorf("the last run of the source is %v", last)
		}
		if got := h.ad.scim("GET", "/Users/"+anna, ""); got.Status != 404 {
			t.Errorf("what the run created is there: %s", got.Text)
		}
		if got := h.ad.scim("GET", "/Users/"+berta, ""); got.Status != 200 {
			t.Errorf("what was changed later is gone: %s", got.Text)
		}
	})
}

// A source is verified, and the digests tell whose assertions changed (rows H011
// and H053).
func TestSourceIsVerified(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		digest := func(name string) any {
			for _, x := range items(h.admin.get("/digests", 200)) {
				if x["name"] == name {
					return x["sha256"]
				}
			}
			return nil
		}
		ad, hr := digest("corp"), digest("hr")
		h.hr.scim("POST", "/Users", user("anna"))
		if digest("corp") != ad || digest("hr") == hr || hr == nil {
			t.Errorf("digests %v %v", digest("corp"), digest("hr"))
		}
		path := "/sources/" + h.hrID + "/verify"
		n := h.admin.want(201, "POST", path, nil)
		if n.Body["kind"] != "verify" || n.Body["state"] != "succeeded" || n.Body["done"] != 1.0 || n.Body["detail"] != "Everything agrees." || n.Body["planHash"] != nil {
			t.Errorf("run %s", n.Text)
		}
		h.hr.refused(403, "forbidden", "POST", path, nil)
		h.hr.refused(403, "forbidden", "GET", "/digests", nil)
		h.foreign.refused(404, "notFound", "POST", path, nil)
		h.admin.refused(400, "noDryRun", "POST", path+"?dryRun=true", nil)
	})
}

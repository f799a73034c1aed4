package api_test

import (
	"testing"
	"time"
)

// The choices of a tenant and the comparison of an item are as they are
// described, each write with its dry run, and another tenant is told nothing of
// them (rows A004 to A007).
func TestFeaturesJobsAndComparisonsAreAsDescribed(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		on, enabled := object{"groupReconciliation": true}, object{"enabled": true, "interval": 7200}
		h.admin.want(200, "PATCH", "/features?dryRun=true", on)
		h.admin.want(200, "PATCH", "/jobs/reconcile?dryRun=true", enabled)
		if f, j := items(h.admin.get("/features", 200))[0], items(h.admin.get("/jobs", 200))[0]; f["enabled"] != false || j["state"] != "disabled" || j["interval"] != 3600.0 {
			t.Errorf("a dry run left %v and %v", f, j)
		}
		group := h.ad.scim("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales"}`).Body["id"].(string)
		item := h.admin.scim("POST", "/WorkspaceItems", `{"schemas":["urn:workspace:scim:schemas:core:2.0:WorkspaceItem"],"displayName":"Visio","provider":"ad","group":{"value":"`+group+`"}}`)
		compare := "/items/" + item.Body["id"].(string) + "/reconcile"
		h.admin.refused(409, "featureDisabled", "POST", compare, nil)
		h.admin.want(200, "PATCH", "/features", on)
		h.admin.refused(409, "jobDisabled", "POST", compare, nil)
		h.admin.want(200, "PATCH", "/jobs/reconcile", enabled)
		h.admin.refused(409, "notKeptInSync", "POST", compare, nil)
		h.admin.refused(400, "invalidValue", "PATCH", "/jobs/reconcile", object{"interval": 59})
		h.admin.refused(400, "invalidValue", "PATCH", "/features", object{"other": true})
		h.admin.want(404, "PATCH", "/jobs/other", enabled)
		for _, x := range []struct {
			method, path string
			body         any
		}{{"GET", "/features", nil}, {"GET", "/jobs", nil}, {"PATCH", "/features", on}, {"PATCH", "/jobs/reconcile", enabled}, {"POST", compare, nil}} {
			h.ad.refused(403, "forbidden", x.method, x.path, x.body)
		}
		if j := items(h.foreign.get("/jobs", 200))[0]; j["state"] != "disabled" {
			t.Errorf("another tenant's job is %v", j)
		}
		h.foreign.want(200, "PATCH", "/features", on)
		h.foreign.want(200, "PATCH", "/jobs/reconcile", enabled)
		h.foreign.want(404, "POST", compare, nil)

		h.admin.scim("PATCH", "/WorkspaceItems/"+item.Body["id"].(string), `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
			"Operations":[{"op":"replace","path":"keepInSync","value":"watch"}]}`)
		if r := h.admin.want(200, "POST", compare+"?dryRun=true", nil); r.Body["id"] != "" || len(r.Body["differences"].([]any)) != 0 {
			t.Errorf("a preview is %s", r.Text)
		}
		h.admin.want(202, "POST", compare, nil)
		// The job begins with a run of its own, and the item's follow.
		partitions := map[any]bool{}
		for deadline := time.Now().Add(time.Minute); len(partitions) < 2 || len(items(h.admin.get("/runs?state=queued", 200))) > 0 || len(items(h.admin.get("/runs?state=running", 200))) > 0; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not compared: %s", h.admin.get("/runs", 200).Text)
			}
			for _, run := range items(h.admin.get("/runs?state=succeeded", 200)) {
				partitions[run["partition"]] = true
			}
		}
		h.unchanged(t, func() { h.admin.want(200, "POST", compare+"?dryRun=true", nil) })
	})
}

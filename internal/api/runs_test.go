package api_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestH046RunsTellWhatTheyDid follows a run from its start to its end, and a
// second one that takes the place of one that was left.
func TestH046RunsTellWhatTheyDid(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		made := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full", "phase": "users", "total": 10}, lease)
		path := strings.TrimPrefix(made.Header.Get("Location"), "/api/v1")
		if made.Body["state"] != "running" || made.Header.Get("ETag") != `"1"` {
			t.Errorf("run %s", made.Text)
		}
		h.clock.Add(20 * time.Second)
		lease = h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		h.ad.want(200, "PATCH", path, object{"done": 5}, lease, `If-Match: "1"`)
		h.ad.refused(412, "versionMismatch", "PATCH", path, object{"done": 6}, lease, `If-Match: "1"`)
		counts := object{"created": 3.0, "updated": 2.0, "disabled": 1.0, "deleted": 0.0, "unchanged": 1.0, "failed": 1.0, "skipped": object{"computer": 2.0}}
		h.ad.want(200, "PATCH", path, object{"done": 10, "counts": counts, "state": "succeeded", "nextAt": "2026-11-22T12:02:00Z"}, lease)
		h.ad.refused(409, "runState", "PATCH", path, object{"state": "running"}, lease)
		src := h.admin.get("/sources/"+h.adID, 200)
		last := src.Body["lastRun"].(object)
		if last["seconds"] != 20.0 || src.Body["nextRunAt"] != "2026-11-22T12:02:00Z" || fmt.Sprint(last["counts"]) != fmt.Sprint(counts) || last["state"] != "succeeded" {
			t.Errorf("source %s", src.Text)
		}

		// One that its holder left is abandoned when the next begins.
		left := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "delta"}, lease).Body["id"].(string)
		h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "delta"}, lease)
		if n := h.admin.get("/runs/"+left, 200); n.Body["state"] != "abandoned" {
			t.Errorf("run %s", n.Text)
		}
		all := items(h.admin.get("/runs", 200))
		if len(all) != 3 || len(items(h.hr.get("/runs", 200))) != 0 || len(items(h.ad.get("/sources/"+h.adID+"/runs?state=succeeded", 200))) != 1 {
			t.Errorf("runs %v", all)
		}
		// Paging passes over none.
		seen, cursor := map[any]bool{}, ""
		for range 9 {
			p := h.admin.get("/runs?limit=1"+cursor, 200)
			for _, n := range items(p) {
				seen[n["id"]] = true
			}
			next, more := p.Body["nextCursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		if len(seen) != 3 {
			t.Errorf("paging gave %d runs", len(seen))
		}
		h.admin.want(200, "PATCH", "/runs/"+all[0]["id"].(string), object{"state": "cancelled", "detail": "not now"})
		h.admin.refused(403, "forbidden", "PATCH", path, object{"done": 1})
	})
}

// A run over its limits waits with its plan; what is approved is that plan.
func TestHeldRunIsApprovedByTheHashOfItsPlan(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded", "ttl": 600})
		start := func() string {
			return "/runs/" + h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
		}
		run := start()
		h.ad.refused(409, "runState", "PATCH", run, object{"state": "held"}, lease)
		h.ad.refused(404, "notFound", "GET", run+"/plan", nil)
		h.ad.refused(400, "invalidValue", "PUT", run+"/plan", "", lease)
		h.ad.want(200, "PUT", run+"/plan", "an older plan", lease)
		plan := strings.Repeat("disable x\n", 100_000) // several parts
		sum := sha256.Sum256([]byte(plan))
		saved := h.ad.want(200, "PUT", run+"/plan", plan, lease)
		if got := unhex(t, saved.Body["planHash"]); string(got) != string(sum[:]) || saved.Body["planSize"] != float64(len(plan)) {
			t.Errorf("plan %s", saved.Text)
		}
		h.ad.want(200, "PATCH", run, object{"state": "held", "detail": "20,000 would be disabled"}, lease)
		h.ad.refused(409, "runState", "PUT", run+"/plan", "a quite different plan", lease)
		if got := h.admin.get(run+"/plan", 200); string(got.Text) != plan {
			t.Errorf("the plan has %d bytes, want %d", len(got.Text), len(plan))
		}
		h.ad.refused(403, "forbidden", "POST", run+"/approve", object{"planHash": hex.EncodeToString(sum[:])})
		h.ad.refused(409, "runState", "PATCH", run, object{"state": "approved"}, lease)
		h.admin.refused(409, "confirmationRequired", "POST", run+"/approve", object{"planHash": strings.Repeat("0", 64)})
		h.admin.want(200, "POST", run+"/approve", object{"planHash": hex.EncodeToString(sum[:])})
		h.admin.refused(409, "runState", "POST", run+"/approve", object{"planHash": hex.EncodeToString(sum[:])})
		h.ad.want(200, "PATCH", run, object{"state": "running"}, lease)
		if made := h.ad.scim("POST", "/Users", user("ada@contoso.com"), lease, "Workspace-Run: "+strings.TrimPrefix(run, "/runs/")); made.Status != 201 {
			t.Errorf("%d %s", made.Status, made.Text)
		}
		h.ad.want(200, "PATCH", run, object{"state": "succeeded"}, lease)

		rejected := start()
		h.ad.want(200, "PUT", rejected+"/plan", "plan", lease)
		h.ad.want(200, "PATCH", rejected, object{"state": "held"}, lease)
		if n := h.admin.want(200, "POST", rejected+"/reject", object{"detail": "wrong filter"}); n.Body["state"] != "rejected" || n.Body["detail"] != "wrong filter" {
			t.Errorf("run %s", n.Text)
		}
		h.ad.refused(409, "runState", "PATCH", rejected, object{"state": "running"}, lease)
		told := map[string]bool{}
		for _, e := range h.Events(0, 9) {
			told[e.Type] = true
		}
		for _, typ := range []string{"run.held", "run.approved", "run.rejected"} {
			if !told[typ] {
				t.Errorf("no event %s", typ)
			}
		}
	})
}

// TestH047ProblemsOfObjects lists what failed until it succeeds.
func TestH047ProblemsOfObjects(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded", "ttl": 600})
		run := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
		path := "/runs/" + run + "/objects"
		report := func(objects ...object) { h.ad.want(204, "POST", path, object{"objects": objects}, lease) }
		bad := object{"anchor": "a1", "code": "nameRequired", "kind": "user", "display": "Zoë", "detail": "No surname. Give her one.", "retry": "waiting"}
		report(bad, object{"anchor": "b", "code": "conflict", "retry": "givenUp"})
		h.clock.Add(time.Minute)
		report(bad)
		all := items(h.admin.get("/sources/"+h.adID+"/problems", 200))
		if len(all) != 2 {
			t.Fatalf("problems %v", all)
		}
		p := all[0]
		if p["count"] != 2.0 || p["firstAt"] != "2026-11-22T12:00:00Z" || p["lastAt"] != "2026-11-22T12:01:00Z" || p["display"] != "Zoë" || p["run"] != run {
			t.Errorf("problem %v", p)
		}
		one := h.admin.get("/sources/"+h.adID+"/problems?limit=1", 200)
		two := h.admin.get("/sources/"+h.adID+"/problems?limit=1&cursor="+one.Body["nextCursor"].(string), 200)
		if items(two)[0]["anchor"] != "b" {
			t.Errorf("the second page is %s", two.Text)
		}
		search := func(anchors ...string) []map[string]any {
			return items(h.ad.want(200, "POST", "/sources/"+h.adID+"/problems/.search", object{"anchors": anchors}))
		}
		if found := search("a1", "c"); len(found) != 1 || found[0]["code"] != "nameRequired" || len(search()) != 0 {
			t.Errorf("found %v", found)
		}
		h.ad.refused(413, "tooMany", "POST", "/sources/"+h.adID+"/problems/.search", object{"anchors": make([]string, 501)})
		report(object{"anchor": "a1"})
		if all := items(h.ad.get("/sources/"+h.adID+"/problems", 200)); len(all) != 1 || all[0]["anchor"] != "b" {
			t.Errorf("problems %v", all)
		}
		// All or none, and bounded.
		h.ad.refused(400, "invalidValue", "POST", path, object{"objects": []object{{"anchor": "c", "code": "x", "retry": "waiting"}, {"anchor": "d", "code": "x", "retry": "?"}}}, lease)
		h.ad.refused(413, "tooMany", "POST", path, object{"objects": []object{}}, lease)
		many := make([]object, 501)
		for i := range many {
			many[i] = object{"anchor": fmt.Sprint(i)}
		}
		h.ad.refused(413, "tooMany", "POST", path, object{"objects": many}, lease)
		h.ad.refused(409, "leaseRequired", "POST", path, object{"objects": many[:1]})
		if all := items(h.ad.get("/sources/"+h.adID+"/problems", 200)); len(all) != 1 {
			t.Errorf("problems %v", all)
		}
	})
}

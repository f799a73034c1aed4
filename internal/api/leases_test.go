package api_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
)

// An agent that dies holds its lease until it expires; then another one goes on
// and the dead one, should it wake up, can't write a thing.
func TestE018AnotherAgentTakesOverWhenTheLeaseExpires(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		one, oneID := h.agent(h.adID, "dc1")
		two, twoID := h.agent(h.adID, "dc2")
		path := "/sources/" + h.adID + "/leases/default"
		first := one.lease(h.adID, "default")
		two.refused(409, "leaseHeld", "POST", path, object{"ttl": 30})
		run := one.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full", "total": 2}, first).Body["id"].(string)
		one.want(204, "PUT", "/sources/"+h.adID+"/checkpoints/default", "cookie-1", first, "If-None-Match: *")

		// Renewing keeps the token; the clock runs on.
		h.clock.Add(29 * time.Second)
		if again := one.lease(h.adID, "default"); again != first {
			t.Errorf("a renewed lease has %q, it was %q", again, first)
		}
		h.clock.Add(30 * time.Second)
		one.refused(409, "fenced", "POST", path, object{"ttl": 30, "token": 1})
		second := two.lease(h.adID, "default")
		if second == first {
			t.Fatalf("the token didn't grow: %s", second)
		}
		for _, l := range items(h.admin.get("/sources/"+h.adID+"/leases", 200)) {
			if l["holder"] != twoID {
				t.Errorf("the holder is %v, want %s, not %s", l["holder"], twoID, oneID)
			}
		}

		// What the dead one had in hand comes too late, at every door.
		one.refused(409, "fenced", "PUT", "/sources/"+h.adID+"/checkpoints/default", "cookie-x", first, `If-Match: "1"`)
		one.refused(409, "fenced", "PATCH", "/runs/"+run, object{"done": 1}, first)
		one.refused(409, "fenced", "POST", "/runs/"+run+"/objects", object{"objects": []object{{"anchor": "a"}}}, first)
		one.refused(409, "fenced", "PUT", "/runs/"+run+"/plan", "plan", first)
		one.refused(409, "fenced", "POST", "/sources/"+h.adID+"/runs", object{"kind": "delta"}, first)
		one.refused(409, "fenced", "DELETE", path, nil, first)
		late := one.scim("POST", "/Users", user("late@contoso.com"), first)
		if late.Status != 409 || late.Body["reason"] != "fenced" || !strings.Contains(late.Body["detail"].(string), "fenced") {
			t.Errorf("a late write: %d %s", late.Status, late.Text)
		}
		// Not even with the new token, which it may have read.
		one.refused(409, "fenced", "PATCH", "/runs/"+run, object{"done": 1}, second)

		// The other one finishes the run from the checkpoint.
		c := two.get("/sources/"+h.adID+"/checkpoints/default", 200)
		if string(c.Text) != "cookie-1" {
			t.Errorf("checkpoint %q", c.Text)
		}
		two.want(200, "PATCH", "/runs/"+run, object{"done": 2}, second)
		written := two.scim("POST", "/Users", user("ok@contoso.com"), second, "Workspace-Run: "+run)
		if written.Status != 201 {
			t.Fatalf("%d %s", written.Status, written.Text)
		}
		two.want(204, "PUT", "/sources/"+h.adID+"/checkpoints/default", "cookie-2", second, "If-Match: "+c.Header.Get("ETag"))
		done := two.want(200, "PATCH", "/runs/"+run, object{"state": "succeeded"}, second)
		if done.Body["holder"] != twoID || done.Body["endedAt"] == nil {
			t.Errorf("run %s", done.Text)
		}
		list := two.scim("GET", "/Users", "")
		if list.Body["totalResults"] != 1.0 {
			t.Errorf("the fenced write left something: %s", list.Text)
		}
		two.want(204, "DELETE", path, nil, second)
		two.refused(409, "fenced", "DELETE", path, nil, second)
	})
}

// Each change is one SCIM request that names its run, which is found again in
// the log with the request's id (row W016).
func TestW016EventsNameTheRunOfTheWrite(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		agent, _ := h.agent(h.adID, "dc1")
		lease := agent.lease(h.adID, "default")
		run := agent.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "delta"}, lease).Body["id"].(string)
		made := agent.scim("POST", "/Users", user("ada@contoso.com"), lease, "Workspace-Run: "+run, "X-Request-Id: txn-1")
		if made.Status != 201 {
			t.Fatalf("%d %s", made.Status, made.Text)
		}
		found := 0
		for _, e := range h.Events(0, 9) {
			if e.Type == "user.created" && e.Run == run && e.Txn == "txn-1" && e.Subject == made.Body["id"] {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d events of the write: %v", found, h.Events(0, 9))
		}
		// A run that isn't the one under the lease, and what can't be a claim.
		for headers, status := range map[string]int{
			lease + "\nWorkspace-Run: " + "01234567-89ab-7cde-8f01-23456789abcd": 409,
			"Workspace-Run: " + run:               400,
			lease + "\nWorkspace-Run: first":      400,
			"Workspace-Lease: default":            400,
			"Workspace-Lease: default;0":          400,
			"Workspace-Lease: a b;1":              400,
			"Workspace-Lease: other;1":            409,
			"Workspace-Lease: default;9999999999": 409,
			"Accept: */*":                         409, // an agent needs one
		} {
			r := agent.scim("POST", "/Users", user("eve@contoso.com"), strings.Split(headers, "\n")...)
			if r.Status != status {
				t.Errorf("%q: %d, want %d: %s", headers, r.Status, status, r.Text)
			}
		}
		bulk := agent.scim("POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":`+user("eve@contoso.com")+`}]}`, "Workspace-Lease: default;77")
		if op := bulk.Body["Operations"].([]any)[0].(object); op["status"] != "409" {
			t.Errorf("a fenced bulk: %s", bulk.Text)
		}
		if list := agent.scim("GET", "/Users", ""); list.Body["totalResults"] != 1.0 {
			t.Errorf("a refused write left something: %s", list.Text)
		}
	})
}

func TestLeaseGoesToOneOfMany(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		const holders = 6
		var wg sync.WaitGroup
		got := make([]apptest.Response, holders)
		for i := range holders {
			wg.Go(func() {
				got[i] = h.ad.do("POST", "/sources/"+h.adID+"/leases/default", object{"ttl": 60, "holder": fmt.Sprint("n", i)})
			})
		}
		wg.Wait()
		winners := 0
		for _, r := range got {
			switch {
			case r.Status == 200 && r.Body["token"] == 1.0:
				winners++
			case r.Status != 409 || r.Body["code"] != "leaseHeld":
				t.Errorf("%d %s", r.Status, r.Text)
			}
		}
		if winners != 1 {
			t.Errorf("%d won", winners)
		}
	})
}

// On the database's own clock, as in production: nobody sets it here, so only
// what can't depend on time passing is asked.
func TestLeaseOnTheDatabasesClock(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		h := newHouse(t, nil, apptest.On(database))
		lease := h.ad.lease(h.adID, "default", object{"ttl": 600, "holder": "embedded"})
		h.ad.refused(409, "leaseHeld", "POST", "/sources/"+h.adID+"/leases/default", object{"ttl": 600, "holder": "other"})
		h.ad.want(204, "PUT", "/sources/"+h.adID+"/checkpoints/default", "x", lease, "If-None-Match: *")
	})
}

func TestLeaseBounds(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path := "/sources/" + h.adID + "/leases/"
		for _, ttl := range []any{4, 601, 0, -1, int64(1) << 62} {
			h.ad.refused(400, "invalidValue", "POST", path+"default", object{"ttl": ttl, "holder": "x"})
		}
		h.ad.refused(400, "invalidValue", "POST", path+"default", object{"ttl": 5})
		h.ad.refused(400, "invalidValue", "POST", path+"default", object{"ttl": 5, "holder": "01234567-89ab-7cde-8f01-23456789abcd"})
		h.ad.refused(400, "invalidValue", "POST", path+"default", object{"ttl": 5, "holder": strings.Repeat("x", 65)})
		h.ad.refused(400, "unknownField", "POST", path+"default", object{"ttl": 5, "holder": "x", "for": "ever"})
		h.ad.refused(404, "notFound", "POST", path+strings.Repeat("x", 65), object{"ttl": 5, "holder": "x"})
		h.ad.refused(404, "notFound", "POST", path+"a%20b", object{"ttl": 5, "holder": "x"})
		h.admin.refused(403, "forbidden", "POST", path+"default", object{"ttl": 5, "holder": "x"})
		agent, id := h.agent(h.adID, "dc1")
		agent.refused(400, "invalidValue", "POST", path+"default", object{"ttl": 5, "holder": "x"})
		agent.want(200, "POST", path+"default", object{"ttl": 5, "holder": id})
	})
}

func TestCheckpointIsSavedOverWhatWasReadOnly(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path := "/sources/" + h.adID + "/checkpoints/default"
		h.ad.refused(404, "notFound", "GET", path, nil)
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		other := h.ad.lease(h.adID, "other", object{"holder": "embedded"})
		h.ad.refused(428, "preconditionRequired", "PUT", path, "x", lease)
		h.ad.refused(409, "leaseRequired", "PUT", path, "x", "If-None-Match: *")
		h.ad.refused(400, "invalidValue", "PUT", path, "x", other, "If-None-Match: *")
		h.ad.refused(400, "invalidValue", "PUT", path, "", lease, "If-None-Match: *")
		h.ad.refused(412, "versionMismatch", "PUT", path, "x", lease, "If-Match: *")
		h.ad.refused(413, "tooLarge", "PUT", path, strings.Repeat("x", 1<<20+1), lease, "If-None-Match: *")
		h.ad.refused(415, "unsupportedMediaType", "PUT", path, "x", lease, "If-None-Match: *", "Content-Type: text/plain")
		h.ad.want(204, "PUT", path, strings.Repeat("\x00\xff", 1<<19), lease, "If-None-Match: *")
		h.ad.refused(412, "versionMismatch", "PUT", path, "x", lease, "If-None-Match: *")
		h.ad.refused(412, "versionMismatch", "PUT", path, "x", lease, `If-Match: "2"`)
		got := h.ad.get(path, 200)
		if string(got.Text) != strings.Repeat("\x00\xff", 1<<19) || got.Header.Get("ETag") != `"1"` {
			t.Errorf("read %d bytes, ETag %s", len(got.Text), got.Header.Get("ETag"))
		}
		h.admin.get(path, 200)
		h.admin.refused(403, "forbidden", "PUT", path, "x", lease, `If-Match: "1"`)

		// Of many that have read the same, one saves.
		const writers = 5
		var wg sync.WaitGroup
		statuses := make([]int, writers)
		for i := range writers {
			wg.Go(func() { statuses[i] = h.ad.do("PUT", path, fmt.Sprint(i), lease, `If-Match: "1"`).Status })
		}
		wg.Wait()
		won := 0
		for _, s := range statuses {
			if s == 204 {
				won++
			} else if s != 412 {
				t.Errorf("status %d", s)
			}
		}
		if won != 1 {
			t.Errorf("%d saved over the same version", won)
		}
	})
}

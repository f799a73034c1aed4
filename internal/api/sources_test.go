package api_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
)

// TestE014AnotherConfigurationIsFenced changes the configuration under the hands
// of an agent: from then on it writes nothing until it works by the new one.
func TestE014AnotherConfigurationIsFenced(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path := "/sources/" + h.adID
		agent, id := h.agent(h.adID, "dc1")
		lease := agent.lease(h.adID, "default")
		set := h.admin.want(200, "PATCH", path, `{"configuration":{ "scope":["OU=b"], "numbers":{"n":5e2}, "a":"<é>"}}`)
		c := set.Body["configuration"].(object)
		hash := c["hash"].(string)
		sum := sha256.Sum256([]byte(`{"a":"<é>","numbers":{"n":5e2},"scope":["OU=b"]}`))
		if string(unhex(t, hash)) != string(sum[:]) || c["version"] != 1.0 {
			t.Errorf("configuration %v", c)
		}
		if r := agent.scim("POST", "/Users", user("ada@contoso.com"), lease); r.Status != 409 || r.Body["reason"] != "fenced" {
			t.Errorf("a write by the configuration before: %d %s", r.Status, r.Text)
		}
		lp := path + "/leases/default"
		agent.refused(409, "configurationMismatch", "POST", lp, object{"ttl": 30})
		agent.refused(409, "configurationMismatch", "POST", lp, object{"ttl": 30, "configuration": strings.Repeat("0", 64)})
		beat := agent.want(200, "POST", "/agents/"+id+"/heartbeat", object{"version": "1", "acknowledged": 0})
		if beat.Body["fenced"] != true || beat.Body["configuration"].(object)["hash"] != hash {
			t.Errorf("heartbeat %s", beat.Text)
		}
		lease = agent.lease(h.adID, "default", object{"configuration": hash})
		beat = agent.want(200, "POST", "/agents/"+id+"/heartbeat", object{"configuration": hash})
		if beat.Body["fenced"] != false {
			t.Errorf("heartbeat %s", beat.Text)
		}
		if r := agent.scim("POST", "/Users", user("ada@contoso.com"), lease); r.Status != 201 {
			t.Errorf("%d %s", r.Status, r.Text)
		}
		// The same once more is no change, so nobody is fenced.
		h.admin.want(200, "PATCH", path, `{"configuration":{"a":"<é>","numbers":{"n":5e2},"scope":["OU=b"]}}`)
		if r := agent.scim("POST", "/Users", user("bob@contoso.com"), lease); r.Status != 201 {
			t.Errorf("%d %s", r.Status, r.Text)
		}
	})
}

func TestConfigurationsAreVersionsThatComeBack(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path := "/sources/" + h.adID
		tag := h.admin.get(path, 200).Header.Get("ETag")
		for n := range 3 {
			tag = h.admin.want(200, "PATCH", path, object{"configuration": object{"n": n}}, "If-Match: "+tag).Header.Get("ETag")
		}
		h.admin.refused(412, "versionMismatch", "PATCH", path, object{"displayName": "Corp"}, `If-Match: "0"`)
		back := h.admin.want(200, "PATCH", path, object{"configurationVersion": 1, "displayName": "Corp"}, "If-Match: "+tag)
		if c := back.Body["configuration"].(object); c["version"] != 4.0 || c["document"].(object)["n"] != 0.0 || back.Body["displayName"] != "Corp" {
			t.Errorf("source %s", back.Text)
		}
		var versions []any
		cursor := ""
		for range 9 {
			p := h.admin.get(path+"/versions?limit=3"+cursor, 200)
			for _, v := range items(p) {
				versions = append(versions, v["version"])
			}
			next, more := p.Body["nextCursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		if fmt.Sprint(versions) != "[4 3 2 1]" {
			t.Errorf("versions %v", versions)
		}
		for body, code := range map[string]string{
			`{"configurationVersion":99}`:                   "invalidValue",
			`{"configurationVersion":-1}`:                   "invalidValue",
			`{"configurationVersion":1,"configuration":{}}`: "invalidValue",
			`{"configuration":[]}`:                          "invalidValue",
			`{"configuration":"x"}`:                         "invalidValue",
			`{"configuration":` + strings.Repeat(`{"a":`, 33) + `{}` + strings.Repeat(`}`, 34): "invalidValue",
			`{"configuration":{"a":"` + strings.Repeat("x", 256<<10) + `"}}`:                   "invalidValue",
			`{"mode":"on"}`:              "invalidValue",
			`{"displayName":"a\u0000b"}`: "invalidValue",
			`{"displayName":7}`:          "invalidValue",
			`{"name":"x"}`:               "unknownField",
			`{} {}`:                      "invalidSyntax",
			`{`:                          "invalidSyntax",
			``:                           "invalidSyntax",
		} {
			h.admin.refused(400, code, "PATCH", path, body)
		}
		h.ad.refused(403, "forbidden", "PATCH", path, object{"displayName": "Mine"})

		// Of many that have read the same, one changes it.
		tag = h.admin.get(path, 200).Header.Get("ETag")
		const writers = 5
		var wg sync.WaitGroup
		statuses := make([]int, writers)
		for i := range writers {
			wg.Go(func() {
				statuses[i] = h.admin.do("PATCH", path, object{"configuration": object{"writer": i}}, "If-Match: "+tag).Status
			})
		}
		wg.Wait()
		won := 0
		for _, s := range statuses {
			if s == 200 {
				won++
			} else if s != 412 {
				t.Errorf("status %d", s)
			}
		}
		if won != 1 {
			t.Errorf("%d changed the same version", won)
		}
	})
}

// TestE011StagingWritesNothing has a source in staging write: everything is
// answered as if, listed as pending, and nothing is there.
func TestE011StagingWritesNothing(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path := "/sources/" + h.adID
		old := h.ad.scim("POST", "/Users", user("old@contoso.com"))
		id := old.Body["id"].(string)
		h.admin.want(200, "PATCH", path, object{"mode": "staging"})
		before := len(h.Events(0, 9))
		for range 2 { // the same again is the same
			if r := h.ad.scim("POST", "/Users", user("ada@contoso.com")); r.Status != 201 || r.Body["urn:workspace:scim:api:messages:2.0:DryRun"] == nil {
				t.Errorf("a create in staging: %d %s", r.Status, r.Text)
			}
		}
		title := func(s string) string {
			return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"` + s + `"}]}`
		}
		h.ad.scim("PATCH", "/Users/"+id, title("Dr"))
		h.ad.scim("PATCH", "/Users/"+id+"?dryRun=true", title("Prof")) // a preview isn't pending
		h.ad.scim("POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"POST","path":"/Users","bulkId":"a","data":`+user("eve@contoso.com")+`}]}`)
		if list := h.admin.scim("GET", "/Users", ""); list.Body["totalResults"] != 1.0 || strings.Contains(string(list.Text), "Dr") {
			t.Errorf("staging wrote: %s", list.Text)
		}
		if after := len(h.Events(0, before)); after != before {
			t.Errorf("%d events became %d", before, after)
		}
		p := h.admin.get(path+"/pending", 200)
		keys := map[any]string{}
		for _, x := range items(p) {
			keys[x["key"]] = fmt.Sprint(x["changes"])
		}
		if len(keys) != 3 || !strings.Contains(keys["user:x-ada@contoso.com"], "user.created") || !strings.Contains(keys[id], "Dr") || keys["user:x-eve@contoso.com"] == "" {
			t.Errorf("pending %s", p.Text)
		}
		// Taking a change back leaves nothing pending of it.
		h.ad.scim("PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"title"}]}`)
		first := h.admin.get(path+"/pending?limit=1", 200)
		if first.Body["count"] != 2.0 || len(items(first)) != 1 {
			t.Errorf("pending %s", first.Text)
		}
		second := h.admin.get(path+"/pending?limit=1&cursor="+first.Body["nextCursor"].(string), 200)
		if items(second)[0]["key"] != "user:x-eve@contoso.com" {
			t.Errorf("pending %s", second.Text)
		}
	})
}

// TestE015ActivatingConfirmsWhatIsPending switches from staging to active only
// with the hash of what is pending, and the source begins anew then.
func TestE015ActivatingConfirmsWhatIsPending(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path := "/sources/" + h.adID
		h.admin.want(200, "PATCH", path, object{"mode": "staging"})
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		h.ad.want(204, "PUT", path+"/checkpoints/default", "seen in staging", lease, "If-None-Match: *")
		h.ad.scim("POST", "/Users", user("ada@contoso.com"), lease)
		hash := h.admin.get(path, 200).Body["pending"].(object)["hash"]
		h.admin.refused(409, "confirmationRequired", "PATCH", path, object{"mode": "active"})
		h.ad.scim("POST", "/Users", user("eve@contoso.com"), lease)
		h.admin.refused(409, "confirmationRequired", "PATCH", path, object{"mode": "active", "confirm": hash}) // something came since
		if err := h.Directory.EnableSource(t.Context(), "test", "default", "corp"); !directory.Violated(err, directory.RuleConfirmationRequired) {
			t.Errorf("enabling goes around it: %v", err)
		}
		hash = h.admin.get(path, 200).Body["pending"].(object)["hash"]
		h.admin.want(200, "PATCH", path, object{"mode": "active", "confirm": hash})
		h.ad.refused(404, "notFound", "GET", path+"/checkpoints/default", nil)
		if r := h.ad.scim("POST", "/Users", user("ada@contoso.com"), lease); r.Status != 409 {
			t.Errorf("a lease outlived the switch: %d %s", r.Status, r.Text)
		}
		lease = h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		if r := h.ad.scim("POST", "/Users", user("ada@contoso.com"), lease); r.Status != 201 {
			t.Errorf("%d %s", r.Status, r.Text)
		}
		if p := h.admin.get(path+"/pending", 200); p.Body["count"] != 0.0 {
			t.Errorf("pending %s", p.Text)
		}
	})
}

// A disabled source writes nothing, but its agents hear of it, and of its end.
func TestDisabledSourceHearsOfIt(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path := "/sources/" + h.adID
		agent, id := h.agent(h.adID, "dc1")
		lease := agent.lease(h.adID, "default")
		h.admin.want(200, "PATCH", path, object{"mode": "disabled"})
		if r := agent.scim("POST", "/Users", user("ada@contoso.com"), lease); r.Status != 401 && r.Status != 403 {
			t.Errorf("%d %s", r.Status, r.Text)
		}
		agent.refused(403, "sourceDisabled", "POST", path+"/leases/default", object{"ttl": 30})
		agent.refused(403, "sourceDisabled", "PUT", path+"/checkpoints/default", "x", lease, "If-None-Match: *")
		for _, mode := range []string{"disabled", "active"} {
			h.admin.want(200, "PATCH", path, object{"mode": mode})
			if beat := agent.want(200, "POST", "/agents/"+id+"/heartbeat", object{}); beat.Body["mode"] != mode {
				t.Errorf("heartbeat %s", beat.Text)
			}
		}
		agent.lease(h.adID, "default")
	})
}

// An agent acquires while an administrator configures: whichever is first, no
// lease of the configuration before is left.
func TestE014AcquiringWhileConfiguring(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path, hash := "/sources/"+h.adID, ""
		for n := range 15 {
			var wg sync.WaitGroup
			for i := range 8 {
				partition := fmt.Sprint("p", n, ".", i) // a new row each time
				wg.Go(func() {
					h.ad.do("POST", path+"/leases/"+partition, object{"ttl": 60, "holder": "embedded", "configuration": hash})
				})
			}
			var next string
			wg.Go(func() {
				r := h.admin.do("PATCH", path, object{"configuration": object{"n": n}})
				c, _ := r.Body["configuration"].(object)
				next, _ = c["hash"].(string)
			})
			wg.Wait()
			if next == "" || next == hash {
				t.Fatalf("the configuration %d was not written", n)
			}
			hash = next
			for _, l := range items(h.admin.get(path+"/leases", 200)) {
				if l["holder"] != nil {
					t.Errorf("round %d: a lease of the configuration before is held: %v", n, l)
				}
			}
		}
	})
}

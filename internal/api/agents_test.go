package api_test

import (
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCodeEnrolsOneAgentOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		nobody := &client{t, h.App, ""}
		codes := "/sources/" + h.adID + "/enrolment-codes"
		code := h.admin.want(201, "POST", codes, object{"expiresIn": 300}).Body["code"].(string)
		// A code is no token.
		(&client{t, h.App, code}).refused(401, "tokenWrongKind", "GET", "/sources", nil)
		if r := (&client{t, h.App, code}).scim("GET", "/Users", ""); r.Status != 401 {
			t.Errorf("%d %s", r.Status, r.Text)
		}
		const tries = 4
		var wg sync.WaitGroup
		statuses := make([]int, tries)
		for i := range tries {
			wg.Go(func() {
				statuses[i] = nobody.do("POST", "/agents/enrol", object{"code": code, "name": "dc1"}).Status
			})
		}
		wg.Wait()
		enrolled := 0
		for _, s := range statuses {
			if s == 201 {
				enrolled++
			} else if s != 401 {
				t.Errorf("status %d", s)
			}
		}
		if enrolled != 1 || len(items(h.admin.get("/agents", 200))) != 1 {
			t.Errorf("%d enrolled by one code: %s", enrolled, h.admin.get("/agents", 200).Text)
		}
		if strings.Contains(h.Log.String(), code) {
			t.Error("the code is in the log")
		}
		for _, s := range []int64{299, 604801, 0, -5} {
			h.admin.refused(400, "invalidValue", "POST", codes, object{"expiresIn": s})
		}
		h.ad.refused(403, "forbidden", "POST", codes, object{})
	})
}

func TestCodeExpires(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		nobody := &client{t, h.App, ""}
		code := h.admin.want(201, "POST", "/sources/"+h.adID+"/enrolment-codes", object{}).Body["code"]
		h.clock.Add(time.Hour)
		nobody.refused(401, "tokenExpired", "POST", "/agents/enrol", object{"code": code, "name": "dc1"})
		nobody.refused(401, "tokenUnknown", "POST", "/agents/enrol", object{"code": h.AdminToken, "name": "dc1"})
		nobody.refused(401, "tokenUnknown", "POST", "/agents/enrol", object{"code": "x", "name": "dc1"})
		nobody.refused(400, "invalidValue", "POST", "/agents/enrol", object{"code": code, "name": ""})
	})
}

// Guessing is bounded, whatever is guessed.
func TestEnrolmentIsRateBounded(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		nobody := &client{t, h.App, ""}
		for range 1000 {
			if r := nobody.do("POST", "/agents/enrol", object{"code": "x", "name": "y"}); r.Status == 429 {
				if r.Header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				return
			}
		}
		t.Error("1000 guesses were judged")
	})
}

func TestRevokedAgentIsGoneAtOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		agent, id := h.agent(h.adID, "dc1")
		other, _ := h.agent(h.adID, "dc2")
		agent.lease(h.adID, "default")
		h.ad.refused(403, "forbidden", "DELETE", "/agents/"+id, nil)
		h.admin.want(204, "DELETE", "/agents/"+id, nil)
		h.admin.want(204, "DELETE", "/agents/"+id, nil)
		agent.refused(401, "tokenRevoked", "POST", "/agents/"+id+"/heartbeat", object{})
		other.lease(h.adID, "default") // without waiting for the first one's to expire
	})
}

func TestAgentsAreToldWhatToDo(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		agent, id := h.agent(h.adID, "dc1")
		second, secondID := h.agent(h.adID, "dc2")
		h.clock.Add(time.Second)
		post := func(body object) float64 {
			return h.admin.want(201, "POST", "/sources/"+h.adID+"/commands", body).Body["id"].(float64)
		}
		post(object{"command": "restart", "agent": id})
		last := post(object{"command": "resync"})
		told := func(c *client, id string, body object) (names string) {
			for _, x := range c.want(200, "POST", "/agents/"+id+"/heartbeat", body).Body["commands"].([]any) {
				names += x.(object)["command"].(string) + " "
			}
			return names
		}
		if got := told(agent, id, object{}); got != "restart resync " {
			t.Errorf("told %q", got)
		}
		if got := told(second, secondID, object{}); got != "resync " {
			t.Errorf("the other was told %q", got)
		}
		// What was acknowledged isn't told again, not even to one that forgot.
		told(agent, id, object{"acknowledged": last})
		if got := told(agent, id, object{}); got != "" {
			t.Errorf("told again %q", got)
		}
		// One that comes later isn't told what was before it.
		h.clock.Add(time.Second)
		third, thirdID := h.agent(h.adID, "dc3")
		if got := told(third, thirdID, object{}); got != "" {
			t.Errorf("a new one was told %q", got)
		}
		agent.want(200, "POST", "/agents/"+id+"/heartbeat", object{"version": "1.2", "os": "linux", "state": "idle", "startedAt": "2026-11-22T11:00:00Z", "coLocated": true})
		for _, a := range items(h.admin.get("/agents", 200)) {
			if a["id"] == id && (a["version"] != "1.2" || a["os"] != "linux" || a["state"] != "idle" || a["coLocated"] != true || a["seenAt"] == nil || a["name"] != "dc1") {
				t.Errorf("agent %v", a)
			}
		}
		// Nobody else's heart beats for it.
		second.refused(404, "notFound", "POST", "/agents/"+id+"/heartbeat", object{})
		h.ad.refused(404, "notFound", "POST", "/agents/"+id+"/heartbeat", object{})
		agent.refused(400, "invalidValue", "POST", "/agents/"+id+"/heartbeat", object{"configuration": "zz"})
		h.admin.refused(400, "invalidValue", "POST", "/sources/"+h.adID+"/commands", object{"command": "format"})
		h.admin.refused(404, "notFound", "POST", "/sources/"+h.hrID+"/commands", object{"command": "restart", "agent": id})
	})
}

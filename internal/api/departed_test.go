package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestNothingWaitsForWhatTheDirectoryDeleted: a group and a user wait for somebody
// who was never there, who is deleted and comes back. They have nobody then; another
// source's group, which waits for the same id in its own directory, does.
func TestNothingWaitsForWhatTheDirectoryDeleted(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%s@contoso.com","externalId":"%[1]s"%s}`
		const manager = `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"boss"}}`
		const group = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Staff","externalId":"g","members":[{"value":"boss"},{"value":"eve"}]}`
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded"})
		run := "Workspace-Run: " + h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "delta"}, lease).Body["id"].(string)
		theirs := h.hr.scim("POST", "/Groups", group).Body["id"].(string)
		ours := h.ad.scim("POST", "/Groups", group, lease).Body["id"].(string)
		ada := h.ad.scim("POST", "/Users", fmt.Sprintf(user, "ada", manager), lease).Body["id"].(string)

		for range 2 { // the second time nothing is left to do
			h.ad.want(204, "POST", "/sources/"+h.adID+"/departed", object{"anchors": []string{"boss", "boss", "nobody"}}, lease, run)
		}
		told := map[string]string{}
		for begun := time.Now(); len(told) < 2 && time.Since(begun) < time.Minute; {
			for _, e := range h.Events(0, 1) {
				if e.Reason == "memberDeleted" || e.Reason == "managerDeleted" {
					told[e.Type] += e.Subject // each once
				}
			}
		}
		if want := map[string]string{"group.memberUnparked": ours, "user.updated": ada}; fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("told %v, want %v", told, want)
		}
		for _, name := range []string{"boss", "eve"} {
			h.ad.scim("POST", "/Users", fmt.Sprintf(user, name, ""), lease)
		}
		h.hr.scim("POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"hr@contoso.com","externalId":"boss"}`)
		members := func(c *client, id string) int {
			all, _ := c.scim("GET", "/Groups/"+id, "").Body["members"].([]any)
			return len(all)
		}
		if got := h.ad.scim("GET", "/Users/"+ada, ""); strings.Contains(string(got.Text), "boss") || members(h.ad, ours) != 1 || members(h.hr, theirs) != 1 {
			t.Errorf("%s, and %d and %d members; want no manager, eve, and the other source's boss", got.Text, members(h.ad, ours), members(h.hr, theirs))
		}
		// Who is there isn't touched by it.
		h.ad.want(204, "POST", "/sources/"+h.adID+"/departed", object{"anchors": []string{"eve"}}, lease, run)
		if members(h.ad, ours) != 1 {
			t.Error("eve is there and lost her membership")
		}
	})
}

func TestDepartedIsBoundedAndTheSourcesOwn(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		path, one := "/sources/"+h.adID+"/departed", object{"anchors": []string{"a"}}
		many := make([]string, 501)
		for i := range many {
			many[i] = fmt.Sprint(i)
		}
		for _, anchors := range [][]string{nil, many} {
			h.ad.refused(413, "tooMany", "POST", path, object{"anchors": anchors})
		}
		for _, anchor := range []string{"", "a\x00", strings.Repeat("a", 1025)} {
			h.ad.refused(400, "invalidValue", "POST", path, object{"anchors": []string{anchor}})
		}
		h.admin.refused(403, "forbidden", "POST", path, one)
		h.hr.want(404, "POST", path, one)
		h.foreign.want(403, "POST", path, one)
		agent, _ := h.agent(h.adID, "dc1")
		agent.refused(409, "leaseRequired", "POST", path, one)
		h.admin.want(200, "PATCH", "/sources/"+h.adID, object{"mode": "disabled"})
		h.ad.refused(403, "sourceDisabled", "POST", path, one)
	})
}

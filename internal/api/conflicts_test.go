package api_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// collide has a manual account and a source that asks for its name, and gives
// the account's id and the path of the conflict.
func (h *house) collide(by *client, name, more string) (manual, path string) {
	t := h.admin.t
	t.Helper()
	manual = h.admin.scim("POST", "/Users", user(name)).Body["id"].(string)
	if r := by.scim("POST", "/Users", asserted(name, more)); r.Status != 409 {
		t.Fatalf("%d %s", r.Status, r.Text)
	}
	return manual, "/conflicts/" + items(h.admin.get("/conflicts?state=open", 200))[0]["id"].(string)
}

// asserted is what a source says of a user, with more JSON fields.
func asserted(name, more string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + strings.ToUpper(name) + `","externalId":"e-` + name + `"` + more + `}`
}

const workspaceURN = `"urn:ietf:params:scim:schemas:extension:workspace:2.0:User"`

// TestH017AnAdministratorAdopts links a source to the manual account that it
// collided with: the id stays, the source becomes the authority, and it goes on
// as if it had always been so.
func TestH017AnAdministratorAdopts(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		manual, path := h.collide(h.ad, "ana@contoso.com", `,"title":"From AD",`+workspaceURN+`:{"originAnchor":"guid-1"}`)
		h.ad.scim("POST", "/Users", asserted("ana@contoso.com", `,"title":"Later"`)) // clients try again
		read := h.admin.get(path, 200)
		if read.Body["state"] != "open" || read.Body["subject"] != manual || read.Body["count"] != 2.0 || read.Body["source"] != h.adID ||
			read.Body["reason"] != "manualAccount" || read.Body["asserted"].(object)["title"] != "Later" {
			t.Errorf("conflict %s", read.Text)
		}
		before := h.admin.scim("GET", "/Users/"+manual, "")
		preview := h.admin.want(200, "POST", path+"?dryRun=true", object{"decision": "adopt"}, "If-Match: "+read.Header.Get("ETag"))
		if preview.Body["state"] != "adopted" {
			t.Errorf("preview %s", preview.Text)
		}
		if after := h.admin.scim("GET", "/Users/"+manual, ""); string(after.Text) != string(before.Text) {
			t.Errorf("a preview changed it: %s", after.Text)
		}
		done := h.admin.want(200, "POST", path, object{"decision": "adopt"}, "If-Match: "+read.Header.Get("ETag"))
		if done.Body["state"] != "adopted" || done.Body["decidedBy"] != h.admin.token[:8] || done.Body["decidedAt"] == nil {
			t.Errorf("decided %s", done.Text)
		}
		after := h.admin.scim("GET", "/Users/"+manual, "")
		origin := after.Body["urn:ietf:params:scim:schemas:extension:workspace:2.0:Origin"].(object)
		if after.Body["userName"] != "ANA@CONTOSO.COM" || after.Body["title"] != "Later" || origin["authority"].(object)["value"] != h.adID || after.Body["externalId"] != "e-ana@contoso.com" {
			t.Errorf("user %s", after.Text)
		}
		if r := h.ad.scim("PATCH", "/Users/"+manual, title("Next")); r.Status != 200 {
			t.Errorf("the source writes it: %d %s", r.Status, r.Text)
		}
		if r := h.ad.scim("POST", "/Users", asserted("ana@contoso.com", "")); r.Status != 409 || r.Body["scimType"] != "uniqueness" || r.Body["reason"] != nil {
			t.Errorf("it is the source's now: %d %s", r.Status, r.Text)
		}
		if open := items(h.admin.get("/conflicts?state=open", 200)); len(open) != 0 {
			t.Errorf("open %v", open)
		}
		h.admin.refused(409, "conflictDecided", "POST", path, object{"decision": "adopt"})
		h.told(t, "user.linked adopted "+manual, "conflict.adopted manualAccount "+manual)
	})
}

func title(s string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"` + s + `"}]}`
}

// told checks that events were written: type, reason and subject.
func (h *house) told(t *testing.T, want ...string) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range h.log() {
		seen[fmt.Sprint(e["type"], " ", e["reason"], " ", e["subject"])] = true
	}
	for _, w := range want {
		if !seen[w] {
			t.Errorf("no event %q in %v", w, seen)
		}
	}
}

// TestH017AnAdministratorKeepsApart leaves both as they are: the source is still
// refused, and what it asks for again is no new conflict.
func TestH017AnAdministratorKeepsApart(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		manual, path := h.collide(h.ad, "ana@contoso.com", "")
		before := h.admin.scim("GET", "/Users/"+manual, "")
		first := h.admin.want(200, "POST", path, object{"decision": "keepApart"})
		for n := range 2 {
			if r := h.ad.scim("POST", "/Users", asserted("ana@contoso.com", "")); r.Status != 409 || !strings.Contains(fmt.Sprint(r.Body["detail"]), "kept apart") {
				t.Errorf("%d %s", r.Status, r.Text)
			}
			all := items(h.admin.get("/conflicts", 200))
			if len(all) != 1 || all[0]["state"] != "keptApart" || all[0]["count"] != float64(n+2) {
				t.Errorf("conflicts %v", all)
			}
		}
		if after := h.admin.scim("GET", "/Users/"+manual, ""); string(after.Text) != string(before.Text) {
			t.Errorf("the manual account changed: %s", after.Text)
		}
		// Who changes his mind says that he has seen what was decided.
		for _, decision := range []string{"adopt", "keepApart"} {
			h.admin.refused(409, "conflictDecided", "POST", path, object{"decision": decision})
		}
		h.admin.refused(412, "versionMismatch", "POST", path, object{"decision": "adopt"}, `If-Match: "x"`)
		h.admin.want(200, "POST", path, object{"decision": "adopt"}, "If-Match: "+first.Header.Get("ETag"))
		if r := h.ad.scim("GET", "/Users/"+manual, ""); r.Status != 200 {
			t.Errorf("adopted after all: %d %s", r.Status, r.Text)
		}
		h.told(t, "conflict.keptApart manualAccount "+manual, "conflict.adopted manualAccount "+manual)
	})
}

// TestH017TwoAdministratorsDecideOnce has many decide at the same time.
func TestH017TwoAdministratorsDecideOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		_, path := h.collide(h.ad, "ana@contoso.com", "")
		tag := h.admin.get(path, 200).Header.Get("ETag")
		const people = 6
		statuses := make([]int, people)
		var wg sync.WaitGroup
		for i := range people {
			wg.Go(func() {
				statuses[i] = h.admin.do("POST", path, object{"decision": []string{"adopt", "keepApart"}[i%2]}, "If-Match: "+tag).Status
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
			t.Errorf("%d decided: %v", won, statuses)
		}
	})
}

// TestH017AdoptingMeetsAChangedWorld refuses to adopt what isn't so any more, and
// leaves everything as it is.
func TestH017AdoptingMeetsAChangedWorld(t *testing.T) {
	rename := func(name string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"userName","value":"` + name + `"}]}`
	}
	for name, x := range map[string]struct {
		change func(h *house, manual string)
		code   string
	}{
		"the account is gone":    {func(h *house, manual string) { h.admin.scim("DELETE", "/Users/"+manual, "") }, "conflictChanged"},
		"it has another name":    {func(h *house, manual string) { h.admin.scim("PATCH", "/Users/"+manual, rename("b@contoso.com")) }, "conflictChanged"},
		"the source is disabled": {func(h *house, _ string) { h.admin.want(200, "PATCH", "/sources/"+h.adID, object{"mode": "disabled"}) }, "conflictChanged"},
		"the source made another": {func(h *house, _ string) {
			h.ad.scim("POST", "/Users", strings.Replace(asserted("ana@contoso.com", ""), "ANA@", "c@", 1))
		}, "conflictChanged"},
		"it is another object": {func(h *house, manual string) {
			h.hr.scim("POST", "/Users", asserted("ana@contoso.com", ","+workspaceURN+`:{"originAnchor":"other"}`))
			for _, c := range items(h.admin.get("/conflicts?source="+h.hrID, 200)) {
				h.admin.want(200, "POST", "/conflicts/"+c["id"].(string), object{"decision": "adopt"})
			}
		}, "anchorsDiffer"},
	} {
		t.Run(name, func(t *testing.T) {
			eachHouse(t, func(t *testing.T, h *house) {
				manual, path := h.collide(h.ad, "ana@contoso.com", ","+workspaceURN+`:{"originAnchor":"guid-1"}`)
				x.change(h, manual)
				before := h.admin.scim("GET", "/Users/"+manual, "")
				h.admin.refused(409, x.code, "POST", path, object{"decision": "adopt"})
				if after := h.admin.scim("GET", "/Users/"+manual, ""); string(after.Text) != string(before.Text) {
					t.Errorf("it changed: %s", after.Text)
				}
				if c := h.admin.get(path, 200); c.Body["state"] != "open" {
					t.Errorf("conflict %s", c.Text)
				}
				h.admin.want(200, "POST", path, object{"decision": "keepApart"}) // which closes it
			})
		})
	}
}

// TestH017AHeldAccountIsAdopted gives the place of an account that was held aside
// to the manual one: in groups, and as a manager.
func TestH017AHeldAccountIsAdopted(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		token := h.AddSourceWith(directory.SourceSpec{Name: "parking", Kind: store.SourceEntra, Policies: store.Policies{Park: true}})
		parking := &client{t, h.App, token}
		manual := h.admin.scim("POST", "/Users", user("ana@contoso.com")).Body["id"].(string)
		held := parking.scim("POST", "/Users", asserted("ana@contoso.com", `,"title":"Held"`)).Body["id"].(string)
		group := parking.scim("POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"Sales","members":[{"value":"`+held+`"}]}`).Body["id"].(string)
		report := parking.scim("POST", "/Users", asserted("report@contoso.com", `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"`+held+`"}}`)).Body["id"].(string)
		conflicts := items(h.admin.get("/conflicts", 200))
		if len(conflicts) != 1 {
			t.Fatalf("conflicts %v", conflicts)
		}
		h.admin.want(200, "POST", "/conflicts/"+conflicts[0]["id"].(string), object{"decision": "adopt"})
		if r := parking.scim("GET", "/Users/"+held, ""); r.Status != 404 {
			t.Errorf("the held one is there: %d", r.Status)
		}
		r := parking.scim("GET", "/Users/"+manual, "")
		if r.Status != 200 || r.Body["title"] != "Held" || !strings.Contains(string(r.Text), group) {
			t.Errorf("%d %s", r.Status, r.Text)
		}
		for _, c := range []*client{parking, h.admin} {
			if g := c.scim("GET", "/Groups/"+group, ""); !strings.Contains(string(g.Text), manual) || strings.Contains(string(g.Text), held) {
				t.Errorf("group %s", g.Text)
			}
			if u := c.scim("GET", "/Users/"+report, ""); !strings.Contains(string(u.Text), manual) || strings.Contains(string(u.Text), held) {
				t.Errorf("report %s", u.Text)
			}
		}
		if r := parking.scim("GET", `/Users?filter=externalId+eq+%22e-ana@contoso.com%22`, ""); r.Body["totalResults"] != 1.0 {
			t.Errorf("by externalId: %s", r.Text)
		}
	})
}

// TestW008ANameGivenToAnotherPersonIsDecided has an account ask for a name that
// another of its own source's rivals has: two accounts are never merged.
func TestW008ANameGivenToAnotherPersonIsDecided(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.hr.scim("POST", "/Users", user("u0@contoso.com"))
		mine := h.ad.scim("POST", "/Users", asserted("mine@contoso.com", "")).Body["id"].(string)
		r := h.ad.scim("PATCH", "/Users/"+mine, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"userName","value":"u0@contoso.com"}]}`)
		if r.Status != 409 {
			t.Fatalf("%d %s", r.Status, r.Text)
		}
		path := "/conflicts/" + items(h.admin.get("/conflicts", 200))[0]["id"].(string)
		x := h.admin.refused(409, "conflictChanged", "POST", path, object{"decision": "adopt"})
		if !strings.Contains(fmt.Sprint(x.Body["detail"]), mine) {
			t.Errorf("detail %s", x.Text)
		}
	})
}

func TestConflictsAreListedInPagesForAdministratorsOnly(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for i := range 5 {
			h.collide([]*client{h.ad, h.hr}[i%2], fmt.Sprintf("u%d@contoso.com", i), "")
		}
		all := items(h.admin.get("/conflicts", 200))
		h.admin.want(200, "POST", "/conflicts/"+all[0]["id"].(string), object{"decision": "keepApart"})
		for query, want := range map[string]int{"?state=open": 4, "?state=decided": 1, "": 5, "?source=" + h.hrID: 2, "?source=" + h.adID + "&state=open": 2} {
			if got := items(h.admin.get("/conflicts"+query, 200)); len(got) != want {
				t.Errorf("%q gives %d, want %d", query, len(got), want)
			}
		}
		var seen []any
		for cursor := ""; ; {
			p := h.admin.get("/conflicts?limit=2"+cursor, 200)
			for _, c := range items(p) {
				seen = append(seen, c["id"])
			}
			next, more := p.Body["nextCursor"].(string)
			if !more {
				break
			}
			cursor = "&cursor=" + next
		}
		if len(seen) != 5 || seen[0] != all[0]["id"] || seen[4] != all[4]["id"] {
			t.Errorf("pages gave %v", seen)
		}
		path := "/conflicts/" + all[1]["id"].(string)
		for _, c := range []*client{h.ad, h.hr} {
			c.refused(403, "forbidden", "GET", "/conflicts", nil)
			c.refused(403, "forbidden", "GET", path, nil)
			c.refused(403, "forbidden", "POST", path, object{"decision": "adopt"})
		}
		h.foreign.refused(404, "notFound", "GET", path, nil)
		h.foreign.refused(404, "notFound", "POST", path, object{"decision": "adopt"})
		h.admin.refused(400, "invalidValue", "GET", "/conflicts?state=x", nil)
		h.admin.refused(400, "invalidValue", "POST", path, object{"decision": "merge"})
		h.admin.refused(404, "notFound", "GET", "/conflicts/x", nil)
		h.admin.refused(404, "notFound", "GET", "/conflicts/99999999999999999999", nil)
		h.admin.refused(404, "notFound", "GET", "/conflicts?source="+strings.Repeat("0", 36), nil)
	})
}

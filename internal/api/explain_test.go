package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// why asks for an explanation; parameters come as pairs.
func (h *house) why(pairs ...string) apptest.Response {
	h.admin.t.Helper()
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return h.admin.get("/explain?"+q.Encode(), 200)
}

// chain gives the steps of an explanation as "step code", and the first step of
// a code.
func chain(r apptest.Response) (codes []string, of map[string]object) {
	of = map[string]object{}
	for _, x := range r.Body["steps"].([]any) {
		s := x.(object)
		codes = append(codes, fmt.Sprint(s["step"], " ", s["code"]))
		if of[s["code"].(string)] == nil {
			of[s["code"].(string)] = s
		}
	}
	return codes, of
}

// holds checks that the steps are among those of an explanation, in this order.
func holds(t *testing.T, r apptest.Response, want ...string) map[string]object {
	t.Helper()
	codes, of := chain(r)
	at := 0
	for _, w := range want {
		i := slices.Index(codes[at:], w)
		if i < 0 {
			t.Errorf("%q isn't there after %d steps of %q", w, at, codes)
			return of
		}
		at += i + 1
	}
	return of
}

func value(s object, name string) any {
	v, _ := s["values"].(object)
	return v[name]
}

func group(name string, members ...string) string {
	var refs []string
	for _, m := range members {
		refs = append(refs, `{"value":"`+m+`"}`)
	}
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"` + name + `","externalId":"x-` + name + `","members":[` + strings.Join(refs, ",") + `]}`
}

func (c *client) made(path, body string) string {
	c.t.Helper()
	r := c.scim("POST", path, body)
	if r.Status != 201 {
		c.t.Fatalf("%d %s", r.Status, r.Text)
	}
	return r.Body["id"].(string)
}

func anchored(name, anchor, more string) string {
	return asserted(name, `,`+workspaceURN+`:{"originAnchor":"`+anchor+`"}`+more)
}

// TestE074AnAttributeIsExplained tells whose title counts, whose doesn't, and
// what would have to change.
func TestE074AnAttributeIsExplained(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		entra := &client{t, h.App, h.Token}
		id := h.ad.made("/Users", anchored("ana@contoso.com", "guid-1", `,"title":"Engineer"`))
		if joined := entra.made("/Users", anchored("ana@contoso.com", "guid-1", `,"title":"Cloud","locale":"de","active":false`)); joined != id {
			t.Fatalf("joined %s", joined)
		}
		of := holds(t, h.why("subject", id, "attribute", "title"),
			"import asserted", "import asserted", "match created", "match joinedByAnchor", "link linked", "authority precedence",
			"resolve counts", "resolve notAuthoritative", "rule authority", "rule lastChange", "outcome value")
		if v := of["notAuthoritative"]; value(v, "value") != "Cloud" || value(v, "source") != "entra" || !strings.Contains(fmt.Sprint(v["way"]), "corp") {
			t.Errorf("notAuthoritative %v", v)
		}
		if v := of["value"]; value(v, "value") != "Engineer" {
			t.Errorf("outcome %v", v)
		}
		if v := of["lastChange"]; value(v, "after") != "Cloud" || value(v, "outcome") != "applied" {
			t.Errorf("last change %v", v)
		}
		holds(t, h.why("subject", "ANA@contoso.com", "attribute", "locale"), "resolve counts", "rule filled", "outcome value")
		of = holds(t, h.why("subject", "e-ana@contoso.com", "source", "corp", "attribute", "active"), "resolve notAuthoritative", "rule authority", "outcome value")
		if value(of["value"], "value") != true {
			t.Errorf("active %v", of["value"])
		}
		holds(t, h.why("subject", "guid-1", "source", h.adID, "attribute", "nickName"), "rule unasserted", "outcome noValue")
		whole := h.why("subject", id)
		of = holds(t, whole, "authority precedence", "resolve notAuthoritative", "resolve counts", "outcome live")
		if whole.Body["subject"].(object)["id"] != id || value(of["live"], "class") != "hybrid" {
			t.Errorf("whole %s", whole.Text)
		}

		// A policy that changes the value at the next write is told before it does.
		if err := h.Directory.SetPolicies(t.Context(), "test", apptest.Tenant, apptest.Source, store.Policies{AnyDisables: true}); err != nil {
			t.Fatal(err)
		}
		of = holds(t, h.why("subject", id, "attribute", "active"), "rule anyDisables", "rule changedSince", "outcome value")
		if value(of["changedSince"], "next") != false {
			t.Errorf("changed since %v", of["changedSince"])
		}
	})
}

// TestE074AReferenceIsExplained tells what a manager waits for.
func TestE074AReferenceIsExplained(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		id := h.hr.made("/Users", asserted("r@contoso.com", `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"e-boss@contoso.com"}}`))
		path := "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
		of := holds(t, h.why("subject", id, "attribute", path), "resolve parked", "rule unresolved", "outcome noValue")
		if value(of["parked"], "reference") != "e-boss@contoso.com" {
			t.Errorf("parked %v", of["parked"])
		}
		of = holds(t, h.why("subject", "e-boss@contoso.com", "source", "hr"), "import awaited", "outcome neverBrought")
		if value(of["awaited"], "waiting") != 1.0 {
			t.Errorf("awaited %v", of["awaited"])
		}
		h.hr.made("/Users", asserted("boss@contoso.com", ""))
		holds(t, h.why("subject", id, "attribute", path+".value"), "resolve counts", "rule authority", "outcome value")
	})
}

// TestE074AMembershipIsExplained tells for a group why somebody is a member, by
// what, or why not.
func TestE074AMembershipIsExplained(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		entra := &client{t, h.App, h.Token}
		ana := h.ad.made("/Users", anchored("ana@contoso.com", "guid-ana", ""))
		entra.made("/Users", anchored("ana@contoso.com", "guid-ana", ""))
		bob := entra.made("/Users", anchored("bob@contoso.com", "guid-bob", ""))
		inner := h.ad.made("/Groups", group("Inner", ana))
		middle := h.ad.made("/Groups", group("Middle", inner))
		outer := h.ad.made("/Groups", group("Outer", middle))
		h.ad.scim("PATCH", "/Groups/"+inner, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"`+outer+`"}]}]}`) // in a circle
		cloud := entra.made("/Groups", group("Cloud", ana))

		of := holds(t, h.why("subject", ana, "target", inner), "import added", "authority groupAuthority", "resolve counts", "rule compatible", "outcome member")
		if value(of["added"], "source") != "corp" {
			t.Errorf("added %v", of["added"])
		}
		of = holds(t, h.why("subject", ana, "target", outer), "outcome memberThroughGroup")
		path, _ := value(of["memberThroughGroup"], "path").([]any)
		var through []any
		for _, g := range path {
			through = append(through, g.(object)["display"])
		}
		if fmt.Sprint(through) != "[Inner Middle Outer]" {
			t.Errorf("path %v", through)
		}
		of = holds(t, h.why("subject", bob, "target", inner), "authority groupAuthority", "outcome notMember")
		if !strings.Contains(fmt.Sprint(of["notMember"]["way"]), "doesn't know") {
			t.Errorf("not a member %v", of["notMember"])
		}

		// Another source asserts a member of a group that isn't its own.
		synced := h.ad.made("/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"S","urn:ietf:params:scim:schemas:extension:workspace:2.0:Group":{"originAnchor":"guid-s"}}`)
		entra.made("/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":"S","urn:ietf:params:scim:schemas:extension:workspace:2.0:Group":{"originAnchor":"guid-s"},"members":[{"value":"`+ana+`"}]}`)
		of = holds(t, h.why("subject", ana, "target", synced), "import added", "resolve notAuthoritative", "outcome notMember")
		if value(of["notAuthoritative"], "source") != "entra" || !strings.Contains(fmt.Sprint(of["notAuthoritative"]["way"]), "corp") {
			t.Errorf("not authoritative %v", of["notAuthoritative"])
		}

		// The authority names somebody whom it hasn't brought itself.
		h.ad.scim("PATCH", "/Groups/"+synced, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"members","value":[{"value":"guid-bob"}]}]}`)
		of = holds(t, h.why("subject", bob, "target", synced), "rule parked", "outcome notMember")
		if value(of["parked"], "reference") != "guid-bob" {
			t.Errorf("parked %v", of["parked"])
		}

		entra.scim("PATCH", "/Groups/"+cloud, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"remove","path":"members","value":[{"value":"`+ana+`"}]}]}`)
		holds(t, h.why("subject", ana, "target", cloud), "import removed", "outcome notMember")
		entra.scim("DELETE", "/Groups/"+cloud, "")
		holds(t, h.why("subject", ana, "target", cloud), "outcome groupGone")
		entra.scim("DELETE", "/Users/"+bob, "")
		h.admin.scim("DELETE", "/Users/"+bob, "")
		holds(t, h.why("subject", bob, "target", synced), "outcome memberHidden")
	})
}

// TestH017AConflictIsExplained tells on both sides of a conflict what happened
// and what a person can do.
func TestH017AConflictIsExplained(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		manual, path := h.collide(h.ad, "ana@contoso.com", "")
		for _, r := range []apptest.Response{h.why("subject", manual), h.why("subject", "e-ana@contoso.com", "source", "corp")} {
			of := holds(t, r, "match conflict")
			if c := of["conflict"]; value(c, "reason") != "manualAccount" || value(c, "subject") != manual || c["way"] == nil {
				t.Errorf("conflict %v", c)
			}
		}
		holds(t, h.why("subject", "e-ana@contoso.com", "source", "corp"), "match conflict", "outcome absent")
		h.admin.want(200, "POST", path, object{"decision": "keepApart"})
		holds(t, h.why("subject", manual), "match keptApart")
		h.admin.want(200, "POST", path, object{"decision": "adopt"}, "If-Match: "+h.admin.get(path, 200).Header.Get("ETag"))
		of := holds(t, h.why("subject", manual), "match adopted", "match created", "match adopted", "authority precedence", "outcome live")
		if value(of["precedence"], "authority") != "corp" {
			t.Errorf("authority %v", of["precedence"])
		}

		token := h.AddSourceWith(directory.SourceSpec{Name: "parking", Kind: store.SourceEntra, Policies: store.Policies{Park: true}})
		h.admin.made("/Users", user("held@contoso.com"))
		held := (&client{t, h.App, token}).made("/Users", asserted("held@contoso.com", ""))
		holds(t, h.why("subject", held), "match held", "link held", "authority nobody", "outcome held")
	})
}

// TestE074WhatWasNeverBroughtIsExplained tells of an object that isn't here what
// its source's runs told of it.
func TestE074WhatWasNeverBroughtIsExplained(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.admin.want(200, "PATCH", "/sources/"+h.adID, `{"configuration":{"scope":{"groups":["g1"]}}}`)
		hash := h.admin.get("/sources/"+h.adID, 200).Body["configuration"].(object)["hash"]
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded", "configuration": hash})
		run := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
		h.ad.want(204, "POST", "/runs/"+run+"/objects", object{"objects": []object{{"anchor": "guid-1", "code": "nameRequired", "detail": "No surname.", "retry": "waiting"}}}, lease)
		of := holds(t, h.why("subject", "guid-1", "source", "corp"), "import nameRequired", "import scope", "import lastRun", "outcome absent")
		if v := of["nameRequired"]; value(v, "run") != run || v["sentence"] != "The runs of corp report nameRequired: No surname." {
			t.Errorf("problem %v", v)
		}
		if fmt.Sprint(value(of["scope"], "scope")) != "map[groups:[g1]]" {
			t.Errorf("scope %v", of["scope"])
		}
		holds(t, h.why("subject", "guid-2", "source", "corp"), "import scope", "outcome neverBrought")

		// What did come was in scope, and its attributes are made by the mapping.
		h.admin.want(200, "PATCH", "/sources/"+h.adID, `{"configuration":{"mapping":{"users":[{"target":"userName","kind":"direct","sources":["userPrincipalName"]},{"target":"name.givenName","kind":"direct","sources":["givenName"]}]}}}`)
		id := h.ad.made("/Users", asserted("ana@contoso.com", `,"name":{"givenName":"Ana"}`))
		of = holds(t, h.why("subject", id, "attribute", "name"), "import asserted", "import mapped", "match created", "rule authority", "outcome value")
		if m := fmt.Sprint(value(of["mapped"], "mapping")); m != "[map[kind:direct sources:[givenName] target:name.givenName]]" {
			t.Errorf("mapping %s", m)
		}
		holds(t, h.why("subject", id, "attribute", "title"), "import unmapped", "rule unasserted", "outcome noValue")
	})
}

// TestE074TheLifeOfAUserIsExplained follows a user to its end.
func TestE074TheLifeOfAUserIsExplained(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		id := h.ad.made("/Users", asserted("ana@contoso.com", ""))
		h.ad.scim("PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`)
		holds(t, h.why("subject", id), "outcome inactive")
		h.ad.scim("DELETE", "/Users/"+id, "")
		holds(t, h.why("subject", id), "import ended", "link ended", "authority nobody", "outcome orphaned")
		h.admin.scim("DELETE", "/Users/"+id, "")
		holds(t, h.why("subject", id), "outcome deleted")
		h.ad.made("/Users", asserted("ana@contoso.com", ""))
		holds(t, h.why("subject", id), "match revived", "authority only", "outcome live")
		h.admin.want(200, "PATCH", "/sources/"+h.adID, object{"mode": "disabled"})
		holds(t, h.why("subject", id), "import sourceDisabled", "outcome live")
	})
}

func TestExplainRefusesWhatItCantAnswer(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		id := h.ad.made("/Users", asserted("ana@contoso.com", ""))
		for query, want := range map[string]string{
			"": "400 invalidValue", "?subject=": "400 invalidValue", "?subject=nobody": "404 notFound",
			"?subject=01234567-89ab-7cde-8f01-23456789abcd":    "404 notFound",
			"?subject=" + id + "&attribute=nothing":            "400 invalidValue",
			"?subject=" + id + "&attribute=groups":             "400 invalidValue",
			"?subject=" + id + "&attribute=password":           "400 invalidValue",
			"?subject=" + id + "&attribute=%28":                "400 invalidValue",
			"?subject=" + id + "&attribute=title&target=" + id: "400 invalidValue",
			"?subject=" + id + "&target=" + id:                 "400 invalidValue",
			"?subject=" + id + "&target=x":                     "400 invalidValue",
			"?subject=" + id + "&source=nowhere":               "400 invalidValue",
			"?subject=%00":                                     "400 invalidValue",
			"?subject=" + strings.Repeat("x", 2000):            "400 invalidValue",
			"?subject=" + id + "&subject=" + id:                "400 invalidQuery",
			"?subject=" + id + "&attribut=title":               "400 unknownField",
		} {
			r := h.admin.do("GET", "/explain"+query, nil)
			if got := fmt.Sprint(r.Status, " ", r.Body["code"]); got != want {
				t.Errorf("%q gives %s, want %s: %s", query, got, want, r.Text)
			}
		}
		h.ad.refused(403, "forbidden", "GET", "/explain?subject="+id, nil)
		h.foreign.refused(404, "notFound", "GET", "/explain?subject="+id, nil)
		h.foreign.refused(404, "notFound", "GET", "/explain?subject=ana@contoso.com", nil)
	})
}

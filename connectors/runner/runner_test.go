package runner_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// TestH008OneChangeIsOnePatch: one changed attribute is one PATCH, and an event
// with this attribute alone.
func TestH008OneChangeIsOnePatch(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 2) // a seed that tells the change in part
	h.dir.Put(person("a1", "ada", true))
	h.pull()
	h.wire.Writes()
	o, _ := h.dir.Get("a1")
	o.Attributes["title"] = "Countess"
	h.dir.Put(o)
	before := h.Events(0, 1)
	h.pull()
	if w := h.wire.Writes(); len(w) != 1 {
		t.Errorf("wrote %v", w)
	}
	for _, e := range h.Events(before[len(before)-1].Seq, 1) {
		if strings.HasPrefix(e.Type, "user.") && string(e.After) != `{"title":"Countess"}` {
			t.Errorf("%s %s", e.Type, e.After)
		}
	}
	h.same()
}

// TestH024WhatDestroysTooMuchIsHeld: an empty directory, an emptied group and
// users disabled in mass each wait for a person, with everything else done.
func TestH024WhatDestroysTooMuchIsHeld(t *testing.T) {
	t.Parallel()
	fill := func(h *house) {
		var all []string
		for i := range 30 {
			a := fmt.Sprintf("u%02d", i)
			h.dir.Put(person(a, a, true))
			all = append(all, a)
		}
		h.dir.Put(group("g", "Staff", all...))
		h.pull()
		h.same()
	}
	for name, destroy := range map[string]func(h *house){
		"everybody deleted": func(h *house) {
			for _, a := range h.dir.Anchors() {
				h.dir.Delete(a)
			}
		},
		"group emptied": func(h *house) { h.dir.Put(group("g", "Staff 2")) },
		"users disabled": func(h *house) {
			for i := range 25 {
				a := fmt.Sprintf("u%02d", i)
				h.dir.Put(person(a, a, false))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apptest.Each(t, func(t *testing.T, database string) {
				h := newHouse(t, database, 7)
				fill(h)
				before := h.view()
				destroy(h)
				h.dir.Put(person("new", "new", true))
				r := h.pull()
				if r.State != "held" {
					t.Fatalf("%+v", r)
				}
				now := h.view()
				if len(now) != len(before)+1 || now["u03"].Attributes["active"] != true || len(now["g"].Members) != 30 {
					t.Errorf("something was destroyed: %s", text(t, now))
				}
				// It waits, and what is approved is that plan.
				if r := h.pull(); r.State != "succeeded" || len(h.view()) != len(now) {
					t.Errorf("%+v", r)
				}
				plan := h.call("GET", "/api/v1/runs/"+r.Run+"/plan", h.AdminToken, "")
				if name == "users disabled" && (strings.Count(string(plan.Text), "\n") != 25 || !strings.Contains(string(plan.Text), `"operation":"disable"`)) {
					t.Errorf("plan %s", plan.Text)
				}
				h.api("POST", "/runs/"+r.Run+"/reject", h.AdminToken, "{}")
				if again := h.pull(); again.State != "held" || again.Kind != "full" {
					t.Fatalf("after the rejection %+v", again)
				} else {
					r = again
				}
				n := h.api("GET", "/runs/"+r.Run, h.AdminToken, "")
				h.api("POST", "/runs/"+r.Run+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
				h.pull()
				h.same()
				if n = h.api("GET", "/runs/"+r.Run, h.AdminToken, ""); n["state"] != "succeeded" {
					t.Errorf("the approved run is %v", n)
				}
			})
		})
	}
}

// A plan that was made doesn't touch who has changed since.
func TestApprovedPlanLeavesWhatChangedSince(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 3)
	var people []string
	for i := range 4 {
		a := fmt.Sprintf("u%d", i)
		people = append(people, a)
		h.dir.Put(person(a, a, true))
	}
	h.pull()
	objects := map[string]bool{}
	for _, a := range people {
		o, _ := h.dir.Get(a)
		o.OutOfScope = true
		h.dir.Put(o)
	}
	held := h.pull()
	o, _ := h.dir.Get("u1")
	o.OutOfScope, o.Attributes["title"] = false, "back"
	h.dir.Put(o)
	h.pull()
	n := h.api("GET", "/runs/"+held.Run, h.AdminToken, "")
	h.api("POST", "/runs/"+held.Run+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
	h.pull()
	for a := range h.view() {
		objects[a] = true
	}
	if !objects["u1"] || len(objects) != 1 {
		t.Errorf("there are %v, want u1 alone", objects)
	}
}

// TestH047RefusedObjectIsTriedAgain: who asks for a name that is taken is
// recorded, the rest goes on, and it arrives when the name is free.
func TestH047RefusedObjectIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 4)
	r := h.call("POST", "/scim/v2/Users", h.Token, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada@contoso.com","externalId":"c1"}`)
	h.dir.Put(person("a1", "ada", true))
	h.dir.Put(person("a2", "bob", true))
	h.pull()
	problems := func() []any {
		return h.api("GET", "/sources/"+h.source+"/problems", h.AdminToken, "")["items"].([]any)
	}
	if p := problems(); len(p) != 1 || p[0].(map[string]any)["code"] != "uniqueness" || len(h.view()) != 1 {
		t.Errorf("problems %v, view %v", p, h.view())
	}
	h.call("DELETE", "/scim/v2/Users/"+r.Body["id"].(string), h.Token, "")
	h.pull()
	h.same()
	if p := problems(); len(p) != 0 {
		t.Errorf("problems %v", p)
	}
}

func TestLimitsAreRead(t *testing.T) {
	t.Parallel()
	l, err := runner.ReadLimits([]byte(`{"scope":[],"limits":{"deletes":7}}`))
	if want := runner.DefaultLimits(); err != nil || l.Deletes != 7 || l.Disables != want.Disables {
		t.Errorf("%+v %v", l, err)
	}
	for _, bad := range []string{`{"limits":{"deletes":-2}}`, `{"limits":{"percentFrom":-1}}`, `{"limits":{"disablesPercent":101}}`, `{"limits":[]}`} {
		if _, err := runner.ReadLimits([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
	off, err := runner.ReadLimits([]byte(`{"limits":{"deletes":-1,"deletesPercent":-1,"disables":0}}`))
	if err != nil || off.Deletes < 1_000_000 || off.DeletesPercent != 100 || off.Disables != l.Disables {
		t.Errorf("%+v %v", off, err)
	}
	if slices.Contains([]int{l.PercentFrom, l.Emptied}, 0) {
		t.Error("the defaults have a zero")
	}
}

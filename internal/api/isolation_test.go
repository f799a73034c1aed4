package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// route is an endpoint with a request that its owner may send. In paths, {s} is
// the source, {r} a run, {a} an agent.
type route struct {
	method, path, body string
	admin              bool // only an administrator may
}

var routes = []route{
	{"GET", "/sources/{s}", "", false},
	{"PATCH", "/sources/{s}", `{"displayName":"x"}`, true},
	{"GET", "/sources/{s}/versions", "", false},
	{"GET", "/sources/{s}/pending", "", false},
	{"GET", "/sources/{s}/problems", "", false},
	{"POST", "/sources/{s}/problems/.search", `{"anchors":["a"]}`, false},
	{"GET", "/sources/{s}/runs", "", false},
	{"POST", "/sources/{s}/runs", `{"kind":"full"}`, false},
	{"GET", "/sources/{s}/leases", "", false},
	{"POST", "/sources/{s}/leases/default", `{"ttl":30,"holder":"x"}`, false},
	{"DELETE", "/sources/{s}/leases/default", "", false},
	{"GET", "/sources/{s}/checkpoints/default", "", false},
	{"PUT", "/sources/{s}/checkpoints/default", "x", false},
	{"POST", "/sources/{s}/commands", `{"command":"resync"}`, true},
	{"POST", "/sources/{s}/enrolment-codes", `{}`, true},
	{"GET", "/runs/{r}", "", false},
	{"PATCH", "/runs/{r}", `{"state":"cancelled"}`, false},
	{"GET", "/runs/{r}/plan", "", false},
	{"PUT", "/runs/{r}/plan", "x", false},
	{"POST", "/runs/{r}/approve", `{"planHash":""}`, true},
	{"POST", "/runs/{r}/reject", `{}`, true},
	{"POST", "/runs/{r}/objects", `{"objects":[{"anchor":"x"}]}`, false},
	{"DELETE", "/agents/{a}", "", true},
	{"POST", "/agents/{a}/heartbeat", `{}`, false},
	{"GET", "/sources", "", false},
	{"GET", "/runs", "", false},
	{"GET", "/agents", "", false},
}

func (r route) on(source, run, agent string) string {
	return strings.NewReplacer("{s}", source, "{r}", run, "{a}", agent).Replace(r.path)
}

// Other sources and other tenants get the same answer for what there is and for
// what there isn't: 404, or 403 where no source may at all.
func TestNobodyCrossesSourcesOrTenants(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded", "ttl": 600})
		run := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
		h.ad.want(200, "PUT", "/runs/"+run+"/plan", "plan", lease)
		h.ad.want(204, "PUT", "/sources/"+h.adID+"/checkpoints/default", "x", lease, "If-None-Match: *")
		_, agentID := h.agent(h.adID, "dc1")
		// The others hold leases of the same name and number.
		others := map[string]*client{"another source": h.hr, "another tenant": h.foreign}
		hrLease := h.hr.lease(h.hrID, "default", object{"holder": "embedded", "ttl": 600})
		if hrLease != lease {
			t.Fatalf("leases %s and %s", hrLease, lease)
		}
		const nothing = "01234567-89ab-7cde-8f01-23456789abcd"
		for who, c := range others {
			for _, r := range routes {
				if !strings.Contains(r.path, "{") {
					if x := c.want(200, r.method, r.path, nil); strings.Contains(string(x.Text), h.adID) || strings.Contains(string(x.Text), run) || strings.Contains(string(x.Text), agentID) {
						t.Errorf("%s sees in %s: %s", who, r.path, x.Text)
					}
					continue
				}
				headers := []string{lease, `If-Match: "1"`}
				x := c.do(r.method, r.on(h.adID, run, agentID), r.body, headers...)
				y := c.do(r.method, r.on(nothing, nothing, nothing), r.body, headers...)
				if x.Status != y.Status || x.Body["code"] != y.Body["code"] || x.Body["detail"] != y.Body["detail"] {
					t.Errorf("%s, %s %s: %s; but of nothing: %s", who, r.method, r.path, x.Text, y.Text)
				}
				if x.Status != 404 && x.Status != 403 && !(x.Status == 409 && c == h.foreign) {
					t.Errorf("%s, %s %s: %s", who, r.method, r.path, x.Text)
				}
			}
		}
		if n := h.admin.get("/runs/"+run, 200); n.Body["state"] != "running" {
			t.Errorf("run %s", n.Text)
		}
		if c := h.admin.get("/sources/"+h.adID+"/checkpoints/default", 200); string(c.Text) != "x" || c.Header.Get("ETag") != `"1"` {
			t.Errorf("checkpoint %q", c.Text)
		}
	})
}

// Every route refuses who has no token, a wrong one, or the wrong role.
func TestEveryRouteAsksWhoSpeaks(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		const nothing = "01234567-89ab-7cde-8f01-23456789abcd"
		for _, r := range append(routes, route{"GET", "", "", false}, route{"GET", "/nothing", "", false}) {
			path := r.on(h.adID, nothing, nothing)
			for _, token := range []string{"", " ", "null", h.AdminToken[:40], h.AdminToken + "x"} {
				x := (&client{t, h.App, token}).do(r.method, path, r.body)
				if x.Status != 401 || x.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s with the token %q: %d %s", r.method, path, token, x.Status, x.Text)
				}
			}
			if x := h.ad.do(r.method, path, r.body); r.admin && x.Status != 403 {
				t.Errorf("%s %s by the source: %d %s", r.method, path, x.Status, x.Text)
			}
			if x := h.admin.do("TRACE", path, ""); x.Status < 400 || x.Status >= 500 {
				t.Errorf("TRACE %s: %d", path, x.Status)
			}
		}
	})
}

// Whatever is sent, no answer is the server's fault, and every error is a
// problem with a code. The seed is printed, so that a failure can be repeated.
func TestBadInputIsNeverAFault(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 0))
		lease := h.ad.lease(h.adID, "default", object{"holder": "embedded", "ttl": 600})
		run := h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
		_, agentID := h.agent(h.adID, "dc1")
		h.admin.want(400, "POST", "/sources/"+h.adID+"/enrolment-codes", " null")
		fields := []string{"ttl", "token", "holder", "configuration", "kind", "state", "phase", "done", "total", "counts", "skipped", "created", "detail", "nextAt", "planHash",
			"objects", "anchor", "code", "retry", "command", "agent", "expiresIn", "mode", "displayName", "configurationVersion", "confirm", "version", "startedAt", "acknowledged", "name"}
		values := []string{`null`, `true`, `-1`, `0`, `1e400`, `9223372036854775807`, `1.5`, `""`, `"\u0000"`, `"\ud800"`, "\"\xff\"", `"x"`, `"running"`, `"2026-13-01"`,
			`"2026-11-22T12:00:00Z"`, `"99999-01-01T00:00:00Z"`, `[]`, `[null]`, `[{}]`, `{}`, `{"a":-1}`, `{"skipped":{"":-1}}`, `"` + strings.Repeat("é", 2000) + `"`}
		queries := []string{"", "?limit=0", "?limit=x", "?limit=501", "?cursor=", "?cursor=AA", "?cursor=WyJ4Il0", "?cursor=WyItMSJd", "?cursor=WyJcdTAwMDAiXQ", "?cursor=WyJhIiwiXHUwMDAwIl0", "?state=x", "?state=%00", "?%zz", "?limit=1&x=y"}
		ids := []string{"{s}", "%00", "..", "%2e%2e", "'", strings.Repeat("x", 300), "%F0%9F%98%80", "01234567-89ab-7cde-8f01-23456789abcd"}
		claims := []string{lease, "Workspace-Lease: ", "Workspace-Lease: x", "Workspace-Lease: default;99", "Workspace-Lease: \x80;1", "Workspace-Run: x"}
		pick := func(from []string) string { return from[rnd.IntN(len(from))] }
		clients := []*client{h.admin, h.ad, h.hr}
		for range 1500 {
			r := routes[rnd.IntN(len(routes))]
			if r.method == "DELETE" && rnd.IntN(4) > 0 || strings.HasSuffix(r.path, "{a}") {
				continue
			}
			path := r.on(h.adID, run, agentID)
			if rnd.IntN(4) == 0 {
				path = strings.NewReplacer(h.adID, pick(ids), run, pick(ids), agentID, pick(ids), "default", pick(ids)).Replace(path)
			}
			var parts []string
			for range rnd.IntN(4) {
				parts = append(parts, fmt.Sprintf("%q:%s", pick(fields), pick(values)))
			}
			body := "{" + strings.Join(parts, ",") + "}"
			if rnd.IntN(6) == 0 {
				body = pick(values)
			}
			if r.method == http.MethodGet {
				body = ""
				path += pick(queries)
			}
			if strings.Contains(path, "%zz") && !strings.Contains(path, "?") {
				continue
			}
			c := clients[rnd.IntN(len(clients))]
			x := c.do(r.method, path, body, pick(claims), pick([]string{`If-Match: "1"`, "If-Match: x", "If-None-Match: *", "Accept: */*"}))
			if x.Status >= 500 {
				t.Fatalf("%s %s %s: %d %s", r.method, path, body, x.Status, x.Text)
			}
			var problem struct{ Code, Detail string }
			if x.Status >= 400 && (json.Unmarshal(x.Text, &problem) != nil || problem.Code == "" || problem.Detail == "") && x.Header.Get("Content-Type") == "application/problem+json" {
				t.Fatalf("%s %s %s: %d %s", r.method, path, body, x.Status, x.Text)
			}
		}
	})
}

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
// the source, {r} a run, {f} the upload of a file, {a} an agent, {c} a conflict, {g} a group, {u} a user,
// {p} a product, {x} a stream.
type route struct {
	method, path, body string
	may                string // the roles that may, "" for all
}

// The roles that may.
const (
	all     = ""
	admins  = "admin"
	sources = "source agent"
)

var routes = []route{
	{"GET", "/sources/{s}", "", all},
	{"PATCH", "/sources/{s}", `{"displayName":"x"}`, admins},
	{"PATCH", "/sources/{s}", `{"limits":{"deletes":1}}`, admins},
	{"GET", "/sources/{s}/versions", "", all},
	{"GET", "/sources/{s}/pending", "", all},
	{"GET", "/sources/{s}/mapping", "", all},
	{"PUT", "/sources/{s}/mapping", someRules, admins},
	{"POST", "/sources/{s}/mapping", `{"from":"corp"}`, admins},
	{"DELETE", "/sources/{s}/mapping", "", admins},
	{"GET", "/sources/{s}/mapping/versions", "", all},
	{"GET", "/sources/{s}/mapping/records", "", all},
	{"POST", "/sources/{s}/mapping/apply", "", admins},
	{"POST", "/sources/{s}/mapping/simulate", `{"rules":` + someRules + `}`, admins},
	{"GET", "/sources/{s}/problems", "", all},
	{"POST", "/sources/{s}/problems/.search", `{"anchors":["a"]}`, all},
	{"GET", "/sources/{s}/runs", "", all},
	{"POST", "/sources/{s}/runs", `{"kind":"full"}`, sources},
	{"POST", "/sources/{s}/uploads", "externalId,userName\n1,a@contoso.com\n", "source admin"},
	{"GET", "/sources/{s}/uploads/{f}", "", all},
	{"GET", "/sources/{s}/uploads/{f}/results", "", all},
	{"GET", "/sources/{s}/leases", "", all},
	{"POST", "/sources/{s}/leases/default", `{"ttl":30,"holder":"x"}`, sources},
	{"DELETE", "/sources/{s}/leases/default", "", sources},
	{"GET", "/sources/{s}/checkpoints/default", "", all},
	{"PUT", "/sources/{s}/checkpoints/default", "x", sources},
	{"POST", "/sources/{s}/drill", "", admins},
	{"POST", "/sources/{s}/commands", `{"command":"resync"}`, admins},
	{"POST", "/sources/{s}/enrolment-codes", `{}`, admins},
	{"GET", "/runs/{r}", "", all},
	{"PATCH", "/runs/{r}", `{"state":"cancelled"}`, all},
	{"GET", "/runs/{r}/plan", "", all},
	{"GET", "/runs/{r}/signature", "", all},
	{"GET", "/runs/{r}/impact", "", admins},
	{"PUT", "/runs/{r}/plan", "x", sources},
	{"POST", "/runs/{r}/approve", `{"planHash":""}`, admins},
	{"POST", "/runs/{r}/reject", `{}`, admins},
	{"POST", "/runs/{r}/undo", `{}`, admins},
	{"POST", "/sources/{s}/verify", "", admins},
	{"GET", "/digests", "", admins},
	{"GET", "/events/head", "", admins},
	{"GET", "/support-bundle", "", admins},
	{"POST", "/runs/{r}/objects", `{"objects":[{"anchor":"x"}]}`, sources},
	{"POST", "/sources/{s}/departed", `{"anchors":["x"]}`, sources},
	{"DELETE", "/agents/{a}", "", admins},
	{"POST", "/agents/{a}/heartbeat", `{}`, all},
	{"GET", "/sources", "", all},
	{"GET", "/runs", "", all},
	{"GET", "/agents", "", all},
	{"GET", "/openapi.json", "", all},
	{"GET", "/conflicts/{c}", "", admins},
	{"POST", "/conflicts/{c}", `{"decision":"keepApart"}`, admins},
	{"GET", "/conflicts", "", admins},
	{"GET", "/explain?subject={u}", "", admins},
	{"GET", "/explain?subject={u}&target={p}", "", admins},
	{"GET", "/compatibility?user={u}&product={p}", "", admins},
	{"GET", "/compatibility/map", "", admins},
	{"GET", "/pending-exports", "", admins},
	{"PUT", "/groups/{g}/authority", `{"source":"corp"}`, admins},
	{"GET", "/events", "", admins},
	{"GET", "/streams", "", all},
	{"POST", "/streams", `{"delivery":"poll","audience":["x"]}`, all},
	{"GET", "/streams/{x}", "", all},
	{"PATCH", "/streams/{x}", `{"description":"x"}`, all},
	{"POST", "/streams/{x}/poll", `{"returnImmediately":true}`, all},
	{"DELETE", "/streams/{x}", "", all},
	{"GET", "/features", "", admins},
	{"PATCH", "/features", `{"groupReconciliation":true}`, admins},
	{"GET", "/jobs", "", admins},
	{"PATCH", "/jobs/reconcile", `{"interval":7200}`, admins},
	{"POST", "/items/{i}/reconcile", "", admins},
}

const someRules = `{"match":["externalId"],"flows":[{"target":"externalId","kind":"direct","source":"no"},{"target":"userName","kind":"direct","source":"name"}]}`

// places are what the paths name.
type places struct{ source, run, agent, conflict, group, user, product, item, file, stream string }

func (r route) on(p places) string {
	return strings.NewReplacer("{s}", p.source, "{r}", p.run, "{a}", p.agent, "{c}", p.conflict, "{g}", p.group, "{u}", p.user, "{p}", p.product, "{i}", p.item, "{f}", p.file, "{x}", p.stream).Replace(r.path)
}

// nowhere names what there isn't.
var nowhere = places{nothing, nothing, nothing, "999999999", nothing, nothing, nothing, nothing, nothing, nothing}

const nothing = "01234567-89ab-7cde-8f01-23456789abcd"

// furnish makes one of each, by the AD source and the administrator, and gives
// the lease under which the source writes.
func (h *house) furnish() (p places, lease string) {
	lease = h.ad.lease(h.adID, "default", object{"holder": "embedded", "ttl": 600})
	p.source = h.adID
	p.run = h.ad.want(201, "POST", "/sources/"+h.adID+"/runs", object{"kind": "full"}, lease).Body["id"].(string)
	h.ad.want(200, "PUT", "/runs/"+p.run+"/plan", "plan", lease)
	p.file = h.ad.want(202, "POST", "/sources/"+h.adID+"/uploads", "externalId,userName\n").Body["id"].(string)
	h.ad.want(204, "PUT", "/sources/"+h.adID+"/checkpoints/default", "x", lease, "If-None-Match: *")
	_, p.agent = h.agent(h.adID, "dc1")
	user, conflict := h.collide(h.ad, "ana@contoso.com", "")
	p.user, p.conflict = user, strings.TrimPrefix(conflict, "/conflicts/")
	p.group = h.ad.made("/Groups", group("Furniture"))
	p.product = h.admin.made("/CatalogProducts", `{"schemas":["urn:workspace:scim:schemas:core:2.0:CatalogProduct"],"displayName":"Visio","groups":[{"value":"`+p.group+`"}]}`)
	p.item = h.admin.made("/WorkspaceItems", `{"schemas":["urn:workspace:scim:schemas:core:2.0:WorkspaceItem"],"displayName":"Visio","provider":"ad"}`)
	// Paused, so that nobody who polls it waits.
	p.stream = h.ad.want(201, "POST", "/streams", object{"delivery": "poll", "audience": []string{"x"}}).Body["id"].(string)
	h.ad.want(200, "PATCH", "/streams/"+p.stream, object{"paused": true})
	return p, lease
}

// Other sources and other tenants get the same answer for what there is and for
// what there isn't: 404, or 403 where no source may at all.
func TestNobodyCrossesSourcesOrTenants(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		here, lease := h.furnish()
		// The others hold leases of the same name and number.
		others := map[string]*client{"another source": h.hr, "another tenant": h.foreign}
		hrLease := h.hr.lease(h.hrID, "default", object{"holder": "embedded", "ttl": 600})
		if hrLease != lease {
			t.Fatalf("leases %s and %s", hrLease, lease)
		}
		for who, c := range others {
			for _, r := range routes {
				if !strings.Contains(r.path, "{") {
					x := c.do(r.method, r.path, r.body)
					if want := map[bool]int{true: 200, false: 403}[c == h.foreign || r.may == all]; x.Status != want && !(want == 200 && x.Status == 201) {
						t.Errorf("%s, %s %s: %d, want %d", who, r.method, r.path, x.Status, want)
					}
					if strings.Contains(string(x.Text), h.adID) || strings.Contains(string(x.Text), here.run) || strings.Contains(string(x.Text), here.agent) {
						t.Errorf("%s sees in %s: %s", who, r.path, x.Text)
					}
					continue
				}
				headers := []string{lease, `If-Match: "1"`}
				x := c.do(r.method, r.on(here), r.body, headers...)
				y := c.do(r.method, r.on(nowhere), r.body, headers...)
				if x.Status != y.Status || x.Body["code"] != y.Body["code"] || x.Body["detail"] != y.Body["detail"] {
					t.Errorf("%s, %s %s: %s; but of nothing: %s", who, r.method, r.path, x.Text, y.Text)
				}
				if x.Status != 404 && x.Status != 403 && !(x.Status == 409 && c == h.foreign) {
					t.Errorf("%s, %s %s: %s", who, r.method, r.path, x.Text)
				}
			}
		}
		if n := h.admin.get("/runs/"+here.run, 200); n.Body["state"] != "running" {
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
		for _, r := range append(routes, route{"GET", "", "", all}, route{"GET", "/nothing", "", all}) {
			path := r.on(places{h.adID, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing})
			for _, token := range []string{"", " ", "null", h.AdminToken[:40], h.AdminToken + "x"} {
				x := (&client{t, h.App, token}).do(r.method, path, r.body)
				if x.Status != 401 || x.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s with the token %q: %d %s", r.method, path, token, x.Status, x.Text)
				}
			}
			if x := h.ad.do(r.method, path, r.body); r.may == admins && x.Status != 403 {
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
		here, lease := h.furnish()
		h.admin.want(400, "POST", "/sources/"+h.adID+"/enrolment-codes", " null")
		fields := []string{"ttl", "token", "holder", "configuration", "kind", "state", "phase", "done", "total", "counts", "skipped", "created", "detail", "nextAt", "planHash",
			"objects", "anchor", "code", "retry", "command", "agent", "expiresIn", "mode", "displayName", "decision", "source", "configurationVersion", "confirm", "version", "startedAt", "acknowledged", "name"}
		values := []string{`null`, `true`, `-1`, `0`, `1e400`, `9223372036854775807`, `1.5`, `""`, `"\u0000"`, `"\ud800"`, "\"\xff\"", `"x"`, `"running"`, `"2026-13-01"`,
			`"2026-11-22T12:00:00Z"`, `"99999-01-01T00:00:00Z"`, `[]`, `[null]`, `[{}]`, `{}`, `{"a":-1}`, `{"skipped":{"":-1}}`, `"` + strings.Repeat("é", 2000) + `"`}
		queries := []string{"", "?limit=0", "?limit=x", "?limit=501", "?cursor=", "?cursor=AA", "?cursor=WyJ4Il0", "?cursor=WyItMSJd", "?cursor=WyJcdTAwMDAiXQ", "?cursor=WyJhIiwiXHUwMDAwIl0", "?state=x", "?state=%00", "?%zz", "?limit=1&x=y", "?subject=%00", "?subject=a&target=%ff", "?subject=a&source=corp", "?since=x", "?type=%F0%9F%98%80", "?format=csv", "?outcome=refused", "?dryRun=true", "?user=x&product=%00", "?cycles=x", "?cycles=-1"}
		ids := []string{"{s}", "%00", "..", "%2e%2e", "'", strings.Repeat("x", 300), "%F0%9F%98%80", "01234567-89ab-7cde-8f01-23456789abcd"}
		claims := []string{lease, "Workspace-Lease: ", "Workspace-Lease: x", "Workspace-Lease: default;99", "Workspace-Lease: \x80;1", "Workspace-Run: x"}
		pick := func(from []string) string { return from[rnd.IntN(len(from))] }
		clients := []*client{h.admin, h.ad, h.hr}
		for range 1500 {
			r := routes[rnd.IntN(len(routes))]
			if r.method == "DELETE" && rnd.IntN(4) > 0 || strings.HasSuffix(r.path, "{a}") {
				continue
			}
			path := r.on(here)
			if rnd.IntN(4) == 0 {
				path = strings.NewReplacer(h.adID, pick(ids), here.run, pick(ids), here.agent, pick(ids), here.group, pick(ids), here.user, pick(ids), "default", pick(ids)).Replace(path)
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
				if q := pick(queries); strings.Contains(path, "?") {
					path += strings.Replace(q, "?", "&", 1)
				} else {
					path += q
				}
			} else if rnd.IntN(3) == 0 {
				path += "?dryRun=" + pick([]string{"true", "false", "1", ""})
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

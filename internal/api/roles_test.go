package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/api"
)

// TestS8EveryRouteKnowsItsRoles asks for each method of each route that the
// router has as nobody, as a source, as an agent and as an administrator: who
// may is let in, who may not gets 401 or 403, and the heartbeat of another one
// isn't there.
func TestS8EveryRouteKnowsItsRoles(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		here, _ := h.furnish()
		other := here
		var agent *client
		agent, here.agent = h.agent(h.adID, "dc2")
		roles := map[string]*client{"nobody": {t, h.App, ""}, "source": h.ad, "agent": agent, "admin": h.admin}

		asked := map[string]bool{}
		for _, r := range routes {
			asked[r.described()] = true
			path := r.on(here)
			if r.method == "DELETE" {
				path = r.on(other) // whose agent nobody of the others is
			}
			for role, c := range roles {
				x := c.do(r.method, dry(r, path), r.body, "If-Match: *")
				got := "let in"
				switch {
				case x.Status == 401 || x.Status == 403:
					got = fmt.Sprint(x.Status)
				case x.Status == 404:
					got = "404"
				}
				if want := r.answer(role); got != want {
					t.Errorf("%s %s by %s: %s, want %s: %s", r.method, r.path, role, got, want, x.Text)
				}
			}
		}
		for _, r := range api.Routes() {
			if !asked[r] && r != "POST /agents/enrol" { // whose code is the token
				t.Errorf("%s is asked by nobody: add it to routes", r)
			}
		}
		if len(asked)+1 != len(api.Routes()) {
			t.Errorf("%d of %d routes", len(asked)+1, len(api.Routes()))
		}
	})
}

// described names a route as the document does.
func (r route) described() string {
	path, _, _ := strings.Cut(r.path, "?")
	return r.method + " " + strings.NewReplacer("{s}", "{id}", "{r}", "{id}", "{f}", "{upload}", "{a}", "{id}", "{c}", "{id}", "{g}", "{id}", "{i}", "{id}", "{x}", "{id}", "/jobs/reconcile", "/jobs/{id}", "/default", "/{partition}").Replace(path)
}

// dry makes a request that can be one a preview, so that the order of the
// questions doesn't matter.
func dry(r route, path string) string {
	for _, d := range describedAPI().routes {
		if d.method+" "+d.path == r.described() && d.takes("dryRun") {
			return path + "?dryRun=true"
		}
	}
	return path
}

// takes says whether an operation refers to a parameter of all.
func (p routePattern) takes(name string) bool {
	all, _ := p.operation["parameters"].([]any)
	return slices.ContainsFunc(all, func(x any) bool { return x.(object)["$ref"] == "#/components/parameters/"+name })
}

// answer is what a role gets.
func (r route) answer(role string) string {
	switch {
	case role == "nobody":
		return "401"
	case strings.HasSuffix(r.path, "/heartbeat") && role != "agent":
		return "404"
	case strings.HasSuffix(r.path, "/heartbeat") || r.may == "" || strings.Contains(r.may, role):
		return "let in"
	}
	return "403"
}

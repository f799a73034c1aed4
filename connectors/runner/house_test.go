package runner_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// house is a real server with a source of kind ad, a directory for it, and the
// way between the runner and the server.
type house struct {
	*apptest.App
	t      *testing.T
	clock  *apptest.HandClock
	dir    *connectortest.Directory
	wire   *connectortest.Wire
	client *scimclient.Client
	token  string
	source string
	limits runner.Limits
	parts  int           // of the source; 0 for one
	retry  time.Duration // as in runner.Config
}

func newHouse(t *testing.T, database string, seed uint64) *house {
	t.Helper()
	clock := &apptest.HandClock{}
	h := &house{
		App: apptest.Start(t, apptest.On(database), apptest.WithClock(clock)), t: t, clock: clock,
		dir: connectortest.NewDirectory(seed), limits: runner.DefaultLimits(), retry: -1,
	}
	h.token = h.AddSource(store.SourceAD, "corp")
	h.source = h.api("GET", "/sources?limit=100", h.token, "")["items"].([]any)[0].(map[string]any)["id"].(string)
	h.wire = connectortest.NewWire(seed, host(t, h.URL))
	h.connect()
	return h
}

func host(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func (h *house) connect() {
	h.t.Helper()
	c, err := scimclient.New(scimclient.Config{
		URL: "http://127.0.0.1:1", Token: func() string { return h.token }, Transport: h.wire, Tries: 4, Backoff: time.Millisecond,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.client = c
}

// api asks the API of connectors and wants a 2xx.
func (h *house) api(method, path, token, body string) map[string]any {
	h.t.Helper()
	r := h.call(method, "/api/v1"+path, token, body)
	if r.Status/100 != 2 {
		h.t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Text)
	}
	return r.Body
}

func (h *house) call(method, path, token, body string) apptest.Response {
	h.t.Helper()
	req, err := http.NewRequest(method, h.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return h.Send(req)
}

// cycle runs one cycle of a part of the source as a holder.
func (h *house) cycle(ctx context.Context, index int, holder string, o runner.Options) (runner.Result, error) {
	part := runner.Part{Index: index, Of: h.parts}
	held, lease, release, err := runner.Hold(ctx, h.client, runner.Claim{Source: h.source, Partition: part.Name(), Holder: holder, TTL: 30 * time.Second})
	if err != nil {
		return runner.Result{}, err
	}
	r, err := runner.Cycle(held, runner.Config{
		Client: h.client, Source: h.source, Partition: part.Name(), Part: part, Limits: h.limits, Retry: h.retry, Now: h.clock.Now,
	}, lease, h.dir, o)
	if ctx.Err() == nil {
		release()
	}
	return r, err
}

// pull is a cycle of each part where nothing may go wrong.
func (h *house) pull() (all runner.Result) {
	h.t.Helper()
	for i := range max(h.parts, 1) {
		r, err := h.cycle(context.Background(), i, "a", runner.Options{})
		if err != nil {
			h.t.Fatal(err)
		}
		all = all.And(r)
	}
	return all
}

func person(anchor, name string, active bool) connectortest.Object {
	return connectortest.Object{Kind: connectors.User, Anchor: anchor, Attributes: map[string]any{
		"userName": name + "@contoso.com", "displayName": name, "name.familyName": name, "active": active,
	}}
}

func group(anchor, name string, members ...string) connectortest.Object {
	return connectortest.Object{Kind: connectors.Group, Anchor: anchor, Attributes: map[string]any{"displayName": name}, Members: members}
}

// seen is what the source sees of an object in Workspace.
type seen struct {
	Attributes map[string]any
	Members    []string
}

// view is the source's view, by anchor.
func (h *house) view() map[string]seen {
	h.t.Helper()
	out, anchors := map[string]seen{}, map[string]string{}
	var groups []map[string]any
	for _, endpoint := range []string{"/Users", "/Groups"} {
		r := h.call("GET", "/scim/v2"+endpoint+"?count=1000", h.token, "")
		if r.Status != 200 {
			h.t.Fatalf("%d %s", r.Status, r.Text)
		}
		list, _ := r.Body["Resources"].([]any)
		for _, x := range list {
			o := x.(map[string]any)
			anchor, _ := o["externalId"].(string)
			anchors[o["id"].(string)] = anchor
			s := seen{Attributes: map[string]any{}}
			for _, name := range []string{"userName", "displayName", "active", "title", "emails"} {
				if v, ok := o[name]; ok {
					s.Attributes[name] = v
				}
			}
			if n, ok := o["name"].(map[string]any); ok && n["familyName"] != nil {
				s.Attributes["name.familyName"] = n["familyName"]
			}
			out[anchor] = s
			if endpoint == "/Groups" {
				groups = append(groups, o)
			}
		}
	}
	for _, g := range groups {
		s := out[g["externalId"].(string)]
		list, _ := g["members"].([]any)
		for _, m := range list {
			s.Members = append(s.Members, anchors[m.(map[string]any)["value"].(string)])
		}
		slices.Sort(s.Members)
		out[g["externalId"].(string)] = s
	}
	return out
}

// want is what the view has to be: what is in the directory and in scope.
func (h *house) want() map[string]seen {
	out := map[string]seen{}
	for _, anchor := range h.dir.Anchors() {
		o, _ := h.dir.Get(anchor)
		if o.OutOfScope {
			continue
		}
		s := seen{Attributes: o.Attributes}
		for _, m := range o.Members {
			if x, ok := h.dir.Get(m); ok && !x.OutOfScope {
				s.Members = append(s.Members, m)
			}
		}
		slices.Sort(s.Members)
		out[anchor] = s
	}
	return out
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// same fails unless the source's view is the directory.
func (h *house) same() {
	h.t.Helper()
	got, want := h.view(), h.want()
	for anchor, w := range want {
		if g, ok := got[anchor]; !ok {
			h.t.Errorf("%s is missing", anchor)
		} else if text(h.t, g) != text(h.t, w) {
			h.t.Errorf("%s is %s, want %s", anchor, text(h.t, g), text(h.t, w))
		}
	}
	for anchor := range got {
		if _, ok := want[anchor]; !ok {
			h.t.Errorf("%s is there, and not in the directory", anchor)
		}
	}
}

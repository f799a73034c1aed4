package api_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// object is a JSON object.
type object = map[string]any

// house is a running server with two sources of one tenant and a second tenant.
type house struct {
	*apptest.App
	clock *apptest.HandClock
	// admin sees the tenant, ad and hr are tokens of its two sources, foreign is
	// an admin token of another tenant.
	admin, ad, hr, foreign *client
	adID, hrID             string
}

// eachHouse runs a test on each database.
func eachHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		t.Parallel()
		clock := &apptest.HandClock{}
		test(t, newHouse(t, clock, apptest.On(database), apptest.WithClock(clock)))
	})
}

func newHouse(t *testing.T, clock *apptest.HandClock, options ...apptest.Option) *house {
	t.Helper()
	h := &house{App: apptest.Start(t, options...), clock: clock}
	as := func(token string) *client { return &client{t, h.App, token} }
	h.admin = as(h.AdminToken)
	h.ad, h.hr = as(h.AddSource(store.SourceAD, "corp")), as(h.AddSource(store.SourceAPI, "hr"))
	ids := map[string]string{}
	for _, x := range h.admin.get("/sources", 200).Body["items"].([]any) {
		ids[x.(object)["name"].(string)] = x.(object)["id"].(string)
	}
	h.adID, h.hrID = ids["corp"], ids["hr"]
	ctx := context.Background()
	if _, err := h.Directory.AddTenant(ctx, "test", "fabrikam", "", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Directory.EnableTenant(ctx, "test", "fabrikam"); err != nil {
		t.Fatal(err)
	}
	token, _, err := h.Directory.AddToken(ctx, "test", directory.TokenSpec{Tenant: "fabrikam", Admin: true})
	if err != nil {
		t.Fatal(err)
	}
	h.foreign = as(token)
	return h
}

// client speaks with a token.
type client struct {
	t     *testing.T
	app   *apptest.App
	token string
}

// do sends a request below /api/v1. Body is JSON as text, or what marshals to
// it; headers are "Name: value".
func (c *client) do(method, path string, body any, headers ...string) apptest.Response {
	c.t.Helper()
	return c.send(method, "/api/v1"+path, body, headers...)
}

func (c *client) send(method, path string, body any, headers ...string) apptest.Response {
	c.t.Helper()
	text, isText := body.(string)
	if body != nil && !isText {
		b, err := json.Marshal(body)
		if err != nil {
			c.t.Fatal(err)
		}
		text = string(b)
	}
	req, err := http.NewRequest(method, c.app.URL+path, strings.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	r := c.app.Send(req)
	if err := describedAPI().check(method, path, []byte(text), r); err != nil {
		c.t.Errorf("%s %s is not as it is described: %v\n%s", method, path, err, r.Text)
	}
	return r
}

// want is do for a status that has to come.
func (c *client) want(status int, method, path string, body any, headers ...string) apptest.Response {
	c.t.Helper()
	r := c.do(method, path, body, headers...)
	if r.Status != status {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, r.Status, status, r.Text)
	}
	return r
}

func (c *client) get(path string, status int) apptest.Response {
	c.t.Helper()
	return c.want(status, "GET", path, nil)
}

// refused is want for an error, which has to be a problem with this code.
func (c *client) refused(status int, code, method, path string, body any, headers ...string) apptest.Response {
	c.t.Helper()
	r := c.want(status, method, path, body, headers...)
	if r.Body["code"] != code || r.Header.Get("Content-Type") != "application/problem+json" || r.Body["detail"] == "" {
		c.t.Errorf("%s %s: want the problem %s: %s", method, path, code, r.Text)
	}
	return r
}

// items are the things of a list.
func items(r apptest.Response) []object {
	var out []object
	all, _ := r.Body["items"].([]any)
	for _, x := range all {
		out = append(out, x.(object))
	}
	return out
}

// agent enrols an agent of a source and gives its client and id.
func (h *house) agent(source, name string) (*client, string) {
	t := h.admin.t
	t.Helper()
	code := h.admin.want(201, "POST", "/sources/"+source+"/enrolment-codes", object{}).Body["code"]
	r := (&client{t, h.App, ""}).want(201, "POST", "/agents/enrol", object{"code": code, "name": name})
	return &client{t, h.App, r.Body["token"].(string)}, r.Body["agent"].(string)
}

// lease acquires a partition for the client and gives the header that claims it.
func (c *client) lease(source, partition string, more ...object) string {
	c.t.Helper()
	body := object{"ttl": 30}
	for _, m := range more {
		for k, v := range m {
			body[k] = v
		}
	}
	r := c.want(200, "POST", "/sources/"+source+"/leases/"+partition, body)
	b, err := json.Marshal(r.Body["token"])
	if err != nil {
		c.t.Fatal(err)
	}
	return "Workspace-Lease: " + partition + ";" + string(b)
}

// scim sends a request to the SCIM endpoint.
func (c *client) scim(method, path, body string, headers ...string) apptest.Response {
	c.t.Helper()
	return c.send(method, "/scim/v2"+path, body, append(headers, "Content-Type: application/scim+json")...)
}

func user(name string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"` + name + `","externalId":"x-` + name + `"}`
}

func unhex(t *testing.T, s any) []byte {
	t.Helper()
	text, _ := s.(string)
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		t.Fatalf("%v is no SHA-256", s)
	}
	return b
}

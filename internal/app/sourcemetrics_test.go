package app_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// connector speaks to the API of connectors as one source.
type connector struct {
	*apptest.App
	t     *testing.T
	token string
	lease string
}

// call wants a 2xx.
func (c *connector) call(method, path, body string) map[string]any {
	c.t.Helper()
	req, err := http.NewRequest(method, c.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Workspace-Lease", c.lease)
	req.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(path, "/plan") {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	r := c.Send(req)
	if r.Status/100 != 2 {
		c.t.Fatalf("%s %s: %d %s", method, path, r.Status, r.Text)
	}
	return r.Body
}

// TestH046H047MetricsTellHowEachSourceIsDoing: what an alert needs of each source
// that a connector brings, and nothing of the others.
func TestH046H047MetricsTellHowEachSourceIsDoing(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		clock := &apptest.HandClock{}
		a := apptest.Start(t, apptest.On(database), apptest.WithClock(clock))
		c := &connector{App: a, t: t, token: a.AddSource(store.SourceAD, "corp")}
		metrics := func() map[string]string {
			t.Helper()
			out := map[string]string{}
			text := string(get(t, a, "/metrics").Text)
			labels := fmt.Sprintf(`workspace_source_(\w+)\{source="corp",tenant="%s"\} (\S+)`, apptest.Tenant)
			for _, m := range regexp.MustCompile(labels).FindAllStringSubmatch(text, -1) {
				out[m[1]] = m[2]
			}
			if !strings.Contains(text, "workspace_sources_known 1") || strings.Contains(text, `source="entra"`) {
				t.Errorf("the metrics are\n%s", text)
			}
			return out
		}
		want := func(when string, m map[string]string) {
			t.Helper()
			if got := metrics(); fmt.Sprint(got) != fmt.Sprint(m) {
				t.Errorf("%s: %v, want %v", when, got, m)
			}
		}
		want("before anything", map[string]string{"last_success_timestamp_seconds": "0", "runs_held": "0", "problems": "0", "agents_alive": "0"})

		source := c.call("GET", "/sources", "")["items"].([]any)[0].(map[string]any)["id"].(string)
		admin := &connector{App: a, t: t, token: a.AdminToken}
		code := admin.call("POST", "/sources/"+source+"/enrolment-codes", `{"expiresIn":3600}`)["code"].(string)
		agent := c.call("POST", "/agents/enrol", fmt.Sprintf(`{"code":%q,"name":"dc1"}`, code))
		c.token = agent["token"].(string)
		beat := func() {
			c.call("POST", "/agents/"+agent["agent"].(string)+"/heartbeat", `{"version":"1","os":"linux","state":"idle","configuration":"","startedAt":"2026-11-22T12:00:00Z","coLocated":false,"acknowledged":0}`)
		}
		lease := func() {
			c.lease = fmt.Sprintf("default;%.0f", c.call("POST", "/sources/"+source+"/leases/default", `{"ttl":30}`)["token"])
		}
		beat()
		lease()
		run := c.call("POST", "/sources/"+source+"/runs", `{"kind":"full"}`)["id"].(string)
		c.call("POST", "/runs/"+run+"/objects", `{"objects":[{"anchor":"a1","code":"uniqueness","retry":"retrying"},{"anchor":"a2","code":"uniqueness","retry":"retrying"}]}`)
		next := clock.Now().Add(time.Minute)
		c.call("PATCH", "/runs/"+run, fmt.Sprintf(`{"state":"succeeded","nextAt":%q}`, next.Format(time.RFC3339)))
		success := clock.Now()
		held := c.call("POST", "/sources/"+source+"/runs", `{"kind":"delta"}`)["id"].(string)
		c.call("PUT", "/runs/"+held+"/plan", "a plan")
		c.call("PATCH", "/runs/"+held, `{"state":"held"}`)
		values := map[string]string{
			"last_success_timestamp_seconds": fmt.Sprint(float64(success.Unix())), "next_run_timestamp_seconds": fmt.Sprint(float64(next.Unix())),
			"runs_held": "1", "problems": "2", "agents_alive": "1",
		}
		want("at work", values)
		clock.Add(46 * time.Second)
		values["agents_alive"] = "0"
		want("after the agent fell silent", values)
		admin.call("POST", "/runs/"+held+"/reject", "{}")
		values["runs_held"] = "0"
		want("after the decision", values)
		admin.call("PATCH", "/sources/"+source, `{"mode":"disabled"}`)
		want("of a disabled source", map[string]string{})
	})
}

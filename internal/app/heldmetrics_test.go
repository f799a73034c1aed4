package app_test

import (
	"fmt"
	"regexp"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// TestR15MetricsTellThatAPushIsHeld: of a source that pushes, what waits is told
// and nothing that only a connector has, until somebody decides.
func TestR15MetricsTellThatAPushIsHeld(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		a := apptest.Start(t, apptest.On(database))
		c := &connector{App: a, t: t, token: a.AddSource(store.SourceAPI, "hr")}
		admin := &connector{App: a, t: t, token: a.AdminToken}
		want := func(when string, want ...string) {
			t.Helper()
			text := string(get(t, a, "/metrics").Text)
			got := regexp.MustCompile(`workspace_source_\w+\{source="hr".*`).FindAllString(text, -1)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		source := c.call("GET", "/sources", "")["items"].([]any)[0].(map[string]any)["id"].(string)
		admin.call("PATCH", "/sources/"+source, `{"limits":{"deletes":1}}`)
		for i := range 2 {
			made := a.Do("POST", "/Users", c.token, fmt.Sprintf(`{"userName":"u%d@contoso.example"}`, i))
			want("before")
			if r := a.Do("DELETE", fmt.Sprint("/Users/", made.Body["id"]), c.token, ""); r.Status != 204 {
				t.Fatalf("delete: %d %s", r.Status, r.Text)
			}
		}
		want("held", fmt.Sprintf(`workspace_source_runs_held{source="hr",tenant="%s"} 1`, apptest.Tenant))
		run := admin.call("GET", "/runs?state=held", "")["items"].([]any)[0].(map[string]any)["id"].(string)
		admin.call("POST", "/runs/"+run+"/reject", "{}")
		want("decided")
	})
}

package app_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
)

func TestFirstRunPrintsATokenThatWorksOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		firstRun := apptest.With(func(c *app.Config) { c.FirstRun = true })
		first := apptest.Start(t, apptest.On(database), apptest.Bare(), firstRun)
		out := first.Printed()
		token := regexp.MustCompile(`ws_b[0-9A-Za-z]{49}`).FindString(out)
		if token == "" || !strings.Contains(out, first.SCIM) || !strings.Contains(out, "curl -H 'Authorization: Bearer "+token+"' "+first.SCIM+"/Users") {
			t.Fatalf("printed:\n%s", out)
		}
		if r := first.Do("GET", "/Users", token, ""); r.Status != 200 {
			t.Errorf("with the printed token: %d %s", r.Status, r.Text)
		}
		if strings.Contains(first.Log.String(), token[8:]) {
			t.Error("the token is in the log")
		}
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}

		second := apptest.Start(t, apptest.On(database), apptest.Bare(), firstRun)
		out = second.Printed()
		if strings.Contains(out, "ws_b") || !strings.Contains(out, second.SCIM) || !strings.Contains(out, "workspace token add --tenant default --source entra\n") {
			t.Errorf("printed again:\n%s", out)
		}
		if r := second.Do("GET", "/Users", token, ""); r.Status != 200 {
			t.Errorf("the token of the first run: %d %s", r.Status, r.Text)
		}
	})
}

func TestFirstRunOnOtherDataNamesATenantThatIsThere(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		first := apptest.Start(t, apptest.On(database), apptest.Bare())
		if _, err := first.Directory.AddTenant(t.Context(), "test", "contoso", "", nil); err != nil {
			t.Fatal(err)
		}
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		second := apptest.Start(t, apptest.On(database), apptest.Bare(), apptest.With(func(c *app.Config) { c.FirstRun = true }))
		if out := second.Printed(); !strings.Contains(out, "workspace token add --tenant contoso --admin\n") {
			t.Errorf("printed:\n%s", out)
		}
	})
}

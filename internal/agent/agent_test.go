package agent_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/connectors/scimclient"
	"github.com/workspace-scim/workspace/internal/agent"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// enrol makes an agent of the source, whose connector reads dir.
func enrol(t *testing.T, app *apptest.App, source string, dir *connectortest.Directory) *agent.Agent {
	t.Helper()
	ctx := context.Background()
	admin, err := app.Directory.Administrator(ctx, "test", apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	code, _, err := app.Directory.AddCode(ctx, admin, source, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c, err := scimclient.New(scimclient.Config{URL: app.URL})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Enrol(ctx, code, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "identity.json")
	if err := (agent.Identity{URL: app.URL, Agent: got.Agent, Source: got.Source, Token: got.Token}).Save(file); err != nil {
		t.Fatal(err)
	}
	id, err := agent.LoadIdentity(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := agent.New(agent.Options{
		Identity: id, Version: "test", Interval: 20 * time.Millisecond, Beat: 50 * time.Millisecond, Lease: 5 * time.Second,
		New: func(json.RawMessage) (connectors.Source, error) { return dir, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func sourceID(t *testing.T, app *apptest.App, token string) string {
	t.Helper()
	req, err := http.NewRequest("GET", app.URL+"/api/v1/sources", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return app.Send(req).Body["items"].([]any)[0].(map[string]any)["id"].(string)
}

// TestE018AnotherAgentTakesOver: two agents run; when the one that works ends,
// the other brings what changes from then on.
func TestE018AnotherAgentTakesOver(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		app := apptest.Start(t, apptest.On(database))
		token := app.AddSource(store.SourceAD, "corp")
		source, dir := sourceID(t, app, token), connectortest.NewDirectory(1)
		put := func(name string) {
			dir.Put(connectortest.Object{Kind: connectors.User, Anchor: "anchor-" + name, Attributes: map[string]any{"userName": name + "@contoso.com"}})
		}
		arrives := func(name string) {
			t.Helper()
			for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
				if strings.Contains(string(app.Do("GET", "/Users", token, "").Text), name) {
					return
				}
			}
			t.Fatalf("%s doesn't arrive", name)
		}
		run := func(a *agent.Agent) (end func()) {
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- a.Run(ctx) }()
			return func() {
				cancel()
				if err := <-done; err != nil {
					t.Error(err)
				}
			}
		}
		endFirst := run(enrol(t, app, source, dir))
		put("ada")
		arrives("ada")
		endSecond := run(enrol(t, app, source, dir))
		endFirst()
		put("bob")
		arrives("bob")
		endSecond()
	})
}

func TestOncePullsOneTime(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	token := app.AddSource(store.SourceAD, "corp")
	dir := connectortest.NewDirectory(1)
	dir.Put(connectortest.Object{Kind: connectors.User, Anchor: "a", Attributes: map[string]any{"userName": "ada@contoso.com"}})
	a := enrol(t, app, sourceID(t, app, token), dir)
	r, err := a.Once(context.Background(), false)
	if err != nil || r.Counts.Created != 1 {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = a.Once(context.Background(), true); err != nil || r.Kind != "resync" || r.Counts.Unchanged != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

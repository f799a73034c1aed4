package embedded_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/connectors"
	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/embedded"
	"github.com/workspace-scim/workspace/store"
)

// await waits until something holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it doesn't come to pass: %s", what)
		}
	}
}

// agents are those of the tenant that aren't revoked.
func agents(t *testing.T, app *apptest.App) []store.Agent {
	t.Helper()
	admin, err := app.Directory.Administrator(t.Context(), "test", apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	all, err := app.Directory.Agents(t.Context(), admin, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var live []store.Agent
	for _, a := range all {
		if a.RevokedAt.IsZero() {
			live = append(live, a)
		}
	}
	return live
}

// connector makes a connector of the source corp that reads dir; its requests
// go to the server's doors.
func connector(t *testing.T, app *apptest.App, dir connectors.Source, change func(*embedded.Options)) (end func()) {
	t.Helper()
	u, err := url.Parse(app.URL)
	if err != nil {
		t.Fatal(err)
	}
	doors := httputil.NewSingleHostReverseProxy(u)
	o := embedded.Options{
		Directory: app.Directory, Handler: doors, Tenant: apptest.Tenant, Source: "corp", Kind: store.SourceAD,
		New:      func(json.RawMessage) (connectors.Source, error) { return dir, nil },
		Interval: 20 * time.Millisecond, Retry: 20 * time.Millisecond, Log: slog.New(slog.NewTextHandler(app.Log, nil)),
	}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		embedded.New(o).Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return func() { cancel(); <-done }
}

func person(name string) connectortest.Object {
	return connectortest.Object{Kind: connectors.User, Anchor: "anchor-" + name, Attributes: map[string]any{"userName": name + "@contoso.com"}}
}

// E014, E018: two servers share a source as agents do, one at a time; the other
// goes on when the first has ended. Each is an agent, and none is left behind.
func TestTwoServersShareTheLease(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		app := apptest.Start(t, apptest.On(database))
		token := app.AddSource(store.SourceAD, "corp")
		dir := connectortest.NewDirectory(1)
		arrives := func(name string) {
			t.Helper()
			await(t, name+" arrives", func() bool { return strings.Contains(string(app.Do("GET", "/Users", token, "").Text), name) })
		}
		endFirst := connector(t, app, dir, nil)
		dir.Put(person("ada"))
		arrives("ada")
		endSecond := connector(t, app, dir, nil)
		await(t, "the second is there too", func() bool {
			all := agents(t, app)
			return len(all) == 2 && !all[1].SeenAt.IsZero()
		})
		endFirst()
		dir.Put(person("bob"))
		arrives("bob")
		endSecond()
		if left := agents(t, app); len(left) != 0 {
			t.Errorf("%+v", left)
		}
	})
}

// What isn't there yet, or is of another kind, is waited for.
func TestASourceMayComeLater(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	dir := connectortest.NewDirectory(1)
	dir.Put(person("ada"))
	connector(t, app, dir, nil)
	connector(t, app, dir, func(o *embedded.Options) { o.Source = apptest.Source })
	await(t, "two complaints", func() bool {
		log := app.Log.String()
		return strings.Contains(log, "not set up") && strings.Contains(log, "is of kind entra, not ad")
	})
	token := app.AddSource(store.SourceAD, "corp")
	await(t, "ada arrives", func() bool { return strings.Contains(string(app.Do("GET", "/Users", token, "").Text), "ada") })
}

// cut keeps a connector from the server's doors while it's true: its server is
// killed, or the database is away.
func cut(doors http.Handler, away *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			panic(http.ErrAbortHandler)
		}
		doors.ServeHTTP(w, r)
	})
}

// A server that lived through a time in which nobody could be heard is no killed
// one: the next that starts gives it time to be heard.
func TestWhoLivedThroughAnOutageIsNotRevoked(t *testing.T) {
	t.Parallel()
	clock := &apptest.HandClock{}
	app := apptest.Start(t, apptest.WithClock(clock))
	app.AddSource(store.SourceAD, "corp")
	dir := connectortest.NewDirectory(1)
	var outage, killed atomic.Bool
	connector(t, app, dir, func(o *embedded.Options) {
		o.Handler, o.Now, o.Beat = cut(o.Handler, &outage), clock.Now, 100*time.Millisecond
	})
	await(t, "the first beats", func() bool { all := agents(t, app); return len(all) == 1 && !all[0].SeenAt.IsZero() })
	alive := agents(t, app)[0].PublicID
	connector(t, app, dir, func(o *embedded.Options) { o.Handler, o.Now = cut(o.Handler, &killed), clock.Now })
	dead := ""
	await(t, "the second beats", func() bool {
		return slices.ContainsFunc(agents(t, app), func(a store.Agent) bool {
			dead = a.PublicID
			return dead != alive && !a.SeenAt.IsZero()
		})
	})
	outage.Store(true)
	killed.Store(true)
	clock.Add(11 * time.Minute)
	connector(t, app, dir, func(o *embedded.Options) { o.Now, o.Beat = clock.Now, 2*time.Second })
	has := func(id string) bool {
		return slices.ContainsFunc(agents(t, app), func(a store.Agent) bool { return a.PublicID == id })
	}
	third := func(a store.Agent) bool { return a.PublicID != alive && a.PublicID != dead }
	await(t, "the third enrols", func() bool { return slices.ContainsFunc(agents(t, app), third) })
	outage.Store(false)
	await(t, "the dead one is revoked", func() bool { return !has(dead) })
	if !has(alive) {
		t.Error("the one that is alive is revoked too")
	}
}

// An agent that somebody revokes stays so, though its server goes on: nothing
// more is written. Those of servers that were killed are revoked by the next.
func TestRevokedStaysRevokedAndTheDeadAreCleared(t *testing.T) {
	t.Parallel()
	clock := &apptest.HandClock{}
	app := apptest.Start(t, apptest.WithClock(clock))
	app.AddSource(store.SourceAD, "corp")
	dir := connectortest.NewDirectory(1)
	var killed atomic.Bool
	connector(t, app, dir, func(o *embedded.Options) { o.Handler, o.Now = cut(o.Handler, &killed), clock.Now })
	await(t, "the first beats", func() bool { all := agents(t, app); return len(all) == 1 && !all[0].SeenAt.IsZero() })
	first := agents(t, app)[0].PublicID
	killed.Store(true)
	clock.Add(11 * time.Minute)
	connector(t, app, dir, func(o *embedded.Options) { o.Now, o.Beat = clock.Now, 50*time.Millisecond })
	await(t, "only the second is left", func() bool {
		all := agents(t, app)
		return len(all) == 1 && all[0].PublicID != first && !all[0].SeenAt.IsZero()
	})
	admin, err := app.Directory.Administrator(t.Context(), "test", apptest.Tenant)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Directory.RevokeAgent(t.Context(), admin, agents(t, app)[0].PublicID); err != nil {
		t.Fatal(err)
	}
	before := len(app.Log.String())
	await(t, "it is refused", func() bool { return strings.Contains(app.Log.String()[before:], "tokenRevoked") })
	if left := agents(t, app); len(left) != 0 {
		t.Errorf("%+v", left)
	}
}

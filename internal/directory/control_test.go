package directory_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// control is a Directory on an empty database with a clock set by hand.
type control struct {
	*directory.Directory
	t     *testing.T
	clock *apptest.HandClock
	store store.Store
}

// eachControl runs a test of the control plane on each backend.
func eachControl(t *testing.T, test func(t *testing.T, c *control)) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		t.Parallel()
		st, err := app.OpenStore(t.Context(), app.Database{Database: database}, false, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		clock := &apptest.HandClock{}
		test(t, &control{
			Directory: directory.New(st, directory.Options{Clock: clock}),
			t:         t, clock: clock, store: st,
		})
	})
}

// tenant adds a tenant whose hybrid sync is on.
func (c *control) tenant(slug string) store.Tenant {
	c.t.Helper()
	must(c.AddTenant(c.t.Context(), "test", slug, "", nil))(c.t)
	return must(c.EnableTenant(c.t.Context(), "test", slug))(c.t)
}

func (c *control) source(tenant, name string) store.Source {
	c.t.Helper()
	return must(c.AddSource(c.t.Context(), "test", tenant, directory.SourceSpec{Name: name, Kind: store.SourceEntra}))(c.t)
}

func (c *control) token(spec directory.TokenSpec) (string, store.Token) {
	c.t.Helper()
	secret, t, err := c.AddToken(c.t.Context(), "test", spec)
	if err != nil {
		c.t.Fatal(err)
	}
	return secret, t
}

// events gives the events of a tenant as soon as there are n. On PostgreSQL they
// show when all changes of the same database that began before them have ended.
func (c *control) events(tenant string, n int) []store.Event {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var all []store.Event
		err := c.Events(c.t.Context(), tenant, 0, 1000, func(e store.Event) error {
			all = append(all, e)
			return nil
		})
		if err != nil {
			c.t.Fatal(err)
		}
		if len(all) >= n || time.Now().After(deadline) {
			return all
		}
	}
}

// wantEvents checks the types of a tenant's events, separated by blanks.
func (c *control) wantEvents(tenant, want string) {
	c.t.Helper()
	var types []string
	for _, e := range c.events(tenant, len(strings.Fields(want))) {
		types = append(types, e.Type)
	}
	if got := strings.Join(types, " "); got != want {
		c.t.Errorf("events %q, want %q", got, want)
	}
}

// must gives a value or fails the test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantRule checks that an error is a refusal by the rule.
func wantRule(t *testing.T, err error, rule string) {
	t.Helper()
	if !directory.Violated(err, rule) {
		t.Errorf("got %v, want a violation of %s", err, rule)
	}
}

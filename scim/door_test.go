package scim_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim"
	"github.com/workspace-scim/workspace/store"
)

// shaky is a store whose Updates go as a test has it.
type shaky struct {
	store.Store
	update func(ctx context.Context, fn func(store.Tx) error) error // nil: as they should
}

// Update fulfils store.Store.
func (s *shaky) Update(ctx context.Context, fn func(store.Tx) error) error {
	if s.update != nil {
		return s.update(ctx, fn)
	}
	return s.Store.Update(ctx, fn)
}

// door is the endpoint on a shaky store, with a tenant that has an Entra source.
type door struct {
	t     *testing.T
	echo  *echo.Echo
	token string
	store *shaky
	log   *strings.Builder
}

// eachDoor runs a test on each backend.
func eachDoor(t *testing.T, test func(t *testing.T, d *door)) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, database string) {
		st, err := app.OpenStore(t.Context(), app.Database{Database: database}, false, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
		d := &door{t: t, echo: echo.New(), store: &shaky{Store: st}, log: &strings.Builder{}}
		dir := directory.New(d.store, directory.Options{})
		scim.New(scim.Config{Directory: dir, Logger: slog.New(slog.NewTextHandler(d.log, nil))}).Mount(d.echo)
		ctx := t.Context()
		if _, err := dir.AddTenant(ctx, "test", "a", "", []string{"contoso.com"}); err != nil {
			t.Fatal(err)
		}
		if _, err := dir.EnableTenant(ctx, "test", "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := dir.AddSource(ctx, "test", "a", directory.SourceSpec{Name: "entra", Kind: store.SourceEntra}); err != nil {
			t.Fatal(err)
		}
		if d.token, _, err = dir.AddToken(ctx, "test", directory.TokenSpec{Tenant: "a", Source: "entra"}); err != nil {
			t.Fatal(err)
		}
		test(t, d)
	})
}

// reply is an answer with as much of its body as these tests look at.
type reply struct {
	Status       int
	Text         string
	ID           string
	Detail       string
	TotalResults int
	Members      []struct{ Value string }
	Operations   []opReply
}

// opReply is the answer to one operation of a bulk request.
type opReply struct {
	BulkID, Location, Status, Version string
	Response                          struct{ Detail, ScimType string }
}

// send sends a request; the target is below the endpoint, or a whole URL.
func (d *door) send(method, target, body string) reply {
	d.t.Helper()
	if !strings.HasPrefix(target, "http") {
		target = scim.Prefix + target
	}
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+d.token)
	w := httptest.NewRecorder()
	d.echo.ServeHTTP(w, req)
	var r struct {
		reply
		Status any // a string in errors
	}
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil && w.Code != http.StatusNoContent {
		d.t.Fatalf("%s %s: %d %s: %v", method, target, w.Code, w.Body, err)
	}
	r.reply.Status, r.reply.Text = w.Code, w.Body.String()
	return r.reply
}

// faults are the lines of the log at the level of errors.
func (d *door) faults() []string {
	var found []string
	for line := range strings.Lines(d.log.String()) {
		if strings.Contains(line, "level=ERROR") {
			found = append(found, line)
		}
	}
	return found
}

package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"

	"github.com/workspace-scim/workspace/internal/app"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// W023: a token that the server knows from earlier requests is refused from the
// moment that another process revokes it, disables its source or switches the
// add-on off, whatever it is used for; and it works again when that is undone.
func TestW023WhatAnotherProcessTakesAwayHoldsAtOnce(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		a := apptest.Start(t, apptest.On(database))
		other := anotherProcess(t, database)
		ctx := t.Context()
		created := a.Do("POST", "/Users", a.Token, `{"userName":"anna@contoso.com"}`)
		id, _ := created.Body["id"].(string)
		requests := []struct {
			method, path, body string
			allowed            int
		}{
			{"GET", "/Users/" + id, "", 200},
			{"GET", "/Users/" + id + "0", "", 404},
			{"GET", "/Users?filter=userName%20eq%20%22anna@contoso.com%22", "", 200},
			{"GET", "/Users?count=0", "", 200},
			{"GET", "/Users?filter=nonsense", "", 400},
			{"GET", "/?count=1", "", 200},
			{"POST", "/Users/.search", `{"filter":"title pr"}`, 200},
			{"POST", "/Users", `{"userName":"anna@contoso.com"}`, 409},
			{"POST", "/Users?dryRun=true", `{"userName":"ben@contoso.com"}`, 201},
			{"POST", "/Users", `{"userName":`, 400},
			{"PUT", "/Users/" + id, `{"userName":"anna@contoso.com"}`, 200},
			{"PATCH", "/Users/" + id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"add","path":"title","value":"x"}]}`, 200},
			{"DELETE", "/Users/" + id + "0", "", 404},
			{"POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"DELETE","path":"/Users/none"}]}`, 200},
			{"GET", "/Me", "", 501},
			{"GET", "/ServiceProviderConfig", "", 200},
			{"GET", "/Schemas", "", 200},
			{"GET", "/ResourceTypes/User", "", 200},
			{"GET", "/Nothing", "", 404},
			{"PUT", "/Users", "{}", 405},
		}
		all := func(when, token string, refused int) {
			t.Helper()
			for _, r := range requests {
				want := r.allowed
				if refused != 0 {
					want = refused
				}
				if got := a.Do(r.method, r.path, token, r.body); got.Status != want {
					t.Errorf("%s: %s %s: %d, want %d: %s", when, r.method, r.path, got.Status, want, got.Text)
				}
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		all("at first", a.Token, 0)
		must(other.DisableSource(ctx, "test", apptest.Tenant, apptest.Source))
		all("with the source disabled", a.Token, 401)
		must(other.EnableSource(ctx, "test", apptest.Tenant, apptest.Source))
		all("with the source enabled", a.Token, 0)
		_, err := other.DisableTenant(ctx, "test", apptest.Tenant)
		must(err)
		all("without the add-on", a.Token, 403)
		_, err = other.EnableTenant(ctx, "test", apptest.Tenant)
		must(err)
		all("with the add-on", a.Token, 0)

		// Each request is the first one after a revocation.
		before := a.Do("GET", "/Users/"+id, a.AdminToken, "")
		for i, r := range requests {
			token, k, err := other.AddToken(ctx, "test", directory.TokenSpec{Tenant: apptest.Tenant, Source: apptest.Source})
			must(err)
			if got := a.Do("GET", "/Users/"+id, token, ""); got.Status != 200 {
				t.Fatalf("a new token: %d", got.Status)
			}
			must(other.RevokeToken(ctx, "test", apptest.Tenant, k.Prefix))
			if got := a.Do(r.method, r.path, token, r.body); got.Status != 401 {
				t.Errorf("the first request with revoked token %d, %s %s: %d, want 401: %s", i, r.method, r.path, got.Status, got.Text)
			}
		}
		if after := a.Do("GET", "/Users/"+id, a.AdminToken, ""); string(after.Text) != string(before.Text) {
			t.Errorf("refused requests changed something:\n%s\n%s", before.Text, after.Text)
		}
	})
}

// anotherProcess gives the core of an admin command that runs beside a server.
func anotherProcess(t *testing.T, database string) *directory.Directory {
	t.Helper()
	var s store.Store
	s, err := app.OpenStore(context.Background(), app.Database{Database: database}, false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(fmt.Errorf("another process: %w", err))
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return directory.New(s, directory.Options{})
}

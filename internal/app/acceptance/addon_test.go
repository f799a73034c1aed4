package acceptance_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// clock is the time, moved on as a test needs it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// move moves the clock on.
func (c *clock) move(d time.Duration) { c.ahead.Add(int64(d)) }

func TestH049TheAddOnIsOffForANewTenantAndEnabledOneByOne(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.bareTenant(t), h.bareTenant(t)
		for _, n := range []*tenant{a, b} {
			n.entra.get("/Users").refused(403, "syncNotEnabled")
			n.entra.post("/Users", user("a@contoso.com")).refused(403, "syncNotEnabled")
			n.admin.get("/Users").total(0) // what is made by hand needs no add-on
		}
		if _, err := h.Directory.EnableTenant(t.Context(), "provider", a.slug); err != nil {
			t.Fatal(err)
		}
		a.entra.get("/Users").total(0)
		b.entra.get("/Users").refused(403, "syncNotEnabled")
		tenants, err := h.Directory.Tenants(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, tenant := range tenants {
			if tenant.Slug == a.slug && !tenant.SyncEnabled || tenant.Slug == b.slug && tenant.SyncEnabled {
				t.Errorf("%+v", tenant)
			}
		}
	})
}

func TestH050OnlyTheProviderEnablesTheAddOn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.bareTenant(t)
		// No token of the tenant finds a door to it.
		for _, path := range []string{"/Tenants/" + n.slug, "/Tenants", "/Tenant/enable", "/Sources", "/Tokens"} {
			for _, method := range []string{"POST", "PUT", "PATCH"} {
				n.admin.do(method, path, object{"syncEnabled": true}).refused(404, "")
			}
		}
		n.entra.get("/Users").refused(403, "syncNotEnabled")
		if _, err := h.Directory.EnableTenant(t.Context(), "olga@provider", n.slug); err != nil {
			t.Fatal(err)
		}
		enabled := slices.DeleteFunc(n.eventsAfter(new(int64)), func(e store.Event) bool { return e.Type != "tenant.syncEnabled" })
		if len(enabled) != 1 || enabled[0].Actor != "olga@provider" || time.Since(enabled[0].Time) > time.Minute {
			t.Errorf("events: %+v", enabled)
		}
	})
}

func TestH051TokensWorkAtOnceAfterEnabling(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.bareTenant(t)
		for range 3 {
			n.entra.post("/Users", user("a@contoso.com")).refused(403, "syncNotEnabled")
			if _, err := h.Directory.EnableTenant(t.Context(), "provider", n.slug); err != nil {
				t.Fatal(err)
			}
			id := n.entra.create("/Users", user("a@contoso.com"))
			n.entra.delete("/Users/" + id).status(204)
			if _, err := h.Directory.DisableTenant(t.Context(), "provider", n.slug); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestW023ATokenIsShownOnceAndEachRefusalSaysWhy(t *testing.T) {
	var now clock
	eachTenant(t, func(t *testing.T, n *tenant) {
		d := n.house.Directory
		expiring := n.client(directory.TokenSpec{Source: "entra", Expires: time.Hour})
		revoked := n.source(store.SourceAPI, "hr", store.Policies{})
		if err := d.RevokeToken(t.Context(), "provider", n.slug, prefix(revoked.token)); err != nil {
			t.Fatal(err)
		}
		expiring.get("/Users").total(0)
		now.move(2 * time.Hour)
		refused := []struct {
			c      *client
			reason string
		}{
			{&client{t, n.entra.base, ""}, "tokenMissing"},
			{&client{t, n.entra.base, n.entra.token[:len(n.entra.token)-1] + "?"}, "tokenUnknown"},
			{revoked, "tokenRevoked"},
			{expiring, "tokenExpired"},
		}
		details := map[string]bool{}
		for _, r := range refused {
			a := r.c.get("/Users").refused(401, "").is("reason", r.reason)
			details[a.text("detail")] = true
			if r.c.token != "" && strings.Contains(string(a.Text), r.c.token) {
				t.Error("the answer holds the token")
			}
		}
		if len(details) != len(refused) {
			t.Errorf("details: %v", details)
		}
		// What is stored is no way back to the token.
		tokens, err := d.Tokens(t.Context(), n.slug)
		if err != nil {
			t.Fatal(err)
		}
		for _, tok := range tokens {
			if len(tok.Hash) != 32 || len(tok.Prefix) > len(n.entra.token)/2 {
				t.Errorf("stored: %+v", tok)
			}
		}
		for _, c := range n.clients {
			if strings.Contains(n.house.Log.String(), c.token) {
				t.Error("the log holds a token")
			}
		}
		n.entra.get("/Users").total(0)
	}, apptest.WithClock(&now))
}

// prefix is what of a token is shown in lists, to name it by.
func prefix(token string) string { return token[:8] }

package directory_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

func TestAddTenantStoresCanonicalDomainsAndTellsWhoDidIt(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		got := must(c.AddTenant(t.Context(), "cli:ada", "contoso", "Contoso Ltd", []string{"Contoso.COM", "fabrikam.com.", "contoso.com"}))(t)
		if want := []string{"contoso.com", "fabrikam.com"}; !slices.Equal(got.Domains, want) {
			t.Errorf("domains %q, want %q", got.Domains, want)
		}
		all := must(c.Tenants(t.Context()))(t)
		if len(all) != 1 || all[0].Slug != "contoso" || all[0].DisplayName != "Contoso Ltd" || !slices.Equal(all[0].Domains, got.Domains) {
			t.Errorf("stored %+v", all)
		}
		events := c.events("contoso", 1)
		if len(events) != 1 || events[0].Type != "tenant.created" || events[0].Actor != "cli:ada" ||
			events[0].Subject != "contoso" || events[0].Outcome != directory.OutcomeApplied || !events[0].Time.Equal(c.clock.Now()) {
			t.Errorf("events %+v", events)
		}
		sources := must(c.Sources(t.Context(), "contoso"))(t)
		if len(sources) != 1 || sources[0].Kind != store.SourceWorkspace {
			t.Errorf("a new tenant has the sources %+v, want the manual one", sources)
		}
	})
}

func TestAddTenantRefusesAndWritesNothing(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		for _, slug := range []string{"", "-a", "A", "a_b", "a b", "ä", "a/b", strings.Repeat("a", 64)} {
			_, err := c.AddTenant(t.Context(), "test", slug, "", nil)
			wantRule(t, err, directory.RuleInvalid)
		}
		for _, domain := range []string{"", "localhost", "a..b", "-a.com", "a_b.com", "bücher.de", "a.com/x", strings.Repeat("a", 64) + ".com", strings.Repeat("a.", 127) + "com"} {
			_, err := c.AddTenant(t.Context(), "test", "a", "", []string{domain})
			wantRule(t, err, directory.RuleInvalid)
		}
		if all := must(c.Tenants(t.Context()))(t); len(all) != 0 {
			t.Errorf("tenants %+v after refusals", all)
		}
		c.tenant("a")
		if _, err := c.AddTenant(t.Context(), "test", "a", "", nil); !errors.Is(err, store.ErrExists) {
			t.Errorf("second tenant of the same slug: %v", err)
		}
		c.wantEvents("a", "tenant.created tenant.syncEnabled")
	})
}

func TestH049SyncIsOffForANewTenantAndEnablingOneLeavesTheOther(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		tokens := map[string]string{}
		for _, slug := range []string{"a", "b"} {
			if got := must(c.AddTenant(t.Context(), "test", slug, "", nil))(t); got.SyncEnabled {
				t.Errorf("hybrid sync of the new tenant %s is on", slug)
			}
			c.source(slug, "entra")
			tokens[slug], _ = c.token(directory.TokenSpec{Tenant: slug, Source: "entra"})
			_, err := c.Authenticate(t.Context(), tokens[slug])
			wantRule(t, err, directory.RuleSyncNotEnabled)
		}
		must(c.EnableTenant(t.Context(), "test", "a"))(t)
		if p := must(c.Authenticate(t.Context(), tokens["a"]))(t); p.Tenant.Slug != "a" || !p.Tenant.SyncEnabled {
			t.Errorf("principal %+v", p)
		}
		_, err := c.Authenticate(t.Context(), tokens["b"])
		wantRule(t, err, directory.RuleSyncNotEnabled)

		must(c.DisableTenant(t.Context(), "test", "a"))(t)
		_, err = c.Authenticate(t.Context(), tokens["a"])
		wantRule(t, err, directory.RuleSyncNotEnabled)
	})
}

func TestH049AdminTokenNeedsNoHybridSync(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		must(c.AddTenant(t.Context(), "test", "a", "", nil))(t)
		token, _ := c.token(directory.TokenSpec{Tenant: "a", Admin: true})
		if p := must(c.Authenticate(t.Context(), token))(t); p.Source.Kind != store.SourceWorkspace {
			t.Errorf("an admin token speaks for %+v", p.Source)
		}
	})
}

func TestH050EnablingTellsWhoAndWhenOnce(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		must(c.AddTenant(t.Context(), "test", "a", "", nil))(t)
		must(c.EnableTenant(t.Context(), "cli:grace", "a"))(t)
		must(c.EnableTenant(t.Context(), "cli:ada", "a"))(t)
		events := c.events("a", 2)
		if len(events) != 2 || events[1].Type != "tenant.syncEnabled" {
			t.Fatalf("events %+v", events)
		}
		e := events[1]
		if e.Actor != "cli:grace" || !e.Time.Equal(c.clock.Now()) {
			t.Errorf("event by %q at %v", e.Actor, e.Time)
		}
		if string(e.Before) != `{"hybridSync":false}` || string(e.After) != `{"hybridSync":true}` {
			t.Errorf("event from %s to %s", e.Before, e.After)
		}
	})
}

func TestUnknownTenantIsNotFound(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		_, enable := c.EnableTenant(t.Context(), "test", "nobody")
		_, sources := c.Sources(t.Context(), "nobody")
		_, tokens := c.Tokens(t.Context(), "nobody")
		for what, err := range map[string]error{
			"enable": enable, "sources": sources, "tokens": tokens,
			"events": c.Events(t.Context(), "nobody", 0, 1, nil),
			"revoke": c.RevokeToken(t.Context(), "test", "nobody", "1"),
		} {
			if !errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), "nobody") {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

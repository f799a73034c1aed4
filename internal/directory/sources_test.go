package directory_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

func TestH012DirectoryDomainBelongsToOneSourceOfATenant(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.tenant("b")
		add := func(tenant, name string, kind store.SourceKind, domain string) error {
			_, err := c.AddSource(t.Context(), "test", tenant, directory.SourceSpec{Name: name, Kind: kind, DirectoryDomain: domain})
			return err
		}
		for _, domain := range []struct{ first, again string }{
			{"corp.contoso.com", "Corp.Contoso.COM."},
			{"ce5f061f-abe6-4e40-9615-301f87bcb7f0", "CE5F061F-ABE6-4E40-9615-301F87BCB7F0"},
		} {
			if err := add("a", "first "+domain.first[:4], store.SourceAD, domain.first); err != nil {
				t.Fatal(err)
			}
			wantRule(t, add("a", "second", store.SourceEntra, domain.again), directory.RuleDomainClaimed)
			if err := add("b", "first "+domain.first[:4], store.SourceAD, domain.first); err != nil {
				t.Errorf("the same domain in another tenant: %v", err)
			}
		}
		for _, name := range []string{"one", "two"} {
			if err := add("a", name, store.SourceAPI, ""); err != nil {
				t.Errorf("source %s without a domain: %v", name, err)
			}
		}
		c.wantEvents("a", "tenant.created tenant.syncEnabled source.created source.created source.created source.created")
	})
}

func TestAddSourceRefusesWhatIsNoSource(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		good := directory.SourceSpec{Name: "hr", Kind: store.SourceAPI}
		for name, change := range map[string]func(*directory.SourceSpec){
			"no name":            func(s *directory.SourceSpec) { s.Name = "" },
			"a line in the name": func(s *directory.SourceSpec) { s.Name = "a\nb" },
			"the manual kind":    func(s *directory.SourceSpec) { s.Kind = store.SourceWorkspace },
			"an unknown kind":    func(s *directory.SourceSpec) { s.Kind = "ldap" },
			"a bad domain":       func(s *directory.SourceSpec) { s.DirectoryDomain = "corp" },
			"an unknown policy":  func(s *directory.SourceSpec) { s.Policies.Names = "maybe" },
		} {
			spec := good
			change(&spec)
			_, err := c.AddSource(t.Context(), "test", "a", spec)
			if !directory.Violated(err, directory.RuleInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		must(c.AddSource(t.Context(), "test", "a", good))(t)
		if _, err := c.AddSource(t.Context(), "test", "a", good); !errors.Is(err, store.ErrExists) {
			t.Errorf("second source of the same name: %v", err)
		}
		if _, err := c.AddSource(t.Context(), "test", "b", good); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("source of an unknown tenant: %v", err)
		}
	})
}

func TestDisabledSourceIsRefusedUntilItIsEnabled(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		s := c.source("a", "entra")
		token, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "entra"})
		secret, _ := c.token(directory.TokenSpec{Tenant: "a", Source: "entra", Kind: store.TokenSecret})
		for range 2 {
			if err := c.DisableSource(t.Context(), "test", "a", "entra"); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.Authenticate(t.Context(), token)
		wantReason(t, err, directory.AuthSourceDisabled)
		_, err = c.AuthenticateClient(t.Context(), s.PublicID, secret)
		wantReason(t, err, directory.AuthSourceDisabled)
		_, _, err = c.Client(t.Context(), s.PublicID)
		wantReason(t, err, directory.AuthSourceDisabled)

		if err := c.EnableSource(t.Context(), "test", "a", "entra"); err != nil {
			t.Fatal(err)
		}
		must(c.Authenticate(t.Context(), token))(t)
		c.wantEvents("a", "tenant.created tenant.syncEnabled source.created token.created token.created source.disabled source.enabled")
	})
}

func TestManualSourceCannotBeDisabled(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		manual := must(c.Sources(t.Context(), "a"))(t)[0]
		wantRule(t, c.DisableSource(t.Context(), "test", "a", manual.Name), directory.RuleInvalid)
	})
}

func TestSetPoliciesReplacesThemAll(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		want := store.Policies{Names: "require", Park: true, MatchUserName: true}
		if err := c.SetPolicies(t.Context(), "test", "a", "entra", want); err != nil {
			t.Fatal(err)
		}
		if got := must(c.Sources(t.Context(), "a"))(t)[1].Policies; !reflect.DeepEqual(got, want) {
			t.Errorf("policies %+v, want %+v", got, want)
		}
		wantRule(t, c.SetPolicies(t.Context(), "test", "a", "entra", store.Policies{Names: "x"}), directory.RuleInvalid)
	})
}

func TestASourceTrustsOthersOfItsKind(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		c.source("a", "entra")
		add := func(name string, trusts ...string) error {
			_, err := c.AddSource(t.Context(), "test", "a", directory.SourceSpec{Name: name, Kind: store.SourceAD, Policies: store.Policies{Trusts: trusts}})
			return err
		}
		if err := add("ad1"); err != nil {
			t.Fatal(err)
		}
		if err := add("ad2", "ad1"); err != nil {
			t.Fatal(err)
		}
		for _, trusted := range []string{"entra", "nobody", "ad3", "workspace"} {
			wantRule(t, add("ad3", trusted), directory.RuleInvalid)
		}
		wantRule(t, c.SetPolicies(t.Context(), "test", "a", "ad1", store.Policies{Trusts: []string{"ad1"}}), directory.RuleInvalid)
		if err := c.SetPolicies(t.Context(), "test", "a", "ad1", store.Policies{Trusts: []string{"ad2"}}); err != nil {
			t.Error(err)
		}
	})
}

func TestFederationIsPinnedWholeOrNotAtAll(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		s := c.source("a", "entra")
		good := store.Federation{
			Issuer: "https://login.microsoftonline.com/ce5f061f-abe6-4e40-9615-301f87bcb7f0/v2.0", TenantID: "CE5F061F-abe6-4e40-9615-301f87bcb7f0",
			Audience: "api://x", Subject: "d2f8ee76-c549-45b8-a143-f5b640669704", KeysURL: "https://login.microsoftonline.com/keys",
		}
		for name, change := range map[string]func(*store.Federation){
			"no tenant":            func(f *store.Federation) { f.TenantID = "" },
			"a tenant by name":     func(f *store.Federation) { f.TenantID = "contoso.com" },
			"no issuer":            func(f *store.Federation) { f.Issuer = "" },
			"no audience":          func(f *store.Federation) { f.Audience = " " },
			"no subject":           func(f *store.Federation) { f.Subject = "" },
			"no keys":              func(f *store.Federation) { f.KeysURL = "" },
			"keys over http":       func(f *store.Federation) { f.KeysURL = "http://login.microsoftonline.com/keys" },
			"keys in a file":       func(f *store.Federation) { f.KeysURL = "file:///etc/passwd" },
			"keys with a password": func(f *store.Federation) { f.KeysURL = "https://a:b@example.com/keys" },
		} {
			f := good
			change(&f)
			if err := c.Federate(t.Context(), "test", "a", "entra", f); !directory.Violated(err, directory.RuleInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := c.Federate(t.Context(), "test", "a", "entra", good); err != nil {
			t.Fatal(err)
		}
		source, federations, err := c.Client(t.Context(), s.PublicID)
		if err != nil {
			t.Fatal(err)
		}
		good.Source, good.TenantID = s.ID, "ce5f061f-abe6-4e40-9615-301f87bcb7f0"
		if source.ID != s.ID || len(federations) != 1 || federations[0] != good {
			t.Errorf("client %+v with %+v", source, federations)
		}
	})
}

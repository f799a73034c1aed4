package app

import (
	"context"
	"fmt"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// What the first run makes.
const (
	firstTenant = "default"
	firstSource = "entra"
	firstBy     = "firstRun"
	firstLife   = 365 * 24 * time.Hour
)

// firstRun makes a tenant, an Entra source and a token on an empty database,
// and prints the next step; on one with data it prints the URL only.
func (s *Server) firstRun(ctx context.Context) error {
	tenants, err := s.directory.Tenants(ctx)
	if err != nil {
		return fmt.Errorf("first run: %w", err)
	}
	url := s.URL() + pathSCIM
	if len(tenants) > 0 {
		slug := tenants[0].Slug
		holder, err := s.tokenHolder(ctx, slug)
		if err != nil {
			return fmt.Errorf("first run: %w", err)
		}
		fmt.Fprintf(s.out, `
Workspace runs on the data that was here.

  SCIM URL   %s
  Token      was shown on first start; make a new one with:
             workspace token add --tenant %s %s

`, url, slug, holder)
		return nil
	}
	token, err := s.firstData(ctx)
	if err != nil {
		return fmt.Errorf("first run: %w", err)
	}
	fmt.Fprintf(s.out, `
Workspace is ready.

  SCIM URL   %[1]s
  Token      %[2]s
             It is shown this once and lives for a year.

Next: open your enterprise application in the Entra admin center, go to
Provisioning, paste the SCIM URL as "Tenant URL" and the token as "Secret
token", and press "Test Connection". Entra has to reach this server over https:
see --base-url, --tls-cert and --tls-key.

Or try it from here:

  curl -H 'Authorization: Bearer %[2]s' %[1]s/Users

`, url, token)
	return nil
}

// tokenHolder gives the argument of token add for whom a tenant may need a token:
// its first source that pushes, or else its administrator.
func (s *Server) tokenHolder(ctx context.Context, tenant string) (string, error) {
	sources, err := s.directory.Sources(ctx, tenant)
	if err != nil {
		return "", err
	}
	for _, source := range sources {
		if source.Kind != store.SourceWorkspace {
			return "--source " + source.Name, nil
		}
	}
	return "--admin", nil
}

// firstData makes the tenant, the source and the token.
func (s *Server) firstData(ctx context.Context) (token string, err error) {
	d := s.directory
	if _, err := d.AddTenant(ctx, firstBy, firstTenant, "", nil); err != nil {
		return "", err
	}
	if _, err := d.EnableTenant(ctx, firstBy, firstTenant); err != nil {
		return "", err
	}
	if _, err := d.AddSource(ctx, firstBy, firstTenant, directory.SourceSpec{Name: firstSource, Kind: store.SourceEntra}); err != nil {
		return "", err
	}
	token, _, err = d.AddToken(ctx, firstBy, directory.TokenSpec{Tenant: firstTenant, Source: firstSource, Expires: firstLife})
	return token, err
}

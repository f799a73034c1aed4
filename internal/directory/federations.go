package directory

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

// Federate lets a workload of another issuer buy access tokens for a source
// (RFC 7523): f says which, f.Source is filled here. Every field is compared
// exactly when an assertion comes, so none may be empty; TenantID is a UUID and
// KeysURL is https, or http on the loopback address.
func (d *Directory) Federate(ctx context.Context, by, tenant, name string, f store.Federation) error {
	if err := checkFederation(&f); err != nil {
		return err
	}
	return d.store.Update(ctx, func(tx store.Tx) error {
		s, err := sourceOf(tx, tenant, name)
		if err != nil {
			return err
		}
		put := f
		put.Source = s.ID
		if err := tx.PutFederation(&put); err != nil {
			return fmt.Errorf("federation of source %q: %w", name, err)
		}
		return d.tell(tx, controlEvent{
			tenant: s.Tenant, source: s.ID, by: by, typ: "source.federated", subject: s.PublicID,
			after: map[string]any{
				"issuer": put.Issuer, "tid": put.TenantID, "audience": put.Audience,
				"subject": put.Subject, "keysUrl": put.KeysURL,
			},
		})
	})
}

func checkFederation(f *store.Federation) error {
	invalid := func(attribute, detail string) error {
		return &Violation{Rule: RuleInvalid, Attribute: attribute, Detail: detail}
	}
	id, err := uuid.Parse(f.TenantID)
	if err != nil {
		return invalid("tenantId", fmt.Sprintf("%q is no tenant id (a UUID).", f.TenantID))
	}
	f.TenantID = id.String()
	for _, field := range []struct{ name, value string }{
		{"issuer", f.Issuer}, {"audience", f.Audience}, {"subject", f.Subject},
	} {
		if strings.TrimSpace(field.value) == "" {
			return invalid(field.name, "The "+field.name+" of a federation can't be empty.")
		}
	}
	u, err := url.Parse(f.KeysURL)
	if err != nil || u.Host == "" || u.User != nil {
		return invalid("keysUrl", fmt.Sprintf("%q is no URL of a key set.", f.KeysURL))
	}
	local := u.Hostname() == "127.0.0.1" || u.Hostname() == "::1" || u.Hostname() == "localhost"
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return invalid("keysUrl", "The URL of a key set has to be https.")
	}
	return nil
}

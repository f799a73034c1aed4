package directory

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/workspace-scim/workspace/store"
)

// slugRule: a slug stands in URLs, in file names and on command lines.
var slugRule = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// labelRule is one label of a DNS name, lower case (RFC 1123 §2.1); underscores
// don't occur in host names.
var labelRule = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// AddTenant creates a tenant with its manual source. by is who did it, for the
// log. The slug is 1 to 63 of a–z, 0–9 and hyphen; an empty displayName becomes
// the slug. Domains are the verified ones, in any case. The hybrid-sync add-on
// is off (row H049). A taken slug is store.ErrExists, a bad argument a
// *Violation of RuleInvalid; neither writes anything.
func (d *Directory) AddTenant(ctx context.Context, by, slug, displayName string, domains []string) (store.Tenant, error) {
	if !slugRule.MatchString(slug) {
		return store.Tenant{}, &Violation{
			Rule: RuleInvalid, Attribute: "slug",
			Detail: fmt.Sprintf("%q can't be the slug of a tenant.", slug),
			Way:    "Use 1 to 63 of a-z, 0-9 and hyphen, not beginning with a hyphen.",
		}
	}
	domains, err := canonicalDomains(domains)
	if err != nil {
		return store.Tenant{}, err
	}
	if displayName == "" {
		displayName = slug
	}
	var t store.Tenant
	err = d.store.Update(ctx, func(tx store.Tx) error {
		t = store.Tenant{Slug: slug, DisplayName: displayName, Domains: domains, CreatedAt: d.now()}
		if err := tx.CreateTenant(&t, d.newID()); err != nil {
			return fmt.Errorf("tenant %q: %w", slug, err)
		}
		return d.tell(tx, controlEvent{
			tenant: t.ID, by: by, typ: "tenant.created", subject: slug,
			after: map[string]any{"slug": slug, "displayName": displayName, "domains": domains, "hybridSync": false},
		})
	})
	if err != nil {
		return store.Tenant{}, err
	}
	return t, nil
}

// EnableTenant switches the hybrid-sync add-on of a tenant on. It is the
// provider's act, done on the server, not the tenant's (row H050): the event
// holds who and when. Doing it twice changes nothing and writes no event.
func (d *Directory) EnableTenant(ctx context.Context, by, slug string) (store.Tenant, error) {
	return d.setSync(ctx, by, slug, true)
}

// DisableTenant switches the hybrid-sync add-on of a tenant off: from then on
// the tokens of its sources are refused with RuleSyncNotEnabled. What they
// wrote stays.
func (d *Directory) DisableTenant(ctx context.Context, by, slug string) (store.Tenant, error) {
	return d.setSync(ctx, by, slug, false)
}

func (d *Directory) setSync(ctx context.Context, by, slug string, on bool) (store.Tenant, error) {
	var t store.Tenant
	err := d.store.Update(ctx, func(tx store.Tx) error {
		var err error
		if t, err = tenantOf(tx, slug); err != nil {
			return err
		}
		if t.SyncEnabled == on {
			return nil
		}
		t.SyncEnabled = on
		if err := tx.UpdateTenant(&t); err != nil {
			return fmt.Errorf("tenant %q: %w", slug, err)
		}
		typ := "tenant.syncDisabled"
		if on {
			typ = "tenant.syncEnabled"
		}
		return d.tell(tx, controlEvent{
			tenant: t.ID, by: by, typ: typ, subject: slug,
			before: map[string]any{"hybridSync": !on}, after: map[string]any{"hybridSync": on},
		})
	})
	if err != nil {
		return store.Tenant{}, err
	}
	return t, nil
}

// Tenants gives all tenants in the order of their creation.
func (d *Directory) Tenants(ctx context.Context) ([]store.Tenant, error) {
	var all []store.Tenant
	err := d.store.View(ctx, func(r store.Reader) (err error) {
		all, err = r.Tenants()
		return err
	})
	return all, err
}

// tenantOf finds a tenant by its slug, with the slug in the error.
func tenantOf(r store.Reader, slug string) (store.Tenant, error) {
	t, err := r.Tenant(slug)
	if err != nil {
		return store.Tenant{}, fmt.Errorf("tenant %q: %w", slug, err)
	}
	return t, nil
}

// canonicalDomains puts DNS names in lower case, each once and in the order
// given.
func canonicalDomains(in []string) ([]string, error) {
	out := make([]string, 0, len(in))
	seen := map[string]bool{}
	for _, name := range in {
		c, err := canonicalDomain(name)
		if err != nil {
			return nil, &Violation{
				Rule: RuleInvalid, Attribute: "domains",
				Detail: fmt.Sprintf("%q is no domain: %v.", name, err),
				Way:    "Use a DNS name such as contoso.com; write an international one in its xn-- form.",
			}
		}
		if !seen[c] {
			seen[c] = true
			out = append(out, c)
		}
	}
	return out, nil
}

// canonicalDomain puts a DNS name of at least two labels in lower case
// (RFC 1035 §2.3.4: 63 octets a label, 253 in all as text).
func canonicalDomain(name string) (string, error) {
	c := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	if len(c) > 253 {
		return "", errors.New("it is longer than 253 characters")
	}
	labels := strings.Split(c, ".")
	if len(labels) < 2 {
		return "", errors.New("it has one label only")
	}
	for _, l := range labels {
		if !labelRule.MatchString(l) {
			return "", fmt.Errorf("the label %q isn't allowed in a DNS name", l)
		}
	}
	return c, nil
}

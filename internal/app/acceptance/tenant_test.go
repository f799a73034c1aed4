package acceptance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// tenant is a tenant of the test's own, with the verified domain contoso.com
// and its hybrid sync on.
type tenant struct {
	t     *testing.T
	house *house
	slug  string
	// admin sees the resolved view; entra speaks for an Entra source.
	admin, entra *client
	clients      []*client
	seq          int64 // of the last event that since read
	marks        int   // that eventsAfter made
}

func (h *house) tenant(t *testing.T) *tenant {
	t.Helper()
	n := h.bareTenant(t)
	if _, err := h.Directory.EnableTenant(t.Context(), "provider", n.slug); err != nil {
		t.Fatal(err)
	}
	return n
}

// bareTenant is a tenant as it is born: its hybrid sync is off.
func (h *house) bareTenant(t *testing.T) *tenant {
	t.Helper()
	n := &tenant{t: t, house: h, slug: "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]}
	if _, err := h.Directory.AddTenant(t.Context(), "provider", n.slug, "", []string{"contoso.com"}); err != nil {
		t.Fatal(err)
	}
	n.admin = n.client(directory.TokenSpec{Admin: true})
	n.entra = n.source(store.SourceEntra, "entra", store.Policies{})
	n.source(store.SourcePeer, "marks", store.Policies{})
	n.clients = []*client{n.admin, n.entra}
	return n
}

// source adds a source and gives a client that speaks for it.
func (n *tenant) source(kind store.SourceKind, name string, p store.Policies) *client {
	n.t.Helper()
	spec := directory.SourceSpec{Name: name, Kind: kind, Policies: p}
	if _, err := n.house.Directory.AddSource(n.t.Context(), "provider", n.slug, spec); err != nil {
		n.t.Fatal(err)
	}
	return n.client(directory.TokenSpec{Source: name})
}

// client gives a client with a new token.
func (n *tenant) client(spec directory.TokenSpec) *client {
	n.t.Helper()
	spec.Tenant = n.slug
	token, _, err := n.house.Directory.AddToken(n.t.Context(), "provider", spec)
	if err != nil {
		n.t.Fatal(err)
	}
	c := &client{t: n.t, base: n.house.SCIM, token: token}
	n.clients = append(n.clients, c)
	return c
}

// me gives a client that is bound to a user of a source.
func (n *tenant) me(source, user string) *client {
	return n.client(directory.TokenSpec{Source: source, User: user})
}

// declare declares a custom attribute, as the tenant's administrator.
func (n *tenant) declare(c schema.Custom) {
	n.t.Helper()
	tenants, err := n.house.Directory.Tenants(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	i := slices.IndexFunc(tenants, func(t store.Tenant) bool { return t.Slug == n.slug })
	actor := directory.Actor{Tenant: tenants[i], Admin: true, Token: "admin"}
	if err := n.house.Directory.DeclareAttributes(n.t.Context(), actor, []schema.Custom{c}); err != nil {
		n.t.Fatal(err)
	}
}

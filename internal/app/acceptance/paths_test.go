package acceptance_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/store"
)

// The sources of a tenant are its ways in, and no other setting is: each works at
// once, and one that is added later opens its own.
func TestH048TheSourcesOfATenantAreItsPaths(t *testing.T) {
	class := map[string]string{"entra": "cloudOnly", "ad": "onPrem"}
	each(t, func(t *testing.T, h *house) {
		for _, order := range [][]string{{"entra", "ad"}, {"ad", "entra"}} {
			n := h.sourceless(t)
			for i, kind := range order {
				n.paths(order[:i])
				id := n.source(store.SourceKind(kind), kind, store.Policies{}).create("/Users", user(kind+"@contoso.com"))
				n.admin.get("/Users/"+id).is(originURN+"/class", class[kind]).is(originURN+"/authority/kind", kind)
				n.paths(order[:i+1])
			}
		}
	})
}

// sourceless is a tenant that is enabled and that no directory speaks to.
func (h *house) sourceless(t *testing.T) *tenant {
	t.Helper()
	n := &tenant{t: t, house: h, slug: "t" + strings.ReplaceAll(uuid.NewString(), "-", "")[:12]}
	if _, err := h.Directory.AddTenant(t.Context(), "provider", n.slug, "", []string{"contoso.com"}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Directory.EnableTenant(t.Context(), "provider", n.slug); err != nil {
		t.Fatal(err)
	}
	n.admin = n.client(directory.TokenSpec{Admin: true})
	return n
}

// paths holds that the tenant is reached by these kinds of sources and no others,
// and that nothing runs for a kind that it hasn't.
func (n *tenant) paths(want []string) {
	n.t.Helper()
	var got []string
	for _, x := range n.api("GET", "/sources", nil).status(200).at("items").([]any) {
		if kind := x.(object)["kind"].(string); kind != "workspace" {
			got = append(got, kind)
		}
	}
	slices.Sort(got)
	if sorted := slices.Sorted(slices.Values(want)); !slices.Equal(got, sorted) {
		n.t.Errorf("the paths are %v, not %v", got, sorted)
	}
	n.api("GET", "/agents", nil).status(200).is("items/0", nil)
}

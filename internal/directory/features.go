package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/workspace-scim/workspace/store"
)

// FeatureReconciliation is Atria.WorkSpace.GroupReconciliation: items can be kept
// in sync with groups. Off by default.
const FeatureReconciliation = "groupReconciliation"

// FeatureNames are the features that can be switched.
func FeatureNames() []string { return []string{FeatureReconciliation} }

// Feature is a feature as it is for one tenant.
type Feature struct {
	Name string
	// Enabled is what holds: what the tenant was told, else the server's choice.
	Enabled bool
	// Tenant is what the tenant was told, nil for nothing; Server what holds then.
	Tenant *bool
	Server bool
}

// Enabled says whether a feature is on for a tenant.
func (d *Directory) Enabled(t store.Tenant, feature string) bool {
	if on, told := t.Features[feature]; told {
		return on
	}
	return d.features[feature]
}

// Features gives the features of the actor's tenant.
func (d *Directory) Features(ctx context.Context, a Actor) ([]Feature, error) {
	if err := onlyAdmins(a); err != nil {
		return nil, err
	}
	var out []Feature
	err := d.store.View(ctx, func(r store.Reader) error {
		t, err := r.TenantByID(a.Tenant.ID)
		out = d.featuresOf(t)
		return err
	})
	return out, err
}

func (d *Directory) featuresOf(t store.Tenant) []Feature {
	var out []Feature
	for _, name := range FeatureNames() {
		f := Feature{Name: name, Enabled: d.Enabled(t, name), Server: d.features[name]}
		if on, told := t.Features[name]; told {
			f.Tenant = &on
		}
		out = append(out, f)
	}
	return out
}

// SetFeatures switches features of the actor's tenant; nil leaves one to the
// server's choice. An unknown name is a Violation of RuleInvalid. Where
// reconciliation comes on, its job is due at once. What changes nothing writes no
// event.
func (d *Directory) SetFeatures(ctx context.Context, a Actor, change map[string]*bool) ([]Feature, error) {
	if err := onlyAdmins(a); err != nil {
		return nil, err
	}
	for name := range change {
		if !slices.Contains(FeatureNames(), name) {
			return nil, invalid(name, fmt.Sprintf("There is no feature %.64q.", name), "docs/rules.md lists them.")
		}
	}
	var out []Feature
	err := d.update(ctx, a, func(tx store.Tx) error {
		t, err := tx.TenantByID(a.Tenant.ID)
		if err != nil {
			return err
		}
		before := t
		t.Features = maps.Clone(before.Features)
		if t.Features == nil {
			t.Features = map[string]bool{}
		}
		for name, on := range change {
			if delete(t.Features, name); on != nil {
				t.Features[name] = *on
			}
		}
		out = d.featuresOf(t)
		if maps.Equal(before.Features, t.Features) {
			return nil
		}
		if err := tx.SetFeatures(t.ID, t.Features); err != nil {
			return err
		}
		if err := d.tell(tx, controlEvent{
			tenant: t.ID, by: a.Token, txn: a.Txn, typ: "tenant.featuresChanged", subject: t.Slug,
			before: map[string]any{"features": before.Features}, after: map[string]any{"features": t.Features},
		}); err != nil {
			return err
		}
		if d.Enabled(before, FeatureReconciliation) || !d.Enabled(t, FeatureReconciliation) {
			return nil
		}
		return d.makeDue(tx, t.ID)
	})
	return out, err
}

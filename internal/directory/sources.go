package directory

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// sourceNameRule: a name is for people and for command lines.
var sourceNameRule = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,62}$`)

// SourceSpec says what source to add.
type SourceSpec struct {
	// Name is unique in the tenant: 1 to 63 letters, digits, blanks, dots,
	// hyphens and underscores.
	Name string
	// Kind is any but workspace, which every tenant has from the beginning.
	Kind store.SourceKind
	// DirectoryDomain is the DNS name of the AD domain or the id of the Entra
	// tenant whose objects the source owns; "" for none.
	DirectoryDomain string
	Policies        store.Policies
}

// AddSource adds a source to a tenant. A directory domain belongs to one source
// of a tenant only: another claim is a *Violation of RuleDomainClaimed
// (row H012). A taken name is store.ErrExists, an unknown tenant
// store.ErrNotFound, a bad argument a *Violation of RuleInvalid.
func (d *Directory) AddSource(ctx context.Context, by, tenant string, spec SourceSpec) (store.Source, error) {
	spec, err := spec.canonical()
	if err != nil {
		return store.Source{}, err
	}
	var s store.Source
	err = d.store.Update(ctx, func(tx store.Tx) error {
		t, err := tenantOf(tx, tenant)
		if err != nil {
			return err
		}
		if err := checkFree(tx, t, spec); err != nil {
			return err
		}
		if err := checkTrusts(tx, t.ID, spec.Name, spec.Kind, spec.Policies.Trusts); err != nil {
			return err
		}
		s = store.Source{
			Tenant: t.ID, PublicID: d.newID(), Name: spec.Name, Kind: spec.Kind,
			DirectoryDomain: spec.DirectoryDomain, Mode: store.ModeActive,
			Policies: spec.Policies, CreatedAt: d.now(),
		}
		if err := tx.CreateSource(&s); err != nil {
			return fmt.Errorf("source %q: %w", spec.Name, err)
		}
		return d.tell(tx, controlEvent{
			tenant: t.ID, source: s.ID, by: by, typ: "source.created", subject: s.PublicID,
			after: map[string]any{
				"name": s.Name, "kind": s.Kind, "directoryDomain": s.DirectoryDomain, "policies": s.Policies,
			},
		})
	})
	if err != nil {
		return store.Source{}, err
	}
	return s, nil
}

// checkFree says which of the tenant's sources has the name or the domain.
func checkFree(r store.Reader, t store.Tenant, spec SourceSpec) error {
	all, err := r.Sources(t.ID)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name == spec.Name {
			return fmt.Errorf("source %q: %w", spec.Name, store.ErrExists)
		}
		if spec.DirectoryDomain != "" && s.DirectoryDomain == spec.DirectoryDomain {
			return &Violation{
				Rule: RuleDomainClaimed, Attribute: "directoryDomain",
				Detail: fmt.Sprintf("The directory domain %q belongs to the source %q.", s.DirectoryDomain, s.Name),
				Way:    "Each directory has one source of a tenant; use that source, or leave the domain out.",
			}
		}
	}
	return nil
}

// canonical checks a spec and brings its domain into the stored form.
func (spec SourceSpec) canonical() (SourceSpec, error) {
	if !sourceNameRule.MatchString(spec.Name) {
		return spec, &Violation{
			Rule: RuleInvalid, Attribute: "name",
			Detail: fmt.Sprintf("%q can't be the name of a source.", spec.Name),
			Way:    "Use 1 to 63 letters, digits, blanks, dots, hyphens and underscores, beginning with a letter or digit.",
		}
	}
	kinds := []store.SourceKind{store.SourceEntra, store.SourceAD, store.SourceAPI, store.SourcePeer}
	if !slices.Contains(kinds, spec.Kind) {
		return spec, &Violation{
			Rule: RuleInvalid, Attribute: "kind",
			Detail: fmt.Sprintf("A source of kind %q can't be added.", spec.Kind),
			Way:    "Use entra, ad, api or peer; the workspace source is there from the beginning.",
		}
	}
	if err := checkPolicies(spec.Policies); err != nil {
		return spec, err
	}
	if spec.DirectoryDomain == "" {
		return spec, nil
	}
	if id, err := uuid.Parse(spec.DirectoryDomain); err == nil {
		spec.DirectoryDomain = id.String()
		return spec, nil
	}
	domain, err := canonicalDomain(spec.DirectoryDomain)
	if err != nil {
		return spec, &Violation{
			Rule: RuleInvalid, Attribute: "directoryDomain",
			Detail: fmt.Sprintf("%q is no directory domain: %v.", spec.DirectoryDomain, err),
			Way:    "Use the DNS name of the AD domain or the id (UUID) of the Entra tenant.",
		}
	}
	spec.DirectoryDomain = domain
	return spec, nil
}

func checkPolicies(p store.Policies) error {
	switch {
	case !slices.Contains([]string{"", "accept", "require", "derive"}, p.Names):
		return invalid("policies.names", fmt.Sprintf("%q is no policy for names.", p.Names), "Use accept, require or derive.")
	case p.Match != "" && matchAttribute(schema.Must().User, p.Match) == nil:
		return invalid("policies.match", fmt.Sprintf("Users can't be matched by %.100q.", p.Match), "Use externalId, userName, employeeNumber or another attribute that docs/uploads.md names.")
	case p.UploadOperations < 0 || p.UploadOperations > MaxUploadOperations:
		return invalid("policies.uploadOperations", fmt.Sprintf("An upload may have 1 to %d records.", MaxUploadOperations), "")
	case p.UploadCalls < 0 || p.UploadCalls > MaxUploadCalls:
		return invalid("policies.uploadCalls", fmt.Sprintf("In five seconds may come 1 to %d uploads.", MaxUploadCalls), "")
	}
	return nil
}

// checkTrusts wants the trusted sources to be directories of the tenant of the
// same kind as the one that trusts them.
func checkTrusts(r store.Reader, tenant int64, name string, kind store.SourceKind, trusts []string) error {
	if len(trusts) == 0 {
		return nil
	}
	all, err := r.Sources(tenant)
	if err != nil {
		return err
	}
	for _, other := range trusts {
		known := slices.ContainsFunc(all, func(s store.Source) bool { return s.Name == other && s.Kind == kind })
		if !known || other == name || kind != store.SourceAD && kind != store.SourceEntra {
			return &Violation{
				Rule: RuleInvalid, Attribute: "policies.trusts",
				Detail: fmt.Sprintf("The source %q can't trust %.64q.", name, other),
				Way:    "A directory trusts other directories of its kind, ad or entra, of the same tenant.",
			}
		}
	}
	return nil
}

// Sources gives a tenant's sources in the order of their creation, the manual
// one first.
func (d *Directory) Sources(ctx context.Context, tenant string) ([]store.Source, error) {
	var all []store.Source
	err := d.store.View(ctx, func(r store.Reader) error {
		t, err := tenantOf(r, tenant)
		if err != nil {
			return err
		}
		all, err = r.Sources(t.ID)
		return err
	})
	return all, err
}

// Source gets a source by its name.
func (d *Directory) Source(ctx context.Context, tenant, name string) (s store.Source, err error) {
	err = d.store.View(ctx, func(r store.Reader) error {
		s, err = sourceOf(r, tenant, name)
		return err
	})
	return s, err
}

// EnableSource and DisableSource set the mode of a source. The credentials of a
// disabled one are refused; what it wrote stays. Setting the mode that it has
// changes nothing and writes no event. The workspace source can't be disabled,
// and one in staging is activated by ChangeSource, which shows what is pending.
func (d *Directory) EnableSource(ctx context.Context, by, tenant, name string) error {
	return d.setMode(ctx, by, tenant, name, store.ModeActive)
}

// DisableSource is the opposite of EnableSource.
func (d *Directory) DisableSource(ctx context.Context, by, tenant, name string) error {
	return d.setMode(ctx, by, tenant, name, store.ModeDisabled)
}

func (d *Directory) setMode(ctx context.Context, by, tenant, name string, mode store.Mode) error {
	return d.store.Update(ctx, func(tx store.Tx) error {
		s, err := sourceOf(tx, tenant, name)
		if err != nil {
			return err
		}
		if s.Mode == mode {
			return nil
		}
		if s.Kind == store.SourceWorkspace {
			return &Violation{
				Rule: RuleInvalid, Attribute: "mode",
				Detail: "The workspace source can't be disabled.",
				Way:    "Revoke the admin tokens instead.",
			}
		}
		if s.Mode == store.ModeStaging && mode == store.ModeActive {
			return &Violation{
				Rule: RuleConfirmationRequired, Attribute: "mode",
				Detail: fmt.Sprintf("The source %q is in staging.", name),
				Way:    "Activate it with: workspace source set-mode, which shows what is pending.",
			}
		}
		if s.Mode == store.ModeStaging {
			if err := errors.Join(tx.DeletePending(s.ID, ""), tx.DeleteCheckpoints(s.ID)); err != nil {
				return err
			}
		}
		if err := tx.EndLeases(s.ID, ""); err != nil {
			return err
		}
		before := s.Mode
		s.Mode = mode
		if err := tx.UpdateSource(&s); err != nil {
			return fmt.Errorf("source %q: %w", name, err)
		}
		typ := "source.enabled"
		if mode == store.ModeDisabled {
			typ = "source.disabled"
		}
		return d.tell(tx, controlEvent{
			tenant: s.Tenant, source: s.ID, by: by, typ: typ, subject: s.PublicID,
			before: map[string]any{"mode": before}, after: map[string]any{"mode": mode},
		})
	})
}

// SetPolicies replaces the policies of a source.
func (d *Directory) SetPolicies(ctx context.Context, by, tenant, name string, p store.Policies) error {
	if err := checkPolicies(p); err != nil {
		return err
	}
	return d.store.Update(ctx, func(tx store.Tx) error {
		s, err := sourceOf(tx, tenant, name)
		if err != nil {
			return err
		}
		if reflect.DeepEqual(s.Policies, p) {
			return nil
		}
		if err := checkTrusts(tx, s.Tenant, s.Name, s.Kind, p.Trusts); err != nil {
			return err
		}
		before := s.Policies
		s.Policies = p
		if err := tx.UpdateSource(&s); err != nil {
			return fmt.Errorf("source %q: %w", name, err)
		}
		return d.tell(tx, controlEvent{
			tenant: s.Tenant, source: s.ID, by: by, typ: "source.policiesChanged", subject: s.PublicID,
			before: before, after: p,
		})
	})
}

// sourceOf finds a source by its tenant's slug and its name.
func sourceOf(r store.Reader, tenant, name string) (store.Source, error) {
	t, err := tenantOf(r, tenant)
	if err != nil {
		return store.Source{}, err
	}
	s, err := r.Source(t.ID, name)
	if err != nil {
		return store.Source{}, fmt.Errorf("source %q of tenant %q: %w", name, tenant, err)
	}
	return s, nil
}

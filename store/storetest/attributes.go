package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

const customURN = "urn:ietf:params:scim:schemas:extension:Contoso:2.0:User"

// maxCustom is how many custom attributes a tenant may have.
const maxCustom = 200

func attributeChecks() []check {
	return []check{
		{"a declared attribute gets an index number and raises the schema version", attributeDeclared},
		{"a second declaration gives the first and changes nothing", attributeTwice},
		{"names are the same in any case", attributeCaseless},
		{"two tenants declare apart", attributeTenants},
		{"the 201st is ErrTooMany", attributeTooMany},
		{"many declare the same at once and get one", attributeRace},
	}
}

func customs(w *world) []schema.Custom {
	w.Helper()
	return read(w, func(r store.Reader) ([]schema.Custom, error) { return r.CustomAttributes(w.tenant) })
}

func schemaVersion(w *world) int {
	w.Helper()
	for _, tenant := range allTenants(w) {
		if tenant.ID == w.tenant {
			return tenant.SchemaVersion
		}
	}
	w.Fatalf("tenant %d is gone", w.tenant)
	return 0
}

func declare(w *world, c schema.Custom) schema.Custom {
	w.Helper()
	w.update(func(tx store.Tx) error { return tx.DeclareAttribute(w.tenant, &c) })
	return c
}

func attributeDeclared(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	before := schemaVersion(w)
	var want []schema.Custom
	for i, typ := range []schema.Type{schema.String, schema.Boolean, schema.Decimal, schema.Integer, schema.DateTime} {
		want = append(want, declare(w, schema.Custom{URN: customURN, Name: fmt.Sprintf("badge%d", i), Type: typ}))
		if v := schemaVersion(w); v <= before {
			t.Errorf("schema version %d after %d", v, before)
		} else {
			before = v
		}
	}
	equal(w, "custom attributes", customs(w), want)
	seen := map[int]bool{}
	for _, c := range want {
		if c.Index < schema.CustomIndex || seen[c.Index] {
			t.Errorf("%s has index number %d", c.Name, c.Index)
		}
		seen[c.Index] = true
	}
	if _, err := schema.New(want); err != nil {
		t.Error(err)
	}
}

func attributeTwice(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	first := declare(w, schema.Custom{URN: customURN, Name: "badge", Type: schema.Boolean})
	version := schemaVersion(w)
	equal(w, "declared again", declare(w, schema.Custom{URN: customURN, Name: "badge", Type: schema.String}), first)
	equal(w, "custom attributes", customs(w), []schema.Custom{first})
	equal(w, "schema version", schemaVersion(w), version)
}

// RFC 7643 §2.1: attribute names are case insensitive, and so are URNs.
func attributeCaseless(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	first := declare(w, schema.Custom{URN: customURN, Name: "badgeColor", Type: schema.String})
	equal(w, "other case", declare(w, schema.Custom{URN: strings.ToLower(customURN), Name: "BADGECOLOR", Type: schema.String}), first)
	equal(w, "custom attributes", customs(w), []schema.Custom{first})
}

func attributeTenants(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	mine := declare(w, schema.Custom{URN: customURN, Name: "badge", Type: schema.String})
	theirs := declare(other, schema.Custom{URN: customURN, Name: "badge", Type: schema.Decimal})
	equal(w, "mine", customs(w), []schema.Custom{mine})
	equal(w, "theirs", customs(other), []schema.Custom{theirs})
}

func attributeTooMany(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	w.update(func(tx store.Tx) error {
		for i := range maxCustom {
			if err := tx.DeclareAttribute(w.tenant, &schema.Custom{URN: customURN, Name: fmt.Sprintf("a%d", i), Type: schema.String}); err != nil {
				return err
			}
		}
		return errors.Join(
			expect(tx.DeclareAttribute(w.tenant, &schema.Custom{URN: customURN, Name: "straw", Type: schema.String}), store.ErrTooMany),
			tx.DeclareAttribute(w.tenant, &schema.Custom{URN: customURN, Name: "a7", Type: schema.String}),
		)
	})
	equal(w, "number of custom attributes", len(customs(w)), maxCustom)
}

func attributeRace(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	got := make([]schema.Custom, 8)
	for _, err := range together(len(got), func(i int) error {
		return s.Update(t.Context(), func(tx store.Tx) error {
			got[i] = schema.Custom{URN: customURN, Name: "badge", Type: schema.String}
			return tx.DeclareAttribute(w.tenant, &got[i])
		})
	}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	all := customs(w)
	if len(all) != 1 {
		t.Fatalf("custom attributes: %+v", all)
	}
	for _, c := range got {
		equal(w, "declared by one of many", c, all[0])
	}
}

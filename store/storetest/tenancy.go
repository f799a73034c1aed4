package storetest

import (
	"errors"
	"testing"

	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

func tenancyChecks() []check {
	return []check{
		{"no read with a tenant shows another tenant's rows", tenancyReads},
		{"a view of another tenant's source is empty", tenancyForeignSource},
		{"members never cross tenants", tenancyMembers},
		{"no write with a tenant changes another tenant's rows", tenancyWrites},
	}
}

// tenancyReads walks every method of Reader that takes a tenant.
func tenancyReads(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna := w.user(w.ad, "anna", `{"displayName":"Anna"}`)
	g := w.group(w.ad, "Sales", "")
	w.link(w.hr, anna, func(l *store.Link) { l.ExternalID, l.Anchor = "E-1", "A-1" })
	token := newToken(w, w.ad, store.TokenBearer)
	w.update(func(tx store.Tx) error {
		_, _, err := tx.ChangeMembers(w.tenant, g.RID, w.ad, rids(anna), nil)
		return errors.Join(err, tx.CreateToken(&token),
			tx.DeclareAttribute(w.tenant, &schema.Custom{URN: customURN, Name: "badge", Type: schema.String}),
			tx.PutConflict(&store.Conflict{Tenant: w.tenant, Source: w.ad, Kind: schema.User, RID: anna.RID, FirstAt: at(0), LastAt: at(0)}),
			tx.AppendEvents([]store.Event{{Tenant: w.tenant, Time: at(0), Type: "user.created"}}))
	})
	w.finds("own users", w.users(0), "anna")
	other.finds("foreign users", other.users(0))
	other.finds("foreign users by name", other.where(other.users(0), `displayName eq "anna"`))
	other.finds("foreign groups", other.groupsQuery(0))

	missing := map[string]func(store.Reader) error{
		"Record":     func(r store.Reader) error { _, err := r.Record(other.as(0), anna.Kind, anna.ID, false); return err },
		"Resource":   func(r store.Reader) error { _, err := r.Resource(other.tenant, anna.RID); return err },
		"FindUnique": func(r store.Reader) error { _, err := r.FindUnique(other.tenant, anna.Kind, "anna"); return err },
		"Source":     func(r store.Reader) error { _, err := r.Source(other.tenant, "nobody"); return err },
	}
	for name, fn := range missing {
		_, err := tryRead(w, func(r store.Reader) (int, error) { return 0, fn(r) })
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s with another tenant: %v, want %v", name, err, store.ErrNotFound)
		}
	}
	empty := map[string]func(store.Reader) (int, error){
		"Refs": func(r store.Reader) (int, error) {
			v, err := r.Refs(other.as(other.ad), []string{anna.ID})
			return len(v), err
		},
		"IDs": func(r store.Reader) (int, error) { v, err := r.IDs(other.tenant, rids(anna)); return len(v), err },
		"FindAnchor": func(r store.Reader) (int, error) {
			v, err := r.FindAnchor(other.tenant, anna.Kind, "A-1")
			return len(v), err
		},
		"Groups": func(r store.Reader) (int, error) {
			v, err := r.Groups(other.as(0), rids(anna))
			return len(v[anna.RID]), err
		},
		"Referrers": func(r store.Reader) (int, error) {
			v, err := r.Referrers(other.tenant, w.set.User.DisplayName.Index, "anna")
			return len(v), err
		},
		"Conflicts": func(r store.Reader) (int, error) {
			v, err := r.Conflicts(store.ConflictQuery{Tenant: other.tenant, Limit: 10})
			return len(v), err
		},
		"Tokens":           func(r store.Reader) (int, error) { v, err := r.Tokens(other.tenant); return len(v), err },
		"CustomAttributes": func(r store.Reader) (int, error) { v, err := r.CustomAttributes(other.tenant); return len(v), err },
		"Members": func(r store.Reader) (n int, err error) {
			err = r.Members(other.as(0), g.RID, func(store.Member) error { n++; return nil })
			return n, ignoreNotFound(err)
		},
		"FindEvents": func(r store.Reader) (n int, err error) {
			_, err = r.FindEvents(store.EventQuery{Tenant: other.tenant, Limit: 10}, func(store.Event) error { n++; return nil })
			return n, err
		},
		"Asserting": func(r store.Reader) (int, error) {
			v, err := r.Asserting(other.tenant, g.RID, anna.RID)
			return len(v), err
		},
		"Events": func(r store.Reader) (n int, err error) {
			return n, r.Events(other.tenant, 0, 10, func(store.Event) error { n++; return nil })
		},
	}
	for name, fn := range empty {
		if n := read(w, fn); n != 0 {
			t.Errorf("%s with another tenant gives %d rows", name, n)
		}
	}
}

func ignoreNotFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// A source of another tenant in a View is a bug of the caller, and shows
// nothing of either tenant.
func tenancyForeignSource(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, foreign := w.user(w.ad, "anna", ""), other.user(other.ad, "otto", "")
	mine, theirs := w.group(w.ad, "Sales", ""), other.group(other.ad, "Vertrieb", "")
	w.update(func(tx store.Tx) error {
		_, _, err := tx.ChangeMembers(w.tenant, mine.RID, w.ad, rids(anna), nil)
		_, _, otherErr := tx.ChangeMembers(other.tenant, theirs.RID, other.ad, rids(foreign), nil)
		return errors.Join(err, otherErr)
	})
	crossed := store.View{Tenant: w.tenant, Source: other.ad}
	for _, id := range []string{anna.ID, foreign.ID} {
		_, err := tryRead(w, func(r store.Reader) (store.Record, error) { return r.Record(crossed, schema.User, id, false) })
		w.is(err, store.ErrNotFound)
	}
	w.finds("users", store.Query{View: crossed, Type: w.set.User, Limit: 10})
	for _, g := range []store.Resource{mine, theirs} {
		n := read(w, func(r store.Reader) (n int, err error) {
			err = r.Members(crossed, g.RID, func(store.Member) error { n++; return nil })
			return n, ignoreNotFound(err)
		})
		equal(w, "members of "+g.Display, n, 0)
	}
	groups := read(w, func(r store.Reader) (map[int64][]store.Membership, error) {
		return r.Groups(crossed, rids(anna, foreign))
	})
	equal(w, "groups", len(groups[anna.RID])+len(groups[foreign.RID]), 0)
}

func tenancyMembers(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, foreign := w.user(w.ad, "anna", ""), other.user(other.ad, "otto", "")
	g := w.group(w.ad, "Sales", "")
	// Whether a foreign member is refused or passed over is the backend's choice.
	_ = s.Update(t.Context(), func(tx store.Tx) error {
		_, _, err := tx.ChangeMembers(w.tenant, g.RID, w.ad, rids(anna, foreign), nil)
		return err
	})
	w.update(func(tx store.Tx) error {
		_, _, err := tx.ChangeMembers(w.tenant, g.RID, w.ad, rids(anna), nil)
		return err
	})
	equal(w, "members", w.members(0, g.RID), []string{"anna"})
	groups := read(w, func(r store.Reader) (map[int64][]store.Membership, error) {
		return r.Groups(other.as(0), rids(foreign))
	})
	equal(w, "groups of the foreign member", len(groups[foreign.RID]), 0)
}

func tenancyWrites(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	anna, g := w.user(w.ad, "anna", ""), w.group(w.ad, "Sales", "")
	stranger := other.user(other.ad, "otto", "")
	attempts := map[string]func(store.Tx) error{
		"UpdateResource": func(tx store.Tx) error {
			stolen := anna
			stolen.Tenant, stolen.Display = other.tenant, "stolen"
			return tx.UpdateResource(&stolen, &stolen)
		},
		"ChangeMembers": func(tx store.Tx) error {
			_, _, err := tx.ChangeMembers(other.tenant, g.RID, other.ad, rids(stranger), nil)
			return err
		},
		"ReplaceMembers": func(tx store.Tx) error {
			_, _, err := tx.ReplaceMembers(other.tenant, g.RID, w.ad, rids(anna))
			return err
		},
	}
	for name, fn := range attempts {
		_ = s.Update(t.Context(), fn)
		equal(w, "resource after a foreign "+name, w.resource(anna.RID), bare(anna))
		equal(w, "members after a foreign "+name, w.members(0, g.RID), nil)
		equal(w, "asserted members after a foreign "+name, w.members(w.ad, g.RID), nil)
		groups := read(w, func(r store.Reader) (map[int64][]store.Membership, error) {
			return r.Groups(other.as(other.ad), rids(stranger))
		})
		equal(w, "groups of the stranger after "+name, len(groups[stranger.RID]), 0)
	}
}

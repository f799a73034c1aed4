package gormstore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/filter"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// world is a tenant with one Entra source and helpers to fill it.
type world struct {
	testing.TB
	*Store
	set            *schema.Set
	tenant, source int64
	manual         int64
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func newWorld(t testing.TB, s *Store) *world {
	t.Helper()
	w := &world{TB: t, Store: s, set: schema.Must()}
	w.update(func(tx store.Tx) error {
		n := store.Tenant{Slug: "t-" + uuid.NewString(), CreatedAt: epoch}
		if err := tx.CreateTenant(&n, uuid.NewString()); err != nil {
			return err
		}
		manual, err := tx.Source(n.ID, "workspace")
		if err != nil {
			return err
		}
		src := store.Source{Tenant: n.ID, PublicID: uuid.NewString(), Name: "entra", Kind: store.SourceEntra, Mode: store.ModeActive, CreatedAt: epoch}
		err = tx.CreateSource(&src)
		w.tenant, w.source, w.manual = n.ID, src.ID, manual.ID
		return err
	})
	return w
}

func (w *world) update(fn func(store.Tx) error) {
	w.Helper()
	if err := w.Update(w.Context(), fn); err != nil {
		w.Fatalf("update: %v", err)
	}
}

func (w *world) view(fn func(store.Reader) error) {
	w.Helper()
	if err := w.View(w.Context(), fn); err != nil {
		w.Fatalf("view: %v", err)
	}
}

// user builds the user that Entra would send for a name: about 1 KB.
func (w *world) user(name string) store.Resource {
	json := fmt.Sprintf(`{"externalId":"ext-%[1]s","userName":"%[1]s@contoso.example","name":{"formatted":"Given %[1]s","familyName":"Family %[1]s","givenName":"Given"},
		"displayName":"Display %[1]s","title":"Senior Engineer of something","preferredLanguage":"en-US","active":true,
		"emails":[{"value":"%[1]s@contoso.example","type":"work","primary":true},{"value":"%[1]s@home.example","type":"home"}],
		"phoneNumbers":[{"value":"+31 20 555 0100","type":"work"},{"value":"+31 6 555 0101","type":"mobile"}],
		"addresses":[{"type":"work","streetAddress":"Keizersgracht 1","locality":"Amsterdam","postalCode":"1015 CC","country":"NL"}],
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E%[1]s","department":"Research","costCenter":"4130"}}`, name)
	return w.resource(schema.User, json, strings.ToLower(name)+"@contoso.example")
}

func (w *world) group(name string) store.Resource {
	return w.resource(schema.Group, fmt.Sprintf(`{"externalId":"ext-%[1]s","displayName":%[1]q}`, name), "")
}

func (w *world) resource(kind schema.Kind, json, key string) store.Resource {
	w.Helper()
	d, err := document.Decode(w.set.OfKind(kind), []byte(json), nil)
	if err != nil {
		w.Fatal(err)
	}
	return store.Resource{Tenant: w.tenant, Kind: kind, ID: uuid.NewString(), UniqueKey: key, Display: d.Object.Text(w.set.OfKind(kind).DisplayName),
		Authority: w.source, Class: "cloudOnly", State: store.Live, StateAt: epoch, Version: 1, CreatedAt: epoch, ModifiedAt: epoch,
		Doc: d.Object.AppendJSON(nil), Keys: document.Keys(d.Object)}
}

// create does in one Update what the directory does for a POST.
func (w *world) create(r *store.Resource) error {
	external := "ext-" + r.ID
	return w.Update(w.Context(), func(tx store.Tx) error {
		if _, err := tx.FindExternalID(w.source, r.Kind, external); err == nil {
			return store.ErrExists
		}
		if r.UniqueKey != "" {
			if _, err := tx.FindUnique(w.tenant, r.Kind, r.UniqueKey); err == nil {
				return store.ErrExists
			}
		}
		if err := w.insert(tx, r, external); err != nil {
			return err
		}
		return tx.AppendEvents([]store.Event{{Tenant: w.tenant, Time: epoch, Txn: "req", Actor: "wsp_abcd", Source: w.source, Type: "user.created",
			Outcome: "applied", Subject: r.ID, SubjectRID: r.RID, After: r.Doc}})
	})
}

// insert writes a resource with a live link of the source.
func (w *world) insert(tx store.Tx, r *store.Resource, external string) error {
	if err := tx.InsertResource(r); err != nil {
		return err
	}
	return tx.PutLink(nil, &store.Link{RID: r.RID, Tenant: w.tenant, Kind: r.Kind, Source: w.source, ExternalID: external,
		State: store.Linked, Version: 1, CreatedAt: epoch, ModifiedAt: epoch})
}

// load inserts n users, u0 to u(n-1), and a tenth as many groups, g0 to …, in
// which user i is a member of group i/10.
func (w *world) load(n int) {
	w.Helper()
	const chunk = 500
	for from := 0; from < n; from += chunk {
		w.update(func(tx store.Tx) error {
			members := map[int][]int64{}
			for i := from; i < min(n, from+chunk); i++ {
				r := w.user(fmt.Sprint("u", i))
				if err := w.insert(tx, &r, fmt.Sprint("ext-u", i)); err != nil {
					return err
				}
				members[i/10] = append(members[i/10], r.RID)
			}
			for i, rids := range members {
				g := w.group(fmt.Sprint("g", i))
				if err := w.insert(tx, &g, fmt.Sprint("ext-g", i)); err != nil {
					return err
				}
				if _, _, err := tx.ChangeMembers(w.tenant, g.RID, w.source, rids, nil); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// query parses a filter as a client writes it.
func (w *world) query(t *schema.ResourceType, source int64, text string) store.Query {
	w.Helper()
	q := store.Query{View: store.View{Tenant: w.tenant, Source: source}, Type: t, Limit: 100}
	if text == "" {
		return q
	}
	e, err := filter.Parse(text)
	if err != nil {
		w.Fatal(err)
	}
	if q.Filter, err = filter.Resolve(t, e); err != nil {
		w.Fatal(err)
	}
	return q
}

// find gives the display names that a query finds, and the page.
func (w *world) find(q store.Query) ([]string, store.Page) {
	w.Helper()
	var names []string
	var page store.Page
	w.view(func(r store.Reader) (err error) {
		page, err = r.List(q, func(rec *store.Record) error {
			names = append(names, rec.Display)
			return nil
		})
		return err
	})
	return names, page
}

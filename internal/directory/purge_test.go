package directory_test

import (
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// Who is deleted keeps its grants, as it may come back; who is purged has none.
func TestGrantsEndWithThePurge(t *testing.T) {
	eachControl(t, func(t *testing.T, c *control) {
		c.tenant("a")
		secret, _ := c.token(directory.TokenSpec{Tenant: "a", Admin: true})
		actor := directory.NewActor(must(c.Authenticate(t.Context(), secret))(t), "txn")
		set := must(c.Schema(t.Context(), actor.Tenant))(t)
		create := func(typ *schema.ResourceType, body string) (res store.Resource) {
			t.Helper()
			d := must(document.Decode(typ, []byte(body), nil))(t)
			_ = must(c.Write(t.Context(), actor, false, func(w *directory.Writer) error {
				r, err := w.Create(typ, directory.Input{Doc: d.Object})
				res = r.Record.Resource
				return err
			}))(t)
			return res
		}
		anna, ben := create(set.User, `{"userName":"anna@contoso.com"}`), create(set.User, `{"userName":"ben@contoso.com"}`)
		sales := create(set.Group, `{"displayName":"Sales"}`)
		grant := store.Grant{Tenant: actor.Tenant.ID, Target: sales.RID, Reason: store.GrantWorkflow, Since: c.clock.Now()}
		if err := c.store.Update(t.Context(), func(tx store.Tx) error {
			_, err := tx.PutGrants(grant, []int64{anna.RID, ben.RID})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		holders := func() (subjects []int64) {
			t.Helper()
			if err := c.store.View(t.Context(), func(r store.Reader) error {
				grants, err := r.Grants(store.GrantQuery{Tenant: actor.Tenant.ID, Limit: 10})
				subjects = nil
				for _, g := range grants {
					subjects = append(subjects, g.Subject)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return subjects
		}
		_ = must(c.Write(t.Context(), actor, false, func(w *directory.Writer) error { return w.Delete(set.User, anna.ID, nil) }))(t)
		if got := holders(); len(got) != 2 {
			t.Errorf("after the deletion: %v", got)
		}
		c.clock.Add(100 * 24 * time.Hour)
		if err := c.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := holders(); len(got) != 1 || got[0] != ben.RID {
			t.Errorf("after the purge: %v, want %d's only", got, ben.RID)
		}
	})
}

package directory

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"github.com/workspace-scim/workspace/store/gormstore"
)

// handClock is set by hand.
type handClock struct{ now time.Time }

func (c *handClock) Now() time.Time { return c.now }

// A run that a server leaves in the middle is taken over when its lease has
// expired, not before, and what it counts is what was done once.
func TestARunIsTakenOverWhereItWasLeft(t *testing.T) {
	ctx, clock := t.Context(), &handClock{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	s, err := gormstore.Open(ctx, gormstore.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "w.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	d := New(s, Options{Clock: clock, Features: []string{FeatureReconciliation}})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	admin, ad := contoso(t, d)
	const members = 2*compareChunk + 500
	item := kept(t, d, admin, ad, members)
	must(d.store.Update(ctx, func(tx store.Tx) error { // as if it had never been done
		job := store.Job{Tenant: admin.Tenant.ID, Kind: store.JobReconcile, Enabled: true, Interval: time.Hour, NextAt: clock.now.Add(time.Hour)}
		return tx.PutJob(job)
	}))
	n, _, err := d.ReconcileItem(ctx, admin, item)
	must(err)

	a, taken, err := d.takeRun(ctx, n, "server-1")
	must(err)
	items, err := d.itemsToCompare(ctx, n)
	must(err)
	if more, err := d.step(ctx, a, n, items); err != nil || !more || !taken {
		t.Fatalf("the first piece: more %v, taken %v, %v", more, taken, err)
	}
	run := func() store.Run {
		n, err := d.Run(ctx, admin, n.PublicID)
		must(err)
		return n
	}
	must(d.Work(ctx, "server-2"))
	if got := run(); got.State != store.RunRunning || got.Counts.Reconcile.Added != compareChunk {
		t.Fatalf("while the lease lives the run is %s with %d added", got.State, got.Counts.Reconcile.Added)
	}
	clock.now = clock.now.Add(runLease)
	must(d.Work(ctx, "server-2"))
	got := run()
	want := store.ReconcileCounts{Items: 1, OnlyInGroup: members, Added: members}
	if got.State != store.RunSucceeded || *got.Counts.Reconcile != want || got.Done != members {
		t.Errorf("%s %+v, want %+v", got.State, *got.Counts.Reconcile, want)
	}
	if _, err := d.step(ctx, a, n, items); !Violated(err, RuleFenced) {
		t.Errorf("the server that was overtaken: %v, want fenced", err)
	}
}

// contoso makes a tenant with an Active Directory and gives who speaks for both.
func contoso(t *testing.T, d *Directory) (admin, ad Actor) {
	t.Helper()
	ctx := t.Context()
	tenant, err := d.AddTenant(ctx, "test", "contoso", "", nil)
	if err == nil {
		_, err = d.AddSource(ctx, "test", "contoso", SourceSpec{Name: "ad", Kind: store.SourceAD})
	}
	if err == nil {
		admin, err = d.Administrator(ctx, "test", "contoso")
	}
	if err != nil {
		t.Fatal(err)
	}
	source, err := d.Source(ctx, "contoso", "ad")
	if err != nil {
		t.Fatal(err)
	}
	return admin, Actor{Tenant: tenant, Source: source, Token: "test"}
}

// kept makes a group with members and an item that follows it, before the job is
// enabled.
func kept(t *testing.T, d *Directory, admin, ad Actor, members int) (item string) {
	t.Helper()
	set := schema.Must()
	create := func(a Actor, rt *schema.ResourceType, members []string, n int, doc func(i int) *document.Object) (ids []string) {
		t.Helper()
		_, err := d.Write(context.Background(), a, false, func(w *Writer) error {
			ids = nil
			for i := range n {
				result, err := w.Create(rt, Input{Doc: doc(i), Members: members, HasMembers: members != nil})
				if err != nil {
					return err
				}
				ids = append(ids, result.Record.ID)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	of := func(rt *schema.ResourceType, attributes map[string]any) *document.Object {
		doc := &document.Object{}
		for name, v := range attributes {
			doc.Set(rt.Root.Sub(name), v)
		}
		return doc
	}
	users := create(ad, set.User, nil, members, func(i int) *document.Object {
		return of(set.User, map[string]any{"userName": fmt.Sprintf("u%d@contoso.com", i)})
	})
	group := create(ad, set.Group, users, 1, func(int) *document.Object { return of(set.Group, map[string]any{"displayName": "Sales"}) })[0]
	named := &document.Object{}
	named.Set(set.Item.Root.Sub("group").Value(), group)
	return create(admin, set.Item, nil, 1, func(int) *document.Object {
		return of(set.Item, map[string]any{"displayName": "Visio", "provider": "ad", "keepInSync": "on", "group": named})
	})[0]
}

package directory_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// itemHistory is a tenant with groups of two directories, and an item that is kept
// in sync with each.
type itemHistory struct {
	*world
	groups [2]string // of ad and entra
	items  [2]string
	users  [2][]string
}

func newItemHistory(t rapid.TB, s store.Store, slug string) *itemHistory {
	h := &itemHistory{world: newWorld(t, s, slug)}
	h.actors = slices.Delete(h.actors, 1, 2) // one domain is enough here: ad, entra, api, admin
	ctx := context.Background()
	on := true
	_, err := h.dir.SetFeatures(ctx, h.admin(), map[string]*bool{directory.FeatureReconciliation: &on})
	h.must(err)
	_, err = h.dir.SetJob(ctx, h.admin(), store.JobReconcile, directory.JobChange{Enabled: &on})
	h.must(err)
	for i := range h.actors {
		h.actors[i].Tenant.Features = map[string]bool{directory.FeatureReconciliation: true}
	}
	for i, provider := range []string{"ad", "entra"} {
		h.groups[i] = h.create(i, h.set.Group, map[string]any{"displayName": "Group of " + provider})
		for k := range 5 {
			h.users[i] = append(h.users[i], h.create(i, h.set.User, map[string]any{"userName": fmt.Sprintf("%s%d@contoso.com", provider, k)}))
		}
		h.items[i] = h.create(3, h.set.Item, map[string]any{"displayName": "Item of " + provider, "provider": provider, "keepInSync": "on", "group": h.groups[i]})
	}
	h.work()
	return h
}

// create makes a resource as one of the actors and gives its id.
func (h *itemHistory) create(actor int, t *schema.ResourceType, attributes map[string]any) (id string) {
	h.t.Helper()
	doc := &document.Object{}
	for name, v := range attributes {
		a := t.Root.Sub(name)
		if a.Type == schema.Complex {
			o := &document.Object{}
			o.Set(a.Value(), v)
			v = o
		}
		doc.Set(a, v)
	}
	h.must(h.write(actor, func(w *directory.Writer) error {
		result, err := w.Create(t, directory.Input{Doc: doc})
		id = result.Record.ID
		return err
	}))
	return id
}

func (h *itemHistory) write(actor int, fn func(*directory.Writer) error) error {
	_, err := h.dir.Write(context.Background(), h.actors[actor], false, fn)
	return err
}

// work carries out all that waits. The clock moves with each look, so a lease may
// expire on the way: then the run is taken up again.
func (h *itemHistory) work() {
	for waits := true; waits; {
		h.must(h.dir.Work(context.Background(), "server-1"))
		waits = false
		for _, state := range []store.RunState{store.RunQueued, store.RunRunning} {
			runs, err := h.dir.Runs(context.Background(), h.admin(), h.admin().Source.PublicID, state, 0, 1)
			h.must(err)
			waits = waits || len(runs) > 0
		}
	}
}

// step does one thing of a history, whatever comes before and after it, and says
// what to whom.
func (h *itemHistory) step(t *rapid.T) (what, whom string) {
	i := rapid.IntRange(0, 1).Draw(t, "directory")
	user := rapid.SampledFrom(h.users[i]).Draw(t, "user")
	member := func(op directory.MemberOp) {
		_ = h.write(i, func(w *directory.Writer) error {
			_, err := w.Modify(h.set.Group, h.groups[i], nil, directory.Change{Members: []directory.MemberOp{op}})
			return err
		})
	}
	choose := func(name, value string) {
		h.must(h.write(3, func(w *directory.Writer) error {
			_, err := w.Modify(h.set.Item, h.items[i], nil, directory.Change{Apply: func(doc *document.Object) error {
				doc.Set(h.set.Item.Root.Sub(name), value)
				return nil
			}})
			return err
		}))
	}
	what = rapid.SampledFrom([]string{"add", "remove", "replace", "clear", "delete", "hand", "take", "order", "cancel", "off", "on", "groupless", "work"}).Draw(t, "step")
	switch what {
	case "add":
		member(directory.MemberOp{Add: []string{user}})
	case "remove":
		member(directory.MemberOp{Remove: []string{user}})
	case "replace":
		member(directory.MemberOp{Replace: []string{user}})
	case "clear":
		member(directory.MemberOp{Clear: true})
	case "delete":
		_ = h.write(i, func(w *directory.Writer) error { return w.Delete(h.set.User, user, nil) })
	case "hand":
		h.hand(i, user)
	case "take":
		_ = h.write(3, func(w *directory.Writer) error { return w.Take(h.set.Grant, directory.GrantID(h.items[i], user)) })
	case "order":
		h.damage(i, user, store.GrantOrder)
	case "cancel":
		h.take(i, user, store.GrantOrder)
	case "off":
		choose("keepInSync", "off")
	case "on":
		choose("mode", "private")
		choose("keepInSync", "on")
	case "groupless":
		choose("mode", "groupless")
	case "work":
		h.work()
	}
	return what, user
}

// hand gives an item by hand; a kept one refuses.
func (h *itemHistory) hand(i int, user string) {
	t := h.set.Grant
	doc := &document.Object{}
	for name, id := range map[string]string{"target": h.items[i], "subject": user} {
		o := &document.Object{}
		o.Set(t.Root.Sub(name).Value(), id)
		doc.Set(t.Root.Sub(name), o)
	}
	_ = h.write(3, func(w *directory.Writer) error { _, err := w.Give(t, doc); return err })
}

// holders gives who has an item for the reasons, and members who its group's
// source asserts, both by id.
func (h *itemHistory) holders(i int, reasons ...store.GrantReason) (out []string) {
	h.must(h.store.View(context.Background(), func(r store.Reader) error {
		out = nil
		tenant := h.admin().Tenant.ID
		refs, err := r.Refs(store.View{Tenant: tenant}, []string{h.items[i]})
		if err != nil {
			return err
		}
		all, err := r.Grants(store.GrantQuery{Tenant: tenant, Target: refs[0].RID, Limit: 1000})
		for _, g := range all {
			if slices.Contains(reasons, g.Reason) {
				res, err := r.Resource(tenant, g.Subject)
				if err != nil {
					return err
				}
				out = append(out, res.ID)
			}
		}
		return err
	}))
	slices.Sort(out)
	return out
}

func (h *itemHistory) members(i int) (out []string) {
	h.must(h.dir.Read(context.Background(), h.actors[i], func(r *directory.Reading) error {
		out = nil
		rec, err := r.Get(h.set.Group, h.groups[i], false)
		if err != nil {
			return err
		}
		return r.Members(rec.RID, func(m store.Member) error { out = append(out, m.ID); return nil })
	}))
	slices.Sort(out)
	return out
}

// text gives an attribute of an item.
func (h *itemHistory) text(i int, name string) (v string) {
	h.must(h.dir.Read(context.Background(), h.admin(), func(r *directory.Reading) error {
		rec, err := r.Get(h.set.Item, h.items[i], false)
		if err != nil {
			return err
		}
		doc, err := document.MustDecode(h.set.Item, rec.Doc)
		v = doc.Text(h.set.Item.Root.Sub(name))
		return err
	}))
	return v
}

// Whatever happened in whatever order, an item that is kept has exactly the
// members that its group's source asserts once the runs that wait are done, and
// another comparison changes nothing. On the way no step ends a reason that is
// another's (laws 1, 7 and 12).
func TestItemsAreTheMembersOfTheirGroups(t *testing.T) {
	s := openStore(t)
	histories := 0
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		h := newItemHistory(rt, s, fmt.Sprintf("items%d", histories))
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			before := h.reasons()
			what, whom := h.step(rt)
			h.mayEnd(rt, what, whom, before)
		}
		h.work()
		for i := range h.items {
			if h.text(i, "keepInSync") != "on" || h.text(i, "suspended") != "" {
				continue
			}
			if got, want := h.holders(i, store.GrantReconciliation, store.GrantManual), h.members(i); !slices.Equal(got, want) {
				rt.Fatalf("the item of %s has %v, want the members %v", []string{"ad", "entra"}[i], got, want)
			}
			before := h.events()
			_, _, err := h.dir.ReconcileItem(context.Background(), h.admin(), h.items[i])
			h.must(err)
			h.work()
			for _, e := range h.events()[len(before):] {
				if e.Type != "run.queued" && e.Type != "run.succeeded" {
					rt.Fatalf("a second comparison did %s: %s", e.Type, e.Detail)
				}
			}
		}
	})
}

func (h *itemHistory) events() (out []store.Event) {
	for after := int64(0); ; {
		n := len(out)
		h.must(h.dir.Events(context.Background(), h.admin().Tenant.Slug, after, 1000, func(e store.Event) error {
			out, after = append(out, e), e.Seq
			return nil
		}))
		if len(out) == n {
			return out
		}
	}
}

// damage adds a grant behind the program's back, or as another part of it does;
// take ends one.
func (h *itemHistory) damage(i int, user string, reason store.GrantReason) {
	h.behind(i, user, func(tx store.Tx, g store.Grant, rid int64) error {
		g.Reason = reason
		_, err := tx.PutGrants(g, []int64{rid})
		return err
	})
}

func (h *itemHistory) take(i int, user string, reason store.GrantReason) {
	h.behind(i, user, func(tx store.Tx, g store.Grant, rid int64) error {
		g.Reason = reason
		_, err := tx.EndGrants(g, []int64{rid})
		return err
	})
}

func (h *itemHistory) behind(i int, user string, fn func(store.Tx, store.Grant, int64) error) {
	h.must(h.store.Update(context.Background(), func(tx store.Tx) error {
		tenant := h.admin().Tenant.ID
		rids := map[string]int64{}
		refs, err := tx.Refs(store.View{Tenant: tenant}, []string{h.items[i], user})
		for _, r := range refs {
			rids[r.ID] = r.RID
		}
		if err != nil {
			return err
		}
		return fn(tx, store.Grant{Tenant: tenant, Target: rids[h.items[i]], Since: h.clock.now}, rids[user])
	}))
}

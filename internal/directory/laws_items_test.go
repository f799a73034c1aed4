package directory_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"pgregory.net/rapid"
)

// stockItems lets items follow groups, and makes one that follows a group of
// Active Directory and is for users whom the cloud has too, and one without a
// group; a product offers both with a group of the workspace.
func (w *world) stockItems(own, local string) {
	ctx, admin, on := context.Background(), len(w.actors)-1, true
	w.followed = local
	_, err := w.dir.SetFeatures(ctx, w.admin(), map[string]*bool{directory.FeatureReconciliation: &on})
	w.must(err)
	_, err = w.dir.SetJob(ctx, w.admin(), store.JobReconcile, directory.JobChange{Enabled: &on})
	w.must(err)
	for i := range w.actors {
		w.actors[i].Tenant.Features = map[string]bool{directory.FeatureReconciliation: true}
	}
	kept := w.made(admin, w.set.Item, fmt.Sprintf(`{"displayName":"kept","provider":"ad","entitlement":"microsoftOnline","keepInSync":"on","group":{"value":%q}}`, local))
	plain := w.made(admin, w.set.Item, `{"displayName":"plain"}`)
	w.made(admin, w.set.Product, fmt.Sprintf(`{"displayName":"P","groups":[{"value":%q}],"items":[{"value":%q},{"value":%q}]}`, own, kept, plain))
	w.made(admin, w.set.Product, fmt.Sprintf(`{"displayName":"P","items":[{"value":%q}]}`, plain))
}

// drawItem makes steps that give an item to a user by hand and take it back, that
// make the user a member of the group that an item follows or no longer, and that
// end the user's account in the cloud.
func (w *world) drawItem(t *rapid.T, user string) []step {
	admin, grant := len(w.actors)-1, w.set.Grant
	item := rapid.SampledFrom(w.ids(w.admin(), w.set.Item)).Draw(t, "item")
	body := fmt.Sprintf(`{"target":{"value":%q},"subject":{"value":%q}}`, item, user)
	return []step{
		{admin, "give " + body, func(x *directory.Writer) error {
			_, err := x.Give(grant, w.doc(grant, body))
			return err
		}},
		{admin, "take " + body, func(x *directory.Writer) error { return x.Take(grant, directory.GrantID(item, user)) }},
		{0, "follow with " + user, func(x *directory.Writer) error {
			_, err := x.Modify(w.set.Group, w.followed, nil, directory.Change{Members: []directory.MemberOp{{Add: []string{user}}}})
			return err
		}},
		{0, "leave with " + user, func(x *directory.Writer) error {
			_, err := x.Modify(w.set.Group, w.followed, nil, directory.Change{Members: []directory.MemberOp{{Remove: []string{user}}}})
			return err
		}},
		{2, "leave the cloud " + user, func(x *directory.Writer) error { return x.Delete(w.set.User, user, nil) }},
	}
}

// checkItems: an item that follows a group is had, for that reason, by exactly
// those whom the group's authority asserts and who may have it (law 12); and no
// reason ends but its own end. had are the grants before the step.
func (w *world) checkItems(st step, r *directory.Reading, had, grants []store.Grant) error {
	items, docs, err := w.documents(r, w.set.Item)
	if err != nil {
		return err
	}
	for i, item := range items {
		a := w.set.Item.Root.Sub
		of := func(all []store.Grant, reason store.GrantReason) (subjects []int64) {
			for _, g := range all {
				if g.Target == item.RID && g.Reason == reason {
					subjects = append(subjects, g.Subject)
				}
			}
			return subjects
		}
		before, has := of(had, store.GrantReconciliation), of(grants, store.GrantReconciliation)
		switch {
		case docs[i].Text(a("keepInSync")) != "on" && len(has) > 0:
			w.t.Fatalf("%s: an item that follows nobody is had for the reason reconciliation by %v", st.name, has)
		case docs[i].Text(a("suspended")) != "" && !slices.Equal(before, has) && !w.taken(st, item, before, has):
			w.t.Fatalf("%s: a suspended item was had by %v, and is by %v", st.name, before, has)
		case docs[i].Text(a("keepInSync")) == "on" && docs[i].Text(a("suspended")) == "":
			if want := w.asserted(r, docs[i]); !slices.Equal(has, want) {
				w.t.Fatalf("%s: the item is had by %v, and its group's authority asserts %v", st.name, has, want)
			}
		}
		for _, subject := range of(had, store.GrantManual) {
			if !slices.Contains(of(grants, store.GrantManual), subject) && !strings.HasPrefix(st.name, "take ") {
				w.t.Fatalf("%s: ended what %d had by hand", st.name, subject)
			}
		}
	}
	return nil
}

// taken says whether the step took the item from one who had it, and from nobody
// else: by hand an administrator may, also while it is suspended.
func (w *world) taken(st step, item store.Record, before, has []int64) bool {
	gone := slices.DeleteFunc(slices.Clone(before), func(rid int64) bool { return slices.Contains(has, rid) })
	if len(gone) != 1 || len(has) != len(before)-1 {
		return false
	}
	var ids map[int64]string
	w.must(w.store.View(context.Background(), func(x store.Reader) (err error) {
		ids, err = x.IDs(item.Tenant, gone)
		return err
	}))
	return st.name == fmt.Sprintf(`take {"target":{"value":%q},"subject":{"value":%q}}`, item.ID, ids[gone[0]])
}

// asserted gives, ascending, the visible users whom the authority of an item's
// group asserts, and an Entra source too.
func (w *world) asserted(r *directory.Reading, item *document.Object) (rids []int64) {
	id, _ := item.At(w.set.Item.Root.Sub("group").Value()).(string)
	group, err := r.Get(w.set.Group, id, false)
	w.must(err)
	w.must(r.Members(group.RID, func(m store.Member) error {
		if m.Kind == schema.User {
			rids = append(rids, m.RID)
		}
		return nil
	}))
	w.must(w.store.View(context.Background(), func(x store.Reader) error {
		rids = slices.DeleteFunc(rids, func(rid int64) bool {
			links, err := x.Links(rid)
			w.must(err)
			return !slices.ContainsFunc(links, func(l store.Link) bool {
				return l.Source == w.actors[2].Source.ID && l.State == store.Linked
			})
		})
		return nil
	}))
	slices.Sort(rids)
	return rids
}

// checkLines: what a line of an open order gives of an item is had for it, by
// whomever else it is given or not.
func (w *world) checkLines(st step, orders []store.Record, docs []*document.Object, grants []store.Grant) {
	lines := w.set.Order.Root.Sub("lines")
	for i, doc := range docs {
		all, _ := doc.Get(lines).(document.List)
		given := 0
		for _, x := range all {
			if line := x.(*document.Object); line.Get(lines.Sub("type")) == "WorkspaceItem" && line.Get(lines.Sub("state")) == directory.LineGranted {
				given++
			}
		}
		for _, g := range grants {
			if g.Cause == orders[i].RID && w.isItem(g.Target) {
				given--
			}
		}
		if given != 0 {
			w.t.Fatalf("%s: an order gives %d items more than are had for it", st.name, given)
		}
	}
}

func (w *world) isItem(rid int64) (is bool) {
	w.must(w.store.View(context.Background(), func(x store.Reader) error {
		res, err := x.Resource(w.admin().Tenant.ID, rid)
		is = res.Kind == schema.Item
		return err
	}))
	return is
}

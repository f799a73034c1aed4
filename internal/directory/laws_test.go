package directory_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"github.com/workspace-scim/workspace/store/gormstore"
	"pgregory.net/rapid"
)

// world is a tenant with two domains of Active Directory, a cloud directory, an HR
// tool and people made by hand.
type world struct {
	t      rapid.TB
	dir    *directory.Directory
	store  store.Store
	set    *schema.Set
	actors []directory.Actor // the sources, and the administrator
	clock  *tick

	grants   []store.Grant // after the last step
	followed string        // the group that an item follows
}

// admin acts for the administrator.
func (w *world) admin() directory.Actor {
	return w.actors[slices.IndexFunc(w.actors, func(a directory.Actor) bool { return a.Admin })]
}

// tick is a clock that moves a second with every look.
type tick struct{ now time.Time }

func (c *tick) Now() time.Time { c.now = c.now.Add(time.Second); return c.now }

func openStore(t *testing.T) store.Store {
	t.Helper()
	s, err := gormstore.Open(t.Context(), gormstore.Config{URL: "sqlite:" + filepath.Join(t.TempDir(), "w.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// newWorld makes a fresh tenant in the store.
func newWorld(t rapid.TB, s store.Store, slug string) *world {
	clock := &tick{now: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)}
	w := &world{t: t, clock: clock, store: s, dir: directory.New(s, directory.Options{Clock: clock})}
	ctx := context.Background()
	w.must(func() error { _, err := w.dir.AddTenant(ctx, "test", slug, "", []string{"contoso.com"}); return err }())
	w.must(func() error { _, err := w.dir.EnableTenant(ctx, "test", slug); return err }())
	for _, x := range []directory.SourceSpec{{Name: "ad", Kind: store.SourceAD}, {Name: "ad2", Kind: store.SourceAD}, {Name: "entra", Kind: store.SourceEntra}, {Name: "api", Kind: store.SourceAPI}, {Kind: store.SourceWorkspace}} {
		spec := directory.TokenSpec{Tenant: slug, Source: x.Name}
		if x.Kind == store.SourceWorkspace {
			spec = directory.TokenSpec{Tenant: slug, Admin: true}
		} else {
			_, err := w.dir.AddSource(ctx, "test", slug, x)
			w.must(err)
		}
		secret, _, err := w.dir.AddToken(ctx, "test", spec)
		w.must(err)
		p, err := w.dir.Authenticate(ctx, secret)
		w.must(err)
		w.actors = append(w.actors, directory.NewActor(p, "txn"))
	}
	set, err := w.dir.Schema(ctx, w.actors[0].Tenant)
	w.must(err)
	w.set = set
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// view writes everything that an actor sees as one text: documents, versions,
// members and groups.
func (w *world) view(a directory.Actor) string {
	w.t.Helper()
	var b strings.Builder
	err := w.dir.Read(context.Background(), a, func(r *directory.Reading) error {
		for _, t := range w.set.Types {
			var recs []store.Record
			_, err := r.List(store.Query{Type: t, Limit: 1000}, func(rec *store.Record) error {
				c := *rec
				c.Doc = slices.Clone(rec.Doc)
				recs = append(recs, c)
				return nil
			})
			if err != nil {
				return err
			}
			for _, rec := range recs {
				fmt.Fprintf(&b, "%s %s v%d %s", t.Name, rec.ID, rec.Version, rec.Doc)
				if t.Kind == schema.Group {
					err = r.Members(rec.RID, func(m store.Member) error { fmt.Fprintf(&b, " +%s", m.ID); return nil })
				} else {
					rec, err = r.Get(t, rec.ID, true)
					for _, g := range rec.Groups {
						fmt.Fprintf(&b, " in %s %v", g.ID, g.Direct)
					}
				}
				if err != nil {
					return err
				}
				b.WriteByte('\n')
			}
		}
		return nil
	})
	w.must(err)
	return b.String()
}

func (w *world) views() []string {
	out := make([]string, len(w.actors))
	for i, a := range w.actors {
		out[i] = w.view(a)
	}
	return out
}

// ids gives what the actor sees of one type.
func (w *world) ids(a directory.Actor, t *schema.ResourceType) []string {
	var ids []string
	w.must(w.dir.Read(context.Background(), a, func(r *directory.Reading) error {
		_, err := r.List(store.Query{Type: t, Limit: 1000}, func(rec *store.Record) error { ids = append(ids, rec.ID); return nil })
		return err
	}))
	return ids
}

func (w *world) doc(t *schema.ResourceType, body string) *document.Object {
	d, err := document.Decode(t, []byte(body), nil)
	w.must(err)
	return d.Object
}

// step is one request of an actor.
type step struct {
	who  int
	name string
	do   func(*directory.Writer) error
}

// draw makes a random request: people p0…p4 and groups g0…g2, whom the
// directories know by the same anchors.
func (w *world) draw(t *rapid.T) step {
	who := rapid.IntRange(0, len(w.actors)-1).Draw(t, "who")
	a := w.actors[who]
	users, groups := w.ids(a, w.set.User), w.ids(a, w.set.Group)
	n := rapid.IntRange(0, 4).Draw(t, "person")
	title := rapid.SampledFrom([]string{"", `,"title":"A"`, `,"title":"B","locale":"de"`, `,"active":false`}).Draw(t, "title")
	user := fmt.Sprintf(`{"userName":"p%d@contoso.com","externalId":"e%d-%d","urn:ietf:params:scim:schemas:extension:workspace:2.0:User":{"originAnchor":"anchor%d"}%s}`, n, who, n, n, title)
	group := fmt.Sprintf(`{"displayName":"g%d","externalId":"e%d-%d","urn:ietf:params:scim:schemas:extension:workspace:2.0:Group":{"originAnchor":"ganchor%d"}}`, n%3, who, n%3, n%3)
	pick := func(ids []string, label string) string {
		if len(ids) == 0 {
			return "0190a000-0000-7000-8000-000000000000"
		}
		return rapid.SampledFrom(ids).Draw(t, label)
	}
	id, gid, member := pick(users, "user"), pick(groups, "group"), pick(append(users, groups...), "member")
	set := w.set
	steps := []step{
		{who, "create user " + user, func(x *directory.Writer) error {
			_, err := x.Create(set.User, directory.Input{Doc: w.doc(set.User, user)})
			return err
		}},
		{who, "create group " + group, func(x *directory.Writer) error {
			_, err := x.Create(set.Group, directory.Input{Doc: w.doc(set.Group, group)})
			return err
		}},
		{who, "patch user " + id + title, func(x *directory.Writer) error {
			_, err := x.Modify(set.User, id, nil, directory.Change{Apply: func(o *document.Object) error {
				o.Set(set.User.Root.Sub("title"), "T"+title)
				return nil
			}})
			return err
		}},
		{who, "disable user " + id, func(x *directory.Writer) error {
			_, err := x.Modify(set.User, id, nil, directory.Change{Apply: func(o *document.Object) error {
				o.Set(set.User.Active, len(title)%2 == 0)
				return nil
			}})
			return err
		}},
		{who, "manager of " + id + " is " + member, func(x *directory.Writer) error {
			_, err := x.Modify(set.User, id, nil, directory.Change{Apply: func(o *document.Object) error {
				o.SetAt(set.User.Manager.Value(), member)
				return nil
			}})
			return err
		}},
		{who, "put user " + id, func(x *directory.Writer) error {
			_, err := x.Replace(set.User, id, nil, directory.Input{Doc: w.doc(set.User, user)})
			return err
		}},
		{who, "add " + member + " to " + gid, func(x *directory.Writer) error {
			_, err := x.Modify(set.Group, gid, nil, directory.Change{Members: []directory.MemberOp{{Add: []string{member}}}})
			return err
		}},
		{who, "remove " + member + " from " + gid, func(x *directory.Writer) error {
			_, err := x.Modify(set.Group, gid, nil, directory.Change{Members: []directory.MemberOp{{Remove: []string{member}}}})
			return err
		}},
		{who, "clear " + gid, func(x *directory.Writer) error {
			_, err := x.Modify(set.Group, gid, nil, directory.Change{Members: []directory.MemberOp{{Clear: true}}})
			return err
		}},
		{who, "delete user " + id, func(x *directory.Writer) error { return x.Delete(set.User, id, nil) }},
		{who, "delete group " + gid, func(x *directory.Writer) error { return x.Delete(set.Group, gid, nil) }},
	}
	return rapid.SampledFrom(steps).Draw(t, "step")
}

func (w *world) write(s step, dryRun bool) ([]store.Event, error) {
	return w.dir.Write(context.Background(), w.actors[s.who], dryRun, s.do)
}

// The laws (docs/model.md), over random histories of three directories, an HR tool
// and an administrator.
func TestLawsHoldOverRandomHistories(t *testing.T) {
	s := openStore(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		w := newWorld(rt, s, fmt.Sprintf("t%d", n))
		w.live(rt, 15, w.draw)
	})
}

// live takes a random history, and holds the laws after each step.
func (w *world) live(rt *rapid.T, most int, draw func(*rapid.T) step) {
	before := w.views()
	for range rapid.IntRange(1, most).Draw(rt, "steps") {
		st := draw(rt)
		before = w.take(rt, st, before)
	}
}

// take does one step and gives what everybody sees after it.
func (w *world) take(rt *rapid.T, st step, before []string) []string {
	// Law 5: a preview is the run minus the commit.
	previewed, previewErr := w.write(st, true)
	if after := w.views(); !slices.Equal(before, after) {
		rt.Fatalf("%s: the preview changed something:\n%s\n%s", st.name, before, after)
	}
	events, err := w.write(st, false)
	if w.told(st, previewed, previewErr) != w.told(st, events, err) {
		rt.Fatalf("%s: previewed %s, done %s", st.name, w.told(st, previewed, previewErr), w.told(st, events, err))
	}
	after := w.views()

	var v *directory.Violation
	switch {
	case err != nil && !errors.As(err, &v) && !errors.Is(err, store.ErrNotFound):
		rt.Fatalf("%s: %v", st.name, err)
	case err != nil && !slices.Equal(before, after):
		rt.Fatalf("%s: refused with %v, yet something changed", st.name, err)
	case err == nil && !slices.Equal(before, after) && len(events) == 0:
		rt.Fatalf("%s: something changed without an event (law 6)", st.name)
	}

	// Law 1 and law 4 (S7): what another source asserts, and sees, stays
	// byte-equal. A user's groups are part of its view.
	for i := range w.actors[:len(w.actors)-1] {
		if i != st.who && before[i] != after[i] {
			rt.Fatalf("%s: changed the view of %s:\n%s\n%s", st.name, w.actors[i].Source.Name, before[i], after[i])
		}
	}
	w.checkResolved(st)
	w.checkOrders(st)
	return after
}

// told writes events and error without what differs from run to run, and without
// what a preview doesn't tell a source: orders and items are the administrators'.
func (w *world) told(st step, events []store.Event, err error) string {
	var b strings.Builder
	for _, e := range events {
		kind, _, _ := strings.Cut(e.Type, ".")
		if st.who < len(w.actors)-1 && slices.Contains([]string{"product", "order", "item"}, kind) {
			continue
		}
		fmt.Fprintf(&b, "%s %s %s; ", e.Type, e.Outcome, e.Reason)
	}
	return fmt.Sprint(b.String(), err)
}

// checkResolved: userNames are unique, and the members of a group know that
// they are (the two sides of a membership agree).
func (w *world) checkResolved(st step) {
	admin := w.admin()
	names, members, groups := map[string]string{}, map[string]bool{}, map[string]bool{}
	w.must(w.dir.Read(context.Background(), admin, func(r *directory.Reading) error {
		var users, gs []store.Record
		for t, recs := range map[*schema.ResourceType]*[]store.Record{w.set.User: &users, w.set.Group: &gs} {
			if _, err := r.List(store.Query{Type: t, Limit: 1000}, func(rec *store.Record) error {
				c := *rec
				c.Doc = slices.Clone(rec.Doc)
				*recs = append(*recs, c)
				return nil
			}); err != nil {
				return err
			}
		}
		for _, u := range users {
			o, err := document.MustDecode(w.set.User, u.Doc)
			if err != nil {
				return err
			}
			key := schema.Fold(o.Text(w.set.User.UserName))
			if other := names[key]; other != "" {
				w.t.Fatalf("%s: %s and %s have the same userName", st.name, other, u.ID)
			}
			names[key] = u.ID
			got, err := r.Get(w.set.User, u.ID, true)
			if err != nil {
				return err
			}
			for _, g := range got.Groups {
				if g.Direct {
					groups[g.ID+" "+u.ID] = true
				}
			}
		}
		for _, g := range gs {
			if err := r.Members(g.RID, func(m store.Member) error {
				if m.Kind == schema.User {
					members[g.ID+" "+m.ID] = true
				}
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	}))
	for k := range members {
		if !groups[k] {
			w.t.Fatalf("%s: %s is a member that doesn't know it", st.name, k)
		}
	}
	if len(members) != len(groups) {
		w.t.Fatalf("%s: %d memberships seen from groups, %d from users", st.name, len(members), len(groups))
	}
}

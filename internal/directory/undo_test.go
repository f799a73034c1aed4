package directory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
	"github.com/workspace-scim/workspace/store/gormstore"
	"pgregory.net/rapid"
)

// onEachDatabase runs a test on each database.
func onEachDatabase(t *testing.T, test func(t *testing.T, s store.Store)) {
	apptest.Each(t, func(t *testing.T, database string) {
		s, err := gormstore.Open(t.Context(), gormstore.Config{URL: database})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s)
	})
}

// past is a world whose writes can be undone: two AD domains, an HR tool, an
// Entra tenant and an administrator.
type past struct {
	*world
	s store.Store
}

func newPast(t rapid.TB, s store.Store, slug string) *past {
	w := newWorld(t, s, slug)
	second := w.actors[1]
	w.actors = append(slices.Delete(w.actors, 1, 2), second) // ad, entra, api, admin, ad2
	return &past{w, s}
}

// run gives the source a run that has ended, for its writes to come.
func (p *past) run(who int) string {
	a := p.actors[who]
	n := store.Run{Tenant: a.Tenant.ID, Source: a.Source.ID, PublicID: uuid.NewString(), Kind: "full", State: store.RunSucceeded, Partition: "default", StartedAt: time.Unix(1, 0), UpdatedAt: time.Unix(1, 0)}
	p.must(p.s.Update(context.Background(), func(tx store.Tx) error { return tx.InsertRun(&n, 1000) }))
	return n.PublicID
}

// writeIn does a step for a run, "" for none, and says whether it was accepted.
func (p *past) writeIn(run string, st step) bool {
	a := p.actors[st.who]
	a.Run = run
	_, err := p.dir.Write(context.Background(), a, false, st.do)
	return err == nil
}

func (p *past) undo(run string, q directory.UndoRequest) (store.Run, *directory.UndoPlan, error) {
	return p.dir.UndoRun(context.Background(), p.actors[3], run, q)
}

func (p *past) previewUndo(run string) (store.Run, *directory.UndoPlan, error) {
	a := p.actors[3]
	a.DryRun = true
	return p.dir.UndoRun(context.Background(), a, run, directory.UndoRequest{})
}

// facts are what each source asserts now, one by one: attributes, members and
// references that are waited for, by "source|id|what".
func (p *past) facts() map[string]string {
	out := map[string]string{}
	for i, a := range p.actors {
		if a.Admin {
			continue
		}
		p.must(p.s.View(context.Background(), func(r store.Reader) error {
			for _, t := range []*schema.ResourceType{p.set.User, p.set.Group} {
				var all []store.Record
				if _, err := r.List(store.Query{View: a.View(), Type: t, Limit: 1000}, func(rec *store.Record) error {
					c := *rec
					c.Doc = slices.Clone(rec.Doc)
					all = append(all, c)
					return nil
				}); err != nil {
					return err
				}
				for _, rec := range all {
					key := fmt.Sprintf("%d|%s|", i, rec.ID)
					doc, err := document.MustDecode(t, rec.Doc)
					if err != nil {
						return err
					}
					flatten(out, key, t.Root, doc)
					if t.Kind != schema.Group {
						continue
					}
					if err := r.Members(a.View(), rec.RID, func(m store.Member) error { out[key+"member "+m.ID] = "yes"; return nil }); err != nil {
						return err
					}
					refs, err := r.ParkedMembers(a.Source.ID, rec.RID)
					if err != nil {
						return err
					}
					for _, ref := range refs {
						out[key+"waiting "+ref] = "yes"
					}
				}
			}
			return nil
		}))
	}
	return out
}

func flatten(out map[string]string, key string, parent *schema.Attribute, doc *document.Object) {
	for _, f := range doc.Fields() {
		if inner, ok := f.Value.(*document.Object); ok && f.Attr.Extension {
			flatten(out, key, f.Attr, inner)
			continue
		}
		out[key+f.Attr.Path] = string(document.AppendValue(nil, f.Value))
	}
}

// resolved is what the resolved view says of all that some source asserts, and
// what orders say.
func (p *past) resolved() string {
	var b strings.Builder
	p.must(p.s.View(context.Background(), func(r store.Reader) error {
		for _, t := range []*schema.ResourceType{p.set.User, p.set.Group, p.set.Order} {
			var all []store.Record
			if _, err := r.List(store.Query{View: p.actors[3].View(), Type: t, Limit: 1000}, func(rec *store.Record) error {
				c := *rec
				c.Doc = slices.Clone(rec.Doc)
				all = append(all, c)
				return nil
			}); err != nil {
				return err
			}
			for _, rec := range all {
				if rec.State != store.Live {
					continue
				}
				fmt.Fprintf(&b, "%s %s %d %s %v %s", t.Name, rec.ID, rec.Authority, rec.Class, rec.Presence, rec.Doc)
				if t.Kind == schema.Group {
					if err := r.Members(p.actors[3].View(), rec.RID, func(m store.Member) error { fmt.Fprintf(&b, " +%s", m.ID); return nil }); err != nil {
						return err
					}
				}
				b.WriteByte('\n')
			}
		}
		return nil
	}))
	return b.String()
}

// draw is a request of one source, among them those by which directories refer
// to what hasn't come yet.
func (p *past) draw(t *rapid.T, who int) step {
	set := p.set
	groups := p.ids(p.actors[who], set.Group)
	users := p.ids(p.actors[who], set.User)
	if p.actors[who].Admin && len(groups) > 0 && len(users) > 0 && rapid.IntRange(0, 2).Draw(t, "orders") == 0 {
		user, group := rapid.SampledFrom(users).Draw(t, "user"), rapid.SampledFrom(groups).Draw(t, "group")
		return step{who, "orders " + group + " for " + user, func(x *directory.Writer) error {
			_, err := p.place(x, user, group)
			return err
		}}
	}
	n := rapid.IntRange(0, 4).Draw(t, "person")
	ref := rapid.SampledFrom([]string{fmt.Sprintf("e%d-%d", who, n), fmt.Sprintf("anchor%d", n)}).Draw(t, "ref")
	if len(groups) > 0 && rapid.IntRange(0, 3).Draw(t, "ours") == 0 {
		gid := rapid.SampledFrom(groups).Draw(t, "group")
		ops := map[string]directory.MemberOp{
			"waits for": {Add: []string{ref}}, "no longer wants": {Remove: []string{ref}}, "is exactly": {Replace: []string{ref}},
		}
		name := rapid.SampledFrom(slices.Sorted(maps.Keys(ops))).Draw(t, "op")
		return step{who, gid + " " + name + " " + ref, func(x *directory.Writer) error {
			_, err := x.Modify(set.Group, gid, nil, directory.Change{Members: []directory.MemberOp{ops[name]}})
			return err
		}}
	}
	if len(users) > 0 && rapid.IntRange(0, 5).Draw(t, "manager") == 0 {
		id := rapid.SampledFrom(users).Draw(t, "user")
		return step{who, "manager of " + id + " is " + ref, func(x *directory.Writer) error {
			_, err := x.Modify(set.User, id, nil, directory.Change{Apply: func(o *document.Object) error {
				o.SetAt(set.User.Manager.Value(), ref)
				return nil
			}})
			return err
		}}
	}
	for {
		if st := p.world.draw(t); st.who == who {
			return st
		}
	}
}

// diffKeys are the facts that differ.
func diffKeys(a, b map[string]string) []string {
	var out []string
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			out = append(out, k)
		}
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// withoutArrivals are the facts that differ, but for members that were waited for
// and came: that one is a member was asserted before, by another name.
func withoutArrivals(a, b map[string]string) []string {
	arrived := map[string]int{}
	all := diffKeys(a, b)
	group := func(k, what string) (string, bool) {
		g, rest, _ := strings.Cut(k[2:], "|")
		return g, strings.HasPrefix(rest, what)
	}
	all = slices.DeleteFunc(all, func(k string) bool {
		g, ok := group(k, "waiting ")
		if ok = ok && b[k] == ""; ok {
			arrived[g]++
		}
		return ok
	})
	return slices.DeleteFunc(all, func(k string) bool {
		g, ok := group(k, "member ")
		if ok = ok && a[k] == "" && arrived[g] > 0; ok {
			arrived[g]--
		}
		return ok
	})
}

// doneAgain says whether what is shown is what a run left, but for orders that wait
// again as before the run: a line closed in it by a membership that had gone when
// the run ended.
func doneAgain(now, after, before string) bool {
	is, left, was := shownByID(now), shownByID(after), shownByID(before)
	for id, text := range left {
		if is[id] == text {
			continue
		}
		var o struct {
			Recipient struct{ Value string }
			Lines     []struct{ Value, State string }
		}
		if _, doc, _ := strings.Cut(text, "{"); !strings.HasPrefix(text, "Order ") || is[id] != was[id] || json.Unmarshal([]byte("{"+doc), &o) != nil {
			return false
		}
		for _, l := range o.Lines {
			if l.State == directory.LineGranted && strings.Contains(is[l.Value], " +"+o.Recipient.Value) {
				return false
			}
		}
	}
	return len(is) == len(left)
}

// shownByID gives the lines of resolved by the ids in them.
func shownByID(resolved string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(resolved) {
		all[strings.Fields(line)[1]] = strings.TrimSuffix(line, "\n")
	}
	return all
}

// directories are the actors that have runs.
var directories = []int{0, 1, 4}

// Undoing the last run gives back what was before it, whatever came before that;
// undoing the undo gives back what was after it (docs/rules.md, "Undo").
func TestUndoOfTheLastRunRestoresWhatWasBefore(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			p := newPast(rt, s, fmt.Sprintf("t%d", n))
			for range rapid.IntRange(0, 12).Draw(rt, "history") {
				p.writeIn("", p.draw(rt, rapid.IntRange(0, len(p.actors)-1).Draw(rt, "writer")))
			}
			who := rapid.SampledFrom(directories).Draw(rt, "source")
			run := p.run(who)
			facts, resolved := p.facts(), p.resolved()
			var did []string
			for range rapid.IntRange(1, 8).Draw(rt, "run") {
				if st := p.draw(rt, who); p.writeIn(run, st) {
					did = append(did, st.name)
				}
			}
			after, resolvedAfter := p.facts(), p.resolved()
			_, plan, err := p.previewUndo(run)
			p.must(err)
			if got := diffKeys(after, p.facts()); len(got) > 0 || p.resolved() != resolvedAfter {
				rt.Fatalf("the preview changed %v", got)
			}
			undo, done, err := p.undo(run, directory.UndoRequest{})
			if err != nil {
				rt.Fatalf("%v: %v %+v", did, err, plan)
			}
			if done.Hash != plan.Hash || done.Counts != plan.Counts {
				rt.Fatalf("%v: planned %+v, did %+v", did, plan, done)
			}
			if got := diffKeys(facts, p.facts()); len(got) > 0 {
				rt.Fatalf("%v\nis not undone: %v\nwas %v\nis %v", strings.Join(did, "\n"), got, pick(facts, got), pick(p.facts(), got))
			}
			if got := p.resolved(); got != resolved {
				rt.Fatalf("%v\nresolved was\n%s\nis\n%s", strings.Join(did, "\n"), resolved, got)
			}
			if _, _, err := p.undo(undo.PublicID, directory.UndoRequest{}); err != nil {
				rt.Fatalf("%v: undoing the undo: %v", did, err)
			}
			if got := diffKeys(after, p.facts()); len(got) > 0 || !doneAgain(p.resolved(), resolvedAfter, resolved) {
				rt.Fatalf("%v\nis not done again: %v\nwas %v\nis %v\n%s\n%s", strings.Join(did, "\n"), got, pick(after, got), pick(p.facts(), got), resolvedAfter, p.resolved())
			}
		})
	})
}

func pick(facts map[string]string, keys []string) (out []string) {
	for _, k := range keys {
		out = append(out, k+"="+facts[k])
	}
	return out
}

// Undoing an earlier run leaves every fact as it is that somebody asserted later,
// and every fact of other sources.
func TestUndoOfAnEarlierRunLeavesWhatIsNewer(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			p := newPast(rt, s, fmt.Sprintf("t%d", n))
			who := rapid.SampledFrom(directories).Draw(rt, "source")
			run := p.run(who)
			var did []string
			last := map[string]bool{} // whether the run changed the fact last
			before := p.facts()
			some := func(label, run string, most int) {
				for range rapid.IntRange(0, most).Draw(rt, label) {
					writer := rapid.IntRange(0, len(p.actors)-1).Draw(rt, "writer")
					if run != "" {
						writer = who
					}
					st := p.draw(rt, writer)
					if !p.writeIn(run, st) {
						continue
					}
					did = append(did, fmt.Sprintf("%s %d: %s", label, writer, st.name))
					after := p.facts()
					for _, k := range diffKeys(before, after) {
						last[k] = run != ""
					}
					before = after
				}
			}
			some("before", "", 6)
			some("run", run, 5)
			some("later", "", 6)
			some("run again", run, 2)
			some("last", "", 3)

			_, plan, err := p.previewUndo(run)
			p.must(err)
			if got := diffKeys(before, p.facts()); len(got) > 0 {
				rt.Fatalf("the preview changed %v", got)
			}
			if _, _, err := p.undo(run, directory.UndoRequest{}); plan.Counts.Blocked > 0 && !directory.Violated(err, directory.RuleNewerFact) {
				rt.Fatalf("%v\nsomething newer is in the way, and the error is %v", did, err)
			} else if plan.Counts.Blocked > 0 {
				if got := diffKeys(before, p.facts()); len(got) > 0 {
					rt.Fatalf("%v\nrefused, and yet changed %v", did, got)
				}
				_, done, err := p.undo(run, directory.UndoRequest{SkipNewer: true, PlanHash: plan.Hash})
				if err != nil || done.Hash != plan.Hash {
					rt.Fatalf("%v\n%v: planned %+v, did %+v", did, err, plan, done)
				}
			} else if err != nil {
				rt.Fatalf("%v\n%v", did, err)
			}
			for _, k := range withoutArrivals(before, p.facts()) {
				if !last[k] || !strings.HasPrefix(k, fmt.Sprintf("%d|", who)) {
					rt.Fatalf("%v\nthe undo changed %s from %q to %q, which isn't the run's", strings.Join(did, "\n"), k, before[k], p.facts()[k])
				}
			}
		})
	})
}

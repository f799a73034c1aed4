package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// in writes for a run of a source, "" for none.
func (p *past) in(run string, who int, do func(*directory.Writer) error) {
	p.t.Helper()
	a := p.actors[who]
	a.Run = run
	_, err := p.dir.Write(context.Background(), a, false, do)
	p.must(err)
}

// users makes users of a source in a run, many in a transaction, and gives
// their ids.
func (p *past) users(run string, who, from, to int) (ids []string) {
	p.t.Helper()
	for first := from; first < to; first += 100 {
		p.in(run, who, func(x *directory.Writer) error {
			ids = ids[:first-from]
			for i := first; i < min(first+100, to); i++ {
				r, err := x.Create(p.set.User, directory.Input{Doc: p.doc(p.set.User, fmt.Sprintf(`{"userName":"u%d@contoso.com","externalId":"u%d","title":"A"}`, i, i))})
				if err != nil {
					return err
				}
				ids = append(ids, r.Record.ID)
			}
			return nil
		})
	}
	return ids
}

func (p *past) title(run string, who int, id, title string) {
	p.t.Helper()
	p.in(run, who, func(x *directory.Writer) error {
		_, err := x.Modify(p.set.User, id, nil, directory.Change{Apply: func(o *document.Object) error {
			o.Set(p.set.User.Root.Sub("title"), title)
			return nil
		}})
		return err
	})
}

func (p *past) members(run string, who int, id string, op directory.MemberOp) {
	p.t.Helper()
	p.in(run, who, func(x *directory.Writer) error {
		_, err := x.Modify(p.set.Group, id, nil, directory.Change{Members: []directory.MemberOp{op}})
		return err
	})
}

func (p *past) group(run string, who int, name string, members ...string) (id string) {
	p.t.Helper()
	p.in(run, who, func(x *directory.Writer) error {
		r, err := x.Create(p.set.Group, directory.Input{Doc: p.doc(p.set.Group, fmt.Sprintf(`{"displayName":%q,"externalId":%q}`, name, name)), Members: members})
		id = r.Record.ID
		return err
	})
	return id
}

// What stands in the way of an undo is named, and stays; the rest is undone only
// if one says so.
func TestUndoNamesWhatIsNewer(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		p := newPast(t, s, "t")
		users := p.users("", 0, 0, 3)
		group := p.group("", 0, "g", users[0])
		run, next := p.run(0), p.run(0)
		p.title(run, 0, users[0], "B")
		p.title(run, 0, users[1], "B")
		p.members(run, 0, group, directory.MemberOp{Remove: users[:1]})
		p.members(run, 0, group, directory.MemberOp{Add: users[1:]})
		p.title(next, 0, users[1], "C")
		p.members(next, 0, group, directory.MemberOp{Remove: users[2:]})
		p.members("", 3, p.group("", 3, "manual"), directory.MemberOp{Add: users}) // of another source

		before := p.facts()
		_, _, err := p.undo(run, directory.UndoRequest{})
		var refused *directory.UndoRefused
		if !errors.As(err, &refused) || refused.Rule != directory.RuleNewerFact || !slices.Equal(diffKeys(before, p.facts()), nil) {
			t.Fatalf("error %v, changed %v", err, diffKeys(before, p.facts()))
		}
		if len(refused.Plan.Blocked) != 1 {
			t.Fatalf("blocked %+v", refused.Plan.Blocked)
		}
		b := refused.Plan.Blocked[0]
		if n := b.Newer; b.Subject != users[1] || !slices.Equal(b.Attributes, []string{"title"}) || n == nil || n.Run != next || n.Type != "user.updated" || n.Time.IsZero() || n.Actor == "" || n.Event <= b.Event {
			t.Errorf("blocked %+v %+v", b, n)
		}
		for _, say := range []string{next, "user.updated", "Undo the newer run first"} {
			if !strings.Contains(err.Error(), say) {
				t.Errorf("%q isn't in %q", say, err)
			}
		}

		undo, plan, err := p.undo(run, directory.UndoRequest{SkipNewer: true})
		p.must(err)
		if undo.State != store.RunSucceeded || undo.Kind != "undo" || undo.Counts.Skipped["newerFact"] != 1 || plan.Counts.Restored != 1 || plan.Counts.MembersAdded != 1 || plan.Counts.MembersRemoved != 1 {
			t.Errorf("run %+v, plan %+v", undo, plan)
		}
		after := p.facts()
		for key, want := range map[string]string{users[0] + "|title": `"A"`, users[1] + "|title": `"C"`, group + "|member " + users[0]: "yes", group + "|member " + users[1]: "", group + "|member " + users[2]: ""} {
			if got := after["0|"+key]; got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		var said []string
		p.must(p.dir.Events(t.Context(), "t", 0, 1000, func(e store.Event) error {
			if e.Run == undo.PublicID && e.Type != "run.undone" {
				said = append(said, e.Type)
				if e.Reason != "undo" || !strings.Contains(e.Detail, run) || e.Source != p.actors[0].Source.ID {
					t.Errorf("event %+v", e)
				}
			}
			return nil
		}))
		if !slices.Equal(said, []string{"group.membersChanged", "group.membersChanged", "user.updated"}) {
			t.Errorf("events %v", said)
		}

		// Once more there is nothing left to do.
		if _, plan, err = p.undo(run, directory.UndoRequest{SkipNewer: true}); err != nil || plan.Counts.Restored+plan.Counts.MembersAdded+plan.Counts.MembersRemoved != 0 && len(diffKeys(after, p.facts())) != 0 {
			t.Errorf("%v %+v", err, plan)
		}
	})
}

// Ending what a run created would take away what the source asserted of it
// since: a membership, an attribute.
func TestUndoKeepsWhatLaterRunsBuiltOn(t *testing.T) {
	p := newPast(t, openStore(t), "t")
	group := p.group("", 0, "g")
	run := p.run(0)
	users := p.users(run, 0, 0, 3)
	p.members("", 0, group, directory.MemberOp{Add: users[:1]})
	p.title("", 0, users[1], "B")
	_, plan, err := p.undo(run, directory.UndoRequest{SkipNewer: true})
	p.must(err)
	if plan.Counts.Ended != 1 || plan.Counts.Blocked != 2 || plan.Blocked[0].Newer.Type != "user.updated" || plan.Blocked[1].Newer.Type != "group.membersChanged" {
		t.Errorf("plan %+v", plan)
	}
	if left := p.ids(p.actors[0], p.set.User); !slices.Equal(left, users[:2]) {
		t.Errorf("left %v of %v", left, users)
	}
}

// A deleted group comes back under its id with all its members, however many.
func TestUndoBringsADeletedGroupBackWithItsMembers(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		p := newPast(t, s, "t")
		_, err := p.dir.ChangeSource(t.Context(), p.admin(), p.actors[0].Source.PublicID, nil, directory.SourceChange{Limits: []byte(allOff)})
		p.must(err) // it would be held
		users := p.users("", 0, 0, 2300)
		group := p.group("", 0, "g", append(users, "not there yet")...)
		parent := p.group("", 0, "parent", group)
		before := p.facts()
		run := p.run(0)
		p.in(run, 0, func(x *directory.Writer) error { return x.Delete(p.set.Group, group, nil) })
		if after := p.facts(); after["0|"+parent+"|member "+group] != "" || len(diffKeys(before, after)) != 2300+4 {
			t.Fatalf("%d facts are gone", len(diffKeys(before, after)))
		}
		_, plan, err := p.undo(run, directory.UndoRequest{})
		p.must(err)
		if got := diffKeys(before, p.facts()); len(got) > 0 || plan.Counts.MembersAdded != 2301 || plan.Counts.Revived != 1 {
			t.Errorf("not as before: %d facts; %+v", len(got), plan.Counts)
		}
	})
}

// Over a limit of the source an undo takes the hash of exactly its plan.
func TestUndoIsHeldToTheLimitsOfItsSource(t *testing.T) {
	p := newPast(t, openStore(t), "t")
	_, err := p.dir.ChangeSource(t.Context(), p.actors[3], p.actors[0].Source.PublicID, nil, directory.SourceChange{Configuration: []byte(`{"limits":{"deletes":2}}`)})
	p.must(err)
	run := p.run(0)
	p.users(run, 0, 0, 3)
	_, _, err = p.undo(run, directory.UndoRequest{})
	var refused *directory.UndoRefused
	if !errors.As(err, &refused) || refused.Rule != directory.RuleConfirmationRequired || !strings.Contains(err.Error(), "3 objects would be ended; the source's limit is 2.") {
		t.Fatalf("error %v", err)
	}
	p.users(run, 0, 3, 4)
	_, _, err = p.undo(run, directory.UndoRequest{PlanHash: refused.Plan.Hash})
	if !directory.Violated(err, directory.RuleConfirmationRequired) || len(p.ids(p.actors[0], p.set.User)) != 4 {
		t.Fatalf("another plan's hash: %v", err)
	}
	_, plan, err := p.previewUndo(run)
	p.must(err)
	_, _, err = p.undo(run, directory.UndoRequest{PlanHash: plan.Hash})
	if err != nil || len(p.ids(p.actors[0], p.set.User)) != 0 {
		t.Errorf("%v, %d left", err, len(p.ids(p.actors[0], p.set.User)))
	}
}

// failing is a store whose Updates fail from some number on, as if the server
// had died.
type failing struct {
	store.Store
	left int
}

func (f *failing) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.left--; f.left < 0 {
		return store.ErrUnavailable
	}
	return f.Store.Update(ctx, fn)
}

// A large run is undone in parts. One that broke off in the middle is gone on
// with by undoing again.
func TestUndoOfALargeRunGoesOnWhereItBrokeOff(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		p := newPast(t, s, "t")
		run := p.run(0)
		before := p.facts()
		users := p.users(run, 0, 0, 450)
		group := p.group(run, 0, "g", users...)
		f := &failing{Store: s, left: 2}
		clock := &apptest.HandClock{}
		broken := directory.New(f, directory.Options{Clock: clock})
		_, _, err := broken.UndoRun(t.Context(), p.actors[3], run, directory.UndoRequest{})
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("error %v", err)
		}
		left := len(p.ids(p.actors[0], p.set.User))
		if left == 0 || left == 450 {
			t.Fatalf("%d users are left", left)
		}
		f.left = 1000
		// The run that broke off couldn't even say so.
		_, _, err = broken.UndoRun(t.Context(), p.actors[3], run, directory.UndoRequest{})
		if !directory.Violated(err, directory.RuleRunState) {
			t.Fatalf("while one goes on: %v", err)
		}
		clock.Add(2 * time.Minute)
		undo, plan, err := broken.UndoRun(t.Context(), p.actors[3], run, directory.UndoRequest{})
		p.must(err)
		if got := diffKeys(before, p.facts()); len(got) > 0 || undo.State != store.RunSucceeded {
			t.Errorf("%d facts are left, of %s, plan %+v", len(got), group, plan.Counts)
		}
		all, err := p.dir.Runs(t.Context(), p.actors[3], "", store.RunAbandoned, 0, 10)
		if err != nil || len(all) != 1 || all[0].Kind != "undo" {
			t.Errorf("%v %v", all, err)
		}
	})
}

// What can't be undone is refused by name.
func TestUndoRefusesWhatItCannotDo(t *testing.T) {
	s := openStore(t)
	p := newPast(t, s, "t")
	open, ended := p.run(0), p.run(0)
	p.must(s.Update(t.Context(), func(tx store.Tx) error {
		n, err := tx.Run(p.actors[0].Tenant.ID, open)
		if err != nil {
			return err
		}
		n.State = store.RunHeld
		return tx.UpdateRun(n)
	}))
	undo := func(who int, run string) error {
		_, _, err := p.dir.UndoRun(t.Context(), p.actors[who], run, directory.UndoRequest{})
		return err
	}
	if err := undo(3, open); !directory.Violated(err, directory.RuleRunState) {
		t.Errorf("an open run: %v", err)
	}
	if err := undo(0, ended); !directory.Violated(err, directory.RuleForbidden) {
		t.Errorf("a source: %v", err)
	}
	for _, id := range []string{"", "x", "0190a000-0000-7000-8000-000000000000"} {
		if err := undo(3, id); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("no run: %v", err)
		}
	}
	other := newPast(t, s, "other")
	if _, _, err := other.undo(ended, directory.UndoRequest{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("another tenant's: %v", err)
	}
	p.users(ended, 0, 0, 1)
	staging := store.ModeStaging
	_, err := p.dir.ChangeSource(t.Context(), p.actors[3], p.actors[0].Source.PublicID, nil, directory.SourceChange{Mode: &staging})
	p.must(err)
	if err := undo(3, ended); !directory.Violated(err, directory.RuleRunState) {
		t.Errorf("a source in staging: %v", err)
	}
}

// A name or an anchor that somebody else has by now doesn't come back, nor does
// what was purged.
func TestUndoRevivesNobodyWhoseNameIsTaken(t *testing.T) {
	clock := &apptest.HandClock{}
	s := openStore(t)
	p := newPast(t, s, "t")
	p.dir = directory.New(s, directory.Options{Clock: clock})
	users := p.users("", 0, 0, 3)
	run := p.run(0)
	for _, id := range users {
		p.in(run, 0, func(x *directory.Writer) error { return x.Delete(p.set.User, id, nil) })
	}
	p.in("", 4, func(x *directory.Writer) error {
		_, err := x.Create(p.set.User, directory.Input{Doc: p.doc(p.set.User, `{"userName":"u1@contoso.com","externalId":"other"}`)})
		return err
	})
	_, plan, err := p.undo(run, directory.UndoRequest{SkipNewer: true})
	p.must(err)
	if plan.Counts.Revived != 2 || plan.Counts.Blocked != 1 || plan.Blocked[0].Code != directory.RuleUniqueness || plan.Blocked[0].Subject != users[1] {
		t.Errorf("plan %+v", plan)
	}

	again := p.run(0)
	p.in(again, 0, func(x *directory.Writer) error { return x.Delete(p.set.User, users[0], nil) })
	for range 2 {
		clock.Add(100 * 24 * time.Hour)
		p.must(p.dir.Sweep(t.Context()))
	}
	_, plan, err = p.undo(again, directory.UndoRequest{SkipNewer: true})
	if err != nil || plan.Counts.Blocked != 1 || plan.Blocked[0].Code != directory.RulePurged {
		t.Errorf("%v %+v", err, plan)
	}
}

// A push source in a run of its own is undone like any other; what another
// source asserts of the same people stays as it is (row H011).
func TestUndoLeavesOtherSourcesAlone(t *testing.T) {
	p := newPast(t, openStore(t), "t")
	doc := func(title string) *document.Object {
		return p.doc(p.set.User, `{"userName":"anna@contoso.com","externalId":"a`+title+`","title":"`+title+`","`+schema.WorkspaceUserURN+`":{"originAnchor":"anna"}}`)
	}
	create := func(run string, who int, title string) {
		p.in(run, who, func(x *directory.Writer) error {
			_, err := x.Create(p.set.User, directory.Input{Doc: doc(title)})
			return err
		})
	}
	create("", 0, "ad")
	facts, resolved := p.facts(), p.resolved()
	run := p.run(1)
	create(run, 1, "entra")
	_, _, err := p.undo(run, directory.UndoRequest{})
	p.must(err)
	if got := diffKeys(facts, p.facts()); len(got) > 0 || p.resolved() != resolved {
		t.Errorf("changed %v:\n%s\n%s", got, resolved, p.resolved())
	}
}

// A report whose manager came with the run waits for that manager again, and has
// it as soon as it is told once more.
func TestUndoHasReferencesWaitAgain(t *testing.T) {
	p := newPast(t, openStore(t), "t")
	var report string
	p.in("", 0, func(x *directory.Writer) error {
		r, err := x.Create(p.set.User, directory.Input{Doc: p.doc(p.set.User, `{"userName":"anna@contoso.com","externalId":"anna","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"u0"}}}`)})
		report = r.Record.ID
		return err
	})
	group := p.group("", 0, "g", "u0")
	before, resolved := p.facts(), p.resolved()
	run := p.run(0)
	boss := p.users(run, 0, 0, 1)[0]
	if after := p.resolved(); !strings.Contains(after, `"manager":{"value":"`+boss) {
		t.Fatalf("%s has no manager:\n%s", report, after)
	}
	_, _, err := p.undo(run, directory.UndoRequest{})
	p.must(err)
	if got := diffKeys(before, p.facts()); len(got) > 0 || p.resolved() != resolved {
		t.Errorf("changed %v, resolved\n%s\nwas\n%s", got, p.resolved(), resolved)
	}
	if again := p.users("", 0, 0, 1)[0]; again != boss || !strings.Contains(p.resolved(), `"manager":{"value":"`+boss) || p.facts()["0|"+group+"|member "+boss] != "yes" {
		t.Errorf("%s came again as %s:\n%s", boss, again, p.resolved())
	}
}

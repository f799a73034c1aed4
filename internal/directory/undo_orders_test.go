package directory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/directory"
	"github.com/workspace-scim/workspace/scim/document"
	"github.com/workspace-scim/workspace/scim/schema"
	"github.com/workspace-scim/workspace/store"
)

// anchored makes a resource of a source with an anchor, by which the others join it.
func (p *past) anchored(run string, who int, t *schema.ResourceType, name string) (id string) {
	p.t.Helper()
	urn, key := schema.WorkspaceUserURN, "userName"
	if t == p.set.Group {
		urn, key = schema.WorkspaceGroupURN, "displayName"
	}
	p.in(run, who, func(x *directory.Writer) error {
		r, err := x.Create(t, directory.Input{Doc: p.doc(t, fmt.Sprintf(`{%q:%q,"externalId":"%s%d",%q:{"originAnchor":%q}}`, key, name, name, who, urn, "anchor of "+name))})
		id = r.Record.ID
		return err
	})
	return id
}

// ordered places an order of a new product that has these groups.
func (p *past) ordered(user string, groups ...string) (id string) {
	p.t.Helper()
	p.in("", 3, func(x *directory.Writer) (err error) {
		id, err = p.place(x, user, groups...)
		return err
	})
	return id
}

func (p *past) place(x *directory.Writer, user string, groups ...string) (id string, err error) {
	var named []string
	for _, g := range groups {
		named = append(named, fmt.Sprintf(`{"value":%q}`, g))
	}
	product, err := x.Create(p.set.Product, directory.Input{Doc: p.doc(p.set.Product, `{"displayName":"Visio","groups":[`+strings.Join(named, ",")+`]}`)})
	if err != nil {
		return "", err
	}
	r, err := x.Create(p.set.Order, directory.Input{Doc: p.doc(p.set.Order, fmt.Sprintf(`{"product":{"value":%q},"recipient":{"value":%q}}`, product.Record.ID, user))})
	return r.Record.ID, err
}

// order gives an order's document, and the states of the order and of its lines.
func (p *past) order(id string) (doc, states string) {
	p.t.Helper()
	t := p.set.Order
	p.must(p.dir.Read(context.Background(), p.actors[3], func(r *directory.Reading) error {
		rec, err := r.Get(t, id, false)
		if err != nil {
			return err
		}
		doc = string(rec.Doc)
		o, err := document.MustDecode(t, rec.Doc)
		if err != nil {
			return err
		}
		states = o.Text(t.Root.Sub("state"))
		for _, x := range o.Get(t.Root.Sub("lines")).(document.List) {
			states += fmt.Sprint(" ", x.(*document.Object).Get(t.Root.Sub("lines").Sub("state")))
		}
		return nil
	}))
	return doc, states
}

// A line that a run closed waits again once the run is undone, and the order is
// what it was, byte for byte (rows H011, H037). The digest of who ordered it never
// changes: what closes and opens is what follows from a directory.
func TestUndoOpensTheLinesAgainThatTheRunClosed(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		p := newPast(t, s, "t")
		user := p.anchored("", 0, p.set.User, "anna@contoso.com")
		local, cloud := p.anchored("", 0, p.set.Group, "local"), p.group("", 1, "cloud")
		id := p.ordered(user, local, cloud)
		first, states := p.order(id)
		if states != "partial pendingExport skipped" {
			t.Fatalf("ordered %s", states)
		}
		digests := p.digests()
		expect := func(what, want string) {
			t.Helper()
			if _, got := p.order(id); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
			if found := p.verify(); len(found) > 0 {
				t.Errorf("%s: %q", what, found)
			}
			manual := func(all []directory.SourceDigest) directory.SourceDigest {
				return all[slices.IndexFunc(all, func(d directory.SourceDigest) bool { return d.Source == p.actors[3].Source.PublicID })]
			}
			if manual(p.digests()) != manual(digests) {
				t.Errorf("%s: the digest of what was made by hand changed", what)
			}
		}

		ad, entra := p.run(0), p.run(1)
		p.members(ad, 0, local, directory.MemberOp{Add: []string{user}})
		expect("AD brought it", "partial granted skipped")
		second, _ := p.order(id)
		if joined := p.anchored(entra, 1, p.set.User, "anna@contoso.com"); joined != user {
			t.Fatalf("%s came again as %s", user, joined)
		}
		p.members(entra, 1, cloud, directory.MemberOp{Add: []string{user}})
		expect("so did Entra", "complete granted granted")

		_, plan, err := p.previewUndo(entra)
		p.must(err)
		undo, done, err := p.undo(entra, directory.UndoRequest{})
		p.must(err)
		if i := slices.IndexFunc(plan.Steps, func(s directory.UndoStep) bool { return s.Do == "reopen" && s.Subject == id }); i < 0 || plan.Counts.Reopened != 1 || done.Counts != plan.Counts || done.Hash != plan.Hash {
			t.Errorf("planned %+v, did %+v", plan, done)
		}
		expect("Entra's is undone", "partial granted skipped")
		if got, _ := p.order(id); got != second {
			t.Errorf("the order was\n%s\nis\n%s", second, got)
		}
		if got := p.told("order.lineReopened"); len(got) != 1 || got[0].Run != undo.PublicID || got[0].Reason != "undo" || !strings.Contains(got[0].Detail, entra) {
			t.Errorf("told %+v", got)
		}
		again, _, err := p.undo(undo.PublicID, directory.UndoRequest{})
		p.must(err)
		expect("the undo is undone", "complete granted granted")
		// AD's run is undone first now: the warning comes from the event that took it away.
		_, _, err = p.undo(ad, directory.UndoRequest{})
		p.must(err)
		expect("AD's is undone", "complete pendingExport granted")
		_, _, err = p.undo(again.PublicID, directory.UndoRequest{})
		p.must(err)
		expect("both are", "partial pendingExport skipped")
		if got, _ := p.order(id); got != first {
			t.Errorf("the order was\n%s\nis\n%s", first, got)
		}
	})
}

// A run that brought a member and took it away again leaves the line closed; undone,
// the line waits as before the run, for there is no membership that closed it.
func TestUndoOpensALineWhoseMemberCameAndWent(t *testing.T) {
	p := newPast(t, openStore(t), "t")
	user, group := p.anchored("", 0, p.set.User, "anna@contoso.com"), p.anchored("", 0, p.set.Group, "local")
	id := p.ordered(user, group)
	first, _ := p.order(id)
	run := p.run(0)
	for _, op := range []directory.MemberOp{{Add: []string{user}}, {Remove: []string{user}}} {
		p.members(run, 0, group, op)
	}
	if _, states := p.order(id); states != "complete granted" {
		t.Fatalf("the order is %s", states)
	}
	_, plan, err := p.undo(run, directory.UndoRequest{})
	p.must(err)
	if got, _ := p.order(id); got != first || plan.Counts.Reopened != 1 {
		t.Errorf("the order was\n%s\nis\n%s\nplan %+v", first, got, plan)
	}
}

func (p *past) told(typ string) (all []store.Event) {
	p.must(p.dir.Events(context.Background(), "t", 0, 1000, func(e store.Event) error {
		if e.Type == typ {
			all = append(all, e)
		}
		return nil
	}))
	return all
}

// What is newer stays with orders too: a cancelled order stays cancelled, a line
// stays closed whose membership stays, and so does one that the run found closed.
func TestUndoLeavesLinesThatAreSettledOtherwise(t *testing.T) {
	p := newPast(t, openStore(t), "t")
	users := []string{p.anchored("", 0, p.set.User, "anna@contoso.com"), p.anchored("", 0, p.set.User, "bob@contoso.com"), p.anchored("", 0, p.set.User, "eve@contoso.com")}
	group := p.anchored("", 0, p.set.Group, "local")
	cancelled, kept, closed := p.ordered(users[0], group), p.ordered(users[1], group), p.ordered(users[2], group)
	for _, op := range []directory.MemberOp{{Add: users[2:]}, {Remove: users[2:]}} {
		p.members("", 0, group, op)
	}
	run := p.run(0)
	p.members(run, 0, group, directory.MemberOp{Add: users})
	p.in("", 3, func(x *directory.Writer) error {
		_, err := x.Modify(p.set.Order, cancelled, nil, directory.Change{Apply: func(o *document.Object) error {
			o.Set(p.set.Order.Root.Sub("state"), directory.OrderCancelled)
			return nil
		}})
		return err
	})
	for _, op := range []directory.MemberOp{{Remove: users[1:2]}, {Add: users[1:2]}} {
		p.members("", 0, group, op)
	}
	_, plan, err := p.undo(run, directory.UndoRequest{SkipNewer: true})
	p.must(err)
	if _, states := p.order(cancelled); states != "cancelled cancelled" {
		t.Errorf("the cancelled order is %s", states)
	}
	if _, states := p.order(kept); states != "complete granted" || plan.Counts.Blocked != 1 || plan.Counts.Reopened != 0 {
		t.Errorf("the order is %s, plan %+v", states, plan)
	}
	if _, states := p.order(closed); states != "complete granted" || p.facts()["0|"+group+"|member "+users[2]] != "" {
		t.Errorf("the order that was closed before is %s", states)
	}
}

// Whom a run brought, and who has been granted something since, is ended as by a
// delete of the source: the grant waits for the user, and a group of the workspace
// keeps its member.
func TestUndoKeepsWhatOrdersGranted(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		p := newPast(t, s, "t")
		own := p.group("", 3, "own")
		run := p.run(0)
		user := p.users(run, 0, 0, 1)[0]
		id := p.ordered(user, own)
		grants := func() (all []store.Grant) {
			p.must(s.View(t.Context(), func(r store.Reader) (err error) {
				all, err = r.Grants(store.GrantQuery{Tenant: p.actors[3].Tenant.ID, Limit: 10})
				return err
			}))
			return all
		}
		before, resolved := grants(), p.resolved()
		undo, _, err := p.undo(run, directory.UndoRequest{})
		p.must(err)
		if got := grants(); len(before) != 1 || !slices.Equal(got, before) {
			t.Errorf("grants were %+v, are %+v", before, got)
		}
		if _, states := p.order(id); states != "complete granted" {
			t.Errorf("the order is %s", states)
		}
		if found := p.verify(); len(found) > 0 {
			t.Errorf("%q", found)
		}
		_, _, err = p.undo(undo.PublicID, directory.UndoRequest{})
		p.must(err)
		if got := p.resolved(); got != resolved {
			t.Errorf("resolved was\n%s\nis\n%s", resolved, got)
		}
	})
}

// An administrator who declared the source the authority of a group did so after
// the run that brought the group: that is newer, and is named.
func TestUndoStopsAtADeclaredAuthority(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		p := newPast(t, s, "t")
		group := p.anchored("", 0, p.set.Group, "both")
		before := p.resolved()
		run := p.run(1)
		if p.anchored(run, 1, p.set.Group, "both") != group {
			t.Fatal("the group isn't joined")
		}
		choose := func(source string) {
			t.Helper()
			_, err := p.dir.ChooseAuthority(t.Context(), p.actors[3], group, source, false)
			p.must(err)
			if found := p.verify(); len(found) > 0 {
				t.Errorf("chosen %q: %q", source, found)
			}
		}
		choose("entra")
		_, _, err := p.undo(run, directory.UndoRequest{})
		var refused *directory.UndoRefused
		if !errors.As(err, &refused) || len(refused.Plan.Blocked) != 1 {
			t.Fatalf("%v", err)
		}
		if n := refused.Plan.Blocked[0].Newer; n == nil || n.Type != "group.authorityChosen" || !strings.Contains(err.Error(), "group.authorityChosen") {
			t.Errorf("blocked %+v", refused.Plan.Blocked[0])
		}
		choose("") // then it is the source's alone again, and the undo takes it back
		_, _, err = p.undo(run, directory.UndoRequest{})
		p.must(err)
		if got := p.resolved(); got != before {
			t.Errorf("resolved was\n%s\nis\n%s", before, got)
		}
	})
}

// Whom a run held aside and a person has found to be another account since, stays
// that one.
func TestUndoStopsAtAnAdoptedAccount(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s store.Store) {
		p := newPast(t, s, "t")
		p.must(p.dir.SetPolicies(t.Context(), "test", "t", "ad", store.Policies{Park: true}))
		p.actors[0].Source.Policies.Park = true
		manual := p.users("", 3, 0, 1)[0]
		run := p.run(0)
		if held := p.users(run, 0, 0, 1)[0]; held == manual {
			t.Fatal("nothing is held aside")
		}
		all, err := p.dir.Conflicts(t.Context(), p.actors[3], directory.ConflictFilter{}, 0, 10)
		if err != nil || len(all) != 1 {
			t.Fatalf("%v %+v", err, all)
		}
		_, err = p.dir.DecideConflict(t.Context(), p.actors[3], all[0].ID, nil, store.Adopt)
		p.must(err)
		before := p.facts()
		_, plan, err := p.undo(run, directory.UndoRequest{})
		if !directory.Violated(err, directory.RuleNewerFact) || !strings.Contains(err.Error(), "user.deleted") || !slices.Equal(diffKeys(before, p.facts()), nil) {
			t.Errorf("%v %+v", err, plan)
		}
	})
}

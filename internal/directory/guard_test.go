package directory_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
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
	"github.com/workspace-scim/workspace/store/gormstore"
	"pgregory.net/rapid"
)

// pusher is an HR tool that pushes into a tenant of its own. People and groups
// are known by their externalIds, because ids differ from tenant to tenant.
type pusher struct {
	*world
	actor directory.Actor
	ids   map[string]string // by externalId, also of what is gone
}

func newPusher(t rapid.TB, s store.Store, slug, limits string) *pusher {
	w := newWorld(t, s, slug)
	p := &pusher{world: w, actor: w.actors[3], ids: map[string]string{}}
	_, err := w.dir.ChangeSource(context.Background(), w.admin(), p.actor.Source.PublicID, nil, directory.SourceChange{Limits: []byte(limits)})
	w.must(err)
	return p
}

// request is one of a push. A user's attributes are "" for those that it doesn't
// name.
type request struct {
	verb                  string // create, patch, put, delete; add, remove, replace, clear
	name                  string // e0… or g0…
	userName, title, flag string
	members               []string
}

func (p *pusher) typeOf(name string) *schema.ResourceType {
	if name[0] == 'g' {
		return p.set.Group
	}
	return p.set.User
}

func (p *pusher) body(r request) directory.Input {
	fields := map[string]any{"externalId": r.name}
	if r.name[0] == 'g' {
		fields["displayName"] = r.name
	} else {
		fields["userName"] = r.userName
		if r.title != "" {
			fields["title"] = r.title
		}
		if r.flag != "" {
			fields["active"] = r.flag == "true"
		}
	}
	b, err := json.Marshal(fields)
	p.must(err)
	return directory.Input{Doc: p.doc(p.typeOf(r.name), string(b)), Members: p.refs(r.members), HasMembers: r.members != nil}
}

func (p *pusher) refs(names []string) []string {
	var out []string
	for _, name := range names {
		if id := p.ids[name]; id != "" {
			out = append(out, id)
		}
	}
	return out
}

// do makes a request and gives its events. What a rule refuses, or isn't there,
// is none.
func (p *pusher) do(r request) []store.Event {
	p.t.Helper()
	t, id := p.typeOf(r.name), p.ids[r.name]
	if id == "" {
		id = "0190a000-0000-7000-8000-000000000000"
	}
	made := ""
	events, err := p.dir.Write(context.Background(), p.actor, false, func(w *directory.Writer) error {
		var res directory.Result
		var err error
		switch r.verb {
		case "create":
			res, err = w.Create(t, p.body(r))
			made = res.Record.ID
		case "put":
			_, err = w.Replace(t, id, nil, p.body(r))
		case "delete":
			err = w.Delete(t, id, nil)
		case "patch":
			_, err = w.Modify(t, id, nil, directory.Change{Apply: func(o *document.Object) error {
				set := func(a *schema.Attribute, v string) {
					if v != "" {
						o.Set(a, v)
					}
				}
				set(t.UserName, r.userName)
				set(t.Root.Sub("title"), r.title)
				if r.flag != "" {
					o.Set(t.Active, r.flag == "true")
				}
				return nil
			}})
		default:
			refs := p.refs(r.members)
			op := map[string]directory.MemberOp{"add": {Add: refs}, "remove": {Remove: refs}, "replace": {Replace: refs}, "clear": {Clear: true}}[r.verb]
			if r.verb != "clear" && refs == nil {
				return nil
			}
			_, err = w.Modify(t, id, nil, directory.Change{Members: []directory.MemberOp{op}})
		}
		return err
	})
	var v *directory.Violation
	if err != nil && !errors.As(err, &v) && !errors.Is(err, store.ErrNotFound) {
		p.t.Fatalf("%+v: %v", r, err)
	}
	if err == nil && made != "" {
		p.ids[r.name] = made
	}
	return events
}

// state writes what the source and administrators see, without ids and versions.
// The order of members and groups differs from tenant to tenant.
func (p *pusher) state() string {
	p.t.Helper()
	var all []string
	asserted := map[string]bool{}
	for _, a := range []directory.Actor{p.actor, p.admin()} {
		view := p.view(a)
		for id, name := range p.names() {
			view = strings.ReplaceAll(view, id, name)
		}
		for _, line := range strings.Split(view, "\n") {
			if line == "" {
				continue
			}
			// The version, and the order of members and groups, tell of the way.
			fields := strings.Split(line, " ")
			fields = slices.DeleteFunc(fields, func(f string) bool { return len(f) > 1 && f[0] == 'v' && strings.Trim(f[1:], "0123456789") == "" })
			if !a.Admin {
				asserted[fields[1]] = true
			} else if !asserted[fields[1]] {
				// Deleted by the source: what it is called by then is nobody's matter.
				fields = fields[:2]
			}
			slices.Sort(fields)
			all = append(all, fmt.Sprint(a.Admin, fields))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func (p *pusher) names() map[string]string {
	out := map[string]string{}
	for name, id := range p.ids {
		out[id] = name
	}
	return out
}

// user gives what holds of a user for administrators.
func (p *pusher) user(name string) (userName string, active bool) {
	p.must(p.dir.Read(context.Background(), p.admin(), func(r *directory.Reading) error {
		rec, err := r.Get(p.set.User, p.ids[name], false)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		o, err := document.MustDecode(p.set.User, rec.Doc)
		userName, active = o.Text(p.set.User.UserName), o.Get(p.set.User.Active) != false
		return err
	}))
	return userName, active
}

// decide approves or rejects all that is held, the oldest first.
func (p *pusher) decide(approve bool) {
	p.t.Helper()
	ctx, admin := context.Background(), p.admin()
	runs, err := p.dir.Runs(ctx, admin, p.actor.Source.PublicID, store.RunHeld, 0, 100)
	p.must(err)
	slices.Reverse(runs)
	for _, n := range runs {
		n, err := p.dir.Run(ctx, admin, n.PublicID)
		p.must(err)
		n, err = p.dir.DecideRun(ctx, admin, n.PublicID, approve, hex.EncodeToString(n.PlanHash), "")
		p.must(err)
		if want := map[bool]store.RunState{true: store.RunSucceeded, false: store.RunRejected}[approve]; n.State != want || n.Counts.Failed > 0 {
			p.t.Fatalf("a decided run: %+v", n)
		}
	}
}

func drawRequest(t *rapid.T) request {
	person := func(label string) string { return fmt.Sprint("e", rapid.IntRange(0, 4).Draw(t, label)) }
	r := request{name: person("person"), title: rapid.SampledFrom([]string{"", "A", "B"}).Draw(t, "title"), flag: rapid.SampledFrom([]string{"", "true", "false"}).Draw(t, "active")}
	r.verb = rapid.SampledFrom([]string{"create", "patch", "patch", "put", "delete", "delete", "add", "remove", "replace", "clear", "create group", "delete group"}).Draw(t, "verb")
	name := fmt.Sprintf("%s-%s@contoso.com", r.name, rapid.SampledFrom([]string{"a", "a", "b"}).Draw(t, "name"))
	var members []string
	for range rapid.IntRange(1, 4).Draw(t, "members") {
		members = append(members, person("member"))
	}
	switch r.verb {
	case "create", "put":
		r.userName = name
	case "patch":
		if rapid.Bool().Draw(t, "rename") {
			r.userName = name
		}
	case "delete":
	default:
		r.name = fmt.Sprint("g", rapid.IntRange(0, 1).Draw(t, "group"))
		r.verb, _, _ = strings.Cut(r.verb, " ")
		if r.verb != "delete" {
			r.members = members
		}
	}
	return r
}

// done is a request of a guarded push, with what became of it.
type done struct {
	request
	deleteHeld bool // its deletion waits
	withdrawn  bool // and was taken back later
	asPut      bool // it was a create, which took a deletion back
	effects    []request
}

// Whatever the order of requests: what is approved ends where the same requests
// end that nobody guards, and what is rejected where those end without what
// waited. A deletion that the source took back was never asked for.
func TestApprovedIsAsUnguardedAndRejectedAsNeverAsked(t *testing.T) {
	apptest.Each(t, func(t *testing.T, database string) {
		s, err := gormstore.Open(t.Context(), gormstore.Config{URL: database})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		// Each request is a round trip or three, so PostgreSQL gets fewer.
		approvedAndRejected(t, s, map[bool]int{true: 8, false: 20}[strings.HasPrefix(database, "postgres")])
	})
}

func approvedAndRejected(t *testing.T, s store.Store, most int) {
	n := 0
	held, taken := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		slug := func(x string) string { return fmt.Sprintf("%s%d", x, n) }
		limits := fmt.Sprintf(`{"deletes":%d,"deletesPercent":-1,"disables":1,"disablesPercent":-1,"membershipRemovals":2,"membershipRemovalsPercent":-1,
			"identityChanges":1,"identityChangesPercent":-1,"lostGrants":3,"lostGrantsPercent":-1,"emptied":2}`, rapid.IntRange(1, 2).Draw(rt, "deletes"))
		guarded, free := newPusher(rt, s, slug("g"), limits), newPusher(rt, s, slug("f"), allOff)
		var start []request
		for i := range 5 {
			start = append(start, request{verb: "create", name: fmt.Sprint("e", i), userName: fmt.Sprintf("e%d-a@contoso.com", i)})
		}
		start = append(start, request{verb: "create", name: "g0", members: []string{"e0", "e1", "e2"}}, request{verb: "create", name: "g1", members: []string{"e2", "e3"}})
		for _, r := range start {
			guarded.do(r)
			free.do(r)
		}
		approve := rapid.Bool().Draw(rt, "approve")
		var all []done
		for range rapid.IntRange(1, most).Draw(rt, "requests") {
			if rapid.IntRange(0, 5).Draw(rt, "pause") == 0 {
				guarded.clock.now = guarded.clock.now.Add(6 * time.Minute)
			}
			next := drawRequest(rt)
			i := slices.IndexFunc(all, func(x done) bool { return x.deleteHeld && !x.withdrawn })
			switch kind := rapid.IntRange(0, 5).Draw(rt, "kind"); {
			case kind == 0 && len(all) > 0: // a replay
				next = all[len(all)-1].request
			case kind <= 2 && i >= 0: // whose deletion waits is created anew
				next = request{verb: "create", name: all[i].name, userName: all[i].name + "-a@contoso.com", title: next.title, members: []string{}}
			}
			x := guarded.follow(next, all)
			if all = append(all, x); x.deleteHeld {
				held++
			}
			if x.asPut {
				taken++
			}
		}
		guarded.decide(approve)
		for _, x := range all {
			switch {
			case x.withdrawn || x.deleteHeld && !approve:
				continue
			case !approve:
				for _, r := range x.effects {
					free.do(r)
				}
				continue
			case x.asPut:
				x.verb = "put" // of a group: with all of its members
				if x.name[0] == 'e' && x.flag == "" {
					x.flag = "true" // as a create has it
				}
			}
			free.do(x.request)
		}
		if a, b := guarded.state(), free.state(); a != b {
			rt.Fatalf("approved %v, after %+v\nguarded:\n%s\nunguarded:\n%s", approve, all, a, b)
		}
	})
	// Few and short histories may come to neither.
	if most >= 20 && !underRace && (held == 0 || taken == 0) {
		t.Errorf("%d deletions were held, %d taken back by a create", held, taken)
	}
}

const allOff = `{"deletes":-1,"deletesPercent":-1,"disables":-1,"disablesPercent":-1,"membershipRemovals":-1,"membershipRemovalsPercent":-1,
	"identityChanges":-1,"identityChangesPercent":-1,"lostGrants":-1,"lostGrantsPercent":-1,"emptied":-1}`

// follow makes a request of the guarded push, and says what became of it; of
// deletions that it takes back, in all.
func (p *pusher) follow(r request, all []done) done {
	p.t.Helper()
	x := done{request: r, effects: []request{r}}
	events := p.do(r)
	names := p.names()
	var gone []string
	for _, e := range events {
		subject, kind, _ := strings.Cut(e.Type, ".")
		switch {
		case e.Outcome == directory.OutcomeHeld && kind == "deleted":
			x.deleteHeld = true
		case e.Outcome == directory.OutcomeWithdrawn && kind == "deleted":
			for i := range all {
				all[i].withdrawn = all[i].withdrawn || all[i].deleteHeld && all[i].name == names[e.Subject]
			}
			x.asPut = r.verb == "create"
		case e.Outcome == directory.OutcomeApplied && kind == "membersChanged" && subject == "group" && e.Subject == p.ids[r.name] && e.Before != nil:
			var left struct{ Members []string }
			p.must(json.Unmarshal(e.Before, &left))
			for _, id := range left.Members {
				gone = append(gone, names[id])
			}
		}
	}
	if len(events) == 0 || r.verb == "delete" {
		return x
	}
	// Without what waits: the members that really left, and the attributes that
	// hold.
	if r.name[0] == 'g' {
		if r.verb != "create" || x.asPut {
			x.effects = []request{{verb: "remove", name: r.name, members: gone}}
			if r.verb != "remove" && r.verb != "clear" {
				x.effects = append(x.effects, request{verb: "add", name: r.name, members: r.members})
			}
		}
		return x
	}
	userName, active := p.user(r.name)
	r.userName, r.flag = userName, fmt.Sprint(active)
	if x.asPut {
		r.verb = "put"
	}
	x.effects = []request{r}
	return x
}

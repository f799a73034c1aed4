package runner_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/connectors/connectortest"
	"github.com/workspace-scim/workspace/connectors/runner"
	"github.com/workspace-scim/workspace/internal/apptest"
)

// lives is a user and a group that has it as a member, which are deleted and
// restored.
type lives struct {
	h             *house
	member, group connectortest.Object
	// linked says that the restores bring the membership back, as a recycle bin does;
	// without one it is lost.
	linked bool
}

func (l *lives) there(anchor string) bool {
	_, ok := l.h.dir.Get(anchor)
	return ok
}

// do deletes (-) or restores (+) the member (m) or the group (g). A member that is
// restored out of scope (~m) comes in afterwards (in).
func (l *lives) do(op string) {
	switch op {
	case "-m":
		l.h.dir.Delete(l.member.Anchor)
	case "-g":
		l.h.dir.Delete(l.group.Anchor)
	case "+m", "~m":
		m := person(l.member.Anchor, "new"+l.member.Anchor, true)
		m.OutOfScope = op == "~m"
		if l.linked && l.there(l.group.Anchor) {
			l.h.dir.Restore(m, l.group.Anchor)
		} else {
			l.h.dir.Restore(m)
		}
	case "in":
		m, _ := l.h.dir.Get(l.member.Anchor)
		m.OutOfScope = false
		l.h.dir.Put(m)
	case "+g":
		g := group(l.group.Anchor, l.group.Anchor)
		if l.linked && l.there(l.member.Anchor) {
			g.Members = []string{l.member.Anchor}
		}
		l.h.dir.Restore(g)
	}
}

// begin puts both into the directory. The member is known to Workspace, or isn't
// because it is out of scope or refused.
func (l *lives) begin(how string) {
	l.member.OutOfScope = how == "out of scope"
	if how == "refused" {
		r := l.h.call("POST", "/scim/v2/Users", l.h.Token, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":%q}`, l.member.Attributes["userName"]))
		if r.Status != 201 {
			l.h.t.Fatalf("%d %s", r.Status, r.Text)
		}
	}
	l.h.dir.Put(l.member)
	l.h.dir.Put(l.group)
}

// TestAMembershipIsThatOfThisLife: a member that the group has, or waits for because
// it isn't in scope or was refused, is deleted and comes back, and so does the group,
// in any order, with a pull after any of the steps. The group has it afterwards if the
// directory says so, and otherwise not.
func TestAMembershipIsThatOfThisLife(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"known", "out of scope", "refused"} {
		for _, linked := range []bool{true, false} {
			for parts := 1; parts <= 2; parts++ {
				t.Run(fmt.Sprintf("%s, linked %v, %d parts", member, linked, parts), func(t *testing.T) {
					t.Parallel()
					h := newHouse(t, apptest.SQLite(t), 5)
					h.parts, h.limits = parts, unlimited()
					everyOrder(h, member, linked)
				})
			}
		}
	}
}

// everyOrder has a member and a group for each order of steps and each choice of
// which pulls come between them, and goes through all at once.
func everyOrder(h *house, member string, linked bool) {
	rounds := make([][]func(), 4)
	for n, order := range []string{"-m +m", "-g -m +m +g", "-g -m +g +m", "-m -g +m +g", "-m -g +g +m", "-g +g -m +m", "-m ~m in", "-g -m ~m +g in"} {
		steps := strings.Fields(order)
		for pulls := range 1 << min(len(steps)-1, 3) {
			name := fmt.Sprintf("%d %s, pulls %03b", n, order, pulls)
			l := &lives{h: h, linked: linked, member: person("m "+name, fmt.Sprintf("m%d-%d", n, pulls), true)}
			l.group = group("g "+name, "g "+name, l.member.Anchor)
			l.begin(member)
			round := 0
			for i, op := range steps {
				rounds[round] = append(rounds[round], func() { l.do(op) })
				if pulls&(1<<i) != 0 {
					round++
				}
			}
		}
	}
	h.pull()
	for _, steps := range rounds {
		for _, step := range steps {
			step()
		}
		h.pull()
	}
	h.pull()
	h.same()
}

// TestAFullPullOfOnePartHidesNoFormerLife: members are deleted and come back without
// their groups, and one of two parts pulls everything in between, which tells of no
// deletion. The groups have none of them afterwards, in whichever part each is.
func TestAFullPullOfOnePartHidesNoFormerLife(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"known", "out of scope", "refused"} {
		for _, steps := range []string{"-m +m", "-m ~m in"} {
			for full := range 2 {
				t.Run(fmt.Sprintf("%s, %s, part %d is full", member, steps, full), func(t *testing.T) {
					t.Parallel()
					h := newHouse(t, apptest.SQLite(t), 5)
					h.parts, h.limits = 2, unlimited()
					fullBetween(h, member, strings.Fields(steps), full)
				})
			}
		}
	}
}

// fullBetween goes through steps with members and groups of both parts: for each
// choice of the steps after which the part pulls everything, four of both.
func fullBetween(h *house, member string, steps []string, full int) {
	all := make([][]*lives, 1<<len(steps))
	for pulls := range all {
		for n := range 4 {
			name := fmt.Sprintf("%d-%d", pulls, n)
			l := &lives{h: h, member: person("m"+name, "m"+name, true)}
			l.group = group("g"+name, "g"+name, l.member.Anchor)
			l.begin(member)
			all[pulls] = append(all[pulls], l)
		}
	}
	h.pull()
	for pulls, some := range all {
		for i, op := range steps {
			for _, l := range some {
				l.do(op)
			}
			if pulls&(1<<i) == 0 {
				continue
			}
			if _, err := h.cycle(context.Background(), full, "a", runner.Options{Resync: true}); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	h.pull()
	h.pull()
	h.same()
}

// TestWhoComesBackWhileItsDeletionIsHeldHasNothingOfBefore: it is restored out of
// scope, so that its deletion is still to be decided about, and comes in again.
func TestWhoComesBackWhileItsDeletionIsHeldHasNothingOfBefore(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 5)
	h.parts, h.limits = 2, unlimited()
	h.limits.Deletes = 0
	l := &lives{h: h, member: person("m", "m", true), group: group("g", "g", "m")}
	l.begin("known")
	for n := range 8 { // of both parts
		h.dir.Put(group(fmt.Sprint("g", n), "g", "m"))
	}
	h.pull()
	for _, op := range []string{"-m", "~m", "in"} {
		l.do(op)
		if r := h.pull(); op != "in" && r.State != "held" {
			t.Fatalf("after %s: %+v, want it held", op, r)
		}
	}
	h.pull()
	h.same()
}

// unlimited are limits that hold nothing.
func unlimited() runner.Limits {
	return runner.Limits{Deletes: 1000, DeletesPercent: 100, Disables: 1000, DisablesPercent: 100, MembershipRemovals: 1000, MembershipRemovalsPercent: 100, PercentFrom: 1000, Emptied: 1000}
}

const managerPath = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

// TestAManagerIsThatOfThisLife, whether the report had it or waited for it.
func TestAManagerIsThatOfThisLife(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"known", "out of scope", "refused"} {
		for pulls := range 4 {
			t.Run(fmt.Sprintf("%s, pulls %02b", member, pulls), func(t *testing.T) {
				t.Parallel()
				h := newHouse(t, apptest.SQLite(t), 5)
				l := &lives{h: h, member: person("boss", "boss", true), group: group("g", "g")}
				l.begin(member)
				for _, name := range []string{"ada", "eve"} {
					report := person(name, name, true)
					report.Attributes[managerPath] = "boss"
					h.dir.Put(report)
				}
				h.pull()
				for i, op := range []string{"-m", "+m"} {
					if l.do(op); pulls&(1<<i) != 0 {
						h.pull()
					}
				}
				// Who is her report in this life is told anew.
				eve, _ := h.dir.Get("eve")
				h.dir.Restore(eve)
				h.pull()
				manager := map[string]bool{}
				list := h.call("GET", "/scim/v2/Users?count=100", h.token, "").Body["Resources"].([]any)
				for _, x := range list {
					o := x.(map[string]any)
					if e, ok := o["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"].(map[string]any); ok && e["manager"] != nil {
						manager[o["externalId"].(string)] = true
					}
				}
				if manager["ada"] || !manager["eve"] {
					t.Errorf("these have a manager: %v, want eve alone", manager)
				}
			})
		}
	}
}

// TestWhoIsRefusedWhenItComesBackGetsNothingOfBefore: it is tried again until it is
// taken, and then its groups don't have it.
func TestWhoIsRefusedWhenItComesBackGetsNothingOfBefore(t *testing.T) {
	t.Parallel()
	for parts := 1; parts <= 2; parts++ {
		t.Run(fmt.Sprint(parts, " parts"), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, apptest.SQLite(t), 5)
			h.parts = parts
			l := &lives{h: h, member: person("m", "m", true), group: group("g", "g", "m")}
			l.begin("refused")
			for n := range 8 {
				h.dir.Put(group(fmt.Sprint("g", n), "g", "m"))
			}
			h.pull()
			h.dir.Delete("m")
			h.dir.Restore(l.member)
			h.pull()
			h.pull()
			for i := range 2 * parts {
				if r := h.pullPart(i % parts); r.Kind != "delta" {
					t.Errorf("part %d pulls everything again and again: %+v", i%parts, r)
				}
			}
			r := h.call("GET", "/scim/v2/Users?filter=userName%20eq%20%22m@contoso.com%22", h.Token, "").Body["Resources"].([]any)[0].(map[string]any)
			if r := h.call("DELETE", "/scim/v2/Users/"+r["id"].(string), h.Token, ""); r.Status != 204 {
				t.Fatal(r.Status)
			}
			h.pull()
			if parts > 1 {
				h.pull() // a part that came before m's part ends what it had waiting now
			}
			h.same()
		})
	}
}

// TestMembershipsOfFormerLivesCountForTheLimits: many who were restored without their
// groups are a removal of members like any other.
func TestMembershipsOfFormerLivesCountForTheLimits(t *testing.T) {
	t.Parallel()
	h := newHouse(t, apptest.SQLite(t), 5)
	h.limits.MembershipRemovals = 3
	var all []string
	for i := range 9 {
		all = append(all, fmt.Sprintf("u%d", i))
		h.dir.Put(person(all[i], all[i], true))
	}
	h.dir.Put(group("g", "g", all...))
	h.pull()
	for _, anchor := range all[:5] {
		o, _ := h.dir.Get(anchor)
		h.dir.Delete(anchor)
		h.dir.Restore(o)
	}
	r := h.pull()
	if r.State != "held" || len(h.view()["g"].Members) != 9 {
		t.Fatalf("%+v, and g has %v", r, h.view()["g"].Members)
	}
	n := h.api("GET", "/runs/"+r.Run, h.AdminToken, "")
	h.api("POST", "/runs/"+r.Run+"/approve", h.AdminToken, fmt.Sprintf(`{"planHash":%q}`, n["planHash"]))
	h.pull()
	h.same()
}

package acceptance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/internal/apptest"
	"github.com/workspace-scim/workspace/store"
)

// overLimit is a staff of which everything that is destroyed waits.
func (n *tenant) overLimit(kind store.SourceKind) *staff {
	n.t.Helper()
	s := n.staff(kind)
	s.limits(object{"deletes": 1})
	s.source.delete("/Users/" + s.users[38]).status(204)
	s.source.delete("/Users/" + s.users[39]).status(204)
	return s
}

// waits gives what waits of a resource, as "operation name members…".
func (s *staff) waits(id string) string {
	s.n.t.Helper()
	var out []string
	for _, x := range s.held() {
		lines, _ := s.plan(x["id"].(string))
		for _, l := range lines {
			if strings.Contains(l, `"id":"`+id+`","at"`) || strings.Contains(l, `"id":"`+id+`","a`) || strings.Contains(l, `"id":"`+id+`","m`) {
				op, _, _ := strings.Cut(strings.TrimPrefix(l, `{"operation":"`), `"`)
				out = append(out, op)
			}
		}
	}
	return strings.Join(out, " ")
}

// A request that undoes what waits takes it from the plan.
func TestWhatTheSourceTakesBackDoesNotWait(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI)
		u, g := s.users[0], s.all
		wait := func(id, want string) {
			t.Helper()
			if got := s.waits(id); got != want {
				t.Errorf("waits %q, want %q", got, want)
			}
		}
		// Disabled, and enabled again: by PATCH, and by PUT.
		s.source.patch("/Users/"+u, op("replace", "active", false)).status(200).is("active", false)
		wait(u, "disable")
		s.source.patch("/Users/"+u, op("replace", "title", "T")).status(200).is("title", "T")
		wait(u, "disable")
		s.source.patch("/Users/"+u, op("replace", "active", true)).status(200).is("active", true)
		wait(u, "")
		s.source.patch("/Users/"+u, op("replace", "active", "False")).status(200)
		s.source.put("/Users/"+u, staffUser(0, "title", "P")).status(200).is("title", "P").is("active", false)
		wait(u, "disable")
		s.source.put("/Users/"+u, staffUser(0, "active", true)).status(200).is("active", true)
		wait(u, "")
		// Renamed, renamed again, and back.
		s.source.patch("/Users/"+u, op("replace", "userName", "x@contoso.com")).status(200).is("userName", "x@contoso.com")
		s.source.patch("/Users/"+u, op("replace", "userName", "y@contoso.com")).status(200).is("userName", "y@contoso.com")
		wait(u, "changeIdentity")
		s.source.patch("/Users/"+u, op("replace", "userName", "u0@contoso.com")).status(200).is("userName", "u0@contoso.com")
		wait(u, "")
		// Left a group, and came back: by PATCH, and by PUT.
		s.source.patch("/Groups/"+g, op("remove", "members", refs(s.users[1], s.users[2], s.users[3]))).status(204)
		wait(g, "removeMembers")
		s.source.patch("/Groups/"+g, op("add", "members", refs(s.users[1], s.users[2]))).status(204)
		wait(g, "removeMembers")
		s.source.put("/Groups/"+g, group("G0", "externalId", "g0", "members", refs(s.users[:staffMembers]...))).status(200)
		wait(g, "")
		if s.members() != staffMembers {
			t.Errorf("%d members", s.members())
		}
		n.admin.get("/Users/"+u).is("active", true).is("userName", "u0@contoso.com")
		// One request may say both.
		s.source.patch("/Users/"+u, op("replace", "active", false), op("replace", "active", true)).status(200)
		s.source.patch("/Groups/"+g, op("remove", "members", refs(s.users[1])), op("add", "members", refs(s.users[1]))).status(204)
		wait(u, "")
		wait(g, "")
	})
}

// A write of a resource whose deletion waits says that the source has it still.
func TestAWriteTakesAHeldDeletionBack(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI)
		for i, write := range []func(id string, i int){
			func(id string, _ int) {
				s.source.patch("/Users/"+id, op("replace", "title", "T")).status(200).is("title", "T")
			},
			func(id string, i int) {
				s.source.put("/Users/"+id, staffUser(i, "title", "T")).status(200).is("title", "T")
			},
			func(id string, i int) {
				s.source.post("/Users", staffUser(i, "title", "T")).status(201).is("id", id).is("title", "T")
			},
			func(id string, i int) { // again under its externalId, by another name: that waits
				s.source.post("/Users", staffUser(i, "userName", "other@contoso.com")).status(201).is("id", id).is("userName", "other@contoso.com")
				n.admin.get("/Users/"+id).is("userName", fmt.Sprintf("u%d@contoso.com", i))
			},
		} {
			id := s.users[i]
			s.source.delete("/Users/" + id).status(204)
			s.source.delete("/Users/" + id).status(204)
			s.source.get("/Users/" + id).status(200) // what is read is what holds
			if got := s.waits(id); got != "delete" {
				t.Errorf("waits %q", got)
			}
			write(id, i)
			if got := s.waits(id); strings.Contains(got, "delete") {
				t.Errorf("after a write waits %q", got)
			}
			n.admin.get("/Users/"+id).is("active", true)
		}
		// A group that is made again has the members that are said then; those that
		// go with it wait.
		s.source.delete("/Groups/" + s.pair).status(204)
		s.source.post("/Groups", group("G1", "externalId", "g1", "members", refs(s.users[0], s.users[7]))).status(201).is("id", s.pair)
		if got := s.waits(s.pair); got != "removeMembers" {
			t.Errorf("the group waits %q", got)
		}
		s.approve()
		if got := n.admin.get("/Groups/" + s.pair).members(); fmt.Sprint(got) != fmt.Sprint([]string{s.users[0], s.users[7]}) {
			t.Errorf("members %v", got)
		}
	})
}

// members gives the ids of a group's members.
func (a *answer) members() []string {
	a.t.Helper()
	var out []string
	all, _ := a.status(200).at("members").(list)
	for _, m := range all {
		out = append(out, m.(object)["value"].(string))
	}
	return out
}

// An Entra externalId is a name: who comes under it may be another person, whom
// nothing makes the one whose deletion waits (law 8). The anchor does.
func TestAHeldDeletionInEntraIsTakenBackByTheAnchor(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceEntra)
		anchored := func(title string) object {
			return user("ana@contoso.com", "externalId", "ana", "title", title, workspaceURN, object{"originAnchor": "a-1"})
		}
		id := s.source.create("/Users", anchored("A"))
		s.source.delete("/Users/" + id).status(204)
		s.source.post("/Users", user("ana@contoso.com", "externalId", "ana")).refused(409, "uniqueness")
		if got := s.waits(id); got != "delete" {
			t.Errorf("waits %q", got)
		}
		s.source.post("/Users", anchored("B")).status(201).is("id", id).is("title", "B")
		if got := s.waits(id); got != "" {
			t.Errorf("waits %q", got)
		}
	})
}

// What was read is what is approved: a plan that has changed since is refused.
func TestAnotherPlanNeedsAnotherApproval(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI)
		s.source.delete("/Users/" + s.users[0]).status(204)
		run := s.onlyHeld()
		lines, hash := s.plan(run)
		if len(lines) != 2 || !strings.Contains(lines[0], `"name":"u39@contoso.com"`) || !strings.Contains(lines[1], `"operation":"delete","kind":"user","name":"u0@contoso.com"`) {
			t.Errorf("plan: %v", lines)
		}
		refused := func(hash string) {
			t.Helper()
			n.api("POST", "/runs/"+run+"/approve", object{"planHash": hash}).status(409).is("code", "confirmationRequired")
		}
		refused("")
		s.source.delete("/Users/" + s.users[1]).status(204)
		refused(hash)
		s.source.patch("/Users/"+s.users[0], op("replace", "title", "T")).status(200)
		s.source.patch("/Users/"+s.users[1], op("replace", "title", "T")).status(200)
		refused(hash)
		if got := s.active(); got != staffUsers-1 {
			t.Errorf("%d are active", got)
		}
		s.source.do("POST", n.house.URL+"/api/v1/runs/"+run+"/approve", object{"planHash": hash}, "Content-Type: application/json").status(403)
		n.api("PATCH", "/runs/"+run, object{"state": "cancelled"}).status(409).is("code", "runState")
		events := n.since(s.approve)
		if len(events) != 1 || events[0].Type != "user.deleted" || events[0].Outcome != "applied" || events[0].Run != run || !strings.HasPrefix(events[0].Actor, "ws_b") {
			t.Errorf("events: %+v", events)
		}
		n.api("POST", "/runs/"+run+"/reject", object{}).status(409).is("code", "runState")

		// One that the source takes back as a whole needs nobody.
		s.source.delete("/Users/" + s.users[2]).status(204)
		next := s.onlyHeld()
		s.source.patch("/Users/"+s.users[2], op("replace", "title", "T")).status(200)
		n.api("GET", "/runs/"+next, nil).status(200).is("state", "cancelled").is("planHash", nil)
	})
}

// What can't be done any more when it is approved stops itself only (law 10, row
// H047).
func TestWhatIsApprovedMayBeRefusedByItself(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI)
		s.source.patch("/Users/"+s.users[0], op("replace", "userName", "taken@contoso.com")).status(200)
		s.source.patch("/Users/"+s.users[1], op("replace", "active", false)).status(200)
		n.admin.create("/Users", user("taken@contoso.com"))
		run := s.onlyHeld()
		s.approve()
		n.admin.get("/Users/"+s.users[0]).is("userName", "u0@contoso.com")
		n.admin.get("/Users/"+s.users[1]).is("active", false)
		n.api("GET", "/runs/"+run, nil).is("counts/failed", 1).is("counts/disabled", 1)
		n.api("GET", "/sources/"+s.id+"/problems", nil).status(200).is("items/0/anchor", s.users[0]).is("items/0/code", "manualAccount").is("items/0/run", run)
	})
}

// A dry run tells what would be held, and changes nothing (law 5).
func TestADryRunTellsWhatWouldBeHeld(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI)
		n.unchanged(t, func() {
			s.source.delete("/Users/"+s.users[0]+"?dryRun=true").status(200).is(dryRunURN+"/events/0/outcome", "held").is(dryRunURN+"/events/0/reason", "overLimit")
		})
		if got := s.waits(s.users[0]); got != "" {
			t.Errorf("waits %q", got)
		}
	})
}

// Two nodes at once destroy no more than one (PostgreSQL), nor do many requests
// of one node.
func TestR15TwoNodesAtOnceAreOnePush(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.tenant(t)
		s := n.staff(store.SourceAPI)
		s.limits(object{"deletes": 7, "deletesPercent": -1, "lostGrants": -1, "lostGrantsPercent": -1})
		bases := []string{h.SCIM, h.SCIM}
		if strings.HasPrefix(h.Database, "postgres") {
			second := apptest.Start(t, apptest.On(h.Database), apptest.Bare())
			bases[1] = second.SCIM
		}
		done := make(chan string, len(s.users))
		for i, id := range s.users {
			go func() {
				c := &client{t, bases[i%2], s.source.token}
				done <- fmt.Sprint(c.delete("/Users/" + id).Status)
			}()
		}
		for range s.users {
			if got := <-done; got != "204" {
				t.Errorf("a DELETE is answered %s", got)
			}
		}
		if got := s.active(); got != staffUsers-7 {
			t.Errorf("%d are active, want %d", got, staffUsers-7)
		}
		if lines, _ := s.plan(s.onlyHeld()); len(lines) != staffUsers-7 {
			t.Errorf("%d lines of the plan", len(lines))
		}
		s.approve()
		if got := s.active(); got != 0 {
			t.Errorf("%d are active", got)
		}
	})
}

// Limits are off if one says so, and stand in the configuration.
func TestLimitsOfASource(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.staff(store.SourceAPI)
		n.api("GET", "/sources/"+s.id, nil).status(200).is("limits/deletes", 500).is("limits/quietMinutes", 5)
		n.api("PATCH", "/sources/"+s.id, object{"configuration": object{"scope": list{"a"}}}).status(200)
		off := object{"deletes": -1, "deletesPercent": -1, "emptied": -1, "lostGrants": -1, "lostGrantsPercent": -1}
		n.api("PATCH", "/sources/"+s.id, object{"limits": off}).status(200).is("limits/deletes", -1).is("limits/disables", 500).
			is("configuration/version", 2).is("configuration/document/scope", list{"a"}).is("configuration/document/limits/emptied", -1)
		for _, bad := range []any{object{"deletes": -2}, object{"deletesPercent": 101}, object{"quietMinutes": 2000}, "off", list{}} {
			n.api("PATCH", "/sources/"+s.id, object{"limits": bad}).status(400).is("code", "invalidValue")
			n.api("PATCH", "/sources/"+s.id, object{"configuration": object{"limits": bad}}).status(400).is("code", "invalidValue")
		}
		n.api("PATCH", "/sources/"+s.id, object{"limits": off, "configuration": object{}}).status(400).is("attribute", "limits")
		for _, id := range s.users {
			s.source.delete("/Users/" + id).status(204)
		}
		if got := s.active(); got != 0 {
			t.Errorf("%d are active", got)
		}
	})
}

// The drill feeds accidents to the guard and changes nothing.
func TestTheDrill(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.staff(store.SourceAPI)
		drill := func() *answer { return n.api("POST", "/sources/"+s.id+"/drill", nil).status(200) }
		n.unchanged(t, func() {
			drill().is("passed", true).is("results/0/scenario", "emptyGroup").is("results/0/objects", 30).is("results/0/held", 30).
				is("results/1/scenario", "emptyDirectory").is("results/1/objects", 42).is("results/1/through", 17).is("results/1/held", 25).
				is("results/2/scenario", "massDisable").is("results/2/objects", 40).is("results/2/through", 19).is("results/2/held", 21)
		})
		// What the source is pushing at the moment doesn't count.
		s.source.patch("/Users/"+s.users[39], op("replace", "active", false)).status(200)
		drill().is("results/2/objects", 39).is("results/2/through", 19)
		s.source.patch("/Users/"+s.users[39], op("replace", "active", true)).status(200)
		s.limits(object{"disables": -1, "disablesPercent": -1, "emptied": -1})
		n.unchanged(t, func() {
			drill().is("passed", false).is("results/2/passed", false).is("results/2/through", 40).is("results/2/held", 0)
		})
		if held := s.held(); len(held) != 0 {
			t.Errorf("the drill left %v", held)
		}
		s.source.do("POST", n.house.URL+"/api/v1/sources/"+s.id+"/drill", nil).status(403)
		n.api("POST", "/sources/"+nobody+"/drill", nil).status(404)
	})
}

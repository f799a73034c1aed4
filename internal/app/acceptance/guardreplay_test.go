package acceptance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/workspace-scim/workspace/store"
)

// What waits and is asked for again waits once: the plan stays what was read, and
// the log says so.
func TestAReplayOfWhatWaitsChangesNothing(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI)
		requests := func() {
			s.source.delete("/Users/" + s.users[0]).status(204)
			s.source.patch("/Users/"+s.users[1], op("replace", "active", false)).status(200).is("active", false)
			s.source.put("/Users/"+s.users[2], staffUser(2, "userName", "other@contoso.com", "active", true)).status(200).is("userName", "other@contoso.com")
			s.source.patch("/Groups/"+s.all, op("remove", "members", refs(s.users[3], s.users[4]))).status(204)
			s.source.patch("/Groups/"+s.pair, op("replace", "members", refs(s.users[5]))).status(204)
			s.source.put("/Groups/"+s.pair, group("G1", "externalId", "g1", "members", refs(s.users[5]))).status(200)
		}
		requests()
		run := s.onlyHeld()
		lines, hash := s.plan(run)
		counts := n.api("GET", "/runs/"+run, nil).at("counts")
		var events []string
		for range 2 {
			for _, e := range n.since(requests) {
				events = append(events, e.Outcome+" "+e.Detail)
			}
		}
		for _, e := range events {
			if e != "held It waits already." {
				t.Errorf("an event of a replay: %q", e)
			}
		}
		again, other := s.plan(run)
		if hash != other || len(events) != 12 || fmt.Sprint(again) != fmt.Sprint(lines) {
			t.Errorf("%d events; the plan was %v %s and is %v %s", len(events), lines, hash, again, other)
		}
		n.api("GET", "/runs/"+run, nil).is("counts", counts)
		s.approve()
		n.unchanged(t, func() {
			s.source.delete("/Users/" + s.users[0]).status(404)
			s.source.patch("/Users/"+s.users[1], op("replace", "active", false)).status(200)
			s.source.patch("/Groups/"+s.all, op("remove", "members", refs(s.users[3], s.users[4]))).status(204)
			s.source.patch("/Groups/"+s.pair, op("replace", "members", refs(s.users[5]))).status(204)
		})
		if held := s.held(); len(held) != 0 {
			t.Errorf("held: %v", held)
		}
	})
}

// A preview of an approval says what it would come to, and decides nothing.
func TestAnApprovalHasADryRun(t *testing.T) {
	eachTenant(t, func(t *testing.T, n *tenant) {
		s := n.overLimit(store.SourceAPI)
		run := s.onlyHeld()
		_, hash := s.plan(run)
		for _, c := range []struct {
			path, state string
			body        object
		}{{"approve", "approved", object{"planHash": hash}}, {"reject", "rejected", object{}}} {
			n.unchanged(t, func() {
				n.api("POST", "/runs/"+run+"/"+c.path+"?dryRun=true", c.body).status(200).is("state", c.state)
			})
			n.api("GET", "/runs/"+run, nil).status(200).is("state", "held").is("planHash", hash)
		}
		n.api("POST", "/runs/"+run+"/approve?dryRun=true", object{"planHash": strings.Repeat("0", 64)}).status(409).is("code", "confirmationRequired")
		s.approve()
	})
}

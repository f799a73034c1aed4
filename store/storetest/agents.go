package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/workspace-scim/workspace/store"
)

func problemChecks() []check {
	return []check{
		{"a problem is counted up and keeps when it was first seen", problemCounted},
		{"problems are paged in the order of anchor and code", problemsPaged},
		{"problems of some objects are found by their anchors", problemsFound},
		{"clearing an object's problems leaves the others", problemsCleared},
	}
}

func (w *world) newProblem(source int64, anchor, code string) store.Problem {
	return store.Problem{
		Tenant: w.tenant, Source: source, Anchor: anchor, Code: code, Kind: "user", Display: "Zoë", Detail: "No name.", Retry: "waiting",
		Run: uuid.NewString(), FirstAt: at(1), LastAt: at(1), Count: 1,
	}
}

func (w *world) problems(source int64, anchor, code string, limit int) []store.Problem {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Problem, error) { return r.Problems(source, anchor, code, limit) })
}

func problemsFound(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	for _, p := range []store.Problem{
		w.newProblem(w.ad, "b", "x"), w.newProblem(w.ad, "a", "y"), w.newProblem(w.ad, "a", "x"), w.newProblem(w.ad, "c", "x"), w.newProblem(w.hr, "a", "z"),
	} {
		w.update(func(tx store.Tx) error { return tx.PutProblem(p) })
	}
	of := func(anchors ...string) (found []string) {
		for _, p := range read(w, func(r store.Reader) ([]store.Problem, error) { return r.ProblemsOf(w.ad, anchors) }) {
			found = append(found, p.Anchor+p.Code)
		}
		return found
	}
	equal(w, "of two objects", of("b", "a", "a"), []string{"ax", "ay", "bx"})
	equal(w, "of an object without any", of("A", "\x00", "d"), nil)
	equal(w, "of no object", of(), nil)
}

func problemCounted(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	p := w.newProblem(w.ad, "a", "nameRequired")
	w.update(func(tx store.Tx) error { return tx.PutProblem(p) })
	equal(w, "problems", w.problems(w.ad, "", "", 9), []store.Problem{p})
	again := w.newProblem(w.ad, "a", "nameRequired")
	again.Kind, again.Display, again.Detail, again.Retry, again.FirstAt, again.LastAt = "group", "Z", "Still none.", "givenUp", at(9), at(9)
	w.update(func(tx store.Tx) error { return tx.PutProblem(again) })
	again.FirstAt, again.Count = at(1), 2
	equal(w, "problems", w.problems(w.ad, "", "", 9), []store.Problem{again})
	equal(w, "another source's problems", w.problems(w.hr, "", "", 9), nil)
}

func problemsPaged(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var want []store.Problem
	for _, k := range [][2]string{{"B", "x"}, {"a", "A"}, {"a", "b"}, {"é", "a"}} {
		want = append(want, w.newProblem(w.ad, k[0], k[1]))
	}
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.PutProblem(want[3]), tx.PutProblem(want[1]), tx.PutProblem(want[0]), tx.PutProblem(want[2]))
	})
	equal(w, "all", w.problems(w.ad, "", "", 9), want)
	equal(w, "two", w.problems(w.ad, "", "", 2), want[:2])
	equal(w, "the rest", w.problems(w.ad, "a", "A", 9), want[2:])
	equal(w, "behind the last", w.problems(w.ad, "é", "a", 9), nil)
}

func problemsCleared(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	kept, foreign := w.newProblem(w.ad, "b", "x"), w.newProblem(w.hr, "a", "x")
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.PutProblem(w.newProblem(w.ad, "a", "x")), tx.PutProblem(w.newProblem(w.ad, "a", "y")), tx.PutProblem(kept), tx.PutProblem(foreign))
	})
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.ClearProblems(w.ad, "a"), tx.ClearProblems(w.ad, "none"))
	})
	equal(w, "problems", w.problems(w.ad, "", "", 9), []store.Problem{kept})
	equal(w, "another source's problems", w.problems(w.hr, "", "", 9), []store.Problem{foreign})
}

func agentChecks() []check {
	return []check{
		{"an agent reads back whole and is updated", agentReadsBack},
		{"agents are listed by tenant and source", agentsListed},
		{"agents that work are counted, and old revoked ones forgotten", agentsCounted},
		{"commands come behind a number, for all or for one agent", commandsRead},
		{"old commands go", commandsTrimmed},
		{"of many that spend a token one does", tokenSpent},
	}
}

func (w *world) newAgent(source int64) store.Agent {
	return store.Agent{Tenant: w.tenant, Source: source, PublicID: uuid.NewString(), Name: "dc1", EnrolledAt: at(1)}
}

func agentReadsBack(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	a := w.newAgent(w.ad)
	w.update(func(tx store.Tx) error { return tx.InsertAgent(a) })
	get := func(tenant int64) (store.Agent, error) {
		return tryRead(w, func(r store.Reader) (store.Agent, error) { return r.Agent(tenant, a.PublicID) })
	}
	got, err := get(w.tenant)
	w.is(err, nil)
	equal(w, "agent", got, a)
	_, err = get(other.tenant)
	w.is(err, store.ErrNotFound)
	a.RevokedAt, a.SeenAt, a.Acknowledged = at(3), at(4), 5
	a.AgentReport = store.AgentReport{Version: "1.2.3", OS: "windows", State: "idle", Hash: make([]byte, 32), StartedAt: at(2), CoLocated: true}
	w.update(func(tx store.Tx) error {
		changed := a
		changed.Source, changed.Name, changed.EnrolledAt = w.hr, "x", at(9)
		return tx.UpdateAgent(changed)
	})
	got, err = get(w.tenant)
	w.is(err, nil)
	equal(w, "agent", got, a)
}

func agentsListed(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	a, b := w.newAgent(w.ad), w.newAgent(w.hr)
	if a.PublicID > b.PublicID {
		a.PublicID, b.PublicID = b.PublicID, a.PublicID
	}
	w.update(func(tx store.Tx) error {
		return errors.Join(tx.InsertAgent(b), tx.InsertAgent(a), tx.InsertAgent(other.newAgent(other.ad)))
	})
	list := func(source int64) []store.Agent {
		return read(w, func(r store.Reader) ([]store.Agent, error) { return r.Agents(w.tenant, source) })
	}
	equal(w, "agents", list(0), []store.Agent{a, b})
	equal(w, "agents of a source", list(w.hr), []store.Agent{b})
}

// agentsCounted: those that work are counted, and of those that are revoked the
// old ones are forgotten.
func agentsCounted(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	var all []store.Agent
	for i := range 6 {
		a := w.newAgent(w.ad)
		a.SeenAt, a.State = at(10), "idle"
		switch i {
		case 1:
			a.SeenAt = at(5)
		case 2:
			a.State = "paused"
		case 3:
			a.RevokedAt = at(8)
		case 4:
			a.RevokedAt = at(9)
		case 5:
			a.Source = w.hr
		}
		all = append(all, a)
	}
	w.update(func(tx store.Tx) error {
		for _, a := range append(all, other.newAgent(other.ad)) {
			if err := tx.InsertAgent(a); err != nil {
				return err
			}
		}
		return tx.DeleteRevokedAgents(at(9))
	})
	n := read(w, func(r store.Reader) (int, error) { return r.WorkingAgents(w.tenant, w.ad, at(5)) })
	equal(w, "working agents", n, 1)
	left := read(w, func(r store.Reader) ([]store.Agent, error) { return r.Agents(w.tenant, 0) })
	equal(w, "agents that are left", len(left), 5)
	for _, a := range left {
		if a.PublicID == all[3].PublicID {
			t.Error("an agent that was revoked long ago is there still")
		}
	}
}

// command adds a command for an agent, "" for all.
func (w *world) command(source int64, agent string, keep int) store.Command {
	w.Helper()
	c := store.Command{Tenant: w.tenant, Source: source, Agent: agent, Name: "restart", By: "anna", CreatedAt: at(1)}
	w.update(func(tx store.Tx) error { return tx.InsertCommand(&c, keep) })
	return c
}

func (w *world) commands(agent string, after int64, limit int) []store.Command {
	w.Helper()
	return read(w, func(r store.Reader) ([]store.Command, error) { return r.Commands(w.ad, agent, after, limit) })
}

func commandsRead(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	all, one := w.command(w.ad, "", 9), w.command(w.ad, "a1", 9)
	w.command(w.hr, "", 9)
	equal(w, "of a1", w.commands("a1", 0, 9), []store.Command{all, one})
	equal(w, "of a2", w.commands("a2", 0, 9), []store.Command{all})
	equal(w, "the first", w.commands("a1", 0, 1), []store.Command{all})
	equal(w, "the rest", w.commands("a1", all.ID, 9), []store.Command{one})
}

func commandsTrimmed(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	var last []store.Command
	for range 5 {
		last = append(last, w.command(w.ad, "", 3))
	}
	equal(w, "commands", w.commands("a1", 0, 9), last[2:])
}

func tokenSpent(t *testing.T, s store.Store) {
	w, other := newWorld(t, s), newWorld(t, s)
	token := newToken(w, w.ad, store.TokenCode)
	w.update(func(tx store.Tx) error { return tx.CreateToken(&token) })
	foreign := s.Update(t.Context(), func(tx store.Tx) error { return tx.SpendToken(other.tenant, token.ID, at(1)) })
	w.is(foreign, store.ErrNotFound)
	errs := together(6, func(i int) error {
		return s.Update(t.Context(), func(tx store.Tx) error { return tx.SpendToken(w.tenant, token.ID, at(i)) })
	})
	var spent time.Time
	for i, err := range errs {
		switch {
		case err == nil && !spent.IsZero():
			t.Error("two spent one token")
		case err == nil:
			spent = at(i)
		default:
			w.is(err, store.ErrNotFound)
		}
	}
	all := read(w, func(r store.Reader) ([]store.Token, error) { return r.Tokens(w.tenant) })
	if !all[0].RevokedAt.Equal(spent) {
		t.Errorf("spent at %v, want %v", all[0].RevokedAt, spent)
	}
}

func pendingChecks() []check {
	return []check{
		{"what is pending is replaced, paged and forgotten by key", pendingKept},
	}
}

func pendingKept(t *testing.T, s store.Store) {
	w := newWorld(t, s)
	pending := func(source int64, key string, n byte) store.Pending {
		p := store.Pending{Tenant: w.tenant, Source: source, Key: key, Changes: fmt.Appendf(nil, `[{"n":"é%d"}]`, n), Hash: []byte{n}, At: at(int(n))}
		w.update(func(tx store.Tx) error { return tx.PutPending(p) })
		return p
	}
	pending(w.ad, "a", 1)
	c, b, a := pending(w.ad, "c", 2), pending(w.ad, "B", 3), pending(w.ad, "a", 4)
	foreign := pending(w.hr, "a", 5)
	list := func(source int64, after string, limit int) []store.Pending {
		return read(w, func(r store.Reader) ([]store.Pending, error) { return r.Pending(source, after, limit) })
	}
	equal(w, "pending", list(w.ad, "", 9), []store.Pending{b, a, c})
	equal(w, "the first", list(w.ad, "", 1), []store.Pending{b})
	equal(w, "the rest", list(w.ad, "B", 9), []store.Pending{a, c})
	hashes := read(w, func(r store.Reader) ([]byte, error) {
		var all []byte
		err := r.PendingHashes(w.ad, func(h []byte) error { all = append(all, h...); return nil })
		return all, err
	})
	equal(w, "hashes", hashes, []byte{3, 4, 2})
	w.update(func(tx store.Tx) error { return tx.DeletePending(w.ad, "a") })
	equal(w, "pending", list(w.ad, "", 9), []store.Pending{b, c})
	w.update(func(tx store.Tx) error { return tx.DeletePending(w.ad, "") })
	equal(w, "pending", list(w.ad, "", 9), nil)
	equal(w, "another source's", list(w.hr, "", 9), []store.Pending{foreign})
}

package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// nodes runs two servers on one PostgreSQL (RELIABILITY R10): what is unique is
// unique across both, each resource has one history, what one learns the other
// knows at once, and one may die.
func nodes(t *trial) error {
	a, err := t.open()
	if err != nil {
		return err
	}
	other := *a
	b := &other
	if err := b.start(); err != nil {
		return err
	}
	for round := range t.rounds {
		for _, step := range []func(int, *site) error{a.uniqueNames, a.oneHistory, a.revocation, a.customAttribute, a.oneDies} {
			if err := step(round, b); err != nil {
				return err
			}
		}
		if t.faulty() {
			break
		}
	}
	if _, err := b.server.stop(); err != nil {
		return err
	}
	return a.close()
}

// uniqueNames has both nodes make the same user at once, in several spellings.
func (s *site) uniqueNames(round int, other *site) error {
	n := s.t.size(20, 500)
	for i := range n {
		name := fmt.Sprintf("unique-%d-%d@harness.example", round, i)
		var made, refused atomic.Int64
		err := together(func(w int) error {
			c, spelling := s.client, name
			if w%2 == 1 {
				c = other.client
			}
			if w%4 > 1 {
				spelling = strings.ToUpper(name)
			}
			a, err := c.send(s.t.ctx, http.MethodPost, "/Users", object{"schemas": []string{userURN}, "userName": spelling})
			switch {
			case err != nil:
				return err
			case a.status == http.StatusCreated:
				made.Add(1)
			case a.status == http.StatusConflict:
				refused.Add(1)
			default:
				return fmt.Errorf("POST /Users: %d %s", a.status, a.body)
			}
			return nil
		})
		if err != nil {
			return err
		}
		ids, err := other.client.find(s.t.ctx, "Users", fmt.Sprintf("userName eq %q", name))
		if err != nil {
			return err
		}
		if made.Load() != 1 || refused.Load() != writers-1 || len(ids) != 1 {
			s.t.fault("%s: made %d times, refused %d times, there %d times", name, made.Load(), refused.Load(), len(ids))
		}
		if err := s.remove(ids); err != nil {
			return err
		}
	}
	s.t.say("            %d names, each asked for %d times at once on two nodes: one got it", n, writers)
	return nil
}

// remove deletes users that the ledger doesn't know.
func (s *site) remove(ids []string) error {
	for _, id := range ids {
		if a, err := s.client.send(s.t.ctx, http.MethodDelete, "/Users/"+id, nil); err != nil || !a.ok() {
			return fmt.Errorf("DELETE /Users/%s: %d %s (%w)", id, a.status, a.body, err)
		}
	}
	return nil
}

// revocation ends a token that both nodes have just used.
func (s *site) revocation(round int, other *site) error {
	n := s.t.size(3, 50)
	for i := range n {
		name := fmt.Sprintf("revoked-%d-%d", round, i)
		token, err := s.command("source", "add", "--tenant", tenant, "--kind", "api", "--name", name, "--token")
		if err != nil {
			return err
		}
		status := func(s *site) int {
			a, err := newClient(s.server.url, token).send(s.t.ctx, http.MethodGet, "/Users?count=0", nil)
			if err != nil {
				s.t.fault("asking with a token: %v", err)
			}
			return a.status
		}
		if one, two := status(s), status(other); one != http.StatusOK || two != http.StatusOK {
			s.t.fault("a new token: %d and %d", one, two)
		}
		if _, err := s.command("token", "revoke", "--tenant", tenant, token[:8]); err != nil {
			return err
		}
		if one, two := status(s), status(other); one != http.StatusUnauthorized || two != http.StatusUnauthorized {
			s.t.fault("right after the token was revoked: %d and %d, want 401", one, two)
		}
	}
	s.t.say("            %d tokens revoked: refused by both nodes at once", n)
	return nil
}

// customAttribute uses an attribute on one node that nobody declared, and then
// on the other.
func (s *site) customAttribute(round int, other *site) error {
	from, to := s, other
	n := s.t.size(4, 20)
	for i := range n {
		urn := fmt.Sprintf("urn:ietf:params:scim:schemas:extension:Harness%dx%d:2.0:User", round, i)
		id, err := from.client.create(s.t.ctx, "/Users", object{
			"schemas": []string{userURN, urn}, "userName": fmt.Sprintf("custom-%d-%d", round, i), urn: object{"tag": "green"},
		})
		if err != nil {
			return err
		}
		ids, err := to.client.find(s.t.ctx, "Users", urn+`:tag eq "green"`)
		if err != nil || len(ids) != 1 || ids[0] != id {
			s.t.fault("the other node found %q by a new attribute, want %s (%v)", ids, id, err)
		}
		if _, err := to.client.patch(s, "/Users/"+id, object{"op": "replace", "path": urn + ":tag", "value": "blue"}); err != nil {
			s.t.fault("the other node can't change a new attribute: %v", err)
		}
		var res map[string]any
		if err := from.client.get(s.t.ctx, "/Users/"+id, &res); err != nil {
			return err
		}
		if ext, _ := res[urn].(object); ext["tag"] != "blue" {
			s.t.fault("the new attribute is %v, the other node made it blue", res[urn])
		}
		if err := to.client.get(s.t.ctx, "/Schemas/"+urn, new(object)); err != nil {
			s.t.fault("the other node doesn't announce the new schema: %v", err)
		}
		if err := s.remove([]string{id}); err != nil {
			return err
		}
		from, to = to, from
	}
	s.t.say("            %d custom attributes used on one node: known to the other at once", n)
	return nil
}

// oneDies stops one of the two nodes for a while under load, and kills it in the
// end; both look afterwards.
func (s *site) oneDies(round int, other *site) error {
	if err := s.forgetEvents(); err != nil {
		return err
	}
	load := s.startLoad(fmt.Sprintf("nodes-%d", round), s.client, other.client)
	if err := load.warm(); err != nil {
		return err
	}
	if err := other.server.freeze(time.Second); err != nil {
		return err
	}
	other.server.kill()
	before := load.acknowledged()
	err := s.t.until(20*time.Second, "a write on the node that is left", func() bool { return load.acknowledged() > before })
	load.end()
	if err != nil {
		return err
	}
	if err := other.start(); err != nil {
		return err
	}
	if _, err := other.look(now); err != nil {
		return err
	}
	if _, err := s.check(); err != nil {
		return err
	}
	s.t.say("            one node stopped, then killed: %d acknowledged by both, all there", load.acknowledged())
	return nil
}

// forgetEvents passes over the events so far: most are of what the ledger
// doesn't know.
func (s *site) forgetEvents() error {
	s.ledger.writes = nil
	events, err := s.events(s.seq)
	if len(events) > 0 {
		s.seq = events[len(events)-1].Seq
	}
	return err
}

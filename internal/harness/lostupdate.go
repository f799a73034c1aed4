package main

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
)

// lostUpdate has many writers change one user and one group at once (RELIABILITY
// R9). Without If-Match each changes a part of its own, and every part is there
// in the end; with it they count one number up together, and none is counted
// twice.
func lostUpdate(t *trial) error {
	s, err := t.open()
	if err != nil {
		return err
	}
	for round := range t.rounds {
		for _, contest := range []func(int) error{s.ownParts, s.ownMembers, s.countTogether} {
			if err := contest(round); err != nil {
				return err
			}
		}
		if t.faulty() {
			break
		}
	}
	return s.close()
}

// together runs fn for each writer and gives the first error.
func together(fn func(w int) error) error {
	var all sync.WaitGroup
	errs := make(chan error, writers)
	for w := range writers {
		all.Go(func() { errs <- fn(w) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// patch sends operations that must succeed.
func (c *client) patch(s *site, path string, ops ...object) (answer, error) {
	a, err := c.send(s.t.ctx, http.MethodPatch, path, object{"schemas": []string{patchURN}, "Operations": ops})
	if err == nil && !a.ok() {
		err = fmt.Errorf("PATCH %s: %d %s", path, a.status, a.body)
	}
	return a, err
}

func (s *site) person(name string) (path string, err error) {
	id, err := s.client.create(s.t.ctx, "/Users", object{"schemas": []string{userURN}, "userName": name, "externalId": name, "title": "0"})
	return "/Users/" + id, err
}

// ownParts: each writer sets an attribute of its own on one user, and reads what
// it set right away.
func (s *site) ownParts(round int) error {
	path, err := s.person(fmt.Sprintf("parts-%d", round))
	if err != nil {
		return err
	}
	var versions versions
	n := s.t.size(20, 2000)
	err = together(func(w int) error {
		attr := fmt.Sprintf("%s:extensionAttribute%d", workspaceURN, w+1)
		for i := range n {
			value := strconv.Itoa(i + 1)
			a, err := s.client.patch(s, path, object{"op": "replace", "path": attr, "value": value})
			if err != nil {
				return err
			}
			versions.add(s.t, a)
			if got, err := s.part(path, w); err != nil || got != value {
				s.t.fault("writer %d set %s and reads %s right after (%v)", w, value, got, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for w := range writers {
		if got, err := s.part(path, w); err != nil || got != strconv.Itoa(n) {
			s.t.fault("the part of writer %d is %s, its last acknowledged was %d (%v)", w, got, n, err)
		}
	}
	s.t.say("            %d PATCHes of one user by %d writers: all parts there, %d versions", writers*n, writers, len(versions.seen))
	return nil
}

// part reads the attribute of one writer.
func (s *site) part(path string, w int) (string, error) {
	var res map[string]any
	if err := s.client.get(s.t.ctx, path, &res); err != nil {
		return "", err
	}
	ext, _ := res[workspaceURN].(object)
	v, _ := ext[fmt.Sprintf("extensionAttribute%d", w+1)].(string)
	return v, nil
}

// ownMembers: each writer adds members of its own to one group, and removes
// every other one.
func (s *site) ownMembers(round int) error {
	id, err := s.client.create(s.t.ctx, "/Groups", object{"schemas": []string{groupURN}, "displayName": fmt.Sprintf("members-%d", round)})
	if err != nil {
		return err
	}
	path, n := "/Groups/"+id, s.t.size(10, 1000)
	want, mu := map[string]bool{}, sync.Mutex{}
	err = together(func(w int) error {
		for i := range n {
			user, err := s.person(fmt.Sprintf("member-%d-%d-%d", round, w, i))
			if err != nil {
				return err
			}
			member := []object{{"value": user[len("/Users/"):]}}
			if _, err := s.client.patch(s, path, object{"op": "add", "path": "members", "value": member}); err != nil {
				return err
			}
			if i%2 == 1 {
				if _, err := s.client.patch(s, path, object{"op": "remove", "path": "members", "value": member}); err != nil {
					return err
				}
				continue
			}
			mu.Lock()
			want[user[len("/Users/"):]] = true
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return err
	}
	var g resource
	if err := s.client.get(s.t.ctx, path, &g); err != nil {
		return err
	}
	for _, m := range g.Members {
		if !want[m.Value] {
			s.t.fault("%s is a member and was removed", m.Value)
		}
		delete(want, m.Value)
	}
	for id := range want {
		s.t.fault("%s is no member, though adding it was acknowledged", id)
	}
	s.t.say("            %d members added to one group by %d writers, half of them removed: as told", writers*n, writers)
	return nil
}

// countTogether: all count the title of one user up, each time on condition of
// the version that they read. Whoever isn't first hears 412.
func (s *site) countTogether(round int) error {
	path, err := s.person(fmt.Sprintf("count-%d", round))
	if err != nil {
		return err
	}
	var versions versions
	var won, late [writers]int
	n := s.t.size(8, 500)
	err = together(func(w int) error {
		for won[w] < n {
			var u resource
			if err := s.client.get(s.t.ctx, path, &u); err != nil {
				return err
			}
			value, err := strconv.Atoi(u.Title)
			if err != nil {
				return err
			}
			a, err := s.client.send(s.t.ctx, http.MethodPatch, path, object{"schemas": []string{patchURN}, "Operations": []object{
				{"op": "replace", "path": "title", "value": strconv.Itoa(value + 1)},
			}}, "If-Match", u.Meta.Version)
			switch {
			case err != nil:
				return err
			case a.status == http.StatusPreconditionFailed:
				late[w]++
			case a.ok():
				versions.add(s.t, a)
				won[w]++
			default:
				return fmt.Errorf("PATCH %s: %d %s", path, a.status, a.body)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var u resource
	if err := s.client.get(s.t.ctx, path, &u); err != nil {
		return err
	}
	if u.Title != strconv.Itoa(writers*n) {
		s.t.fault("counted %d up with If-Match, and it is %s", writers*n, u.Title)
	}
	lost := 0
	for _, l := range late {
		lost += l
	}
	if lost == 0 {
		s.t.fault("%d writers at once, and nobody heard 412", writers)
	}
	s.t.say("            counted to %s with If-Match by %d writers; %d times 412", u.Title, writers, lost)
	return nil
}

// versions are the ETags that acknowledged changes of one resource came with:
// each must be its own.
type versions struct {
	mu   sync.Mutex
	seen map[string]bool
}

func (v *versions) add(t *trial, a answer) {
	tag := a.header.Get("ETag")
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seen == nil {
		v.seen = map[string]bool{}
	}
	if tag == "" || v.seen[tag] {
		t.fault("two acknowledged changes have the version %q", tag)
	}
	v.seen[tag] = true
}

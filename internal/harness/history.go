package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// operation is one read or write of a resource, as its client saw it.
type operation struct {
	write      bool
	begin, end time.Time
	version    int
	value      string
}

// oneHistory reads and writes one user on both nodes at once, and checks that
// all of it has one order that fits what each client saw: versions are the
// order, each has one value, and whoever begins after another has ended sees
// that one's version or a later one (linearizability).
func (s *site) oneHistory(round int, other *site) error {
	path, err := s.person(fmt.Sprintf("history-%d", round))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var history []operation
	n := s.t.size(25, 1000)
	err = together(func(w int) error {
		c := []*client{s.client, other.client}[w%2]
		for i := range n {
			op := operation{write: w%4 < 2, value: fmt.Sprintf("%d-%d", w, i), begin: time.Now()}
			a, err := c.send(s.t.ctx, http.MethodGet, path, nil)
			if op.write {
				op.begin = time.Now()
				a, err = c.patch(s, path, object{"op": "replace", "path": "title", "value": op.value})
			}
			if err != nil {
				return err
			}
			op.end = time.Now()
			var u resource
			if err := a.decode(&u); err != nil {
				return err
			}
			if op.write && u.Title != op.value {
				s.t.fault("wrote %s, and the answer says %s", op.value, u.Title)
			}
			op.value = u.Title
			if _, err := fmt.Sscanf(u.Meta.Version, `W/"%d"`, &op.version); err != nil {
				return fmt.Errorf("version %q: %w", u.Meta.Version, err)
			}
			mu.Lock()
			history = append(history, op)
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := linear(history); err != nil {
		s.t.fault("user %s: %v", path, err)
	}
	s.t.say("            %d reads and writes of one user on two nodes: one history", len(history))
	return s.remove([]string{path[len("/Users/"):]})
}

// linear checks a history of one resource.
func linear(history []operation) error {
	values, writes := map[int]string{}, map[int]bool{}
	for _, op := range history {
		if v, known := values[op.version]; known && v != op.value {
			return fmt.Errorf("version %d was seen as %q and as %q", op.version, v, op.value)
		}
		values[op.version] = op.value
		if op.write && writes[op.version] {
			return fmt.Errorf("version %d was written twice", op.version)
		}
		writes[op.version] = writes[op.version] || op.write
	}
	byEnd := slices.SortedFunc(slices.Values(history), func(a, b operation) int { return a.end.Compare(b.end) })
	byBegin := slices.SortedFunc(slices.Values(history), func(a, b operation) int { return a.begin.Compare(b.begin) })
	newest, ended := 0, 0
	for _, op := range byBegin {
		for ; ended < len(byEnd) && byEnd[ended].end.Before(op.begin); ended++ {
			newest = max(newest, byEnd[ended].version)
		}
		if op.version < newest || op.write && op.version == newest {
			return fmt.Errorf("an operation (write: %t) that began after version %d was known has version %d", op.write, newest, op.version)
		}
	}
	return nil
}

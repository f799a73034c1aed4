package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// look compares what the server has with what the ledger says.
type look struct {
	*site
	seq     int64 // of the last event that was looked at
	mark    int   // what must be there was acknowledged up to here
	users   map[string]*resource
	groups  map[string]*resource
	byKey   map[string]*resource
	seen    map[*fact]int
	applied map[*write]bool // the writes without an answer that were carried out

	unanswered int // of applied: no answer came at all
	uncertain  int // of applied: the answer says that it can't say
}

// check looks at everything after the load has ended: each fact has the value
// that was acknowledged last or one sent after it, nothing is torn, doubled or
// invented, the indexes agree with the documents, memberships agree both ways,
// and the log has one event for each thing that happened. What was seen is what
// the ledger goes on with. Whatever is wrong is recorded as a fault.
func (s *site) check() (*look, error) {
	l, err := s.judge()
	if err != nil {
		return nil, err
	}
	l.settle()
	s.seq = l.seq
	return l, nil
}

// judge is check without going on.
func (s *site) judge() (*look, error) {
	l, err := s.look(now)
	if err != nil {
		return nil, err
	}
	l.judgeWrites()
	if err := l.judgeEvents(); err != nil {
		return nil, err
	}
	return l, l.judgeLookups()
}

// look reads the server and judges the facts.
func (s *site) look(mark int) (*look, error) {
	l := &look{site: s, seq: s.seq, mark: mark, byKey: map[string]*resource{}, seen: map[*fact]int{}, applied: map[*write]bool{}}
	var err error
	if l.users, err = s.client.all(s.t.ctx, "Users", false); err != nil {
		return nil, err
	}
	if l.groups, err = s.client.all(s.t.ctx, "Groups", true); err != nil {
		return nil, err
	}
	// The resolved view counts and lists by other rows.
	if _, err := s.admin.all(s.t.ctx, "Users", true); err != nil {
		return nil, err
	}
	for _, of := range []map[string]*resource{l.users, l.groups} {
		for _, r := range of {
			key, _ := r.state()
			if l.byKey[key] != nil {
				s.t.fault("%s exists twice: %s and %s", key, r.ID, l.byKey[key].ID)
			}
			l.byKey[key] = r
		}
	}
	known := map[string]bool{}
	for _, r := range slices.Concat(s.ledger.users, s.ledger.groups) {
		l.judgeRecord(r)
		known[r.key] = true
	}
	for key, r := range l.byKey {
		if !known[key] {
			s.t.fault("%s %q: nobody made it", r.ID, key)
		}
	}
	l.judgeMembers()
	return l, nil
}

func (l *look) judgeRecord(r *record) {
	res, n := l.byKey[r.key], 0
	if res != nil {
		_, n = res.state()
		if want := r.attributes(n); !maps.Equal(want, res.attributes()) {
			l.t.fault("%s is torn: has %v, state %d is %v", r.key, res.attributes(), n, want)
		}
		if r.id == "" {
			r.id = res.ID
		}
		if r.id != res.ID {
			l.t.fault("%s has the id %s, which was %s", r.key, res.ID, r.id)
		}
	}
	l.judgeFact(r.state, n, r.key)
}

// judgeFact compares one fact.
func (l *look) judgeFact(f *fact, v int, name string) {
	l.seen[f] = v
	if allowed := f.allowed(l.mark); !slices.Contains(allowed, v) {
		l.t.fault("%s: is %d, must be one of %d (all ever: %d)", name, v, allowed, f.values)
	}
}

// judgeMembers compares the memberships, and both sides of each.
func (l *look) judgeMembers() {
	type pair struct{ group, user string }
	there, told := map[pair]bool{}, map[pair]bool{}
	for _, g := range l.groups {
		for _, m := range g.Members {
			if there[pair{g.ID, m.Value}] {
				l.t.fault("group %s has the member %s twice", g.ID, m.Value)
			}
			there[pair{g.ID, m.Value}] = true
		}
	}
	for _, u := range l.users {
		for _, g := range u.Groups {
			told[pair{g.Value, u.ID}] = true
		}
	}
	for p := range there {
		if !told[p] {
			l.t.fault("group %s has the member %s, who doesn't have the group", p.group, p.user)
		}
	}
	for p := range told {
		if !there[p] {
			l.t.fault("user %s has the group %s, which doesn't have the member", p.user, p.group)
		}
	}
	for _, r := range l.ledger.users {
		for g, f := range r.members {
			p, v := pair{g.id, r.id}, 0
			if there[p] && p.user != "" && p.group != "" {
				v = 1
			}
			delete(there, p)
			l.judgeFact(f, v, "membership of "+r.key+" in "+g.key)
		}
	}
	for p := range there {
		l.t.fault("membership of %s in %s: nobody made it", p.user, p.group)
	}
}

// judgeWrites finds out what became of the writes without an answer: all of
// each, or none.
func (l *look) judgeWrites() {
	for _, w := range l.ledger.writes {
		if w.ack != 0 {
			continue
		}
		done := 0
		for _, c := range w.changes {
			if l.seen[c.fact] == c.to {
				done++
			}
		}
		if done != 0 && done != len(w.changes) {
			l.t.fault("%s %s is torn: %d of its %d changes were made", w.what, w.txn, done, len(w.changes))
		}
		if done == 0 {
			continue
		}
		l.applied[w] = true
		switch {
		case w.said == "":
			l.unanswered++
		case strings.Contains(w.said, "Nothing was changed"):
			l.t.fault("%s %s was carried out, and answered: %s", w.what, w.txn, w.said)
		default:
			l.uncertain++
		}
	}
}

// judgeLookups asks the indexes for the values that records have, and for those
// that they had.
func (l *look) judgeLookups() error {
	const most = 150
	n := 0
	for _, r := range slices.Concat(l.ledger.users, l.ledger.groups) {
		if !r.touched || n == most {
			continue
		}
		n++
		for _, v := range r.state.values {
			if v == 0 {
				continue
			}
			if err := l.judgeLookup(r, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *look) judgeLookup(r *record, v int) error {
	want := ""
	if l.seen[r.state] == v {
		want = r.id
	}
	a := r.attributes(v)
	filters := []string{fmt.Sprintf(`externalId eq %q`, a["externalId"])}
	if r.kind == "Users" {
		filters = append(filters, fmt.Sprintf(`userName eq %q`, a["userName"]), fmt.Sprintf(`emails[type eq "work"].value eq %q`, a["mail"]))
	} else {
		filters = append(filters, fmt.Sprintf(`displayName eq %q`, a["displayName"]))
	}
	for _, f := range filters {
		ids, err := l.client.find(l.t.ctx, r.kind, f)
		if err != nil {
			return err
		}
		if got := strings.Join(ids, " "); got != want {
			l.t.fault("%s: the look-up %s found %q, want %q", r.key, f, got, want)
		}
	}
	return nil
}

// settle makes what was seen the new beginning.
func (l *look) settle() {
	for f, v := range l.seen {
		f.settle(v)
	}
	gone := func(r *record) bool { return r.state.last() == 0 }
	for _, r := range l.ledger.users {
		maps.DeleteFunc(r.members, func(_ *record, f *fact) bool { return f.last() == 0 })
	}
	l.ledger.users, l.ledger.groups = slices.DeleteFunc(l.ledger.users, gone), slices.DeleteFunc(l.ledger.groups, gone)
	for _, r := range slices.Concat(l.ledger.users, l.ledger.groups) {
		r.touched, r.lost = false, false
	}
	l.ledger.writes = nil
}

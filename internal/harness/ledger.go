package main

import (
	"fmt"
	"math"
	"slices"
	"sync"
)

// now is a mark behind everything that was acknowledged so far and will be.
const now = math.MaxInt

// fact is one thing that one writer changes: the state of a user or a group (0
// is absent, then 1, 2, 3…), or a membership (0 or 1). It is what its last
// acknowledged value says or any later one.
type fact struct {
	values []int
	acks   []int // when each value was acknowledged; 0 if it was not
}

func newFact() *fact { return &fact{values: []int{0}, acks: []int{1}} }

// last is the newest value, acknowledged or not.
func (f *fact) last() int { return f.values[len(f.values)-1] }

// allowed are the values that may be seen by who knows what was acknowledged up
// to a mark.
func (f *fact) allowed(mark int) []int {
	for i := len(f.values) - 1; i > 0; i-- {
		if f.acks[i] != 0 && f.acks[i] <= mark {
			return f.values[i:]
		}
	}
	return f.values
}

// settle makes the value that was seen the only one.
func (f *fact) settle(v int) { f.values, f.acks = []int{v}, []int{1} }

// record is a user or a group with the facts about it.
type record struct {
	kind    string // Users or Groups
	key     string // part of all its values; unique
	id      string // "" until known
	writer  int    // who changes it
	state   *fact
	members map[*record]*fact // of a user: its membership of each group
	touched bool              // since the last look
	lost    bool              // the outcome of a write is unknown: hands off
}

// in says whether the user is a member of the group, as far as its writer knows.
func (r *record) in(group *record) bool {
	return r.members[group] != nil && r.members[group].last() == 1
}

// member is the fact of a membership.
func (r *record) member(group *record) *fact {
	if r.members[group] == nil {
		r.members[group] = newFact()
	}
	return r.members[group]
}

// change is what a write does to one fact.
type change struct {
	about *record
	fact  *fact
	to    int
}

func becomes(r *record, to int) change { return change{r, r.state, to} }
func joins(r, group *record) change    { return change{r, r.member(group), 1} }
func leaves(r, group *record) change   { return change{r, r.member(group), 0} }

// event is an entry of the log that a write must leave, once.
type event struct {
	typ     string
	subject *record
}

// write is one write request, or one operation of a bulk request: all of its
// changes come true or none.
type write struct {
	txn     string // its request id
	what    string
	changes []change
	events  []event

	ack  int    // when it was acknowledged; 0 if it was not
	said string // the answer that was no acknowledgement; "" if none came
}

// ledger remembers what was sent and what was acknowledged. It is safe for
// concurrent use by writers, each with facts of its own.
type ledger struct {
	mu     sync.Mutex
	clock  int // counts acknowledgements
	users  []*record
	groups []*record
	writes []*write // since the last look, but for refused ones
}

func newLedger() *ledger { return &ledger{clock: 1} }

// mark is the present moment.
func (l *ledger) mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock
}

// add begins a record that doesn't exist yet.
func (l *ledger) add(kind, key string, writer int) *record {
	r := &record{kind: kind, key: key, writer: writer, state: newFact()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if kind == "Users" {
		r.members = map[*record]*fact{}
		l.users = append(l.users, r)
	} else {
		l.groups = append(l.groups, r)
	}
	return r
}

// begin notes a write that is about to be sent.
func (l *ledger) begin(w *write) *write {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range w.changes {
		c.fact.values, c.fact.acks = append(c.fact.values, c.to), append(c.fact.acks, 0)
		c.about.touched = true
	}
	l.writes = append(l.writes, w)
	return w
}

// acknowledge notes that a write was answered with success; id is that of the
// resource, "" if it is known.
func (l *ledger) acknowledge(w *write, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock++
	w.ack = l.clock
	for _, c := range w.changes {
		c.fact.acks[len(c.fact.acks)-1] = l.clock
	}
	if id != "" {
		w.changes[0].about.id = id
	}
}

// refuse notes that a write was refused: it never was.
func (l *ledger) refuse(w *write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range w.changes {
		n := len(c.fact.values) - 1
		c.fact.values, c.fact.acks = c.fact.values[:n], c.fact.acks[:n]
	}
	l.writes = slices.DeleteFunc(l.writes, func(o *write) bool { return o == w })
}

// lose notes that nobody knows what became of a write. Its records are left
// alone until the next look, and so are the writer's own groups that a user may
// be in: changing them would change the user's memberships too.
func (l *ledger) lose(w *write, said []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.said = string(said)
	for _, c := range w.changes {
		c.about.lost = true
		for g := range c.about.members {
			g.lost = g.lost || g.writer == c.about.writer
		}
	}
}

// Attribute values: each is made from the record's key and its state, so that a
// value of another state, or of another record, is recognised.

func (r *record) attributes(n int) map[string]string {
	of := func(format string) string { return fmt.Sprintf(format, r.key, n) }
	if r.kind == "Groups" {
		return map[string]string{"displayName": of("%s state %d"), "externalId": of("ext-%s-%d")}
	}
	return map[string]string{
		"userName": of("%s.%d@harness.example"), "externalId": of("ext-%s-%d"), "displayName": of("%s state %d"),
		"title": of("title %s %d"), "mail": of("mail.%s.%d@harness.example"), "department": of("department %s %d"),
	}
}

// body is the whole resource in a state.
func (r *record) body(n int, members []object) object {
	a := r.attributes(n)
	if r.kind == "Groups" {
		return object{"schemas": []string{groupURN}, "displayName": a["displayName"], "externalId": a["externalId"], "members": members}
	}
	return object{
		"schemas": []string{userURN, enterpriseURN}, "userName": a["userName"], "externalId": a["externalId"],
		"displayName": a["displayName"], "title": a["title"], "active": true,
		"emails":      []object{{"type": "work", "primary": true, "value": a["mail"]}},
		enterpriseURN: object{"department": a["department"]},
	}
}

// patch is the PATCH that brings the resource into a state.
func (r *record) patch(n int, more ...object) object {
	a := r.attributes(n)
	ops := []object{
		{"op": "replace", "path": "externalId", "value": a["externalId"]},
		{"op": "replace", "path": "displayName", "value": a["displayName"]},
	}
	if r.kind == "Users" {
		ops = append(ops, object{"op": "replace", "value": object{"userName": a["userName"], "title": a["title"]}},
			object{"op": "replace", "path": `emails[type eq "work"].value`, "value": a["mail"]},
			object{"op": "replace", "path": enterpriseURN + ":department", "value": a["department"]})
	}
	return object{"schemas": []string{patchURN}, "Operations": append(ops, more...)}
}

// Package connectortest has what tests of connectors and of the runner need: a
// directory in memory that is a [connectors.Source], and faults on the way to
// the server.
package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/workspace-scim/workspace/connectors"
)

// Object is an object of the directory.
type Object struct {
	Kind       connectors.Kind
	Anchor     string
	Attributes map[string]any
	Members    []string // anchors; of a group
	OutOfScope bool
}

// entry is one change in the directory's log.
type entry struct {
	anchor         string
	kind           connectors.Kind
	attributes     []string
	added, removed []string
	restored       bool // it was deleted before
}

// Directory is a directory with a log of its changes, as a domain controller
// has it. Its methods are safe for concurrent use.
type Directory struct {
	mu      sync.Mutex
	random  *rand.Rand
	objects map[string]*Object
	log     []entry
	// failAt makes the pull fail before this many more calls of the sink; -1
	// for never.
	failAt int
}

// NewDirectory makes an empty one whose way of telling (how large the pages
// are, whether a change is whole) comes from the seed.
func NewDirectory(seed uint64) *Directory {
	return &Directory{random: rand.New(rand.NewPCG(seed, 1)), objects: map[string]*Object{}, failAt: -1}
}

// Put adds an object or changes it to what is given; its log says what differs.
// An object that comes into scope, or back, is told again by the groups that it
// is in: the server forgot its memberships with it.
func (d *Directory) Put(o Object) {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.objects[o.Anchor]
	o.Attributes, o.Members = maps.Clone(o.Attributes), slices.Clone(o.Members)
	d.objects[o.Anchor] = &o
	e := entry{anchor: o.Anchor, kind: o.Kind}
	if was == nil {
		was = &Object{OutOfScope: true}
	}
	for name, v := range o.Attributes {
		if !equal(v, was.Attributes[name]) {
			e.attributes = append(e.attributes, name)
		}
	}
	for name := range was.Attributes {
		if _, ok := o.Attributes[name]; !ok {
			e.attributes = append(e.attributes, name)
		}
	}
	for _, m := range o.Members {
		if !slices.Contains(was.Members, m) {
			e.added = append(e.added, m)
		}
	}
	for _, m := range was.Members {
		if !slices.Contains(o.Members, m) {
			e.removed = append(e.removed, m)
		}
	}
	d.log = append(d.log, e)
	if was.OutOfScope && !o.OutOfScope {
		d.rejoin(o.Anchor)
	}
}

// rejoin notes in the log that an object is a member of the groups that have it.
func (d *Directory) rejoin(member string) {
	for _, anchor := range slices.Sorted(maps.Keys(d.objects)) {
		if g := d.objects[anchor]; slices.Contains(g.Members, member) {
			d.log = append(d.log, entry{anchor: anchor, kind: g.Kind, added: []string{member}})
		}
	}
}

// Restore brings back an object that was deleted, as a member of these groups and
// of no others. It is told as deleted and then as it is.
func (d *Directory) Restore(o Object, groups ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o.Attributes, o.Members = maps.Clone(o.Attributes), slices.Clone(o.Members)
	d.objects[o.Anchor] = &o
	for _, anchor := range groups {
		g := d.objects[anchor]
		g.Members = append(g.Members, o.Anchor)
	}
	d.log = append(d.log, entry{anchor: o.Anchor, kind: o.Kind, restored: true})
	if !o.OutOfScope {
		d.rejoin(o.Anchor)
	}
}

func equal(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// Delete removes an object, and its memberships, as a domain controller does:
// the groups' log doesn't tell of it.
func (d *Directory) Delete(anchor string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.objects[anchor]
	if o == nil {
		return
	}
	delete(d.objects, anchor)
	for _, g := range d.objects {
		g.Members = slices.DeleteFunc(g.Members, func(m string) bool { return m == anchor })
	}
	d.log = append(d.log, entry{anchor: anchor, kind: o.Kind})
}

// Get gives a copy of an object; false if there is none.
func (d *Directory) Get(anchor string) (Object, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.objects[anchor]
	if o == nil {
		return Object{}, false
	}
	out := *o
	out.Attributes, out.Members = maps.Clone(o.Attributes), slices.Clone(o.Members)
	return out, true
}

// Anchors gives the anchors of all objects, in order.
func (d *Directory) Anchors() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.objects))
}

// FailAfter makes the next pull fail before its n-th call of the sink.
func (d *Directory) FailAfter(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failAt = n
}

// ErrFailed is what a pull returns that was told to fail.
var ErrFailed = errors.New("the directory doesn't answer")

// position is a checkpoint: behind Log entries and, in a full read, behind an
// anchor.
type position struct {
	Log   int
	Full  bool   `json:",omitempty"`
	After string `json:",omitempty"`
}

// Pull implements connectors.Source.
func (d *Directory) Pull(ctx context.Context, after []byte, to connectors.Sink) error {
	d.mu.Lock()
	p, begin := position{Full: true}, connectors.Pull{Full: true, Reason: "initial", Absence: true}
	if after != nil {
		p = position{}
		if err := json.Unmarshal(after, &p); err != nil {
			d.mu.Unlock()
			return err
		}
		begin = connectors.Pull{Full: p.Full}
		if p.Full {
			begin.Reason = "continued"
		}
	} else {
		p.Log = len(d.log)
	}
	fail := d.failAt
	d.failAt = -1
	d.mu.Unlock()
	tell := func(call func() error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if fail == 0 {
			return ErrFailed
		}
		fail--
		return call()
	}
	if err := tell(func() error { return to.Begin(begin) }); err != nil {
		return err
	}
	if p.Full {
		return d.pullAll(p, to, tell)
	}
	return d.pullLog(p, to, tell)
}

func (d *Directory) pullAll(p position, to connectors.Sink, tell func(func() error) error) error {
	for {
		d.mu.Lock()
		var page []connectors.Change
		size := 1 + d.random.IntN(20)
		for _, anchor := range slices.Sorted(maps.Keys(d.objects)) {
			if anchor <= p.After || len(page) == size {
				continue
			}
			p.After = anchor
			page = append(page, d.whole(anchor))
		}
		d.mu.Unlock()
		if len(page) == 0 {
			return checkpoint(position{Log: p.Log}, to, tell)
		}
		for _, c := range page {
			if err := tell(func() error { return to.Change(c) }); err != nil {
				return err
			}
		}
		if err := checkpoint(p, to, tell); err != nil {
			return err
		}
	}
}

func checkpoint(p position, to connectors.Sink, tell func(func() error) error) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tell(func() error { return to.Checkpoint(b) })
}

func (d *Directory) pullLog(p position, to connectors.Sink, tell func(func() error) error) error {
	for {
		d.mu.Lock()
		var page []connectors.Change
		for n := 1 + d.random.IntN(8); n > 0 && p.Log < len(d.log); n-- {
			e := d.log[p.Log]
			if e.restored {
				page = append(page, connectors.Change{Kind: e.kind, Anchor: e.anchor, Presence: connectors.Deleted})
			}
			page = append(page, d.change(e))
			p.Log++
		}
		d.mu.Unlock()
		for _, c := range page {
			if err := tell(func() error { return to.Change(c) }); err != nil {
				return err
			}
		}
		if err := checkpoint(p, to, tell); err != nil || len(page) == 0 {
			return err
		}
	}
}

// whole tells an object as it is now.
func (d *Directory) whole(anchor string) connectors.Change {
	o := d.objects[anchor]
	switch {
	case o == nil:
		return connectors.Change{Anchor: anchor, Presence: connectors.Deleted}
	case o.OutOfScope:
		return connectors.Change{Kind: o.Kind, Anchor: anchor, Presence: connectors.OutOfScope}
	}
	return connectors.Change{
		Kind: o.Kind, Anchor: anchor, Name: fmt.Sprint(o.Attributes["displayName"]), Presence: connectors.Present, Whole: true,
		Attributes: maps.Clone(o.Attributes), AllMembers: o.Kind == connectors.Group, Members: slices.Clone(o.Members),
	}
}

// change tells an entry of the log, whole or in part.
func (d *Directory) change(e entry) connectors.Change {
	c := d.whole(e.anchor)
	if c.Presence != connectors.Present || e.restored || d.random.IntN(4) == 0 {
		return c
	}
	all := c.Attributes
	c.Whole, c.AllMembers, c.Members, c.Attributes = false, false, nil, map[string]any{}
	for _, name := range e.attributes {
		c.Attributes[name] = all[name] // nil clears
	}
	c.Added, c.Removed = slices.Clone(e.added), slices.Clone(e.removed)
	c.Read = func(context.Context) (connectors.Change, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.whole(e.anchor), nil
	}
	return c
}
